# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `kustomize build` makes of one workload, with the place of every value; nothing is run and nothing fetched.

The order is Kustomize's: resources, components, patchesStrategicMerge, patches, namespace, prefix, suffix, labels,
annotations, patchesJson6902. Only the objects asked for are built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import Kustomization, Patch
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    PatchError,
    apply_operations,
    strategic_merge,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    Identity,
    identity,
    selects,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_node,
    as_text,
    clone,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import WORKLOAD_KINDS

# Kustomize also builds what deploys workloads: their values may be patched in an overlay like anything else.
OBJECT_KINDS = (*WORKLOAD_KINDS, "HelmRelease", "Application", "ApplicationSet")

Documents = Callable[[str, str], list[Any]]  # (file, layout) -> its documents


@dataclass(slots=True)
class Patched:
    """A patch that took part: where its text is, and whether it can mean other objects as well."""

    place: Place
    wide: bool


@dataclass(slots=True)
class Step:
    """One kustomization that the object went through, with the identity it had when it came in."""

    folder: str
    file: str
    identity: Identity
    virtual: bool  # laid over by Flux or Argo CD, no kustomization of its own
    patched: list[Patched] = field(default_factory=list)


@dataclass(slots=True)
class Built:
    body: Node
    origin: Place
    previous: list[Identity]
    trail: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def copy(self) -> Built:
        trail = [replace(step, patched=list(step.patched)) for step in self.trail]
        return Built(clone(self.body), self.origin, list(self.previous), trail, list(self.notes))


def objects(documents: list[Any], place: Place) -> list[tuple[Node, Place]]:
    """Objects of interest in a stream, those within a List included."""
    found: list[tuple[Node, Place]] = []
    for document in documents:
        _collect(document, place, found)
    return found


def _collect(value: Any, place: Place, found: list[tuple[Node, Place]]) -> None:
    if not isinstance(value, Node):
        return
    kind = as_text(value.get("kind"))
    if kind in OBJECT_KINDS:
        found.append((value, value.homes[0]))
    elif kind.endswith("List"):
        for item in as_list(value.get("items")):
            _collect(item, place, found)


