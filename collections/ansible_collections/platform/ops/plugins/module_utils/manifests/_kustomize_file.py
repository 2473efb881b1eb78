# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kustomization says, and what its relative paths mean inside a tree."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_node,
    as_text,
    parse,
)

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_REMOTE = re.compile(
    r"^(?:[a-z][a-z0-9+.-]*://|git::|[\w.-]+@[\w.-]+:|(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)[/:])|\?ref=|\.git(?:/|$)"
)
# Generators and plugins may set anything; what they do cannot be read from YAML.
_OPAQUE = ("replacements", "transformers", "generators", "vars", "helmCharts", "helmChartInflationGenerator")


@dataclass(frozen=True, slots=True)
class Patch:
    """One entry of `patches`, `patchesStrategicMerge` or `patchesJson6902`."""

    file: str | None  # the file it is in, relative to the tree; None: it stands in the kustomization itself
    text: str
    place: Place  # of the text in the kustomization, or of the entry that names the file
    target: Node | None
    late: bool = False  # patchesJson6902 run after namespace, prefix and labels


@dataclass(slots=True)
class Kustomization:
    """One kustomization with its paths resolved to paths of the tree."""

    file: str
    folder: str
    component: bool
    body: Node
    resources: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    prefix: str = ""
    suffix: str = ""
    namespace: str = ""
    default_namespace: str = ""  # what Argo CD gives to objects that name none
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    remote: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    opaque: tuple[str, ...] = ()


def is_remote(path: str) -> bool:
    return bool(_REMOTE.search(path))


def resolve(folder: str, path: str) -> str | None:
    """The path inside the tree ("." for its root), or None when it leads out of it. Purely lexical."""
    if posixpath.isabs(path) or "\\" in path or "\0" in path:
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined == ".." or joined.startswith("../") else joined


def read(file: str, text: bytes) -> Kustomization | None:
    """The kustomization in a file of that name; None for something else that happens to be called so.

    Raises:
        UnreadableError: it is not readable YAML, or several documents.
    """
    documents = [one for one in parse(text, Place(file, "kustomize-inline")) if one is not None]
    if len(documents) > 1:
        raise UnreadableError("invalid_yaml", "a kustomization has one document only")
    body = documents[0] if documents else Node([Place(file, "kustomize-inline")])
    if not isinstance(body, Node):
        return None
    group = as_text(body.get("apiVersion")).partition("/")[0]
    if group and group != "kustomize.config.k8s.io":
        return None
    return interpret(file, posixpath.dirname(file) or ".", body, body.homes[0])


def interpret(file: str, folder: str, body: Node, at: Place) -> Kustomization:
    """`body` in the words of a kustomization; `at` is where it stands (Flux and Argo CD embed the same words)."""
    made = Kustomization(file, folder, as_text(body.get("kind")) == "Component", body)
    for key in ("resources", "bases"):
        _folders(made, made.resources, as_list(body.get(key)))
    _folders(made, made.components, as_list(body.get("components")))
    made.prefix, made.suffix = as_text(body.get("namePrefix")), as_text(body.get("nameSuffix"))
    made.namespace = as_text(body.get("namespace"))
    made.labels = _texts(body.get("commonLabels"))
    for entry in as_list(body.get("labels")):
        made.labels |= _texts(as_node(entry).get("pairs"))
    made.annotations = _texts(body.get("commonAnnotations"))
    made.opaque = tuple(key for key in _OPAQUE if body.get(key))
    for number, entry in enumerate(as_list(body.get("patchesStrategicMerge"))):
        made.patches += _merge_entry(made, as_text(entry), at.child("patchesStrategicMerge", number))
    for key, late in (("patches", False), ("patchesJson6902", True)):
        for number, entry in enumerate(as_list(body.get(key))):
            made.patches += _entry(made, as_node(entry), at.child(key, number), late)
    return made


def _texts(value: object) -> dict[str, str]:
    return {key: as_text(text) for key, text in as_node(value).items()}


def _folders(made: Kustomization, into: list[str], entries: list[object]) -> None:
    for entry in entries:
        path = as_text(entry)
        if not path:
            continue
        if is_remote(path):
            made.remote.append(path)
            continue
        inside = resolve(made.folder, path)
        if inside is None:
            made.outside.append(path)
        else:
            into.append(inside)


def _file(made: Kustomization, path: str) -> str | None:
    inside = resolve(made.folder, path)
    if inside is None:
        made.outside.append(path)
    return inside


def _merge_entry(made: Kustomization, text: str, place: Place) -> list[Patch]:
    # An entry of this list is a path or the patch itself; Kustomize tries the patch first.
    if "\n" in text.strip() or ": " in text:
        return [Patch(None, text, place, None)]
    inside = _file(made, text)
    return [] if inside is None else [Patch(inside, "", place, None)]


def _entry(made: Kustomization, entry: Node, place: Place, late: bool) -> list[Patch]:
    target = entry.get("target")
    node = target if isinstance(target, Node) else None
    text = as_text(entry.get("patch"))
    if text.strip():
        return [Patch(None, text, place.child("patch"), node, late)]
    path = as_text(entry.get("path"))
    inside = _file(made, path) if path else None
    return [] if inside is None else [Patch(inside, "", place, node, late)]
