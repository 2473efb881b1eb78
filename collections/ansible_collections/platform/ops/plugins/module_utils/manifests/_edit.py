# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers changed in a file whose every other byte stays as it is.

Locate by parsing, change by splicing, parse again, and refuse if the second reading differs from the first in
anything but the numbers asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import (
    Document,
    Node,
    check_single,
    child,
    is_mapping,
    is_null,
    is_scalar,
    keys_of,
    parse,
    parse_text,
    span,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._embedded import embedding
from ansible_collections.platform.ops.plugins.module_utils.manifests._insert import New, insertion
from ansible_collections.platform.ops.plugins.module_utils.manifests._shadow import Shadow
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path, Reason, RefusedError, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._text import Splice, Text


@dataclass(frozen=True)
class Edit:
    """Make the number at `path` read `value`. `outer` leads to a scalar that holds the YAML meant."""

    path: Path
    value: str
    document: int = 0
    outer: Path = ()
    inner_document: int = 0
    allow_shared: bool = False


@dataclass(frozen=True)
class Edited:
    data: bytes
    lines: tuple[int, ...]  # of each edit, in the new file, counted from 1


def edit(data: bytes, file: str, edits: Sequence[Edit]) -> Edited:
    """
    Raises:
        RefusedError: the file cannot be edited, or not in a way that leaves everything else alone.
    """
    return edit_documents(parse(data, file), file, edits)


def edit_documents(documents: Sequence[Document], file: str, edits: Sequence[Edit]) -> Edited:
    """The same for a file that was parsed already."""
    text = documents[0].text if documents else Text("")
    shadows = [Shadow(document) for document in documents]
    splices: list[Splice] = []
    for (number, outer), group in _grouped(edits).items():
        document = _one(documents, number, file)
        if outer:
            splices += _embedded(document, shadows[number], outer, group)
        else:
            splices += _within(document, shadows[number], group)
    after = text.splice(splices)
    read = _verify(shadows, after, file)
    return Edited(after.encode(), tuple(_line(read[one.document], one) for one in edits))


def _grouped(edits: Sequence[Edit]) -> dict[tuple[int, Path], list[Edit]]:
    groups: dict[tuple[int, Path], list[Edit]] = defaultdict(list)
    for one in edits:
        groups[one.document, one.outer].append(one)
    return groups


def _one(documents: Sequence[Document], number: int, file: str) -> Document:
    if number >= len(documents):
        raise refuse(Reason.DIVERGED, f"{file} has {len(documents)} documents, number {number + 1} is meant.", file)
    return documents[number]


def _embedded(document: Document, shadow: Shadow, outer: Path, edits: list[Edit]) -> list[Splice]:
    node = _check(document, outer, edits[0])[-1]
    if not is_scalar(node):
        raise refuse(Reason.DIVERGED, f"{document.file}: {keys_of(outer)} holds no embedded YAML.", document.file)
    place = embedding(document.text, node, document.file)
    where = f"{document.file} ({keys_of(outer)})"
    text = Text(place.value)
    inner = parse_text(text, where)
    shadows = [Shadow(one) for one in inner]
    splices: list[Splice] = []
    for number in {one.inner_document for one in edits}:
        chosen = [one for one in edits if one.inner_document == number]
        splices += _within(_one(inner, number, where), shadows[number], chosen)
    after = text.splice(splices)
    _verify(shadows, after, where)
    shadow.set(node, after.body)
    return place.outward(splices)


def _within(document: Document, shadow: Shadow, edits: list[Edit]) -> list[Splice]:
    splices: list[Splice] = []
    additions: dict[int, tuple[list[Node], Node, New]] = {}
    for one in edits:
        reach = len(one.path)
        while document.trail(one.path[:reach]) is None:
            reach -= 1
        trail = _check(document, one.path[:reach], one)
        node = trail[-1]
        if reach == len(one.path) and is_scalar(node) and not is_null(node):
            splices.append(_token(document, node, one))
            shadow.set(node, one.value)
            continue
        if reach == len(one.path) and is_null(node):
            reach -= 1
            splices.append(_fill(document, trail, one))
            shadow.set(node, one.value)
            continue
        if reach == len(one.path) or not (is_mapping(node) or is_null(node)):
            raise refuse(
                Reason.INVALID_YAML,
                f"{document.file}, line {document.line(one.path)}: {keys_of(one.path)} does not hold what Kubernetes "
                "expects there.",
                document.file,
            )
        _trail, _node, new = additions.setdefault(id(node), (trail[:-1], node, {}))
        _plant(new, [str(step) for step in one.path[reach:]], one.value)
    for above, node, new in additions.values():
        splices += insertion(document, above, node, new)
        shadow.add(node, new)
    return splices


def _plant(new: New, steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        below = new.setdefault(step, {})
        if not isinstance(below, dict):
            raise AssertionError(f"{step} is both a number and the parent of one")
        new = below
    new[steps[-1]] = value


def _check(document: Document, path: Path, one: Edit) -> list[Node]:
    """The nodes on the way to a path, if nothing about them forbids an edit."""
    file = document.file
    trail = document.trail(path)
    if trail is None:
        raise refuse(Reason.DIVERGED, f"{file}: there is no {keys_of(path)}.", file)
    check_single(document, path)
    sops = child(document.root, "sops")
    if sops is not None and child(sops, "mac") is not None:
        raise refuse(
            Reason.ENCRYPTED,
            f"{file} is encrypted with SOPS; its checksum covers the clear values too, so that any edit breaks it. "
            "Edit it with `sops`.",
            file,
        )
    if not one.allow_shared and any(id(node) in document.shared for node in trail):
        raise refuse(
            Reason.SHARED_ANCHOR,
            f"{file}, line {document.line(path)}: {keys_of(path)} is shared through a YAML anchor; changing it would "
            "change every place that uses the anchor. Set allow_shared to do that, or write the number out.",
            file,
        )
    return trail


def _token(document: Document, node: Node, one: Edit) -> Splice:
    """The characters of the number alone: not its quotes, anchor or tag."""
    start, end = span(node)
    raw = document.text.body[start:end]
    if node.style in ('"', "'"):
        return Splice(start + raw.index(node.style) + 1, end - 1, one.value)
    if node.style in ("|", ">"):
        shown = node.value.strip()
        if not shown or raw.count(shown) != 1:
            raise _odd(document, one)
        at = start + raw.index(shown)
        return Splice(at, at + len(shown), one.value)
    if not raw.endswith(node.value):
        raise _odd(document, one)
    return Splice(end - len(node.value), end, one.value)


def _fill(document: Document, trail: list[Node], one: Edit) -> Splice:
    node = trail[-1]
    start, end = span(node)
    raw = document.text.body[start:end]
    if raw in ("~", "null", "Null", "NULL"):
        return Splice(start, end, one.value)
    if raw or document.text.body[start - 1] != ":":
        raise _odd(document, one)
    return Splice(start, start, f" {one.value}")


def _odd(document: Document, one: Edit) -> RefusedError:
    return refuse(
        Reason.UNSUPPORTED,
        f"{document.file}, line {document.line(one.path)}: {keys_of(one.path)} is written in a way that cannot be "
        "edited byte by byte.",
        document.file,
    )


def _verify(before: list[Shadow], after: Text, file: str) -> Sequence[Document]:
    read: Sequence[Document] = ()
    try:
        read = parse_text(after, file)
        same = [shadow.tree for shadow in before] == [Shadow(document).tree for document in read]
    except (RefusedError, RecursionError):
        same = False
    if not same:
        raise refuse(
            Reason.UNVERIFIED,
            f"{file}: read again after the edit, it would say more than the new numbers, so it was left alone.",
            file,
        )
    return read


def _line(document: Document, one: Edit) -> int:
    if not one.outer:
        return document.line(one.path)
    node = document.node(one.outer)
    first = document.line(one.outer)
    if node is None or node.style != "|":
        return first
    return first + parse_text(Text(node.value), document.file)[one.inner_document].line(one.path)