@dataclass(slots=True)
class Build:
    """One build of some files; `known` are all kustomizations by folder, `upward` those that lead to these files."""

    known: Mapping[str, Kustomization]
    documents: Documents
    origins: frozenset[str]
    upward: frozenset[str]
    done: dict[str, list[Built]] = field(default_factory=dict)

    def run(self, folder: str) -> list[Built]:
        return [one.copy() for one in self._folder(folder, ())]

    def run_virtual(self, kustomization: Kustomization) -> list[Built]:
        """A kustomization that is no file: what Flux or Argo CD lay over a folder."""
        return self._make(kustomization, (), [])

    def _folder(self, folder: str, inside: tuple[str, ...]) -> list[Built]:
        if folder not in self.done:
            if folder in inside:
                raise PatchError(f"{' → '.join([*inside, folder])} is a circle")
            self.done[folder] = self._make(self.known[folder], (*inside, folder), [])
        return self.done[folder]

    def _make(self, made: Kustomization, inside: tuple[str, ...], items: list[Built]) -> list[Built]:
        for path in made.resources:
            if path in self.origins:
                items += self._file(path)
            elif path in self.upward and not self.known[path].component:
                items += [one.copy() for one in self._folder(path, inside)]
        items += self._from_elsewhere(made)
        for path in made.components:
            component = self.known.get(path)
            if component is not None and component.component and path not in inside:
                items = self._make(component, (*inside, path), items)
        for item in items:
            self.transform(made, item)
        return items

    def _from_elsewhere(self, made: Kustomization) -> list[Built]:
        """Objects of a remote base, as far as the patches here say: what a patch sets is decided here all the same."""
        found: list[Built] = []
        for patch in made.patches if made.remote else ():
            if patch.target is not None or (patch.file or made.file) not in self.origins:
                continue
            with suppress(UnreadableError):
                for body, place in objects(self._patch_documents(patch), patch.place):
                    meant = identity(body)
                    if all(one.previous[0] != meant for one in found):
                        found.append(
                            Built(_named(body), place, [meant], notes=[f"its base is {', '.join(made.remote)}"])
                        )
        return found

    def _file(self, path: str) -> list[Built]:
        place = Place(path, "kustomize-base")
        found = objects(self.documents(path, place.layout), place)
        return [Built(clone(body), at, [identity(body)]) for body, at in found]

    def transform(self, made: Kustomization, item: Built) -> None:
        item.trail.append(Step(made.folder, made.file, identity(item.body), made.folder.startswith("\0")))
        for patch in made.patches:
            if not patch.late:
                self._patch(patch, item)
        metadata = item.body.get("metadata")
        if not isinstance(metadata, Node):
            metadata = Node()
            item.body["metadata"] = metadata
        if made.namespace:
            _remember(item)
            metadata["namespace"] = made.namespace
        if made.default_namespace and not metadata.get("namespace"):
            metadata["namespace"] = made.default_namespace
        if made.prefix or made.suffix:
            _remember(item)
            metadata["name"] = made.prefix + as_text(metadata.get("name")) + made.suffix
        for key, texts in (("labels", made.labels), ("annotations", made.annotations)):
            if texts:
                holder = as_node(metadata.get(key))
                holder.update(texts)
                metadata[key] = holder
        for patch in made.patches:
            if patch.late:
                self._patch(patch, item)
        item.notes += [f"{made.file} also has {key}, which are not followed" for key in made.opaque]
        item.notes += [f"{made.file} also takes {path}, which lies outside the tree" for path in made.outside]

    def _patch(self, patch: Patch, item: Built) -> None:
        try:
            documents = self._patch_documents(patch)
        except UnreadableError as error:
            where = patch.file or patch.place.file
            item.notes.append(f"{where} holds a patch that cannot be read: {error.message}")
            return
        for document in documents:
            try:
                self._apply(patch, document, item)
            except PatchError as error:
                where = patch.file or patch.place.file
                item.notes.append(f"{where} holds a patch that Kustomize would refuse: {error}")

    def _patch_documents(self, patch: Patch) -> list[Any]:
        if patch.file is not None:
            return self.documents(patch.file, "kustomize-patch")
        return parse(patch.text, patch.place.embedded("kustomize-inline"))

    def _apply(self, patch: Patch, document: Any, item: Built) -> None:
        target = patch.target
        if isinstance(document, list):
            if target is None or not selects(target, item.body, item.previous[0]):
                return
            _remember(item)
            apply_operations(item.body, document)
            place = document[0].homes[0] if document and isinstance(document[0], Node) else patch.place
            item.trail[-1].patched.append(Patched(place, wide=True))
            return
        if not isinstance(document, Node):
            return
        if target is None:
            meant = identity(document)
            hit = any(meant.same(one) for one in (*item.previous, identity(item.body)))
        else:
            hit = selects(target, item.body, item.previous[0])
        if hit:
            _merge_keeping_identity(item, document)
            item.trail[-1].patched.append(Patched(document.homes[0], wide=_is_wide(target)))


def _named(body: Node) -> Node:
    made = Node()
    for key in ("apiVersion", "kind", "metadata"):
        if key in body:
            made.put(key, clone(body[key]), body.leaves[key])
    return made


def _is_wide(target: Node | None) -> bool:
    """Can the target mean more than one object? A plain name with a plain kind cannot."""
    if target is None:
        return False
    name, kind = as_text(target.get("name")), as_text(target.get("kind"))
    return not (name and kind and (name + kind).replace("-", "").isalnum())


def _remember(item: Built) -> None:
    now = identity(item.body)
    if now != item.previous[-1]:
        item.previous.append(now)


def _merge_keeping_identity(item: Built, patch: Node) -> None:
    before = identity(item.body)
    if strategic_merge(item.body, patch) is None:
        item.body.clear()
        return
    metadata = item.body["metadata"]
    for holder, key, text in (
        (item.body, "apiVersion", before.api),
        (item.body, "kind", before.kind),
        (metadata, "name", before.name),
        (metadata, "namespace", before.namespace),
    ):
        if text:
            holder[key] = text
        else:
            holder.drop(key)


def lay_over(made: Kustomization, item: Built) -> None:
    """A kustomization of inline patches only, as Flux's post-renderers have it, over one object."""
    nothing: Mapping[str, Kustomization] = {}
    Build(nothing, lambda _file, _layout: [], frozenset(), frozenset()).transform(made, item)
