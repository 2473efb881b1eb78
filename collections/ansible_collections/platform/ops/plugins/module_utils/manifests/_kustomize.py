# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find where Kustomize decides the numbers of a container: the base, a patch, or a patch yet to be written."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._argocd import (
    argocd_overlays,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import (
    flux_overlays,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    Identity,
    identity,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_sites import (
    Environment,
    SharedBase,
    environment_sites,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    Survey,
    Top,
    contains,
    survey,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    UnreadableError,
    as_list,
    as_node,
    as_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    WORKLOAD_KINDS,
    FoundSites,
    Reason,
    Refusal,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import (
    Tree,
)


def find(tree: Tree, target: Target, shared_base: SharedBase = "patch") -> FoundSites:
    """All places that decide the target's numbers and are reached through a kustomization."""
    known = complete_survey(tree)
    sites: list[Site] = []
    refusals = [one for one in known.refusals if one.file and target.name.encode() in tree.read(one.file)]
    refusals += _inflated(known, target)
    claimed = _patch_documents(known, tree.naming(target.name))
    for file in known.candidates(target.name):
        everything, failed = known.tops(file)
        refusals += failed
        claimed.update((file, number) for number in _object_documents(known, file))
        tops = everything if target.source is None else _from_source(known, file, target.source, everything)
        for group in _groups(target, tops):
            made, refused = _group_sites(known, target, group, everything, shared_base)
            sites += made
            refusals += refused
    return FoundSites(tuple(sites), tuple(refusals), frozenset(claimed))


def complete_survey(tree: Tree) -> Survey:
    """All kustomizations, those included that Flux and Argo CD lay over a folder."""
    known = survey(tree)
    if "overlays" not in tree.memo:
        overlays = [*flux_overlays(tree, known), *argocd_overlays(tree, known)]
        for source, overlay in overlays:
            known.lay_over(source, overlay)
        known.forget_builds()
        tree.memo["overlays"] = overlays
    return known


def _inflated(known: Survey, target: Target) -> list[Refusal]:
    """Charts that Kustomize itself inflates."""
    refusals: list[Refusal] = []
    for made in known.known.values():
        for entry in as_list(made.body.get("helmCharts")):
            chart = as_node(entry)
            name = as_text(chart.get("releaseName")) or as_text(chart.get("name"))
            if name and name in target.name:
                text = (
                    f"{target} may come from the chart {as_text(chart.get('name'))}, which {made.file} inflates by "
                    "helmCharts. Name the value by helm: {values_file, path}."
                )
                refusals.append(Refusal(Reason.CHART_UNAVAILABLE, text, made.file))
    return refusals


def _object_documents(known: Survey, file: str) -> list[int]:
    try:
        documents = known.documents(file, "kustomize-base")
    except UnreadableError:
        return []
    return [number for number, one in enumerate(documents) if isinstance(one, Node)]


def _patch_documents(known: Survey, files: list[str]) -> set[tuple[str, int]]:
    """Patches look like workloads of that name, and are none."""
    found: set[tuple[str, int]] = set()
    for file in files:
        if file not in known.patch_files:
            continue
        try:
            documents = known.documents(file, "kustomize-patch")
        except UnreadableError:
            continue
        found.update((file, number) for number in range(len(documents)))
    return found


def _from_source(known: Survey, file: str, source: str, tops: list[Top]) -> list[Top]:
    """The tops that the source means: it is one of them, holds them, or is a kustomization further down."""
    folder = posixpath.normpath(source)
    if posixpath.basename(folder).lower().startswith("kustomization"):
        folder = posixpath.dirname(folder) or "."
    exact = [top for top in tops if top.source == folder]
    if exact:
        return exact
    through = [top for top in tops if any(step.folder == folder for step in top.built.trail)]
    if len({identity(top.built.body) for top in through}) == 1:
        return through
    upward = known.ancestors(file)
    if folder in upward:
        return known.build(file, [folder], upward)[0]
    return [top for top in tops if contains(folder, top.source)]


def _groups(target: Target, tops: list[Top]) -> list[list[Top]]:
    """The tops that build the target, by the object they build."""
    matching: dict[Identity, list[Top]] = defaultdict(list)
    for top in tops:
        now = identity(top.built.body)
        if now.kind not in WORKLOAD_KINDS or now.name != target.name or target.kind not in (None, now.kind):
            continue
        if target.namespace is None or now.namespace in ("", target.namespace):
            matching[now].append(top)
    if target.namespace is not None and any(now.namespace for now in matching):
        # An object whose namespace is left to whoever applies it gives way to one that says it.
        return [group for now, group in matching.items() if now.namespace]
    return list(matching.values())


def _group_sites(
    known: Survey, target: Target, group: list[Top], everything: list[Top], shared_base: SharedBase
) -> tuple[list[Site], list[Refusal]]:
    origins = {top.built.origin for top in group}
    others = [
        other
        for other in everything
        if other.built.origin in origins and not any(_same_top(other, top) for top in group)
    ]
    found: list[list[Site]] = []
    refusals: list[Refusal] = []
    for top in group:
        made, refused = environment_sites(Environment(known, top, others, shared_base), target.container)
        found.append(made)
        refusals += refused
    if len(group) > 1 and all(_plain(made) == _plain(found[0]) for made in found):
        # Several environments apply one and the same number: one place to write, all of them affected.
        sources = [top.source for top in group]
        shared = _shared_folder(group)
        affects = [tuple(sorted({*one.affects, *sources})) for one in found[0]]
        return [
            replace(one, source=shared, affects=all_) for one, all_ in zip(found[0], affects, strict=True)
        ], refusals
    return [site for made in found for site in made], refusals


def _plain(sites: list[Site]) -> list[Site]:
    return [replace(site, source="", scaffold=None) for site in sites]


def _same_top(one: Top, other: Top) -> bool:
    return one.source == other.source and one.built.origin == other.built.origin


def _shared_folder(tops: list[Top]) -> str:
    """The last kustomization that all of them go through."""
    trails = [[step.folder for step in top.built.trail] for top in tops]
    common = [folder for folder in trails[0] if all(folder in trail for trail in trails)]
    return common[-1] if common else tops[0].source
