# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers in force, and the place of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._document import (
    Document,
    check_single,
    is_null,
    is_scalar,
    keys_of,
    parse_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._qos import qos_class
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number, Path, Reason, Site, refuse
from ansible_collections.platform.ops.plugins.module_utils.manifests._text import Text
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

_OCTAL = re.compile(r"[+-]?0[0-9_]+")
# layouts in which the document holds the whole pod as the cluster gets it
WHOLE_POD = ("manifest",)


@dataclass(frozen=True, slots=True)
class Held:
    """A number in force. `site` is where to write a new one; `path` leads to it there, now or afterwards."""

    site: Site
    path: Path
    quantity: Quantity | None


def place_of(site: Site, number: Number) -> Path | None:
    """Where the site has, or could have, a number."""
    if site.leaf:
        return site.leaf.get(number)
    return (*site.resources, *number)


def inner_document(documents: Sequence[Document], site: Site) -> Document | None:
    """The document of a site, that of embedded YAML included; None if there is none."""
    if site.document >= len(documents):
        return None
    document = documents[site.document]
    if not site.outer:
        return document
    node = document.node(site.outer)
    if node is None or not is_scalar(node):
        return None
    inner = parse_text(Text(node.value), f"{site.file} ({keys_of(site.outer)})")
    return inner[site.inner_document] if site.inner_document < len(inner) else None


def document_of(tree: Tree, site: Site) -> Document | None:
    key = ("document", site.file, site.document, site.outer, site.inner_document)
    if key not in tree.memo:
        known = tree.exists(site.file)
        tree.memo[key] = inner_document(tree.documents(site.file), site) if known else None
    held: Document | None = tree.memo[key]
    return held


def held(tree: Tree, places: Sequence[Site], number: Number) -> Held | None:
    """The number in force, from the strongest place that says one; None if no place can even hold it.

    Raises:
        RefusedError: what stands there is no quantity.
    """
    free: Held | None = None
    for site in places:
        path = place_of(site, number)
        if path is None:
            continue
        document = document_of(tree, site)
        if document is not None:
            check_single(document, path)
        written = quantity_at(document, path) if document is not None else None
        if written is not None:
            return Held(site, path, written)
        if number in site.effective:
            return Held(site, path, _parsed(site.effective[number], site.file, number))
        free = free or Held(site, path, None)
    return free


def quantity_at(document: Document, path: Path) -> Quantity | None:
    """
    Raises:
        RefusedError: what stands there is no quantity.
    """
    node = document.node(path)
    if node is None or is_null(node):
        return None
    where = f"{document.file}, line {document.line(path)}: {keys_of(path)}"
    if not is_scalar(node):
        raise refuse(Reason.INVALID_YAML, f"{where} is not a number but a mapping or list.", document.file)
    text = node.value
    if "{{" in text or "${" in text:
        raise refuse(
            Reason.TEMPLATED,
            f"{where} is {text}: a variable that is filled in elsewhere. Change it there.",
            document.file,
        )
    if text.startswith("ENC["):
        raise refuse(Reason.ENCRYPTED, f"{where} is encrypted with SOPS. Edit it with `sops`.", document.file)
    if not node.style and _OCTAL.fullmatch(text):
        raise refuse(
            Reason.SUSPICIOUS_QUANTITY,
            f"{where} is {text}, which YAML reads as an octal number. Write it without the leading zero, or in quotes.",
            document.file,
        )
    return _parsed(text, where, None)


def _parsed(text: str, where: str, number: Number | None) -> Quantity:
    try:
        return Quantity.parse(text)
    except InputError as error:
        what = f"{where}, {'.'.join(number)}" if number else where
        raise refuse(Reason.INVALID_QUANTITY, f"{what}: {error.message}", where.partition(",")[0]) from error


@dataclass(frozen=True, slots=True)
class Pod:
    """Numbers of all containers of a pod, by section and position, and of the pod as a whole."""

    containers: Mapping[Path, Mapping[Number, Fraction]]
    whole: Mapping[Number, Fraction] | None = None
    replicas: int = 1
    complete: bool = False  # False when only the one container could be seen
    together: tuple[Path, ...] = ()  # containers that run at the same time: all but plain init containers

    def qos(self) -> str:
        return qos_class(self.containers.values(), self.whole)

    def total(self, number: Number) -> Fraction | None:
        """The sum over the containers that run together; None if one of them does not say."""
        numbers = [self.containers[path].get(number) for path in self.together]
        known = [one for one in numbers if one is not None]
        return sum(known, Fraction(0)) if known and len(known) == len(numbers) else None

    def changed(self, resources: Path, pod: bool, numbers: Mapping[Number, Fraction]) -> Pod:
        """The pod with new numbers for one container, or for the pod as a whole."""
        if pod:
            return replace(self, whole={**(self.whole or {}), **numbers})
        held = self.containers.get(resources, {})
        return replace(self, containers={**self.containers, resources: {**held, **numbers}})


def pod_of(tree: Tree, places: Sequence[Site]) -> Pod:
    """The pod around a container, as far as it can be seen."""
    site = places[0]
    document = document_of(tree, site)
    if site.layout in WHOLE_POD and document is not None and site.container_type != "pod":
        spec = document.get(site.resources[:-3])
        if isinstance(spec, dict):
            return _whole(document, site, spec)
    numbers: dict[Number, Fraction] = {}
    for field in ("limits", "requests"):
        for resource in ("cpu", "memory"):
            one = held(tree, places, (field, resource))
            if one is not None and one.quantity is not None:
                numbers[field, resource] = one.quantity.value
    return Pod({site.resources: numbers})


def _whole(document: Document, site: Site, spec: Mapping[str, Any]) -> Pod:
    above = site.resources[:-3]
    containers: dict[Path, Mapping[Number, Fraction]] = {}
    together: list[Path] = []
    for section in ("containers", "initContainers"):
        listed = spec.get(section)
        for position, body in enumerate(listed if isinstance(listed, list) else ()):
            path: Path = (*above, section, position, "resources")
            containers[path] = _read(document, path)
            if section == "containers" or (isinstance(body, dict) and body.get("restartPolicy") == "Always"):
                together.append(path)
    replicas = document.get((*above[:-3], "spec", "replicas") if len(above) > 3 else ("spec", "replicas"))
    whole = _read(document, (*above, "resources")) if isinstance(spec.get("resources"), dict) else None
    count = replicas if isinstance(replicas, int) and not isinstance(replicas, bool) else 1
    return Pod(containers, whole, max(0, count), complete=True, together=tuple(together))


def _read(document: Document, path: Path) -> dict[Number, Fraction]:
    numbers: dict[Number, Fraction] = {}
    for field in ("limits", "requests"):
        for resource in ("cpu", "memory"):
            text = document.scalar((*path, field, resource))
            try:
                if text:
                    numbers[field, resource] = Quantity.parse(text).value
            except InputError:
                continue  # of a container that is not touched; the one that is touched is read strictly
    return numbers
