# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which role limit_bump leads remediations from module to module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump import _follow
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import api_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._secret import token_of
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._report import report

Data = Mapping[str, Any]


def decision_report(state_dir: str, days: int) -> str:
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    return report(DecisionLog(state_dir).read(since), since, until)


def as_allowed(found: Sequence[Data], allowed: Sequence[Data]) -> list[dict[str, Any]]:
    """Found repositories with the settings of the pattern that allows each."""
    return [
        {
            **{key: value for key, value in allowed[one["allowed"]].items() if key != "match"},
            **{key: one[key] for key in ("name", "url")},
        }
        for one in found
    ]


def git_token(repository: Data, cluster_access: Data) -> str | None:
    """Its own, or the one in its Secret; read when a task needs it and kept nowhere."""
    if secret := repository.get("secret"):
        return token_of(api_of({"cluster_access": cluster_access}), secret)
    token: str | None = repository.get("token")
    return token


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "follow_decisions": _follow.follow_decisions,
            "verdict_decisions": _follow.verdict_decisions,
            "as_allowed": as_allowed,
            "decision_report": decision_report,
            "git_token": git_token,
            "unverified": _follow.unverified,
            "pull_request_table": _follow.pull_request_table,
        }
