# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors and node selector terms, parsed once into tuples that can be shared and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str  # In | NotIn | Exists | DoesNotExist | Gt | Lt
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={self.values[0]}"
        return f"{self.key} {self.operator} {list(self.values)}" if self.values else f"{self.key} {self.operator}"

    def matches(self, labels: Labels) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return _compares(self.operator, value, self.values)
        return False


def _compares(operator: str, value: str | None, values: tuple[str, ...]) -> bool:
    try:
        left, right = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold; without any, it matches everything. `nothing` is the absent selector."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Labels) -> bool:
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return "nothing" if self.nothing else ", ".join(map(str, self.requirements)) or "everything"


NOTHING = Selector(nothing=True)


def label_selector(raw: Mapping[str, Any] | None) -> Selector:
    """A metav1.LabelSelector; None selects nothing, {} selects everything."""
    if raw is None:
        return NOTHING
    wanted = [Requirement(key, "In", (value,)) for key, value in sorted((raw.get("matchLabels") or {}).items())]
    return Selector((*wanted, *_requirements(raw.get("matchExpressions"))))


def _requirements(raw: list[Mapping[str, Any]] | None) -> tuple[Requirement, ...]:
    return tuple(Requirement(item["key"], item["operator"], tuple(item.get("values") or ())) for item in raw or ())


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """One term of a node selector: labels and metadata.name must all match. An empty term matches no node."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, name: str, labels: Labels) -> bool:
        if not self.labels and not self.fields:
            return False
        return all(r.matches(labels) for r in self.labels) and all(
            r.matches({"metadata.name": name}) for r in self.fields
        )

    def __str__(self) -> str:
        return ", ".join(map(str, (*self.labels, *self.fields))) or "an empty term"


def node_terms(raw: Mapping[str, Any] | None) -> tuple[NodeTerm, ...] | None:
    """A v1.NodeSelector: one of the terms must match. None means there is no selector."""
    if raw is None:
        return None
    return tuple(
        NodeTerm(_requirements(term.get("matchExpressions")), _requirements(term.get("matchFields")))
        for term in raw.get("nodeSelectorTerms") or ()
    )
