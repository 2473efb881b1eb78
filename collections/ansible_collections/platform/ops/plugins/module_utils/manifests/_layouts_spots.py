# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From values with places to spots where numbers stand or may be written; common to all layouts that lay over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Path,
    Place,
    as_node,
    as_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number

FIELDS = ("limits", "requests")


@dataclass(frozen=True, slots=True)
class Spot:
    """One document that has a say, and where in it: a `resources` mapping, or single numbers (`leaf`)."""

    document: Place
    resources: Path
    leaf: Mapping[Number, Path]
    held: Mapping[Number, str]  # numbers that are decided here

    @property
    def layout(self) -> str:
        operations = self.document.layout.startswith("kustomize") and isinstance(self.resources[0], int)
        return "kustomize-json6902" if operations else self.document.layout


def document(place: Place) -> Place:
    return replace(place, path=())


def numbers(resources: Node) -> dict[Number, tuple[str, Place]]:
    """The numbers of a `resources` mapping with the place that decided each."""
    found: dict[Number, tuple[str, Place]] = {}
    for field in FIELDS:
        values = as_node(resources.get(field))
        for name, value in values.items():
            if isinstance(value, str):
                found[field, name] = (value, values.leaves[name])
    return found


def container_type(group: str, container: Node) -> str:
    if not group:
        return "pod"
    if group == "containers":
        return "container"
    return "sidecar" if as_text(container.get("restartPolicy")) == "Always" else "init"


def spots(
    decided: Mapping[Number, tuple[str, Place]],
    homes: Iterable[tuple[Place, Path]],
    resource_homes: Iterable[Place],
    rank: Mapping[Place, int],
) -> list[Spot]:
    """Strongest first.

    Args:
        decided: the numbers in force.
        homes: documents in which a `resources` mapping stands or may be put, with its path there.
        resource_homes: places of mappings that are `resources`; a number two steps below one is no number alone.
        rank: of documents; a higher one wins. A document that is missing here is the strongest.
    """
    mapped: dict[tuple[Place, Path], dict[Number, Path]] = {(at, path): {} for at, path in homes}
    known = set(resource_homes)
    held: dict[tuple[Place, Path], dict[Number, str]] = {}
    for number, (text, place) in decided.items():
        parent = replace(place, path=place.path[:-2])
        if place.path[-2:] == number and parent in known:
            key = (document(place), parent.path)
            mapped.setdefault(key, {})
        else:
            key = (document(place), place.path)
            mapped.setdefault(key, {})[number] = place.path
        held.setdefault(key, {})[number] = text
    made = [Spot(at, path, leaf, held.get((at, path), {})) for (at, path), leaf in mapped.items()]
    strongest = max(rank.values(), default=0) + 1
    return sorted(made, key=lambda spot: rank.get(spot.document, strongest), reverse=True)
