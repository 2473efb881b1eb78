# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decided numbers brought into the files of a destination."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._destination import Destination
from ansible_collections.platform.ops.plugins.module_utils.manifests._document import (
    Document,
    child,
    is_scalar,
    keys_of,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._edit import Edit, edit_documents
from ansible_collections.platform.ops.plugins.module_utils.manifests._numbers import (
    Held,
    document_of,
    inner_document,
    quantity_at,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Change
from ansible_collections.platform.ops.plugins.module_utils.manifests._result import Changed
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path, Reason, Site, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree


@dataclass(frozen=True, slots=True)
class Planned:
    held: Held
    change: Change


@dataclass(frozen=True, slots=True)
class Applied:
    changes: tuple[Changed, ...]  # in the order of the plan, from the base's number to the one that is there now
    changed: bool  # whether any byte of the destination differs for it
    files: tuple[str, ...]  # that hold the numbers or are needed for them, such as the kustomization of a new patch


def apply(tree: Tree, destination: Destination, planned: Sequence[Planned], allow_shared: bool) -> Applied:
    """Edit all files of one item, or none.

    A number that the destination has raised at least as far already stays: the branch of an open pull request may
    hold a higher one.

    Raises:
        RefusedError: a file cannot be edited as planned.
    """
    staged: dict[str, bytes] = {}

    def read(file: str) -> bytes | None:
        return staged[file] if file in staged else destination.read(file)

    groups: dict[str, list[Planned]] = defaultdict(list)
    for one in planned:
        groups[one.held.site.file].append(one)
    made: dict[int, Changed] = {}
    for file, group in groups.items():
        for site in (one.held.site for one in group):
            if site.scaffold is not None:
                staged.update(site.scaffold(read))
        data = read(file)
        if data is None:
            raise refuse(Reason.DIVERGED, f"{file} is not in the worktree; its branch has gone another way.", file)
        after, changes = _file(tree, data, group, allow_shared)
        made.update((id(one), change) for one, change in zip(group, changes, strict=True))
        staged[file] = after
    changed = [file for file, data in staged.items() if data != destination.read(file)]
    for file in changed:
        destination.put(file, staged[file])
    return Applied(tuple(made[id(one)] for one in planned), bool(changed), tuple(sorted(staged)))


def _file(tree: Tree, data: bytes, group: Sequence[Planned], allow_shared: bool) -> tuple[bytes, list[Changed]]:
    file = group[0].held.site.file
    known = tree.exists(file) and tree.read(file) == data
    documents = tree.documents(file) if known else parse(data, file)
    edits: dict[int, Edit] = {}
    made: list[Changed] = []
    for number, one in enumerate(group):
        site, path, change = one.held.site, one.held.path, one.change
        document = inner_document(documents, site)
        _same_place(document_of(tree, site), document, path, file)
        present = quantity_at(document, path) if document is not None else None
        if present is not None and present.value >= change.after.value:
            made.append(_changed(one, _line(documents[site.document], document, site, path), present.text))
            continue
        edits[number] = Edit(path, change.after.text, site.document, site.outer, site.inner_document, allow_shared)
        made.append(_changed(one, 0, change.after.text))
    if not edits:
        return data, made
    result = edit_documents(documents, file, list(edits.values()))
    for number, line in zip(edits, result.lines, strict=True):
        made[number] = replace(made[number], line=line)
    return result.data, made


def _changed(one: Planned, line: int, after: str) -> Changed:
    site, change = one.held.site, one.change
    return Changed(
        file=site.file,
        line=line,
        yaml_path=keys_of((*site.outer, *one.held.path)),
        container=site.container,
        resource=change.resource,
        field=change.field,
        before=change.before.text if change.before else None,
        after=after,
        layout=site.layout,
    )


def _line(outer: Document, inner: Document | None, site: Site, path: Path) -> int:
    if inner is None or not site.outer:
        return outer.line(path)
    return outer.line(site.outer) + inner.line(path)


def _same_place(base: Document | None, now: Document | None, path: Path, file: str) -> None:
    """The path was found in the base; in the destination it has to lead through the same named things."""
    if now is None:
        raise refuse(Reason.DIVERGED, f"{file} in the worktree has lost a document; its branch went another way.", file)
    if base is None or base is now:
        return
    old, new = base.root, now.root
    for step in (None, *path):
        if step is not None:
            old, new = child(old, step), child(new, step)
        if old is None or (new is None and _name(old) is None):
            return
        if new is None or _name(old) != _name(new):
            raise refuse(
                Reason.DIVERGED,
                f"{file} in the worktree has other things than the base on the way to {keys_of(path)}; its branch "
                "went another way. Bring the branch up to date with its base first.",
                file,
            )


def _name(node: object) -> str | None:
    named = child(node, "name") or child(child(node, "metadata"), "name")
    return str(named.value) if named is not None and is_scalar(named) else None
