# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide from the statuses of a commit, and from what its base branch asks for, whether it may be merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ansible_collections.platform.ops.plugins.module_utils.forge._types import Check, Checks, CheckState


def judge(runs: Iterable[tuple[str, CheckState]], required: Sequence[str] | None, *, patterns: bool = False) -> Checks:
    """Sums up the runs.

    Args:
        runs: name and state; of several with one name the last counts.
        required: names the base branch asks for; None when the host does not tell, () when there are none.
        patterns: the required names are globs (Gitea), not names.
    """

    def wanted(name: str) -> bool | None:
        if required is None:
            return None
        return any(fnmatchcase(name, want) if patterns else name == want for want in required)

    checks = tuple(Check(name, state, wanted(name)) for name, state in dict(runs).items())
    missing = tuple(
        want
        for want in required or ()
        if not any(fnmatchcase(check.name, want) if patterns else check.name == want for check in checks)
    )
    deciding = [check.state for check in checks if check.required or not required]
    return Checks(state=_worst(deciding, missing), runs=checks, missing=missing)


def worst_of_each(runs: Iterable[tuple[str, CheckState]]) -> list[tuple[str, CheckState]]:
    """One run per name, for a host where each of several with one name has to pass."""
    states: dict[str, list[CheckState]] = {}
    for name, state in runs:
        states.setdefault(name, []).append(state)
    return [(name, _worst(each, ())) for name, each in states.items()]


def _worst(states: Sequence[CheckState], missing: Sequence[str]) -> CheckState:
    if "failure" in states:
        return "failure"
    return "pending" if missing or "pending" in states else "success"
