# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flux: Kustomizations as overlays over a folder, HelmReleases as releases with their layers of values."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import Chart, first_mapping
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import Release
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    PathError,
    dotted,
    merge,
    set_path,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import (
    Kustomization,
    interpret,
    resolve,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    Deployed,
    Survey,
    contains,
    deployed,
    survey,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_node,
    as_text,
    dig,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, Refusal
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree


def flux_overlays(tree: Tree, known: Survey) -> list[tuple[str, Kustomization]]:
    """What each Flux Kustomization lays over its folder; those that change nothing only name a folder."""
    made: list[tuple[str, Kustomization]] = []
    for one in deployed(tree, "Kustomization"):
        if not as_text(one.body.get("apiVersion")).startswith("kustomize.toolkit.fluxcd.io/"):
            continue
        spec = as_node(one.body.get("spec"))
        folder = resolve(".", as_text(spec.get("path")) or ".")
        if folder is None or not spec.homes:
            continue
        overlay = interpret(one.origin.file, folder, spec, spec.homes[-1])
        overlay.namespace = as_text(spec.get("targetNamespace"))
        overlay.labels |= {k: as_text(v) for k, v in as_node(dig(spec, "commonMetadata", "labels")).items()}
        overlay.resources = applied_files(tree, known, folder)
        made.append((one.origin.file, overlay))
    return made


def applied_files(tree: Tree, known: Survey, folder: str) -> list[str]:
    """The folder itself if it is a kustomization, else all manifests below it, as Flux and Argo CD take them."""
    if folder in known.known:
        return [folder]
    inner = [one for one in known.known if contains(folder, one)]
    below = [one for one in inner if not any(one != other and contains(other, one) for other in inner)]
    files = [path for path in tree.paths() if contains(folder, path)]
    return below + [path for path in files if not any(contains(one, path) for one in inner)]


def flux_releases(tree: Tree, known: Mapping[str, Chart]) -> list[Release]:
    return [_release(tree, known, one) for one in deployed(tree, "HelmRelease")]


def _release(tree: Tree, known: Mapping[str, Chart], one: Deployed) -> Release:
    spec = as_node(one.body.get("spec"))
    metadata = as_node(one.body.get("metadata"))
    own, aimed = as_text(metadata.get("name")), as_text(spec.get("targetNamespace"))
    name = as_text(spec.get("releaseName")) or _default_name(own, aimed)
    namespace = aimed or as_text(metadata.get("namespace"))
    values = Node()
    external: Refusal | None = None
    below = 0
    fresh: Place | None = None
    for layer in _chart_values_files(tree, spec):
        merge(values, layer)
    for entry in map(as_node, as_list(spec.get("valuesFrom"))):
        found = _values_from(tree, one, entry)
        if isinstance(found, Node):
            merge(values, found)
        elif not _optional(entry):
            external, below = found, len(values.homes)
    inline = spec.get("values")
    if isinstance(inline, Node):
        merge(values, relaid(inline, "flux-helmrelease"))
    elif spec.homes:
        fresh = replace(spec.homes[-1], layout="flux-helmrelease").child("values")
        values.homes.append(fresh)
    chart, problem = _chart(known, one, spec)
    return Release(
        source=one.source,
        name=name,
        namespace=namespace,
        chart=chart,
        values=values,
        chart_problem=problem,
        external=external,
        below=below,
        fresh=replace(fresh, path=()) if fresh else None,
        post=_post_renderers(one, spec),
        notes=list(one.top.built.notes) if one.top else [],
        top=one.top,
    )


def relaid(values: Node, layout: str) -> Node:
    """The same values, their places known under another layout."""
    made = Node([replace(home, layout=layout) for home in values.homes])
    for key, value in values.items():
        item = relaid(value, layout) if isinstance(value, Node) else value
        if isinstance(value, list):
            item = [relaid(entry, layout) if isinstance(entry, Node) else entry for entry in value]
        made.put(key, item, replace(values.leaves[key], layout=layout))
    return made


def _default_name(own: str, aimed: str) -> str:
    name = f"{aimed}-{own}" if aimed else own
    if len(name) <= 53:
        return name
    # Helm allows 53 characters; Flux keeps 40 and adds a digest
    return f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _optional(entry: Node) -> bool:
    return as_text(entry.get("optional")) == "true"


def _chart_values_files(tree: Tree, spec: Node) -> list[Node]:
    files = [as_text(file) for file in as_list(dig(spec, "chart", "spec", "valuesFiles"))]
    inside = [resolve(".", file) for file in files]
    return [first_mapping(tree, file) for file in inside if file is not None]


def _chart(known: Mapping[str, Chart], one: Deployed, spec: Node) -> tuple[Chart | None, Refusal | None]:
    chart = as_node(dig(spec, "chart", "spec"))
    kind = as_text(dig(chart, "sourceRef", "kind"))
    path = as_text(chart.get("chart"))
    if kind in ("GitRepository", "Bucket"):
        found = chart_at(known, path)
        if found is not None:
            return found, missing_dependency(found, one.origin.file)
    text = (
        f"The chart {path or 'named by chartRef'} of {one.name} is not in this tree, so that its templates cannot be "
        "looked at. Name the value that holds the resources by helm: {values_file, path}."
    )
    return None, Refusal(Reason.CHART_UNAVAILABLE, text, one.origin.file)


def chart_at(known: Mapping[str, Chart], path: str) -> Chart | None:
    """The chart in that folder of the repository; the tree may be a part of the repository only."""
    folder = resolve(".", path)
    if folder is None:
        return None
    if folder in known:
        return known[folder]
    ends = [chart for at, chart in known.items() if folder.endswith("/" + at)]
    return ends[0] if len(ends) == 1 else None


def missing_dependency(chart: Chart, file: str) -> Refusal | None:
    if not chart.missing:
        return None
    text = (
        f"The chart {chart.folder} needs {', '.join(chart.missing)}, which is not in its charts/ folder; nothing is "
        "downloaded. Vendor it, or name the value by helm: {values_file, path}."
    )
    return Refusal(Reason.CHART_UNAVAILABLE, text, file)


def _post_renderers(one: Deployed, spec: Node) -> Kustomization | None:
    made: Kustomization | None = None
    for entry in as_list(spec.get("postRenderers")):
        body = as_node(entry).get("kustomize")
        if isinstance(body, Node) and body.homes:
            part = interpret(one.origin.file, "\0post", body, body.homes[-1])
            if made is None:
                made = part
            else:
                made.patches += part.patches
    return made


def _values_from(tree: Tree, one: Deployed, entry: Node) -> Node | Refusal:
    kind, name = as_text(entry.get("kind")), as_text(entry.get("name"))
    key = as_text(entry.get("valuesKey")) or "values.yaml"
    aimed = as_text(entry.get("targetPath"))
    if kind == "Secret":
        text = (
            f"{one.name} takes values from the Secret {name}, which may decide the number and is not to be read. "
            "Name the value by helm: {values_file, path}."
        )
        return Refusal(Reason.VALUES_EXTERNAL, text, one.origin.file, decisive=True)
    found = _config_map(tree, name, key, aimed) or _generated(tree, one, name, key)
    if found is not None:
        return found
    text = (
        f"{one.name} takes values from {kind} {name} (key {key}), which is not in this tree and may decide the number. "
        "Name the value by helm: {values_file, path}."
    )
    return Refusal(Reason.VALUES_EXTERNAL, text, one.origin.file, decisive=True)


def _config_map(tree: Tree, name: str, key: str, aimed: str) -> Node | None:
    named = set(tree.naming(name))
    for file in tree.of_kind("ConfigMap"):
        if file not in named:
            continue
        try:
            documents = parse(tree.read(file), Place(file, "helm-values"))
        except UnreadableError:
            continue
        for body in documents:
            if not isinstance(body, Node) or body.get("kind") != "ConfigMap":
                continue
            if as_text(dig(body, "metadata", "name")) != name or key not in as_node(body.get("data")):
                continue
            data = as_node(body.get("data"))
            if aimed:
                made = Node()
                set_text(made, aimed, as_text(data[key]), data.leaves[key])
                return made
            return embedded(as_text(data[key]), data.leaves[key], "helm-values")
    return None


def set_text(root: Node, path: str, text: str, place: Place) -> None:
    try:
        set_path(root, dotted(path), text, place)
    except PathError:
        root.homes.append(place)


def embedded(text: str, place: Place, layout: str) -> Node | None:
    """YAML that stands in a scalar."""
    try:
        documents = parse(text, place.embedded(layout))
    except UnreadableError:
        return None
    return next((one for one in documents if isinstance(one, Node)), Node([place.embedded(layout)]))


def _generated(tree: Tree, one: Deployed, name: str, key: str) -> Node | None:
    """A ConfigMap that a kustomization makes from a file beside it."""
    known = survey(tree)
    for folder in [posixpath.dirname(one.origin.file) or ".", *known.ancestors(one.origin.file), *known.known]:
        made = known.known.get(folder)
        if made is None:
            continue
        for entry in as_list(made.body.get("configMapGenerator")):
            generator = as_node(entry)
            if as_text(generator.get("name")) != name:
                continue
            for listed in as_list(generator.get("files")):
                left, equals, right = as_text(listed).partition("=")
                path = right if equals else left
                if (left if equals else posixpath.basename(left)) == key:
                    inside = resolve(made.folder, path)
                    return first_mapping(tree, inside) if inside is not None else None
    return None
