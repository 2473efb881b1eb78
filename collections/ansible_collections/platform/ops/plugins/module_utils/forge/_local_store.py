# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pull requests kept in a bare repository, as git objects.

refs/platform-ops/pulls/<n>      the pull request: one commit per event (opened, updated, commented, merged, …)
refs/platform-ops/open/<branch>  exists while one is open for the branch: two processes cannot open two
refs/pull/<n>/head               its commits, also after the branch is gone

They can be read with `git for-each-ref refs/platform-ops/pulls`, `git log refs/platform-ops/pulls/3` and
`git log -p main..refs/pull/3/head`.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Identity, Stamp, commit_tree
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest, PullRequestState

PULLS = "refs/platform-ops/pulls/"
OPEN = "refs/platform-ops/open/"
HEADS = "refs/heads/"
DATA = "\n--- as data ---\n"
LOCK = "platform-ops.lock"

_EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


@dataclass(frozen=True, slots=True)
class Comment:
    at: datetime
    text: str
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A pull request as it is kept."""

    number: int
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
    reviewers: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()

    def shown(self, url: str, mergeable: bool | None) -> PullRequest:
        own = {field.name for field in fields(PullRequest)} - {"url", "mergeable"}
        return PullRequest(url=url, mergeable=mergeable, **{name: getattr(self, name) for name in own})


class Store:
    """Reads and writes the records of one bare repository."""

    def __init__(self, path: Path, who: Identity) -> None:
        if not (path / "HEAD").is_file() or not (path / "objects").is_dir():
            raise InputError(
                f"{path} is no bare git repository. Make one with: git init --bare --initial-branch=main {path}, "
                "or git clone --bare <source>."
            )
        self.path = path
        self.git = Git(path)
        self._who = who

    def refs(self) -> dict[str, str]:
        """Return every branch and record by full name."""
        listed = self.git.run("for-each-ref", "--format=%(objectname) %(refname)", HEADS, PULLS).text
        return {ref: oid for oid, ref in (line.split(" ", 1) for line in listed.splitlines())}

    def records(self, refs: Mapping[str, str]) -> list[Record]:
        """Return the records named in `refs`, newest first."""
        wanted = [oid for ref, oid in refs.items() if ref.startswith(PULLS)]
        if not wanted:
            return []
        out = self.git.run("cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n").out
        return sorted((_read(content) for content in _contents(out)), key=lambda record: -record.number)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time write; a killed one leaves nothing locked."""
        try:
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError as error:
            raise InputError(
                f"Failed to write in {self.path}: {error.strerror}. Make it writable for this user."
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def write(self, record: Record, event: str, old: str | None, refs: Sequence[str] = ()) -> str:
        """Append an event to a record whose last commit is `old`, and change `refs` (lines of update-ref) with it.

        ConflictError when somebody else wrote it meanwhile; then nothing is changed.
        """
        stamp = Stamp(self._who, self._who, record.updated_at)
        empty = _EMPTY_TREES[len(record.head_sha)]
        made = commit_tree(self.git, empty, [old] if old else [], _message(record, event), stamp)
        name = f"{PULLS}{record.number}"
        own = f"update {name} {made} {old}" if old else f"create {name} {made}"
        self.change_refs([own, f"update refs/pull/{record.number}/head {record.head_sha}", *refs])
        return made

    def change_refs(self, lines: Sequence[str]) -> None:
        """Change all refs or none."""
        try:
            self.git.run("update-ref", "--stdin", stdin="".join(line + "\n" for line in lines).encode())
        except OpsError as error:
            raise ConflictError(
                f"Somebody else changed the pull requests in {self.path} meanwhile: {error.message}"
            ) from None


def _message(record: Record, event: str) -> str:
    facts = {"Number": record.number, "State": record.state, "From": record.branch, "Into": record.base}
    head = f"{event}\n\n{record.title}\n\n" + "".join(f"{name}: {value}\n" for name, value in facts.items())
    last = f"\nComment:\n{record.comments[-1].text}\n" if record.comments and event == "Comment" else ""
    data = json.dumps(asdict(record), default=datetime.isoformat, sort_keys=True)
    return f"{head}{last}\n{record.body}\n{DATA}{data}\n".replace("\0", "")


def _read(commit: bytes) -> Record:
    data = json.loads(commit.decode("utf-8", "replace").rpartition(DATA)[2])
    for name in ("created_at", "updated_at", "merged_at", "closed_at"):
        data[name] = data[name] and datetime.fromisoformat(data[name])
    data["labels"] = tuple(data["labels"])
    data["reviewers"] = tuple(data["reviewers"])
    data["comments"] = tuple(
        Comment(datetime.fromisoformat(comment["at"]), comment["text"], comment["marker"])
        for comment in data["comments"]
    )
    return Record(**data)


def _contents(out: bytes) -> Iterator[bytes]:
    """The objects that `git cat-file --batch` wrote."""
    position = 0
    while position < len(out):
        end = out.index(b"\n", position)
        size = int(out[position:end].split()[2])
        yield out[end + 1 : end + 1 + size]
        position = end + size + 2
