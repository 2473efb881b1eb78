# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be published, the items on their way, and what is said about each afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._branches import Branches
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote
from ansible_collections.platform.ops.plugins.module_utils.forge._commit import Change
from ansible_collections.platform.ops.plugins.module_utils.forge._decide import Action, Decision, Policy
from ansible_collections.platform.ops.plugins.module_utils.forge._key import Subject
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import MergePolicy
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Signing, Stamp
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

ROUNDS = 3  # how often a push that lost a race is tried; then a later run does it
DONE = {Action.CREATE: "created", Action.UPDATE: "updated"}


@dataclass(frozen=True, slots=True)
class Item:
    """One workload with a change in a folder.

    Attributes:
        start: the commit that the folder started from.
        files: what to commit; None for all that differs.
        changes: the numbers, for the trailers.
        body: None leaves the description of an open pull request alone.
    """

    label: Any
    subject: Subject
    folder: Path
    start: str
    title: str
    message: str
    body: str | None = None
    files: tuple[str, ...] | None = None
    changes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    remote: Remote
    stamp: Stamp
    signing: Signing | None = None
    policy: Policy = field(default_factory=Policy)
    merge: MergePolicy = field(default_factory=MergePolicy)
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    team_reviewers: tuple[str, ...] = ()
    draft: bool = False


@dataclass(slots=True)
class Work:
    """An item on its way."""

    item: Item
    branch: str
    change: Change | None = None
    draft: str | None = None  # the change as a commit on top of `start`
    commit: str | None = None  # what the branch shall point to; None: stays where it is
    decision: Decision | None = None
    result: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        return self.item.subject.key


@dataclass(frozen=True, slots=True)
class View:
    """What the host and git show in one round."""

    pull_requests: Sequence[PullRequest]
    known: Branches

    def of(self, branch: str, base: str) -> list[PullRequest]:
        return [one for one in self.pull_requests if one.branch == branch and one.base == base]


def shown(work: Work) -> dict[str, Any]:
    decision = work.decision
    if decision is None:
        raise AssertionError("only what is decided has something to show")
    one = decision.pull_request
    return {
        **_identity(work),
        "state": DONE.get(decision.action, decision.action.value),
        "reason": decision.reason,
        "message": decision.message,
        "changed": decision.action in {*DONE, Action.OBSOLETE},
        "failed": False,
        "number": one.number if one else None,
        "url": one.url if one else None,
        "commit": (decision.action in DONE and work.commit) or (one.head_sha if one else None),
        "start": work.item.start,
        "until": decision.until.isoformat() if decision.until else None,
    }


def fail(work: Work, error: OpsError) -> None:
    work.result = {
        **_identity(work),
        "state": "failed",
        "reason": error.reason,
        "message": error.message,
        "changed": False,
        "failed": True,
        "number": None,
        "url": None,
        "commit": None,
        "start": work.item.start,
        "until": None,
    }


def wish(work: Work) -> str:
    lines = [
        f"- {change.get('container') or 'pod'}: {change['field']}.{change['resource']} "
        f"{change.get('before') or 'none'} -> {change['after']}"
        for change in work.item.changes
    ]
    return "\n".join(
        [
            "This branch has commits that are not ours, so it was left as it is. What would have been changed now:",
            "",
            *(lines or [f"- {work.item.title}"]),
        ]
    )


def digest(work: Work) -> str:
    return hashlib.sha256(wish(work).encode()).hexdigest()[:12]


def with_pull_request(work: Work, done: PullRequest | None) -> Work:
    if work.decision is None:
        raise AssertionError("a pull request comes from a decision")
    return replace(work, decision=replace(work.decision, pull_request=done))


def undecided(works: Sequence[Work]) -> list[Work]:
    return [work for work in works if work.result is None]


def _identity(work: Work) -> dict[str, Any]:
    return {"label": work.item.label, "key": work.key, "branch": work.branch}


def lost_race(work: Work, why: str) -> ConflictError:
    return ConflictError(
        f"Branch {work.branch} was not pushed after {ROUNDS} attempts: {why}. "
        "If the host protects this branch name, allow it for this account; else a later run tries again.",
        reason="push_refused",
    )


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
