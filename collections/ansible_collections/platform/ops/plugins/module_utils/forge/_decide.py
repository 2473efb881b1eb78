# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do for one workload, given what its git host knows. Pure.

The order of the questions matters: what people did comes before what we want, and what is open already comes before
any limit on opening more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ansible_collections.platform.ops.plugins.module_utils.forge._retire import is_retired
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

HOUR = timedelta(hours=1)


class Action(StrEnum):
    """Also the `state` of a result (`created`, `updated`, … once done)."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    DECLINED = "declined"
    LIMITED = "limited"
    FOREIGN = "foreign"
    OBSOLETE = "obsolete"


@dataclass(frozen=True, slots=True)
class Policy:
    """How many pull requests, when, and how long a no holds. None: no such limit."""

    declined_for: timedelta = timedelta(days=14)
    open_max: int | None = None
    per_hour: int | None = None
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of one workload's branch and pull requests.

    Attributes:
        pull_requests: those of its branch, newest first.
        branch_exists: on the host.
        foreign: the branch has commits that are not ours and that no pull request keeps.
        wanted: there is a change to bring in.
        on_branch: the branch has that change already.
        obsolete: the base branch has everything that the branch has.
        described: title, body and labels of the open pull request are as they shall be.
    """

    pull_requests: Sequence[PullRequest] = ()
    branch_exists: bool = False
    foreign: bool = False
    wanted: bool = False
    on_branch: bool = False
    obsolete: bool = False
    described: bool = True

    @property
    def open(self) -> PullRequest | None:
        return next((one for one in self.pull_requests if one.state == "open"), None)


@dataclass(frozen=True, slots=True)
class Tally:
    """What counts against the limits, from the host's own list."""

    open: int = 0
    last_hour: int = 0

    @classmethod
    def of(cls, pull_requests: Sequence[PullRequest], now: datetime) -> Tally:
        return cls(
            open=sum(one.state == "open" for one in pull_requests),
            last_hour=sum(one.created_at > now - HOUR for one in pull_requests),
        )

    def plus_one(self) -> Tally:
        return replace(self, open=self.open + 1, last_hour=self.last_hour + 1)


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: str
    message: str
    pull_request: PullRequest | None = None
    until: datetime | None = None  # when asking again may give another answer


def decide(situation: Situation, policy: Policy, tally: Tally, now: datetime) -> Decision:
    current = situation.open
    if current is not None:
        return _decide_open(situation, current)
    if not situation.wanted:
        return Decision(
            Action.UNCHANGED, "nothing_to_change", "The checkout has no change, so there is nothing to propose."
        )
    if no := refusal_by_people(situation.pull_requests, policy.declined_for, now):
        return no
    if situation.foreign:
        return Decision(
            Action.FOREIGN,
            "foreign_branch",
            "A branch of this name holds commits that are not ours and there is no pull request for it. "
            "Nothing was pushed; delete or rename the branch to let a pull request be opened.",
        )
    if limit := _limit(policy, tally, now):
        return limit
    return Decision(Action.CREATE, "wanted", "There is no pull request for this workload yet.")


def refusal_by_people(pull_requests: Sequence[PullRequest], declined_for: timedelta, now: datetime) -> Decision | None:
    """Return the decision to stay away if the newest pull request was closed without a merge not long ago."""
    closed = [one for one in pull_requests if one.state != "open" and not is_retired(one)]
    last = max(closed, key=lambda one: (one.closed_at or one.updated_at, one.number), default=None)
    if last is None or last.state != "closed":
        return None
    until = (last.closed_at or last.updated_at) + declined_for
    if now >= until:
        return None
    return Decision(
        Action.DECLINED,
        "closed_unmerged",
        f"Pull request {last.number} was closed without a merge. "
        f"That is taken as a no until {until:%Y-%m-%d %H:%M %Z}; open it again to change that.",
        last,
        until,
    )


def _decide_open(situation: Situation, current: PullRequest) -> Decision:
    number = f"Pull request {current.number}"
    if situation.foreign:
        return Decision(
            Action.FOREIGN,
            "foreign_commits",
            f"{number} has commits that are not ours, so it is not ours to change. "
            "Nothing was pushed; a comment says what we wanted.",
            current,
        )
    if situation.wanted and not situation.on_branch:
        return Decision(Action.UPDATE, "new_change", f"{number} gets the new numbers.", current)
    if situation.obsolete:
        return Decision(
            Action.OBSOLETE, "base_has_it", f"The base branch has all that {number} proposes; it is closed.", current
        )
    if not situation.described:
        return Decision(Action.UPDATE, "description", f"{number} gets its title, body and labels put right.", current)
    return Decision(Action.UNCHANGED, "already_proposed", f"{number} proposes this already.", current)


def _limit(policy: Policy, tally: Tally, now: datetime) -> Decision | None:
    if closed := policy.schedule.refusal(now):
        return Decision(Action.LIMITED, "schedule", f"No pull request is opened now: {closed}. A later run does it.")
    if policy.open_max is not None and tally.open >= policy.open_max:
        return Decision(
            Action.LIMITED,
            "open_max",
            f"{tally.open} pull requests are open and {policy.open_max} are allowed. "
            "Merge or close some, or raise the limit.",
        )
    if policy.per_hour is not None and tally.last_hour >= policy.per_hour:
        return Decision(
            Action.LIMITED,
            "per_hour",
            f"{tally.last_hour} pull requests were opened in the last hour and {policy.per_hour} are allowed. "
            "A later run does it.",
        )
    return None
