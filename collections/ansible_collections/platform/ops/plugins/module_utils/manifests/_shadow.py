# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a document says, in a form that can be told what it should say after an edit."""

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import (
    Document,
    Node,
    is_mapping,
    is_scalar,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._insert import New


class Scalar:
    """Kind and text of a scalar. A number that was edited may change its kind (1 to 1500m)."""

    __slots__ = ("tag", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tag: str | None, value: str) -> None:
        self.tag = tag
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scalar) or self.value != other.value:
            return False
        return self.tag == other.tag or self.tag is None or other.tag is None


class Shadow:
    """Mappings are lists of pairs, so that order and doubled keys count; an aliased node stays one object, so that an
    edit of it shows wherever it is used."""

    def __init__(self, document: Document) -> None:
        self._made: dict[int, Any] = {}
        self.tree = self._of(document.root)

    def _of(self, node: Node) -> Any:
        held = self._made.get(id(node))
        if held is not None:
            return held
        if is_scalar(node):
            made: Any = Scalar(node.tag, node.value)
            self._made[id(node)] = made
            return made
        made = [node.tag]
        self._made[id(node)] = made
        if is_mapping(node):
            made += [[self._of(key), self._of(value)] for key, value in node.value]
        else:
            made += [self._of(item) for item in node.value]
        return made

    def set(self, node: Node, value: str) -> None:
        scalar = self._made[id(node)]
        scalar.tag = None
        scalar.value = value

    def add(self, node: Node, new: New) -> None:
        held = self._made[id(node)]
        if isinstance(held, Scalar):
            # a null becomes a mapping; its parents hold the object, so it is swapped in place there
            self._swap(held, ["tag:yaml.org,2002:map", *_pairs(new)])
        else:
            held.extend(_pairs(new))

    def _swap(self, old: Scalar, new: list[Any]) -> None:
        for made in self._made.values():
            if isinstance(made, list):
                for entry in made:
                    if isinstance(entry, list) and len(entry) == 2 and entry[1] is old:
                        entry[1] = new


def _pairs(new: New) -> list[Any]:
    return [
        [
            Scalar("tag:yaml.org,2002:str", key),
            ["tag:yaml.org,2002:map", *_pairs(value)] if isinstance(value, dict) else Scalar(None, value),
        ]
        for key, value in new.items()
    ]
