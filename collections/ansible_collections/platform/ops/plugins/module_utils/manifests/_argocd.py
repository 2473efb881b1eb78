# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argo CD: Applications (and the templates of ApplicationSets) as Helm releases or as overlays over a folder.

Values decide in this order: parameters, then valuesObject, else values, then the last of valueFiles, then the chart.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import (
    applied_files,
    chart_at,
    embedded,
    missing_dependency,
    relaid,
    set_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import Chart, first_mapping
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import Release
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import merge
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import (
    Kustomization,
    interpret,
    is_remote,
    resolve,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    Deployed,
    Survey,
    deployed,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    as_list,
    as_node,
    as_text,
    dig,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, Refusal
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

_VARIABLE = re.compile(r"\{\{-?\s*\.?([\w.-]+)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Application:
    """An Application, or one element's Application of an ApplicationSet."""

    source: str
    name: str
    spec: Node
    origin: Deployed


def applications(tree: Tree) -> list[Application]:
    made: list[Application] = []
    for one in deployed(tree, "Application", "ApplicationSet"):
        if not as_text(one.body.get("apiVersion")).startswith("argoproj.io/"):
            continue
        if one.body.get("kind") == "Application":
            made.append(Application(one.source, one.name, as_node(one.body.get("spec")), one))
            continue
        template = as_node(dig(one.body, "spec", "template"))
        for element in _elements(tree, as_node(one.body.get("spec"))):
            filled = _fill(template, element)
            name = as_text(dig(filled, "metadata", "name"))
            made.append(Application(f"{one.source}#{name}", name, as_node(filled.get("spec")), one))
    return made


def _elements(tree: Tree, spec: Node) -> Iterator[dict[str, str]]:
    """What list generators and those over this repository's files give; the others ask a cluster or a git host."""
    found = False
    for generator in as_list(spec.get("generators")):
        for element in as_list(dig(generator, "list", "elements")):
            if isinstance(element, Node):
                found = True
                yield dict(_flat(element, ""))
        for element in _git_elements(tree, as_node(as_node(generator).get("git"))):
            found = True
            yield element
    if not found:
        yield {}


def _git_elements(tree: Tree, git: Node) -> Iterator[dict[str, str]]:
    directories = [as_node(one) for one in as_list(git.get("directories"))]
    patterns = [as_text(one.get("path")) for one in directories if as_text(one.get("exclude")) != "true"]
    without = [as_text(one.get("path")) for one in directories if as_text(one.get("exclude")) == "true"]
    if patterns:
        for folder in sorted({parent for file in tree.files() for parent in _parents(file)}):
            if _matches(folder, patterns) and not _matches(folder, without):
                yield _path_variables(folder)
    for entry in as_list(git.get("files")):
        for file in tree.files():
            if _matches(file, [as_text(as_node(entry).get("path"))]):
                yield dict(_flat(first_mapping(tree, file), "")) | _path_variables(posixpath.dirname(file))


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _matches(path: str, patterns: list[str]) -> bool:
    """A `*` ends at a slash, as in Argo CD; `**` does not."""
    return any(_glob(pattern).fullmatch(path) is not None for pattern in patterns)


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    known = {"*": "[^/]*", "?": "[^/]", "**": ".*", "**/": "(?:.*/)?"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def _path_variables(folder: str) -> dict[str, str]:
    """`path` in the old templates, `.path.path` in Go templates."""
    last = posixpath.basename(folder)
    normal = re.sub(r"[^a-z0-9.-]", "-", last.lower())
    return {"path": folder, "path.path": folder, "path.basename": last, "path.basenameNormalized": normal}


def _flat(node: Node, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, Node):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", value


def _fill(value: Any, element: Mapping[str, str]) -> Any:
    if isinstance(value, Node):
        made = Node(list(value.homes))
        for key, item in value.items():
            made.put(key, _fill(item, element), value.leaves[key])
        return made
    if isinstance(value, list):
        return [_fill(item, element) for item in value]
    if isinstance(value, str) and "{{" in value:
        return _VARIABLE.sub(lambda match: element.get(match[1], match[0]), value)
    return value


def _sources(spec: Node) -> list[Node]:
    several = [one for one in as_list(spec.get("sources")) if isinstance(one, Node)]
    single = spec.get("source")
    return several or ([single] if isinstance(single, Node) else [])


def argocd_overlays(tree: Tree, known: Survey) -> list[tuple[str, Kustomization]]:
    """What each Application lays over the folder it applies."""
    made: list[tuple[str, Kustomization]] = []
    for one in applications(tree):
        for source in _sources(one.spec):
            folder = resolve(".", as_text(source.get("path"))) if source.get("path") else None
            if folder is None or folder not in known.known:
                continue
            body = source.get("kustomize")
            node = body if isinstance(body, Node) else Node(list(source.homes))
            overlay = interpret(one.origin.origin.file, folder, node, node.homes[-1])
            overlay.resources = applied_files(tree, known, folder)
            overlay.default_namespace = as_text(dig(one.spec, "destination", "namespace"))
            made.append((one.source, overlay))
    return made


def argocd_releases(tree: Tree, known: Mapping[str, Chart]) -> list[Release]:
    made: list[Release] = []
    for one in applications(tree):
        sources = _sources(one.spec)
        for source in sources:
            path = as_text(source.get("path"))
            chart = chart_at(known, path) if path else None
            if chart is not None or source.get("chart") is not None:
                made.append(_release(tree, one, source, chart))
    return made


def _release(tree: Tree, one: Application, source: Node, chart: Chart | None) -> Release:
    helm = as_node(source.get("helm"))
    release = Release(
        source=one.source,
        name=as_text(helm.get("releaseName")) or one.name,
        namespace=as_text(dig(one.spec, "destination", "namespace")),
        chart=chart,
        values=Node(),
        notes=list(one.origin.top.built.notes) if one.origin.top else [],
        top=one.origin.top,
    )
    file = one.origin.origin.file
    if chart is None:
        text = (
            f"The chart {as_text(source.get('chart'))} of {one.name} is not in this tree, so that its templates cannot "
            "be looked at. Name the value that holds the resources by helm: {values_file, path}."
        )
        release.chart_problem = Refusal(Reason.CHART_UNAVAILABLE, text, file)
    else:
        release.chart_problem = missing_dependency(chart, file)
        _value_files(tree, release, helm, chart.folder)
    _inline(release, source, helm)
    return release


def _value_files(tree: Tree, release: Release, helm: Node, folder: str) -> None:
    for entry in as_list(helm.get("valueFiles")):
        text = as_text(entry)
        if is_remote(text):
            message = f"{release.source} takes values from {text}, which is not in this tree and may decide the number."
            release.external = Refusal(Reason.VALUES_EXTERNAL, message, release.source, decisive=True)
            release.below = len(release.values.homes)
            continue
        for file in value_files(tree, folder, text):
            merge(release.values, first_mapping(tree, file))


def value_files(tree: Tree, folder: str, entry: str) -> list[str]:
    """The files an entry of valueFiles means; a pattern's files come in the order of their names."""
    if entry.startswith("$"):
        # $ref/path: from the root of another source, which is this repository when the file is here
        base, entry = ".", entry.partition("/")[2]
    elif entry.startswith("/"):
        base, entry = ".", entry.lstrip("/")
    else:
        base = folder
    path = resolve(base, entry)
    if path is None:
        return []
    if not any(mark in path for mark in "*?["):
        return [path] if tree.exists(path) else []
    depth = path.count("/")
    return [file for file in tree.files() if file.count("/") == depth and fnmatch.fnmatchcase(file, path)]


def _inline(release: Release, source: Node, helm: Node) -> None:
    values = release.values
    whole = helm.get("valuesObject")
    text = helm.get("values")
    if isinstance(whole, Node):
        merge(values, relaid(whole, "argocd-valuesobject"))
    elif isinstance(text, str) and text.strip():
        made = embedded(text, helm.leaves["values"], "argocd-values")
        if made is not None:
            merge(values, made)
    elif source.homes:
        at = helm.homes[-1] if helm.homes else source.homes[-1].child("helm")
        at = replace(at, layout="argocd-valuesobject")
        values.homes.append(at.child("valuesObject"))
        release.fresh = replace(at, path=())
    for entry in as_list(helm.get("parameters")):
        parameter = as_node(entry)
        name, value = as_text(parameter.get("name")), parameter.get("value")
        if name and isinstance(value, str):
            made = Node()
            place = replace(parameter.leaves["value"], layout="argocd-parameters")
            set_text(made, name, value, place)
            merge(values, made)
