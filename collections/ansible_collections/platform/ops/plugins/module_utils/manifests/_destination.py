# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where edited files are written: the tree that was read, or a git worktree of the same repository."""

from __future__ import annotations

import os
import posixpath
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree


class _Place(Protocol):
    def load(self, file: str) -> bytes | None: ...
    def full(self, file: str) -> Path: ...
    def prepare(self, files: list[str]) -> None: ...


class Destination:
    """Files as they will be. Edits of several items meet here; nothing is written before `write`."""

    def __init__(self, place: _Place) -> None:
        self._place = place
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes] = {}

    def read(self, file: str) -> bytes | None:
        if file in self._after:
            return self._after[file]
        if file not in self._before:
            self._before[file] = self._place.load(file)
        return self._before[file]

    def put(self, file: str, data: bytes) -> None:
        self.read(file)
        self._after[file] = data

    def changed(self) -> list[tuple[str, bytes | None, bytes]]:
        """File, bytes before (None if it is new) and after."""
        return [
            (file, self._before[file], data) for file, data in sorted(self._after.items()) if data != self._before[file]
        ]

    def write(self) -> None:
        """
        Raises:
            OpsError: a file cannot be written.
        """
        files = [file for file, _before, _after in self.changed()]
        if not files:
            return
        self._place.prepare(files)
        for file, _before, data in self.changed():
            _replace(self._place.full(file), data)


def _replace(path: Path, data: bytes) -> None:
    """The file is always whole: the old one or the new one."""
    spare = path.with_name(f".{path.name}.{os.getpid()}~")
    try:
        try:
            mode = path.stat().st_mode & 0o7777
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o644
        try:
            handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with os.fdopen(handle, "wb") as out:
                os.fchmod(handle, mode)
                out.write(data)
            spare.replace(path)
        except BaseException:
            spare.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OpsError(f"Writing {path} failed: {error.strerror}. Nothing else of this file was changed.") from error


class InPlace:
    """The tree itself."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def load(self, file: str) -> bytes | None:
        return self._tree.read(file) if self._tree.exists(file) else None

    def full(self, file: str) -> Path:
        return Path(self._tree.root, self._tree.resolve(file) or posixpath.normpath(file))

    def prepare(self, files: list[str]) -> None:
        """The files are where they are."""


class Repository:
    """The git repository that a tree is a part of."""

    def __init__(self, root: str) -> None:
        self.git = Git(Path(root))

    @cached_property
    def prefix(self) -> str:
        """The tree's folder within the repository: empty, or with a slash at its end."""
        return self.git.text("rev-parse", "--show-prefix")


class Worktree:
    """A worktree of the repository, in which files may be absent because it is sparse.

    Such a file is taken from the commit that the worktree starts from, and asked for before it is written.
    """

    def __init__(self, repository: Repository, folder: str, start: str | None) -> None:
        self._repository = repository
        self._folder = os.path.realpath(folder)
        self._start = start or "HEAD"
        self._git = Git(Path(self._folder))
        if not Path(self._folder).is_dir():
            raise InputError(f"The worktree {folder} does not exist. Create it before the bump.")

    def load(self, file: str) -> bytes | None:
        path = self.full(file)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OpsError(f"Reading {path} failed: {error.strerror}.") from error
        shown = self._git.run("cat-file", "blob", f"{self._start}:{self._repository.prefix}{file}", ok=(0, 128))
        return shown.out if shown.code == 0 else None

    def full(self, file: str) -> Path:
        path = os.path.join(self._folder, self._repository.prefix, file)  # noqa: PTH118 (realpath next)
        real = os.path.realpath(path)
        if not real.startswith(self._folder + os.sep):
            raise refuse(Reason.OUTSIDE_PATH, f"{file} leads outside the worktree {self._folder}.", file)
        return Path(real)

    def prepare(self, files: list[str]) -> None:
        absent = [f"{self._repository.prefix}{file}" for file in files if not self.full(file).exists()]
        if not absent:
            return
        settings = self._git.run("config", "--get-regexp", r"^core\.sparsecheckout", ok=(0, 1)).text.lower().split()
        sparse = dict(zip(settings[::2], settings[1::2], strict=True))
        if sparse.get("core.sparsecheckout") != "true":
            return
        if sparse.get("core.sparsecheckoutcone") == "false":
            wanted = [f"/{file}" for file in absent]
        else:
            wanted = sorted({posixpath.dirname(file) for file in absent} - {""})
        if wanted:
            self._git.run("sparse-checkout", "add", "--stdin", stdin="\n".join(wanted).encode())
