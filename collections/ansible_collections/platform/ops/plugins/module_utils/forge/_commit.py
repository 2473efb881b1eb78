# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commits made from what stands in folders, without touching an index or a branch; any number in few git processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git, GitError
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Stamp, git_date

REGULAR, EXECUTABLE = "100644", "100755"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between a commit and a folder. None: the file is gone."""

    start: str
    files: Mapping[str, Entry | None]


def change_in(git: Git, folder: Path, start: str, files: Sequence[str] | None) -> Change:
    """Compare files of a folder with a commit, and store the new content in the repository.

    Args:
        files: which to look at; by default those that git status lists, new ones included.
    """
    here = git.at(folder)
    if not _SHA.fullmatch(start):
        raise InputError(f"{start!r} is no commit id; give the full one that the checkout started from.")
    names = _changed(here) if files is None else [_checked(name) for name in files]
    present = [name for name in names if _is_file(folder, name)]
    gone = [name for name in names if name not in present]
    blobs = _store(here, present)
    before = _entries(here, start, names)
    if files is not None:
        # A sparse worktree does not hold what nobody has written: that is as it was.
        if unknown := [name for name in gone if name not in before]:
            raise InputError(f"{unknown[0]} is not in {folder}. Name files that are there, or leave `files` out.")
        gone = []
    changed: dict[str, Entry | None] = {}
    for name in present:
        old = before.get(name)
        mode = old.mode if old else _mode(folder / name)
        if old is None or old.blob != blobs[name]:
            changed[name] = Entry(mode, blobs[name])
    changed |= {name: None for name in gone if name in before}
    return Change(start, changed)


def _changed(git: Git) -> list[str]:
    listed = git.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames").text
    return [entry[3:] for entry in listed.split("\0") if entry]


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    parts = name.split("/")
    if path.is_absolute() or not name or "\0" in name or {"..", ".", ""} & set(parts):
        raise InputError(f"{name!r} is no path inside the checkout; give it relative to its root, without ..")
    if any(part.lower() == ".git" for part in parts):
        raise InputError(f"{name!r} belongs to git itself and is not committed.")
    return name


def _is_file(folder: Path, name: str) -> bool:
    path = folder / name
    root = os.path.realpath(folder)
    if os.path.realpath(path.parent) != os.path.normpath(os.path.join(root, os.path.dirname(name))):  # noqa: PTH118, PTH120
        raise InputError(f"{name} in {folder} is reached over a symbolic link; name the file itself.")
    if path.is_symlink():
        raise InputError(f"{name} in {folder} is a symbolic link; only files are committed.")
    return path.is_file()


def _mode(path: Path) -> str:
    return EXECUTABLE if os.access(path, os.X_OK) else REGULAR


def _store(git: Git, names: Sequence[str]) -> dict[str, str]:
    if not names:
        return {}
    if any("\n" in name for name in names):
        raise InputError("A file name with a line break cannot be committed; rename the file.")
    made = git.run("hash-object", "-w", "--stdin-paths", stdin=_bytes("".join(f"{name}\n" for name in names)))
    return dict(zip(names, made.text.split(), strict=True))


def _bytes(names: str) -> bytes:
    """The reverse of how git's output was read; a file name need not be UTF-8."""
    return names.encode("utf-8", "surrogateescape")


def _entries(git: Git, start: str, names: Sequence[str]) -> dict[str, Entry]:
    if not names:
        return {}
    listed = git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", start, "--", *names).text
    found = {}
    for line in filter(None, listed.split("\0")):
        facts, _tab, name = line.partition("\t")
        mode, kind, blob = facts.split(" ")
        if kind == "blob":
            found[name] = Entry(mode, blob)
    return found


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be made: a change on top of the commit that it was made from."""

    change: Change
    message: str


def make_commits(git: Git, drafts: Sequence[Draft], stamp: Stamp) -> list[str]:
    """Make all commits in one git process; no branch is moved."""
    if not drafts:
        return []
    # fast-import wants a branch per commit; one that lives no longer than the process, as the stream deletes it.
    stream = b"".join(_import(number, draft, stamp) for number, draft in enumerate(drafts, 1))
    marks = "".join(f"get-mark :{number}\n" for number in range(1, len(drafts) + 1)).encode()
    done = git.run("fast-import", "--quiet", "--force", "--done", stdin=stream + marks + b"done\n")
    made = done.text.split()
    if len(made) != len(drafts):
        raise GitError(f"git fast-import in {git.path} made {len(made)} of {len(drafts)} commits.")
    return made


def _import(number: int, draft: Draft, stamp: Stamp) -> bytes:
    ref = f"refs/platform-ops/build/{number}"
    date = git_date(stamp.date).removeprefix("@")
    message = draft.message.encode()
    head = (
        f"commit {ref}\nmark :{number}\n"
        f"author {stamp.author.name} <{stamp.author.email}> {date}\n"
        f"committer {stamp.committer.name} <{stamp.committer.email}> {date}\n"
        f"data {len(message)}\n"
    )
    lines = [f"from {draft.change.start}", *_lines(draft.change.files)]
    reset = f"reset {ref}\nfrom {'0' * len(draft.change.start)}\n"
    return head.encode() + message + b"\n" + _bytes("\n".join(lines)) + b"\n\n" + reset.encode() + b"\n"


def _lines(files: Mapping[str, Entry | None]) -> Iterator[str]:
    for name, entry in sorted(files.items()):
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        yield f"M {entry.mode} {entry.blob} {quoted}" if entry else f"D {quoted}"
