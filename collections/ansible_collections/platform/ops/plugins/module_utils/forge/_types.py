# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pull request is to us, and what a git host has to be able to do. Implemented by every host in this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

PullRequestState = Literal["open", "merged", "closed"]
MergeMethod = Literal["merge", "squash", "rebase"]
CheckState = Literal["pending", "success", "failure"]

MERGE_METHODS: tuple[MergeMethod, ...] = ("merge", "squash", "rebase")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull (or merge) request as its host shows it. All times are aware.

    `closed_at` is set for merged ones too. `mergeable` is None while the host has not made up its mind.
    `merge_sha` is the commit on the base branch that a merged one ended in, None where the host does not say.
    """

    number: int
    url: str
    state: PullRequestState
    draft: bool
    title: str
    body: str
    branch: str
    head_sha: str
    base: str
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge_sha: str | None = None
    labels: tuple[str, ...] = ()
    mergeable: bool | None = None


@dataclass(frozen=True, slots=True)
class NewPullRequest:
    """What to open. The branch has been pushed to the same repository before."""

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One status or check run on a commit. `required`: the base branch's protection asks for it; None when unknown."""

    name: str
    state: CheckState
    required: bool | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """All statuses and check runs of a pull request's head.

    `missing` names required checks that have not reported at all. `state` is that of the required ones where the
    host tells which those are, else of all: failure if one failed, pending if one is pending or missing, success
    otherwise, also when there is none.
    """

    state: CheckState
    runs: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a host is asked with: a token, or a GitHub App's installation. Never shown by repr()."""

    token: str | None = field(default=None, repr=False)
    app_id: str | None = None
    installation_id: str | None = None
    private_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GitLogin:
    """What git itself answers when the host asks for a user and a password over HTTPS."""

    username: str
    password: str = field(repr=False)


class Host(Protocol):
    """A repository on a git host, asked about its pull requests.

    Retries and rate limits are the host's own affair; errors are OpsErrors with nothing secret in them. Labels that
    do not exist yet are made where the host needs that.
    """

    @property
    def name(self) -> str:
        """github, gitlab, gitea or local."""

    @property
    def warnings(self) -> Sequence[str]:
        """What did not work so far and does not matter enough to fail for: labels and reviewers."""

    def git_login(self) -> GitLogin | None:
        """Return what git needs to fetch and push; fresh, as a GitHub App's token lives an hour. None: nothing."""

    def find(self, branch: str) -> Sequence[PullRequest]:
        """Return the pull requests from this branch of this very repository (no forks), all states, newest first."""

    def list(self, prefix: str, since: datetime) -> Sequence[PullRequest]:
        """Return those whose branch starts with `prefix`, newest first: every open one, others closed since then."""

    def get(self, number: int) -> PullRequest: ...

    def create(self, new: NewPullRequest) -> PullRequest:
        """Open it, or return the open one for the same branch and base if there is one already."""

    def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        labels: Sequence[str] | None = None,
        drop_labels: Sequence[str] | None = None,
        draft: bool | None = None,
    ) -> PullRequest:
        """Change what is given, whatever its state. `labels` are added, `drop_labels` taken off; all others stay."""

    def comment(self, number: int, text: str, marker: str) -> bool:
        """Add a comment unless one with this hidden marker stands there; return whether one was added."""

    def set_comment(self, number: int, text: str, marker: str) -> bool:
        """Have one comment with this hidden marker that reads so; return whether that changed anything.

        Only comments by the account that opened the pull request count: anybody can copy a marker.
        """

    def close(self, number: int, comment: str | None = None) -> PullRequest: ...

    def reopen(self, number: int) -> PullRequest:
        """Open a closed one again; ConflictError where it is merged or the host does not allow it."""

    def merge(self, number: int, *, expected_sha: str, method: MergeMethod, message: str) -> PullRequest:
        """Merge it now; ConflictError when the head is not `expected_sha` any more or the host forbids it."""

    def enable_auto_merge(self, number: int, *, method: MergeMethod) -> bool:
        """Ask the host to merge it once its conditions are met; False if the host or repository cannot."""

    def checks(self, pull_request: PullRequest) -> Checks: ...

    def request_reviewers(self, number: int, *, users: Sequence[str], teams: Sequence[str]) -> None:
        """Ask those who are not asked yet. A name that does not exist is a warning, the others are asked."""

    def delete_branch(self, branch: str) -> None:
        """Delete it; no error if it is gone already."""
