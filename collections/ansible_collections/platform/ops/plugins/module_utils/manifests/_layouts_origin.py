# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as values that remember where they are written.

Kustomize and Helm both lay one tree of values over another. To know which file decides a number in the end, the trees
here are merged the way those tools merge them, while every leaf keeps the place of the text it came from.
Scalars stay the text of the author (`1e3` is not a float here); only null is told apart, because null deletes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

try:
    import yaml

    _BASE: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
except ImportError:  # reported by the module, through _document
    yaml = None  # type: ignore[assignment]
    _BASE = object

Path = tuple["str | int", ...]

MAX_BYTES = 8 * 1024 * 1024
MAX_NODES = 200_000  # a few hundred bytes of nested aliases can stand for more nodes than any machine has memory
MAX_DEPTH = 120
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class UnreadableError(Exception):
    """Text that is not the YAML it should be; `code` is the reason code for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is written. `outer` leads to a scalar that holds YAML itself; `path` is inside that inner YAML."""

    file: str
    layout: str
    document: int = 0
    outer: Path = ()
    inner_document: int = 0
    path: Path = ()

    def child(self, *keys: str | int) -> Place:
        # spelt out: `replace` is ten times slower, and this runs for every node
        return Place(self.file, self.layout, self.document, self.outer, self.inner_document, self.path + keys)

    def embedded(self, layout: str, inner_document: int = 0) -> Place:
        return replace(self, layout=layout, outer=self.path, path=(), inner_document=inner_document)


class Plain(str):
    """A scalar without quotes: what it means (a number, a truth value) is still open."""

    __slots__ = ()


class Node(dict[str, Any]):
    """A mapping that knows all places that contributed to it (in order) and the place of each of its values.

    `removed` are the places that took a key away.
    """

    __slots__ = ("homes", "leaves", "removed")

    def __init__(self, homes: list[Place] | None = None) -> None:
        super().__init__()
        self.homes: list[Place] = homes or []
        self.leaves: dict[str, Place] = {}
        self.removed: list[Place] = []

    def put(self, key: str, value: Any, place: Place) -> None:
        self[key] = value
        self.leaves[key] = place

    def drop(self, key: str) -> None:
        self.pop(key, None)
        self.leaves.pop(key, None)


def clone(value: Any) -> Any:
    if isinstance(value, Node):
        copy = Node(list(value.homes))
        for key, item in value.items():
            copy[key] = clone(item)
        copy.leaves = dict(value.leaves)
        copy.removed = list(value.removed)
        return copy
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def as_node(value: Any) -> Node:
    """The mapping itself, or an empty one where a file has something else."""
    return value if isinstance(value, Node) else Node()


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def dig(value: Any, *keys: str | int) -> Any:
    """What stands at the path, or None."""
    for key in keys:
        if isinstance(value, Node) and key in value:
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            return None
    return value


class _Budget:
    def __init__(self) -> None:
        self.left = MAX_NODES

    def spend(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise UnreadableError("invalid_yaml", "aliases or nesting make it stand for far more than it says")


def _value(node: Any, place: Place, budget: _Budget, depth: int = 0) -> Any:
    budget.spend(depth)
    if isinstance(node, yaml.ScalarNode):
        if node.style:
            return node.value
        return None if node.value in _NULLS else Plain(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, place.child(i), budget, depth + 1) for i, item in enumerate(node.value)]
    made = Node([place])
    for key, item in _pairs(node, budget, depth):
        made.put(key, _value(item, place.child(key), budget, depth + 1), place.child(key))
    return made


def _pairs(node: Any, budget: _Budget, depth: int) -> Iterator[tuple[str, Any]]:
    """Merge keys first, so that the mapping's own keys win."""
    own: list[tuple[str, Any]] = []
    for key, item in node.value:
        budget.spend(depth)
        if not isinstance(key, yaml.ScalarNode):
            continue  # a key that is a list or mapping: valid YAML, never Kubernetes
        if key.value == "<<" and not key.style:
            sources = item.value if isinstance(item, yaml.SequenceNode) else [item]
            for source in reversed(sources):  # of several merged mappings the first one wins
                if isinstance(source, yaml.MappingNode):
                    yield from _pairs(source, budget, depth + 1)
        else:
            own.append((key.value, item))
    yield from own


def parse(text: bytes | str, place: Place) -> list[Any]:
    """All documents of a stream; `place` is that of the stream (its document number is counted here).

    Raises:
        UnreadableError: not UTF-8, not YAML, or out of all proportion.
    """
    if len(text) > MAX_BYTES:
        raise UnreadableError("invalid_yaml", f"larger than {MAX_BYTES // 1024 // 1024} MiB")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableError("not_utf8", f"not UTF-8: {error}") from error
    text = str(text)  # a Plain is no text to the parser
    found: list[Any] = []
    budget = _Budget()
    try:
        for number, node in enumerate(yaml.compose_all(text, Loader=_BASE)):
            at = replace(place, inner_document=number) if place.outer else replace(place, document=number)
            found.append(_value(node, at, budget))
    except yaml.YAMLError as error:
        raise UnreadableError("invalid_yaml", " ".join(str(error).split())) from error
    except RecursionError as error:
        raise UnreadableError("invalid_yaml", "nested too deeply") from error
    return found
