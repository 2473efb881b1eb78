# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded git host: a bare repository and no server.

What a server would learn from a push, this host sees when it is asked next: a branch that was merged by hand (also
squashed, by its key trailer), a branch that was deleted. It then notes that in the pull request.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    InputError,
    NotFoundError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body, key_in_message, with_trailers
from ansible_collections.platform.ops.plugins.module_utils.forge._local_store import (
    HEADS,
    OPEN,
    PULLS,
    Comment,
    Record,
    Store,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import (
    Identity,
    Stamp,
    commit_tree,
    merged_tree,
    picked_tree,
    tree_of,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._types import (
    Check,
    Checks,
    CheckState,
    GitLogin,
    MergeMethod,
    NewPullRequest,
    PullRequest,
)

WHO = Identity("platform.ops", "platform-ops@localhost")
CHECKS = "refs/notes/checks"


def folder_of(url: str | Path) -> Path:
    """Return the folder that a path or file:// address names."""
    text = str(url)
    return Path(unquote(urlsplit(text).path) if text.startswith("file://") else text).expanduser().resolve()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A record with the commit it was read from, and where its branch stands now."""

    record: Record
    commit: str


class LocalHost:
    """See `Host`."""

    name = "local"
    warnings: Sequence[str] = ()

    def __init__(
        self, url: str | Path, *, who: Identity = WHO, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = Store(folder_of(url), who)
        self._git = self._store.git
        self._who = who
        self._now = now

    def git_login(self) -> GitLogin | None:
        return None

    def find(self, branch: str) -> Sequence[PullRequest]:
        return [self._shown(kept) for kept in self._all(lambda record: record.branch == branch)]

    def list(self, prefix: str, since: datetime) -> Sequence[PullRequest]:
        return [
            self._shown(kept)
            for kept in self._all(lambda record: record.branch.startswith(prefix))
            if kept.record.closed_at is None or kept.record.closed_at >= since
        ]

    def get(self, number: int) -> PullRequest:
        kept = self._one(number)
        mergeable = None
        if kept.record.state == "open":
            mergeable = merged_tree(self._git, self._tip(kept.record.base), kept.record.head_sha) is not None
        return self._shown(kept, mergeable)

    def create(self, new: NewPullRequest) -> PullRequest:
        with self._store.locked():
            refs = self._store.refs()
            for kept in self._all(lambda record: record.branch == new.branch, refs):
                if kept.record.state == "open":
                    return self._shown(kept)
            head = refs.get(HEADS + new.branch)
            base = refs.get(HEADS + new.base)
            if head is None or base is None:
                gone = new.branch if head is None else new.base
                raise NotFoundError(
                    f"Failed to open a pull request from {new.branch} into {new.base} in {self._store.path}: "
                    f"there is no branch {gone}. Push it first."
                )
            if self._git.is_ancestor(head, base):
                raise InputError(
                    f"Failed to open a pull request from {new.branch} in {self._store.path}: "
                    f"{new.base} has all of its commits already.",
                    reason="no_commits",
                )
            numbers = [int(ref.removeprefix(PULLS)) for ref in refs if ref.startswith(PULLS)]
            now = self._now()
            record = Record(
                number=max(numbers, default=0) + 1,
                state="open",
                draft=new.draft,
                title=new.title,
                body=new.body,
                branch=new.branch,
                head_sha=head,
                base=new.base,
                created_at=now,
                updated_at=now,
                labels=tuple(dict.fromkeys(new.labels)),
            )
            # update, not create: a killed process may have left the mark behind, and the look-up above is the truth.
            commit = self._store.write(record, f"Open #{record.number}", None, [f"update {OPEN}{new.branch} {head}"])
            return self._shown(_Kept(record, commit))

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
        def change(record: Record) -> Record:
            kept = [label for label in record.labels if label not in (drop_labels or ())]
            return replace(
                record,
                title=record.title if title is None else title,
                body=record.body if body is None else body,
                labels=tuple(dict.fromkeys((*kept, *(labels or ())))),
                draft=record.draft if draft is None else draft,
            )

        return self._change(number, "Update", change)

    def comment(self, number: int, text: str, marker: str) -> bool:
        if any(comment.marker == marker for comment in self._one(number).record.comments):
            return False
        added = Comment(self._now(), text, marker)
        self._change(number, "Comment", lambda record: replace(record, comments=(*record.comments, added)))
        return True

    def set_comment(self, number: int, text: str, marker: str) -> bool:
        standing = [comment for comment in self._one(number).record.comments if comment.marker == marker]
        if [comment.text for comment in standing] == [text]:
            return False
        said = Comment(self._now(), text, marker)

        def change(record: Record) -> Record:
            others = tuple(comment for comment in record.comments if comment.marker != marker)
            return replace(record, comments=(*others, said))

        self._change(number, "Comment", change)
        return True

    def comments(self, number: int) -> Sequence[str]:
        return [comment.text for comment in self._one(number).record.comments]

    def close(self, number: int, comment: str | None = None) -> PullRequest:
        def change(record: Record) -> Record:
            said = (Comment(self._now(), comment),) if comment else ()
            if record.state != "open":
                return record
            now = self._now()
            return replace(record, state="closed", closed_at=now, comments=(*record.comments, *said))

        return self._change(number, "Close", change)

    def reopen(self, number: int) -> PullRequest:
        kept = self._one(number)
        if kept.record.state == "open":
            return self._shown(kept)
        others = [pr for pr in self.find(kept.record.branch) if pr.state == "open"]
        if kept.record.state == "merged" or others or HEADS + kept.record.branch not in self._store.refs():
            raise ConflictError(
                f"Pull request {number} in {self._store.path} cannot be opened again: it is merged, its branch "
                f"{kept.record.branch} is gone, or another one is open for it."
            )
        return self._change(number, "Open again", lambda record: replace(record, state="open", closed_at=None))

    def merge(self, number: int, *, expected_sha: str, method: MergeMethod, message: str) -> PullRequest:
        with self._store.locked():
            kept = self._one(number)
            record = kept.record
            if record.state == "merged":
                return self._shown(kept)
            if record.state != "open" or record.draft or record.head_sha != expected_sha:
                raise ConflictError(
                    f"Pull request {number} in {self._store.path} was not merged: it is {record.state}, "
                    f"{'a draft' if record.draft else 'no draft'}, at {record.head_sha[:12]} "
                    f"(expected {expected_sha[:12]}). Look at it again.",
                    reason="head_moved" if record.state == "open" and record.head_sha != expected_sha else None,
                )
            base = self._tip(record.base)
            now = self._now()
            made = self._merge_commit(record, base, method, message, Stamp(self._who, self._who, now))
            merged = replace(record, state="merged", merged_at=now, closed_at=now, updated_at=now, merge_sha=made)
            refs = [f"update {HEADS}{record.base} {made} {base}", f"delete {OPEN}{record.branch}"]
            commit = self._store.write(merged, f"Merge ({method})", kept.commit, refs)
            return self._shown(_Kept(merged, commit))

    def enable_auto_merge(self, number: int, *, method: MergeMethod) -> bool:  # noqa: ARG002
        return False  # no server, so nobody would do it

    def checks(self, pull_request: PullRequest) -> Checks:
        """Return what stands in `git notes --ref=checks` on the head, one `name: state` per line.

        `git config --add platform-ops.requiredCheck <name>` makes one required.
        """
        noted = self._git.run("notes", f"--ref={CHECKS}", "show", pull_request.head_sha, ok=(0, 1)).text
        required = self._git.run("config", "--get-all", "platform-ops.requiredCheck", ok=(0, 1)).text.splitlines()
        states: dict[str, CheckState] = {}
        for line in noted.splitlines():
            name, _colon, said = line.rpartition(":")
            if name:
                states[name.strip()] = _check_state(said.strip())
        runs = tuple(Check(name, each, name in required if required else None) for name, each in states.items())
        missing = tuple(name for name in required if name not in states)
        counted = [run.state for run in runs if run.required is not False]
        state: CheckState = "success"
        if "failure" in counted:
            state = "failure"
        elif missing or "pending" in counted:
            state = "pending"
        return Checks(state, runs, missing)

    def request_reviewers(self, number: int, *, users: Sequence[str], teams: Sequence[str]) -> None:
        kept = self._one(number).record.reviewers
        wanted = tuple(dict.fromkeys((*kept, *users, *teams)))
        if wanted != kept:
            self._change(number, "Ask for review", lambda record: replace(record, reviewers=wanted))

    def delete_branch(self, branch: str) -> None:
        self._store.change_refs([f"delete {HEADS}{branch}"])

    # What the records say, brought up to date with what happened to the branches.

    def _all(self, wanted: Callable[[Record], bool], refs: dict[str, str] | None = None) -> builtins.list[_Kept]:
        refs = self._store.refs() if refs is None else refs
        records = [record for record in self._store.records(refs) if wanted(record)]
        kept = [_Kept(record, refs[f"{PULLS}{record.number}"]) for record in records]
        opened = [item for item in kept if item.record.state == "open"]
        seen: dict[int, _Kept] = {}
        for base in {item.record.base for item in opened}:
            seen |= self._settled([item for item in opened if item.record.base == base], refs)
        return [seen.get(item.record.number, item) for item in kept]

    def _settled(self, opened: Sequence[_Kept], refs: dict[str, str]) -> dict[int, _Kept]:
        base = refs.get(HEADS + opened[0].record.base)
        merged = self._merged_by_hand([item.record for item in opened], base, refs) if base else {}
        settled = {}
        for item in opened:
            record = item.record
            head = refs.get(HEADS + record.branch)
            if record.number in merged:
                sha, at = merged[record.number]
                at = max(at, record.created_at)
                now = replace(record, state="merged", merge_sha=sha, merged_at=at, closed_at=at, updated_at=at)
                settled[record.number] = self._note(item, now, "Merged by hand")
            elif head is None:
                at = self._now()
                now = replace(record, state="closed", closed_at=at, updated_at=at)
                settled[record.number] = self._note(item, now, "Branch deleted")
            elif head != record.head_sha:
                now = replace(record, head_sha=head, updated_at=self._now())
                settled[record.number] = self._note(item, now, "Push")
        return settled

    def _note(self, item: _Kept, record: Record, event: str) -> _Kept:
        mark = f"{OPEN}{record.branch}"
        refs = [f"update {mark} {record.head_sha}" if record.state == "open" else f"delete {mark}"]
        try:
            return _Kept(record, self._store.write(record, event, item.commit, refs))
        except ConflictError:  # another process is noting the same
            return _Kept(record, item.commit)

    def _merged_by_hand(
        self, opened: Sequence[Record], base: str, refs: dict[str, str]
    ) -> dict[int, tuple[str, datetime]]:
        """Which of these are in the base branch: their commits themselves, or a squash that carries their key."""
        oldest = min(record.created_at for record in opened)
        log = self._git.run("log", f"--since={int(oldest.timestamp())}", "--format=%H %ct%n%B%x00", base).text
        squashes: dict[str, tuple[str, datetime]] = {}
        for entry in filter(None, (part.lstrip("\n") for part in log.split("\0"))):
            first, _newline, message = entry.partition("\n")
            sha, seconds = first.split(" ")
            if key := key_in_message(message):
                squashes.setdefault(key, (sha, datetime.fromtimestamp(int(seconds), UTC)))
        listed = self._git.run("for-each-ref", f"--merged={base}", "--format=%(refname)", HEADS).text.splitlines()
        found: dict[int, tuple[str, datetime]] = {}
        for record in opened:
            ref = HEADS + record.branch
            if ref in listed or (ref not in refs and self._git.is_ancestor(record.head_sha, base)):
                found[record.number] = self._joined(refs.get(ref, record.head_sha), base)
                continue
            squash = squashes.get(key_in_body(record.body) or "")
            # One that the branch starts from is an earlier pull request of the same workload.
            if (
                squash
                and squash[1] >= record.created_at.replace(microsecond=0)
                and not self._git.is_ancestor(squash[0], refs.get(ref, record.head_sha))
            ):
                found[record.number] = squash
        return found

    def _joined(self, head: str, base: str) -> tuple[str, datetime]:
        """The first commit of the base branch that has `head` in it."""
        path = self._git.run("rev-list", "--first-parent", "--ancestry-path", f"{head}..{base}").text.split()
        sha = path[-1] if path else head
        return sha, datetime.fromtimestamp(int(self._git.text("show", "-s", "--format=%ct", sha)), UTC)

    def _merge_commit(self, record: Record, base: str, method: MergeMethod, message: str, stamp: Stamp) -> str:
        conflict = ConflictError(
            f"Pull request {record.number} in {self._store.path} conflicts with {record.base}; "
            "bring it up to date first."
        )
        if method == "rebase":
            made = base
            commits = self._git.run("rev-list", "--reverse", "--no-merges", f"{base}..{record.head_sha}").text.split()
            for commit in commits:
                tree = picked_tree(self._git, before=f"{commit}^", after=commit, onto=made)
                if tree is None:
                    raise conflict
                if tree != tree_of(self._git, made):
                    text = self._git.run("show", "-s", "--format=%B", commit).text
                    made = commit_tree(self._git, tree, (made,), text, stamp)
            return made
        tree = merged_tree(self._git, base, record.head_sha)
        if tree is None:
            raise conflict
        if method == "merge":
            return commit_tree(self._git, tree, (base, record.head_sha), message, stamp)
        log = self._git.run("log", "--reverse", "--format=%B", f"{base}..{record.head_sha}").text
        return commit_tree(self._git, tree, (base,), with_trailers(message, log), stamp)

    def _one(self, number: int) -> _Kept:
        for kept in self._all(lambda record: record.number == number):
            return kept
        raise NotFoundError(
            f"There is no pull request {number} in {self._store.path}; list them with pull_request_info."
        )

    def _change(self, number: int, event: str, change: Callable[[Record], Record]) -> PullRequest:
        with self._store.locked():
            kept = self._one(number)
            record = change(kept.record)
            if record == kept.record:
                return self._shown(kept)
            record = replace(record, updated_at=self._now())
            mark, refs = f"{OPEN}{record.branch}", []
            if record.state == "open":
                refs = [f"update {mark} {record.head_sha}"]
            elif kept.record.state == "open":  # else the mark, if there is one, is that of a newer one
                refs = [f"delete {mark}"]
            return self._shown(_Kept(record, self._store.write(record, event, kept.commit, refs)))

    def _tip(self, branch: str) -> str:
        tip = self._git.resolve(HEADS + branch)
        if tip is None:
            raise NotFoundError(f"There is no branch {branch} in {self._store.path}; check the base branch.")
        return tip

    def _shown(self, kept: _Kept, mergeable: bool | None = None) -> PullRequest:
        return kept.record.shown(f"file://{self._store.path}#{kept.record.number}", mergeable)


def _check_state(text: str) -> CheckState:
    return "success" if text == "success" else "pending" if text == "pending" else "failure"
