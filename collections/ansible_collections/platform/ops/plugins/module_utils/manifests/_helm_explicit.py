# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The place that the user named, where no chart is looked at."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    FIELDS,
    RESOURCES,
    PathError,
    dotted,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_text,
    dig,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    FoundSites,
    Number,
    Path,
    Reason,
    Refusal,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import (
    Tree,
)


def explicit(tree: Tree, target: Target, values_file: str, path: str) -> FoundSites:
    """The place that the user named: `path` leads to the `resources` mapping (or into it) in a YAML file."""
    try:
        steps = dotted(path)
    except PathError as error:
        return FoundSites(refusals=(Refusal(Reason.INVALID_INPUT, f"helm.path: {error}.", values_file),))
    for length in (2, 1):
        if len(steps) > length and steps[-length] in ("limits", "requests"):
            steps = steps[:-length]
            break
    place = Place(posixpath.normpath(values_file), "helm-values")
    try:
        documents = parse(tree.read(place.file), place)
    except OpsError as error:
        return FoundSites(refusals=(Refusal(Reason(error.reason), error.message, values_file),))
    except UnreadableError as error:
        text = f"{values_file} cannot be read: {error.message}."
        return FoundSites(refusals=(Refusal(Reason(error.code), text, values_file),))
    if any(isinstance(one, Node) and "sops" in one for one in documents):
        text = f"{values_file} is encrypted by SOPS; its checksum covers every value. Change it with sops."
        return FoundSites(refusals=(Refusal(Reason.ENCRYPTED, text, values_file, decisive=True),))
    return FoundSites(tuple(_named(target, spot) for spot in _spots(documents, place, steps)))


@dataclass(frozen=True)
class _Spot:
    place: Place
    leaf: Mapping[Number, Path] = field(default_factory=dict)


def _named(target: Target, spot: _Spot) -> Site:
    place = spot.place
    return Site(
        file=place.file,
        document=place.document,
        outer=place.outer,
        inner_document=place.inner_document,
        resources=place.path,
        layout=place.layout,
        kind=target.kind or "Deployment",
        name=target.name,
        namespace=target.namespace,
        container=target.container or "",
        leaf=spot.leaf,
        source=place.file,
    )


def _spots(documents: list[Any], place: Place, steps: Path) -> list[_Spot]:
    """Strongest first. The path starts at the document, or at the values of a release that the document describes."""
    for number, document in enumerate(documents):
        at = replace(place, document=number)
        if isinstance(dig(document, *steps), Node):
            return [_Spot(at.child(*steps))]
        inside = _in_string(document, at, steps)
        if inside:
            return inside
        released = _in_release(document, at, steps)
        if released:
            return released
    number = next((i for i, one in enumerate(documents) if dig(one, steps[0]) is not None), 0)
    return [_Spot(replace(place, document=number, path=steps))]


def _in_release(document: Any, at: Place, steps: Path) -> list[_Spot]:
    kind = dig(document, "kind")
    if kind == "HelmRelease":
        values = ("spec", "values")
        return [_Spot(at.child(*values, *steps))] if isinstance(dig(document, *values, *steps), Node) else []
    if kind != "Application":
        return []
    found: list[_Spot] = []
    listed = [("spec", "sources", i) for i in range(len(as_list(dig(document, "spec", "sources"))))]
    for source in (("spec", "source"), *listed):
        helm = (*source, "helm")
        leaf = _parameters(document, (*helm, "parameters"), steps)
        if leaf:
            found.append(_Spot(replace(at, layout="argocd-parameters"), leaf))
        if isinstance(dig(document, *helm, "valuesObject", *steps), Node):
            found.append(_Spot(replace(at, layout="argocd-valuesobject").child(*helm, "valuesObject", *steps)))
        found += _in_string(document, at, (*helm, "values", *steps))
    return found


def _parameters(document: Any, path: Path, steps: Path) -> dict[Number, Path]:
    above = ".".join(str(step) for step in steps)
    return {
        (what, resource): (*path, number, "value")
        for number, one in enumerate(as_list(dig(document, *path)))
        for what in FIELDS
        for resource in RESOURCES
        if as_text(dig(one, "name")) == f"{above}.{what}.{resource}"
    }


def _in_string(document: Any, at: Place, steps: Path) -> list[_Spot]:
    """Where the path leads through a text that holds YAML."""
    for length in range(1, len(steps)):
        text = as_text(dig(document, *steps[:length]))
        if not text:
            continue
        inner = at.child(*steps[:length]).embedded("argocd-values")
        try:
            inside = parse(text, inner)
        except UnreadableError:
            return []
        rest = steps[length:]
        return [
            _Spot(replace(inner, inner_document=number).child(*rest))
            for number, one in enumerate(inside)
            if isinstance(dig(one, *rest), Node)
        ]
    return []
