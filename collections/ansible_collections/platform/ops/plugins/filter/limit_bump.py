# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which role limit_bump leads remediations from module to module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump import _follow
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._report import report

Data = Mapping[str, Any]


def decision_report(state_dir: str, days: int) -> str:
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    return report(DecisionLog(state_dir).read(since), since, until)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "follow_decisions": _follow.follow_decisions,
            "verdict_decisions": _follow.verdict_decisions,
            "decision_report": decision_report,
            "unverified": _follow.unverified,
            "pull_request_table": _follow.pull_request_table,
        }
