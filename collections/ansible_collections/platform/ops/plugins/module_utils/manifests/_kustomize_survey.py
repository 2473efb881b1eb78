# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All kustomizations of a tree and who includes whom, read once; and the builds of single files through them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_build import Build, Built
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import (
    NAMES,
    Kustomization,
    read,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import PatchError
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_node,
    as_text,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, Refusal
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

_NAME = re.compile(rb"""\bname["']?\s*:\s+["']?([^\s"',}\]]+)""")
_MAX_CHAINS = 64  # different prefix and suffix chains one folder may stand in


@dataclass(slots=True)
class Top:
    """Something that is applied as a whole, and the object as it leaves it."""

    source: str
    built: Built


@dataclass(eq=False)
class Survey:
    tree: Tree
    known: dict[str, Kustomization] = field(default_factory=dict)  # by folder
    virtual: dict[str, Kustomization] = field(default_factory=dict)  # by source: laid over a folder by a GitOps object
    applied: set[str] = field(default_factory=set)  # folders that a GitOps object applies as they are
    parents: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # path -> folders that include it
    patch_files: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    _documents: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    _affixed: dict[tuple[str, str], set[str]] | None = None
    _names: dict[str, frozenset[bytes]] = field(default_factory=dict)
    _tops: dict[str, tuple[list[Top], list[Refusal]]] = field(default_factory=dict)

    def documents(self, file: str, layout: str) -> list[Any]:
        """Raises UnreadableError also for a file that is not there."""
        key = (file, layout)
        if key not in self._documents:
            try:
                data = self.tree.read(file)
            except OpsError as error:
                raise UnreadableError(error.reason, error.message) from error
            self._documents[key] = parse(data, Place(file, layout))
        return self._documents[key]

    def add(self, made: Kustomization, *, source: str | None = None) -> None:
        if source is None:
            self.known[made.folder] = made
        else:
            self.virtual[source] = made
        owner = made.folder if source is None else f"\0{source}"
        for path in (*made.resources, *made.components):
            self.parents[path].add(owner)
        self.patch_files.update(patch.file for patch in made.patches if patch.file is not None)
        if made.remote:
            for patch in made.patches:
                self.parents[patch.file or made.file].add(owner)

    def lay_over(self, source: str, overlay: Kustomization) -> None:
        """What a GitOps object makes of a folder: one more kustomization on top, or none if it changes nothing."""
        changes = overlay.namespace or overlay.default_namespace or overlay.prefix or overlay.suffix
        if not (changes or overlay.patches or overlay.components):
            self.applied.update(path for path in overlay.resources if path in self.known)
            return
        while source in self.virtual:
            source += "+"
        overlay.folder = f"\0{source}"
        self.add(overlay, source=source)

    def forget_builds(self) -> None:
        self._tops.clear()
        self._affixed = None

    def ancestors(self, path: str) -> frozenset[str]:
        """Folders (and virtual sources, marked by a NUL) that reach the path."""
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            for parent in self.parents.get(waiting.pop(), ()):
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return frozenset(seen)

    def candidates(self, name: str) -> list[str]:
        """Files whose workload may end up with that name, through prefixes and suffixes too."""
        found = [file for file in self.tree.naming(name) if file in self.parents]
        for (prefix, suffix), files in self._by_affix().items():
            if len(name) <= len(prefix) + len(suffix) or not (name.startswith(prefix) and name.endswith(suffix)):
                continue
            inner = name[len(prefix) : len(name) - len(suffix)].encode()
            found += [file for file in files if inner in self._names_in(file)]
        return sorted(set(found))

    def _names_in(self, file: str) -> frozenset[bytes]:
        if file not in self._names:
            try:
                self._names[file] = frozenset(_NAME.findall(self.tree.read(file)))
            except OpsError:
                self._names[file] = frozenset()
        return self._names[file]

    def _by_affix(self) -> dict[tuple[str, str], set[str]]:
        """Files by the prefix and suffix that all the kustomizations above them put on a name."""
        if self._affixed is None:
            chains: dict[str, set[tuple[str, str]]] = {}
            self._affixed = defaultdict(set)
            for folder, made in self.known.items():
                for path in made.resources:
                    if path not in self.known:
                        for affix in self._chains(folder, chains, ()):
                            if affix != ("", ""):
                                self._affixed[affix].add(path)
            for made in self.virtual.values():
                if made.prefix or made.suffix:
                    for path in made.resources:
                        if path not in self.known:
                            self._affixed[made.prefix, made.suffix].add(path)
        return self._affixed

    def _chains(
        self, folder: str, chains: dict[str, set[tuple[str, str]]], inside: tuple[str, ...]
    ) -> set[tuple[str, str]]:
        if folder in chains:
            return chains[folder]
        if folder in inside:
            return set()
        made = self.virtual[folder[1:]] if folder.startswith("\0") else self.known[folder]
        prefix, suffix = made.prefix, made.suffix
        for path in made.components:
            component = self.known.get(path)
            if component is not None:
                prefix, suffix = prefix + component.prefix, component.suffix + suffix
        outer: set[tuple[str, str]] = set()
        for parent in self.parents.get(folder, ()):
            outer |= self._chains(parent, chains, (*inside, folder))
        found = {(before + prefix, suffix + after) for before, after in outer or {("", "")}}
        chains[folder] = set(sorted(found)[:_MAX_CHAINS])
        return chains[folder]

    def tops(self, file: str) -> tuple[list[Top], list[Refusal]]:
        """The workloads of a file as each kustomization that nobody includes builds them."""
        if file not in self._tops:
            upward = self.ancestors(file)
            ends = [one for one in sorted(upward) if not self._included(one)]
            self._tops[file] = self.build(file, ends, upward)
        return self._tops[file]

    def _included(self, folder: str) -> bool:
        if folder.startswith("\0") or folder in self.applied:
            return False
        return self.known[folder].component or bool(self.parents.get(folder))

    def build(self, file: str, ends: list[str], upward: frozenset[str]) -> tuple[list[Top], list[Refusal]]:
        build = Build(self.known, self.documents, frozenset((file,)), upward)
        tops: list[Top] = []
        refusals: list[Refusal] = []
        for end in ends:
            try:
                built = build.run_virtual(self.virtual[end[1:]]) if end.startswith("\0") else build.run(end)
            except PatchError as error:
                refusals.append(Refusal(Reason.UNSUPPORTED, f"The kustomization {end} cannot be built: {error}.", end))
            except UnreadableError as error:
                refusals.append(Refusal(Reason(error.code), f"{file} cannot be read: {error.message}.", file))
            else:
                tops += [Top(end.removeprefix("\0"), one) for one in built if one.body]
        return tops, refusals

    def reached_by(self, folder: str, place: Place) -> int:
        """How many workloads of all that are built at `folder` the patch at `place` touches."""
        origins = self._below(folder)
        upward = frozenset(one for origin in origins for one in self.ancestors(origin))
        try:
            built = Build(self.known, self.documents, origins, upward).run(folder)
        except (PatchError, UnreadableError):
            return 2
        return sum(any(patched.place == place for step in one.trail for patched in step.patched) for one in built)

    def _below(self, folder: str) -> frozenset[str]:
        origins: set[str] = set()
        seen: set[str] = set()
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            made = self.known.get(here)
            if made is None:
                origins.add(here)
            elif here not in seen:
                seen.add(here)
                waiting += [*made.resources, *made.components]
        return frozenset(origin for origin in origins if self.tree.exists(origin))


def survey(tree: Tree) -> Survey:
    """The survey of a tree, made once."""
    made: Survey | None = tree.memo.get("kustomizations")
    if made is None:
        made = Survey(tree)
        for file in tree.named(*NAMES):
            try:
                kustomization = read(file, tree.read(file))
            except UnreadableError as error:
                made.refusals.append(Refusal(Reason(error.code), f"{file} cannot be read: {error.message}.", file))
                continue
            if kustomization is not None and kustomization.folder not in made.known:
                made.add(kustomization)
        tree.memo["kustomizations"] = made
    return made


@dataclass(frozen=True, slots=True)
class Deployed:
    """An object that deploys others, as it is applied: on its own, or as a kustomization builds it."""

    source: str
    name: str
    body: Node
    origin: Place
    top: Top | None = None


def deployed(tree: Tree, *kinds: str) -> list[Deployed]:
    known = survey(tree)
    found: list[Deployed] = []
    for file in tree.of_kind(*kinds):
        if file in known.parents:
            for top in known.tops(file)[0]:
                if as_text(top.built.body.get("kind")) in kinds:
                    found.append(_deployed(top.source, top.built.body, top.built.origin, top))
            continue
        if file in known.patch_files:
            continue
        try:
            documents = known.documents(file, "manifest")
        except UnreadableError:
            continue
        for body in documents:
            if isinstance(body, Node) and as_text(body.get("kind")) in kinds:
                found.append(_deployed(file, body, body.homes[0], None))
    return found


def _deployed(source: str, body: Node, origin: Place, top: Top | None) -> Deployed:
    return Deployed(source, as_text(as_node(body.get("metadata")).get("name")), body, origin, top)


def contains(folder: str, path: str) -> bool:
    """Is `path` the folder, or below it?"""
    return folder in (".", path) or posixpath.dirname(path) == folder or path.startswith(folder + "/")
