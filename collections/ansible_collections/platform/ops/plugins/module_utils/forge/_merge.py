# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a pull request of ours may be merged now, and by whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Checks, MergeMethod, PullRequest
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

MergeBy = Literal["people", "host", "us"]
MERGERS: tuple[MergeBy, ...] = ("people", "host", "us")


class Verdict(StrEnum):
    MERGE = "merge"  # do it now
    HAND_OVER = "hand_over"  # tell the host to merge it when its conditions are met
    WAIT = "wait"  # nothing stands against it but time
    BLOCKED = "blocked"  # something has to be put right first
    PEOPLE = "people"  # not ours to merge


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """Who merges, and what has to hold.

    Attributes:
        by: people; the host (its auto-merge); or us, on a run after its checks are green.
        largest_factor: a number raised by more than this is left to people. None: any step.
        after: how long a pull request stays open for people to object.
        require_checks: there has to be at least one check, and not merely none that failed.
    """

    by: MergeBy = "people"
    method: MergeMethod = "merge"
    largest_factor: Fraction | None = None
    after: timedelta = timedelta(0)
    require_checks: bool = False
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True, slots=True)
class MergeDecision:
    verdict: Verdict
    reason: str
    message: str


def may_merge(
    pull_request: PullRequest, block: Mapping[str, Any] | None, policy: MergePolicy, now: datetime, *, foreign: bool
) -> MergeDecision | None:
    """Return why we stay out of it or wait; None when only its checks are left to look at."""
    theirs = (
        (policy.by == "people", "people", "The merge policy leaves merging to people."),
        (foreign, "foreign_commits", "It has commits that are not ours; people merge it."),
        (pull_request.draft, "draft", "It is a draft; people take it from there."),
    )
    for holds, reason, message in theirs:
        if holds:
            return MergeDecision(Verdict.PEOPLE, reason, message)
    if large := _too_large(block, policy.largest_factor):
        return MergeDecision(Verdict.PEOPLE, "large_step", large)
    if now < pull_request.created_at + policy.after:
        until = pull_request.created_at + policy.after
        return MergeDecision(Verdict.WAIT, "after", f"People may object until {until:%Y-%m-%d %H:%M %Z}.")
    if closed := policy.schedule.refusal(now):
        return MergeDecision(Verdict.WAIT, "schedule", f"It is not merged now: {closed}.")
    return None


def decide_merge(pull_request: PullRequest, checks: Checks, policy: MergePolicy) -> MergeDecision:
    """Decide for one that `may_merge` has nothing against."""
    if checks.state == "failure":
        failed = ", ".join(run.name for run in checks.runs if run.state == "failure" and run.required is not False)
        return MergeDecision(Verdict.BLOCKED, "checks_failed", f"Checks failed: {failed or 'unnamed'}. Look at them.")
    if pull_request.mergeable is False:
        return MergeDecision(Verdict.BLOCKED, "conflict", "It conflicts with the base branch; it is made anew.")
    if policy.require_checks and not checks.runs and not checks.missing:
        return MergeDecision(Verdict.WAIT, "no_checks", "The policy asks for a check and none has reported yet.")
    if policy.by == "host":
        return MergeDecision(Verdict.HAND_OVER, "host", "The host merges it when its conditions are met.")
    if checks.state == "pending":
        waiting = [*checks.missing, *(run.name for run in checks.runs if run.state == "pending")]
        return MergeDecision(Verdict.WAIT, "checks_pending", f"Waiting for checks: {', '.join(waiting) or 'unnamed'}.")
    return MergeDecision(Verdict.MERGE, "ready", "All that the merge policy asks for holds.")


def _too_large(block: Mapping[str, Any] | None, largest: Fraction | None) -> str | None:
    if largest is None:
        return None
    if block is None:
        return "Its body does not say any more by how much numbers are raised; people merge it."
    try:
        return _larger_than(block, largest)
    except InputError:
        return "Its body holds numbers that are no quantities; people merge it."


def _larger_than(block: Mapping[str, Any], largest: Fraction) -> str | None:
    for change in block["changes"]:
        what = f"{change['field']}.{change['resource']} of {change.get('container') or 'the pod'}"
        if change.get("before") is None:
            return f"{what} is set for the first time, which has no factor to compare; people merge it."
        before, after = (Quantity.parse(change[name]).value for name in ("before", "after"))
        if before <= 0 or after > largest * before:
            times = f"more than {float(largest):g} times"
            return f"{what} goes from {change['before']} to {change['after']}, {times}; people merge it."
    return None
