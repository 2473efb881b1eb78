# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML documents as trees of nodes that know where they stand in the text.

libyaml is the parser, through PyYAML: Kubernetes, Helm, Kustomize, Flux and Argo CD all read YAML with a port of it,
so what it takes for a value is what the cluster takes for a value (a tab before a comment included, which pure Python
parsers refuse). It is also forty times faster. PyYAML's own parser stands in where libyaml is missing.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path, Reason, Step, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._text import Text, decode

try:
    import yaml

    _Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    YAML_IMPORT_ERROR: str | None = None
except ImportError:
    yaml = None  # type: ignore[assignment]
    _Base = object
    YAML_IMPORT_ERROR = traceback.format_exc()

Node = Any

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 200
_MAX_NODES = 500_000  # a few bytes of nested aliases can stand for more nodes than any machine has memory
_MAX_TAGS = 50_000
_MAX_MERGES = 16  # a mapping can be made to merge itself
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_MERGE = "tag:yaml.org,2002:merge"
_TRUE = frozenset(("yes", "true", "on"))


_tags: dict[str, str] = {}


class Loader(_Base):
    """Remembers what kind of value a plain scalar is: manifests say the same few thousand words again and again."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode or not implicit[0]:
            return str(super().resolve(kind, value, implicit))
        tag = _tags.get(value)
        if tag is None:
            tag = str(super().resolve(kind, value, implicit))
            if len(_tags) < _MAX_TAGS:
                _tags[value] = tag
        return tag


def is_mapping(node: Node) -> bool:
    return isinstance(node, yaml.MappingNode)


def is_sequence(node: Node) -> bool:
    return isinstance(node, yaml.SequenceNode)


def is_scalar(node: Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def is_null(node: Node) -> bool:
    return is_scalar(node) and node.tag == _NULL


def is_merge(key: Node) -> bool:
    return is_scalar(key) and key.tag == _MERGE


def span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


class Document:
    """One document of a stream. Paths are keys as text and list positions as ints."""

    def __init__(self, text: Text, index: int, root: Node, file: str) -> None:
        self.text = text
        self.index = index
        self.root = root
        self.file = file

    @cached_property
    def data(self) -> Any:
        """Plain mappings (keys as text, merge keys resolved), lists, str, int, float, bool, None."""
        return _plain(self.root, [_MAX_NODES], 0, self.file)

    def node(self, path: Sequence[Step]) -> Node | None:
        """The node at a path, merge keys followed; None if there is none."""
        trail = self.trail(path)
        return trail[-1] if trail is not None else None

    def trail(self, path: Sequence[Step]) -> list[Node] | None:
        """The nodes from the root to the path, both included and mappings merged in on the way too; None if the
        path does not exist."""
        trail = [self.root]
        for step in path:
            hop = _hop(trail[-1], step)
            if hop is None:
                return None
            trail += hop
        return trail

    def get(self, path: Sequence[Step]) -> Any:
        """Plain data at a path, or None."""
        value = self.data
        for step in path:
            if isinstance(value, dict):
                value = value.get(str(step))
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def scalar(self, path: Sequence[Step]) -> str | None:
        """The text of the scalar at a path as its author wrote it (quotes resolved); None if there is none."""
        node = self.node(path)
        return node.value if node is not None and is_scalar(node) else None

    def line(self, path: Sequence[Step]) -> int:
        """The line of the node at the path, or of the nearest parent that exists; counted from 1."""
        node = self.root
        for step in path:
            below = child(node, step)
            if below is None:
                break
            node = below
        return self.text.line_of(node.start_mark.index)

    @cached_property
    def shared(self) -> frozenset[int]:
        """Ids of nodes reached through an alias or a merge key as well as in their own place."""
        seen: set[int] = set()
        twice: set[int] = set()
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                twice.add(id(node))
                continue
            seen.add(id(node))
            waiting.extend(_children(node))
        return frozenset(twice)

    def duplicate_on(self, path: Sequence[Step]) -> str | None:
        """The first key on the way to the path, or right below its end, that its mapping holds twice."""
        node = self.root
        for step in (*path, None):
            if node is None:
                return None
            if is_mapping(node):
                keys = [key.value for key, _value in node.value if is_scalar(key)]
                for key in keys:
                    if keys.count(key) > 1:
                        return str(key)
            if step is not None:
                node = child(node, step)
        return None


def child(node: Node, step: Step) -> Node | None:
    hop = _hop(node, step)
    return hop[-1] if hop else None


def _hop(node: Node, step: Step, depth: int = 0) -> list[Node] | None:
    """The child, after the merged mappings through which it is reached."""
    if is_sequence(node):
        return [node.value[step]] if isinstance(step, int) and 0 <= step < len(node.value) else None
    if not is_mapping(node) or depth > _MAX_MERGES:
        return None
    found = None
    merged: list[Node] = []
    for key, value in node.value:
        if is_merge(key):
            merged.extend(value.value if is_sequence(value) else [value])
        elif is_scalar(key) and key.value == str(step):
            found = value  # the last of doubled keys wins, as in Kubernetes; callers ask duplicate_on
    if found is not None:
        return [found]
    for source in merged:
        hop = _hop(source, step, depth + 1)
        if hop is not None:
            return [source, *hop]
    return None


def check_single(document: Document, path: Path) -> None:
    """
    Raises:
        RefusedError: a key on the way to the path stands twice.
    """
    doubled = document.duplicate_on(path)
    if doubled is not None:
        raise refuse(
            Reason.DUPLICATE_KEY,
            f"{document.file}, line {document.line(path)}: the key {doubled} stands twice on the way to "
            f"{keys_of(path)}; which one counts differs between programs. Remove one.",
            document.file,
        )


def _children(node: Node) -> Iterator[Node]:
    if is_mapping(node):
        for key, value in node.value:
            yield key
            yield value
    elif is_sequence(node):
        yield from node.value


def _plain(node: Node, budget: list[int], depth: int, file: str) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise refuse(Reason.INVALID_YAML, f"{file}: aliases or nesting make it stand for far more than it says.", file)
    if is_scalar(node):
        return _scalar(node)
    if is_sequence(node):
        return [_plain(item, budget, depth + 1, file) for item in node.value]
    made: dict[str, Any] = {}
    for key, value in node.value:
        if is_merge(key):
            for source in reversed(value.value if is_sequence(value) else [value]):
                if is_mapping(source):
                    made.update(_plain(source, budget, depth + 1, file))
    for key, value in node.value:
        if is_scalar(key) and not is_merge(key):
            made[key.value] = _plain(value, budget, depth + 1, file)
    return made


def _scalar(node: Node) -> Any:
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return node.value.lower() in _TRUE
    if node.tag in (_INT, _FLOAT):
        try:
            return int(node.value) if node.tag == _INT else float(node.value)
        except ValueError:
            return node.value
    return node.value


def parse(data: bytes, file: str) -> tuple[Document, ...]:
    """All documents of a file.

    Raises:
        RefusedError: not UTF-8, or not YAML.
    """
    return parse_text(decode(data, file), file)


def parse_text(text: Text, file: str) -> tuple[Document, ...]:
    if YAML_IMPORT_ERROR is not None:
        raise refuse(Reason.UNSUPPORTED, "PyYAML is not installed.")
    if len(text.body) > MAX_BYTES:
        raise refuse(Reason.INVALID_YAML, f"{file} is larger than {MAX_BYTES // 1024 // 1024} MiB.", file)
    try:
        roots = list(yaml.compose_all(text.body, Loader=Loader))
    except yaml.YAMLError as error:
        raise refuse(_why_not_yaml(text.body), f"{file} is not YAML: {' '.join(str(error).split())}.", file) from error
    except RecursionError as error:
        raise refuse(Reason.INVALID_YAML, f"{file} is nested too deeply.", file) from error
    return tuple(Document(text, number, root, file) for number, root in enumerate(roots))


def _why_not_yaml(body: str) -> Reason:
    return Reason.TEMPLATED if "{{" in body else Reason.INVALID_YAML


def keys_of(path: Path) -> str:
    """A path as people write it: spec.containers[0].resources."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif all(char.isalnum() or char in "-_" for char in step):
            out += f".{step}" if out else step
        else:
            out += f'["{step}"]'
    return out
