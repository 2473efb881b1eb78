# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of our open pull requests: merged when the policy allows it, closed when they became pointless."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._branches import Branches, branches
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote, common_folder, fetch
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._history import Commit, bumps_in_message, trailers
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import (
    MergeDecision,
    MergePolicy,
    Verdict,
    decide_merge,
    may_merge,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._retire import retire
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import merged_tree, tree_of
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, MergeMethod, PullRequest

DONE = {Verdict.MERGE: "merged", Verdict.HAND_OVER: "handed_over"}


def merge_message(pull_request: PullRequest, commits: Sequence[Commit] = ()) -> str:
    """Return the message of the commit that merges it; with the trailers, as a squash has no other commit.

    They are taken from the commits where somebody edited the block out of the body.
    """
    key, block = key_in_body(pull_request.body), block_in_body(pull_request.body)
    text = f"{pull_request.title} (#{pull_request.number})"
    changes = block["changes"] if block else [bump for commit in commits for bump in bumps_in_message(commit.message)]
    return f"{text}\n\n{trailers(key, changes)}\n" if key else f"{text}\n"


class Follower:
    """Looks after all open pull requests of one repository; each by itself, so that one's failure stops no other."""

    def __init__(
        self, git: Git, host: Host, remote: Remote, email: str, policy: MergePolicy, *, delete_branches: bool
    ) -> None:
        common = common_folder(git)
        self._git = git.at(common.parent if common.name == ".git" else common)
        self._host = host
        self._remote = remote
        self._email = email
        self._policy = policy
        self._delete_branches = delete_branches

    def follow(self, now: datetime, *, check_mode: bool = False) -> list[dict[str, Any]]:
        """Return a result per open pull request, oldest first."""
        listed = self._host.list(self._remote.prefix, now)
        ours = [
            one for one in listed if one.state == "open" and one.base == self._remote.base and key_in_body(one.body)
        ]
        if not ours:
            return []
        fetch(self._git, self._remote)
        known = branches(self._git, self._remote, [one.branch for one in ours])
        return [self._one(one, known, now, check_mode) for one in sorted(ours, key=lambda one: one.number)]

    def _one(self, pull_request: PullRequest, known: Branches, now: datetime, check_mode: bool) -> dict[str, Any]:
        try:
            return self._settle(pull_request, known, now, check_mode)
        except OpsError as error:
            return _shown(pull_request, "failed", error.reason, error.message, failed=True)

    def _settle(self, current: PullRequest, known: Branches, now: datetime, check_mode: bool) -> dict[str, Any]:
        key = key_in_body(current.body) or ""
        foreign = bool(known.foreign(current.branch, key, self._email))
        if current.branch in known.tips and not foreign:
            tree = merged_tree(self._git, known.base, known.tips[current.branch])
            if tree is None:
                return _shown(
                    current,
                    "conflict",
                    "conflict",
                    f"It conflicts with {self._remote.base}; plan its change again from there.",
                    block=block_in_body(current.body),
                )
            if tree == tree_of(self._git, known.base):
                return self._close(current, check_mode)
        decision = self._may_merge(current, now, foreign)
        if decision is None:
            # The fetch may be minutes old by now. What it did not bring was not judged.
            current = self._host.get(current.number)
            if current.head_sha != known.tips.get(current.branch):
                return _shown(current, "wait", "head_moved", "Somebody pushed to it just now; the next run looks.")
            decision = self._may_merge(current, now, foreign)
            decision = decision or decide_merge(current, self._host.checks(current), self._policy)
        return self._do(current, decision, known, check_mode)

    def _may_merge(self, current: PullRequest, now: datetime, foreign: bool) -> MergeDecision | None:
        return may_merge(current, block_in_body(current.body), self._policy, now, foreign=foreign)

    def _close(self, current: PullRequest, check_mode: bool) -> dict[str, Any]:
        message = f"The branch {self._remote.base} has all that this proposes by now."
        if not check_mode:
            current = retire(self._host, current, message)
        return _shown(current, "obsolete", "base_has_it", message, changed=True)

    def _do(self, current: PullRequest, decision: MergeDecision, known: Branches, check_mode: bool) -> dict[str, Any]:
        changed = decision.verdict in DONE
        if decision.verdict == Verdict.MERGE and not check_mode:
            message = merge_message(current, known.own(current.branch)[::-1])
            current = self._host.merge(
                current.number, expected_sha=current.head_sha, method=self._policy.method, message=message
            )
            if self._delete_branches:
                self._host.delete_branch(current.branch)
        elif decision.verdict == Verdict.HAND_OVER and not check_mode:
            changed = self._host.enable_auto_merge(current.number, method=self._policy.method)
            if not changed:
                return _shown(
                    current,
                    "blocked",
                    "no_auto_merge",
                    "The host or the repository has no auto-merge; turn it on, or let merge.by be us.",
                )
        state = DONE.get(decision.verdict, decision.verdict.value)
        return _shown(current, state, decision.reason, decision.message, changed=changed)


def _shown(pull_request: PullRequest, state: str, reason: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "number": pull_request.number,
        "url": pull_request.url,
        "branch": pull_request.branch,
        "title": pull_request.title,
        "merge_commit": pull_request.merge_sha,
        "state": state,
        "reason": reason,
        "message": message,
        "changed": False,
        "failed": False,
        **more,
    }


def set_state(
    host: Host, current: PullRequest, wanted: str, *, method: MergeMethod, comment: str | None, check_mode: bool
) -> tuple[bool, PullRequest]:
    """Bring one pull request into a state; return whether that changes anything, and the pull request.

    Raises:
        ConflictError: it is merged.
    """
    if current.state == wanted:
        return False, current
    if current.state == "merged":
        raise ConflictError(f"Pull request {current.number} is merged and stays so; propose what takes it back.")
    if check_mode:
        return True, current
    if wanted == "merged":
        if comment:
            host.comment(current.number, comment, f"merge-{current.head_sha[:12]}")
        return True, host.merge(
            current.number, expected_sha=current.head_sha, method=method, message=merge_message(current)
        )
    if wanted == "closed":
        return True, host.close(current.number, comment)
    return True, host.reopen(current.number)


def newest(pull_requests: Sequence[PullRequest]) -> PullRequest | None:
    """Return the open one, else the newest."""
    return next((one for one in pull_requests if one.state == "open"), pull_requests[0] if pull_requests else None)
