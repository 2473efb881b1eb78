# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which role limit_bump leads remediations from module to module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump import _follow
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, assign
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._report import report

Data = Mapping[str, Any]


def assign_remediations(remediations: Sequence[Data], **config: Any) -> dict[str, Any]:
    try:
        return assign(remediations, Config(**config))
    except OpsError as error:
        raise AnsibleFilterError(error.message) from error


def conflicting_items(results: Sequence[Data], **config: Any) -> list[dict[str, Any]]:
    return _follow.conflicting_items(results, Config(**config))


def decision_report(state_dir: str, days: int) -> str:
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    return report(DecisionLog(state_dir).read(since), since, until)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "assign_remediations": assign_remediations,
            "follow_decisions": _follow.follow_decisions,
            "conflicting_items": conflicting_items,
            "decision_report": decision_report,
            "unverified": _follow.unverified,
            "pull_request_table": _follow.pull_request_table,
        }
