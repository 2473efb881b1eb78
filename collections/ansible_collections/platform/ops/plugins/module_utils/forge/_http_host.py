# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every git host over HTTP: one pull request per branch, one comment per marker, no write twice.

The subclasses know the verbs of one host; what these verbs raise is judged here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._checks import judge
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import RefusalError
from ansible_collections.platform.ops.plugins.module_utils.forge._http_verbs import Note, Verbs

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls
    from ansible_collections.platform.ops.plugins.module_utils.forge._types import (
        Checks,
        MergeMethod,
        NewPullRequest,
        PullRequest,
    )

T = TypeVar("T")

NOT_NOW = frozenset({405, 406, 409, 412, 422})  # the answers of all hosts to "merge" and "reopen" when it cannot be
MERGEABLE_POLLS = 10
MERGEABLE_POLL_SECONDS = 0.5


class HttpHost(Verbs):
    """Implements forge._types.Host over the verbs of one host.

    `warnings` gathers what did not work and does not matter enough to fail for: labels and reviewers.
    """

    def __init__(self, calls: Calls, repository: str) -> None:
        self.calls = calls
        self.repository = repository
        self.warnings: list[str] = []
        self._label_ids: dict[str, int] | None = None

    def find(self, branch: str) -> Sequence[PullRequest]:
        what = f"look up the pull requests of branch {branch} of {self.repository}"
        return _newest_first(self.calls.read(what, lambda: list(self._of_branch(branch))))

    def list(self, prefix: str, since: datetime) -> Sequence[PullRequest]:
        what = f"list the pull requests of {self.repository}"
        still_open = self.calls.read(what, lambda: list(self._open()))
        closed = self.calls.read(what, lambda: list(self._closed(since)))
        # One that closes between the two calls stands in both; the second is the newer truth.
        found = {pull.number: pull for pull in [*still_open, *closed] if pull.branch.startswith(prefix)}
        return _newest_first(
            pull for pull in found.values() if pull.closed_at is None or pull.state == "open" or pull.closed_at >= since
        )

    def get(self, number: int) -> PullRequest:
        return self.calls.read(f"read {self._called(number)}", lambda: self._fetch(number))

    def create(self, new: NewPullRequest) -> PullRequest:
        def existing() -> PullRequest | None:
            """The oldest open one."""
            fitting = [p for p in self.find(new.branch) if p.state == "open" and p.base == new.base]
            return fitting[-1] if fitting else None

        def post() -> PullRequest:
            try:
                return self.calls.once(lambda: self._post(new))
            except RefusalError as refusal:
                found = existing() if refusal.status in self.EXISTS else None
                if found is None:
                    raise
                return found

        what = f"open a pull request from {new.branch} to {new.base} in {self.repository}"
        made = self.calls.write(what, post, existing)
        first = existing()
        if first is not None and first.number < made.number:
            # Gitea lets two that come at the same moment both in. All sides agree on the older one.
            self.close(made.number, f"Pull request {first.number} of this branch was opened at the same moment.")
            made = first
        return self._with_labels(made, new.labels)

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
        def differs(pull: PullRequest) -> bool:
            return (
                (title is not None and not _same(pull.title, title))
                or (body is not None and not _same(pull.body, body))
                or (draft is not None and pull.draft != draft)
            )

        current = self.get(number)
        if differs(current):

            def edit() -> PullRequest:
                self._edit(
                    current,
                    current.title if title is None else title,
                    current.body if body is None else body,
                    current.draft if draft is None else draft,
                )
                return self._fetch(number)

            def edited() -> PullRequest | None:
                now = self.get(number)
                return None if differs(now) else now

            current = self.calls.write(f"update {self._called(number)}", edit, edited)
        current = self._without_labels(current, drop_labels or ())
        return self._with_labels(current, labels or ())

    def comment(self, number: int, text: str, marker: str) -> bool:
        what = f"comment on {self._called(number)}"
        hidden = _hidden(marker)

        def stands() -> bool:
            return any(hidden in comment.text for comment in self._comments(number))

        if self.calls.read(what, stands):
            return False
        return self._write(what, lambda: self._post_comment(number, f"{text}\n\n{hidden}"), stands)

    def set_comment(self, number: int, text: str, marker: str) -> bool:
        what = f"comment on {self._called(number)}"
        wanted = f"{text}\n\n{_hidden(marker)}"

        def standing() -> Note | None:
            author = self._author(number)
            ours = (note for note in self._comments(number) if note.author == author)
            return next((note for note in ours if _hidden(marker) in note.text), None)

        def reads_so() -> bool:
            note = standing()
            return note is not None and _same(note.text, wanted)

        note = self.calls.read(what, standing)
        if note is None:
            return self._write(what, lambda: self._post_comment(number, wanted), reads_so)
        if _same(note.text, wanted):
            return False
        return self._write(what, lambda: self._edit_comment(number, note.id, wanted), reads_so)

    def close(self, number: int, comment: str | None = None) -> PullRequest:
        current = self.get(number)
        if current.state != "open":
            return current
        if comment:
            self.comment(number, comment, f"closed {hashlib.sha256(comment.encode()).hexdigest()[:12]}")
        self._write(
            f"close {self._called(number)}",
            lambda: self._set_state(number, "closed"),
            lambda: self._fetch(number).state != "open",
        )
        return self.get(number)

    def reopen(self, number: int) -> PullRequest:
        what = f"reopen {self._called(number)}"
        current = self.get(number)
        if current.state == "open":
            return current
        if current.state == "merged":
            raise ConflictError(f"Could not {what}: it is merged. Open a new one.", reason="merged")

        def reopen() -> None:
            try:
                self.calls.once(lambda: self._set_state(number, "open"))
            except RefusalError as refusal:
                if refusal.status not in NOT_NOW:
                    raise
                raise self.calls.conflict(what, refusal, "not_reopened") from None

        self._write(what, reopen, lambda: self._fetch(number).state == "open")
        return self.get(number)

    def merge(self, number: int, *, expected_sha: str, method: MergeMethod, message: str) -> PullRequest:
        what = f"merge {self._called(number)}"
        current = self._settled(number)
        if current.state == "merged":
            return current
        if current.state == "closed":
            raise ConflictError(
                f"Could not {what}: it was closed without merging. Reopen it to merge.", reason="closed"
            )
        if current.head_sha != expected_sha:
            raise ConflictError(
                f"Could not {what}: its head is {current.head_sha[:12]}, not the {expected_sha[:12]} that was checked. "
                "Somebody pushed; a later run looks at the new commit.",
                reason="head_moved",
            )

        def merge() -> None:
            try:
                self.calls.once(lambda: self._merge(current, method, message))
            except RefusalError as refusal:
                if refusal.status not in NOT_NOW:
                    raise
                moved = self.get(number).head_sha != expected_sha
                raise self.calls.conflict(what, refusal, "head_moved" if moved else "not_mergeable") from None

        self._write(what, merge, lambda: self._fetch(number).state == "merged")
        return self.get(number)

    def enable_auto_merge(self, number: int, *, method: MergeMethod) -> bool:
        current = self._settled(number)
        if current.state != "open":
            return current.state == "merged"
        what = f"have {self._called(number)} merged automatically"
        return self.calls.write(what, lambda: self._auto_merge(current, method), lambda: None)

    def checks(self, pull_request: PullRequest) -> Checks:
        what = f"read the checks of {self._called(pull_request.number)}"
        runs = self.calls.read(what, lambda: list(self._runs(pull_request)))
        required = self.calls.read(what, lambda: self._required(pull_request.base))
        return judge(runs, required, patterns=self.PATTERNS)

    def request_reviewers(self, number: int, *, users: Sequence[str], teams: Sequence[str]) -> None:
        what = f"request reviews of {self._called(number)}"
        try:
            unknown = self._ask_missing(what, number, users, teams)
        except OpsError as error:
            self.warnings.append(error.message)
            return
        if unknown:
            self.warnings.append(
                f"Could not {what} from {', '.join(unknown)}: {self.calls.host} knows no such reviewer for "
                f"{self.repository}. Check the spelling and that they may read it."
            )

    def _ask_missing(self, what: str, number: int, users: Sequence[str], teams: Sequence[str]) -> Sequence[str]:
        """Asks those who are not asked yet; returns the names the host does not know."""
        asked_users, asked_teams = self.calls.read(what, lambda: self._asked(number))
        unknown: list[str] = []
        for user in [name for name in users if name not in asked_users]:
            unknown += self._ask_one(what, number, user, (user,), ())
        for team in [name for name in teams if name not in asked_teams]:
            unknown += self._ask_one(what, number, team, (), (team,))
        return unknown

    def delete_branch(self, branch: str) -> None:
        def drop() -> None:
            try:
                self.calls.once(lambda: self._delete_branch(branch))
            except RefusalError as refusal:
                if refusal.status not in self.BRANCH_GONE:
                    raise

        self._write(f"delete branch {branch} of {self.repository}", drop, lambda: False)

    # helpers

    def _called(self, number: int) -> str:
        return f"pull request {number} of {self.repository}"

    def _write(self, what: str, do: Callable[[], None], happened: Callable[[], bool]) -> bool:
        """A write without an answer of its own; True in the end, or an error."""

        def act() -> bool:
            do()
            return True

        return self.calls.write(what, act, lambda: self.calls.read(what, happened) or None)

    def _with_labels(self, pull: PullRequest, labels: Sequence[str]) -> PullRequest:
        there = {label.lower() for label in pull.labels}
        new = [label for label in dict.fromkeys(labels) if label.lower() not in there]
        if not new:
            return pull
        what = f"label {self._called(pull.number)}"
        try:
            ids = {name: self._label_id(what, name) for name in new}
            # Adding a label twice is harmless.
            self._write(what, lambda: self._add_labels(pull.number, ids), lambda: False)
            return self.get(pull.number)
        except OpsError as error:
            self.warnings.append(error.message)
            return pull

    def _without_labels(self, pull: PullRequest, labels: Sequence[str]) -> PullRequest:
        there = {label.lower() for label in pull.labels}
        old = [label for label in dict.fromkeys(labels) if label.lower() in there]
        if not old:
            return pull
        what = f"take labels off {self._called(pull.number)}"
        try:
            for name in old:
                self._write(what, partial(self._drop_one, pull.number, name, self._label_id(what, name)), lambda: False)
            return self.get(pull.number)
        except OpsError as error:
            self.warnings.append(error.message)
            return pull

    def _drop_one(self, number: int, name: str, id_: int) -> None:
        try:
            self.calls.once(lambda: self._drop_label(number, name, id_))
        except RefusalError as refusal:
            if refusal.status != 404:  # gone already
                raise

    def _label_id(self, what: str, name: str) -> int:
        """The id of a label, which is made if the repository does not have it. To GitHub case makes no difference."""
        if self._label_ids is None:
            self._label_ids = self.calls.read(what, lambda: {label.lower(): id_ for label, id_ in self._labels()})
        if name.lower() not in self._label_ids:
            made = self.calls.write(
                what,
                lambda: self._make_label(name),
                lambda: next((id_ for label, id_ in self._labels() if label.lower() == name.lower()), None),
            )
            self._label_ids[name.lower()] = made
        return self._label_ids[name.lower()]

    def _ask_one(self, what: str, number: int, name: str, users: Sequence[str], teams: Sequence[str]) -> Sequence[str]:
        unknown: list[str] = []

        def ask() -> None:
            try:
                self.calls.once(lambda: self._ask(number, users, teams))
            except RefusalError as refusal:
                if refusal.status not in (404, 422):
                    raise
                unknown.append(name)

        def stands() -> bool:
            asked_users, asked_teams = self._asked(number)
            return name in (asked_users if users else asked_teams)

        self._write(what, ask, stands)
        return unknown

    def _settled(self, number: int) -> PullRequest:
        """The pull request once the host has made up its mind whether it merges, within a few seconds."""
        current = self.get(number)
        for _poll in range(MERGEABLE_POLLS):
            if current.state != "open" or current.draft or current.mergeable is not None:
                break
            self.calls.pause(MERGEABLE_POLL_SECONDS)
            current = self.get(number)
        return current


def _newest_first(pulls: Iterable[PullRequest]) -> Sequence[PullRequest]:
    return sorted(pulls, key=lambda pull: pull.number, reverse=True)


def _hidden(marker: str) -> str:
    return f"<!-- platform.ops {marker} -->"


def _same(left: str, right: str) -> bool:
    """Hosts trim texts and change line ends."""
    return left.replace("\r\n", "\n").strip() == right.replace("\r\n", "\n").strip()


def split_message(message: str) -> tuple[str, str]:
    """First line and the rest of a commit message."""
    title, _newline, body = message.strip().partition("\n")
    return title.strip(), body.strip()
