# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bumps a workload has had, from the host's pull requests, cross-checked with the trailers in git. Pure.

A squash or rebase keeps the trailers, a shallow clone or a rewritten message loses them, a pull request that was closed
and merged by hand tells the wrong state: each source covers for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._key import (
    BUMP_TRAILER,
    KEY_TRAILER,
    key_in_body,
    key_in_message,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import HANDED_OVER, Mark, mark_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest, PullRequestState

NOTHING = "none"  # how a trailer writes a number that was not there before
POD = "pod"  # how it writes the container of pod-level resources

_BUMP_LINE = re.compile(
    rf"^[ \t]*{BUMP_TRAILER}: (?P<container>[a-z0-9][a-z0-9.-]*) (?P<field>limits|requests)\.(?P<resource>[a-z0-9-]+) "
    r"(?P<before>[0-9A-Za-z.+-]+) -> (?P<after>[0-9A-Za-z.+-]+)[ \t]*$",
    re.MULTILINE,
)
_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bump:
    """One number that was raised, or is proposed to be, or was declined."""

    key: str
    container: str
    field: str
    resource: str
    before: str | None
    after: str
    at: datetime
    state: PullRequestState
    number: int | None
    replicas: int = 1
    unmet: bool = False  # it was judged not to have been enough, and nobody took over yet
    refused_until: str | None = None  # handed over to people until then
    namespace: str | None = None
    kind: str | None = None
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Commit:
    """What counts of a commit."""

    sha: str
    parents: tuple[str, ...]
    committer: str  # e-mail address
    at: datetime
    message: str

    @property
    def key(self) -> str | None:
        return key_in_message(self.message)


def trailers(key: str, changes: Iterable[Mapping[str, Any]]) -> str:
    """Return the trailer lines of a commit message."""
    lines = [f"{KEY_TRAILER}: {key}"]
    for change in changes:
        number = f"{change.get('container') or POD} {change['field']}.{change['resource']}"
        lines.append(f"{BUMP_TRAILER}: {number} {change.get('before') or NOTHING} -> {change['after']}")
    return "\n".join(lines)


def bumps_in_message(message: str) -> list[dict[str, str]]:
    return [found.groupdict() for found in _BUMP_LINE.finditer(message)]


def history(pull_requests: Sequence[PullRequest], commits: Sequence[Commit]) -> list[Bump]:
    """Return all bumps, newest first.

    Args:
        pull_requests: ours, as the host lists them.
        commits: those of the base branch that carry a key trailer.
    """
    found: list[Bump] = []
    covered: set[str] = set()
    # Merged ones first: a closed one gets the commits that no merged one explains, so was merged by hand.
    for pull_request in sorted(pull_requests, key=lambda pull_request: pull_request.state != "merged"):
        key = key_in_body(pull_request.body)
        if key is None:
            continue
        own = [
            commit
            for commit in commits
            if commit.key == key and commit.sha not in covered and _belongs(commit, pull_request)
        ]
        covered |= {commit.sha for commit in own}
        merged = pull_request.state == "merged" or (pull_request.state == "closed" and bool(own))
        state: PullRequestState = "merged" if merged else pull_request.state
        at = pull_request.merged_at or pull_request.closed_at or pull_request.created_at
        found += _of_pull_request(pull_request, key, state, at, own)
    for commit in commits:
        if commit.sha not in covered and commit.key:
            found += [
                _bump(change, {}, key=commit.key, at=commit.at, state="merged", number=None)
                for change in bumps_in_message(commit.message)
            ]
    return sorted(found, key=lambda bump: (bump.at, bump.key, bump.container, bump.resource, bump.field), reverse=True)


def _belongs(commit: Commit, pull_request: PullRequest) -> bool:
    if commit.sha in (pull_request.merge_sha, pull_request.head_sha):
        return True
    end = pull_request.merged_at or pull_request.closed_at
    return end is not None and pull_request.created_at - _SLACK <= commit.at <= end + _SLACK


def _of_pull_request(
    pull_request: PullRequest, key: str, state: PullRequestState, at: datetime, own: Sequence[Commit]
) -> list[Bump]:
    block = block_in_body(pull_request.body)
    mark = mark_in_body(pull_request.body)
    if block is not None:
        return [
            _judged(
                _bump(change, block, key=key, at=at, state=state, number=pull_request.number), mark, pull_request.labels
            )
            for change in block["changes"]
        ]
    # Somebody rewrote the body; the commits that went in still tell. Oldest first, so that the last number stays.
    numbers: dict[tuple[str, str, str], dict[str, str]] = {}
    for commit in sorted(own, key=lambda commit: commit.at):
        for change in bumps_in_message(commit.message):
            where = (change["container"], change["field"], change["resource"])
            first = numbers.get(where, change)
            numbers[where] = {**change, "before": first["before"]}
    return [_bump(change, {}, key=key, at=at, state=state, number=pull_request.number) for change in numbers.values()]


def _judged(bump: Bump, mark: Mark, labels: Sequence[str]) -> Bump:
    """With what the verdict means for the next one. Taking the label off has alerts answered again."""
    handed = mark.until is not None and HANDED_OVER in labels
    unmet = mark.verdict == "not_fixed" and f"{bump.container}/{bump.resource}" in mark.left and not handed
    return replace(bump, unmet=unmet, refused_until=mark.until.isoformat() if handed and mark.until else None)


def _bump(
    change: Mapping[str, Any],
    block: Mapping[str, Any],
    *,
    key: str,
    at: datetime,
    state: PullRequestState,
    number: int | None,
) -> Bump:
    before = change.get("before")
    target = block.get("target", {})
    return Bump(
        key=key,
        container=change.get("container") or POD,
        field=change["field"],
        resource=change["resource"],
        before=None if before in (None, NOTHING) else str(before),
        after=str(change["after"]),
        at=at,
        state=state,
        number=number,
        replicas=block.get("replicas", 1),
        namespace=target.get("namespace"),
        kind=target.get("kind"),
        name=target.get("name"),
    )
