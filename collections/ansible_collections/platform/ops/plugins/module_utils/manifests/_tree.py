# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One folder of manifests, read once.

Nothing outside the root is ever read: links are not walked, and a link that a path goes through must end inside.
Ten thousand files are cheap to hold and dear to parse, so one pass of a regular expression over the bytes notes which
file says which name and kind, and only files that can matter are parsed.
"""

from __future__ import annotations

import os
import posixpath
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import Document, parse
from ansible_collections.platform.ops.plugins.module_utils.manifests._index import Index
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, refuse

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
_SKIPPED_FOLDERS = frozenset((".git", ".hg", ".svn", "node_modules", ".terraform"))


class Tree:
    """Files below `root`; with `only`, that one file and nothing else."""

    def __init__(self, root: Path | str, only: str | None = None) -> None:
        self.root = os.path.realpath(root)
        self.only = only
        self._bytes: dict[str, bytes] = {}
        self._documents: dict[str, tuple[Document, ...]] = {}
        self.memo: dict[object, Any] = {}  # what finders worked out about this tree; keys start with their subject

    @cached_property
    def _files(self) -> tuple[str, ...]:
        if self.only is not None:
            return (self.only,)
        found: list[str] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(f"{self.root}/{folder}") as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _SKIPPED_FOLDERS:
                            waiting.append(f"{folder}{entry.name}/")
                    elif entry.is_file(follow_symlinks=False):
                        found.append(folder + entry.name)
        found.sort()
        return tuple(found)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._files)

    @cached_property
    def _manifests(self) -> tuple[str, ...]:
        return tuple(path for path in self._files if path.lower().endswith(MANIFEST_SUFFIXES) or path == self.only)

    def paths(self) -> tuple[str, ...]:
        """All YAML and JSON files, sorted, relative to the root."""
        return self._manifests

    def files(self) -> tuple[str, ...]:
        """All regular files, sorted, relative to the root."""
        return self._files

    def resolve(self, path: str) -> str | None:
        """The file that `path` names once `..` and links are followed; None if there is none.

        Raises:
            RefusedError: the path leads out of the root.
        """
        plain = posixpath.normpath(path)
        if plain in self._known:
            return plain
        real = os.path.realpath(f"{self.root}/{plain}")
        if real != self.root and not real.startswith(self.root + os.sep):
            raise refuse(
                Reason.OUTSIDE_PATH,
                f"{path} leads outside {self.root} and is not followed. Make `path` a folder that holds all of it.",
                path,
            )
        inside = os.path.relpath(real, self.root).replace(os.sep, "/")
        return inside if inside in self._known else None

    def exists(self, path: str) -> bool:
        return self.resolve(path) is not None

    def read(self, path: str) -> bytes:
        """The bytes of a file, read once.

        Raises:
            RefusedError: no such file, or it leads outside the root.
        """
        held = self._bytes.get(path)
        if held is not None:
            return held
        file = self.resolve(path)
        if file is None:
            raise refuse(Reason.NOT_FOUND, f"There is no file {path} in {self.root}.", path)
        data = self._bytes.get(file)
        if data is None:
            data = _slurp(f"{self.root}/{file}", file)
            self._bytes[file] = data
        return data

    def documents(self, path: str) -> tuple[Document, ...]:
        """The documents of a file, parsed once; positions and all.

        Raises:
            RefusedError: not UTF-8, or not YAML.
        """
        held = self._documents.get(path)
        if held is None:
            held = parse(self.read(path), path)
            self._documents[path] = held
        return held

    def yaml(self, path: str) -> list[object]:
        """The documents of a file as plain mappings, lists and scalars."""
        return [document.data for document in self.documents(path)]

    @cached_property
    def index(self) -> Index:
        """Which file says which name and which kind, by one pass over the bytes."""
        index = Index()
        for path in self._manifests:
            index.add(path, self.read(path))
        return index

    def naming(self, name: str) -> list[str]:
        """Files that hold `name: <name>`, or that hide their names from a byte search; sorted."""
        return self.index.naming(name)

    def of_kind(self, *kinds: str) -> list[str]:
        """Files that hold `kind: <kind>` for one of the kinds, or that hide it; sorted."""
        return self.index.of_kind(*kinds)

    def naming_of_kind(self, name: str, *kinds: str) -> list[str]:
        """Files that hold both the name and one of the kinds, or that hide something; sorted."""
        return self.index.naming_of_kind(name, kinds)

    def named(self, *basenames: str) -> list[str]:
        """Files called exactly one of these names, such as kustomization.yaml; sorted."""
        wanted = frozenset(basenames)
        return [path for path in self._files if posixpath.basename(path) in wanted]


def _slurp(full: str, path: str) -> bytes:
    # O_NOFOLLOW: the folder may change between the walk and the read
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise refuse(Reason.NOT_FOUND, f"{path} cannot be read: {error.strerror}.", path) from error
    try:
        chunks: list[bytes] = []
        while chunk := os.read(handle, 1 << 18):
            chunks.append(chunk)
            if len(chunk) < 1 << 18:
                break
        return b"".join(chunks)
    finally:
        os.close(handle)
