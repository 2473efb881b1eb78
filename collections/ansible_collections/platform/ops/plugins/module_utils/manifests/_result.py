# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said about one item afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason

# Decisions of the policy, not faults: the task goes on.
_POLICY = frozenset(
    (
        *(Reason.BUMPED, Reason.SUFFICIENT, Reason.CAPPED, Reason.COOLDOWN, Reason.BUDGET, Reason.HANDED_OVER),
        *(Reason.QOS_CHANGE, Reason.SHARED_ANCHOR, Reason.NO_RESOURCES),
    )
)


@dataclass(frozen=True, slots=True)
class Changed:
    """A number on its way from the base to the new one."""

    file: str
    line: int
    yaml_path: str
    container: str
    resource: str
    field: str
    before: str | None
    after: str
    layout: str


@dataclass(frozen=True, slots=True)
class Result:
    label: Any
    target: Mapping[str, str | None]
    changed: bool
    reason: Reason
    message: str
    changes: tuple[Changed, ...] = ()
    files: tuple[str, ...] = ()
    arithmetic: tuple[Mapping[str, str | None], ...] = ()
    affects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    replicas: int = 1
    worktree: str | None = None

    @property
    def failed(self) -> bool:
        return self.reason not in _POLICY

    def as_dict(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "target": dict(self.target),
            "changed": self.changed,
            "failed": self.failed,
            "reason": self.reason.value,
            "message": self.message,
            "changes": [asdict(one) for one in self.changes],
            "arithmetic": [dict(one) for one in self.arithmetic],
            "affects": list(self.affects),
            "notes": list(self.notes),
            "replicas": self.replicas,
            "worktree": self.worktree,
            "files": list(self.files),
        }
