# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find where Kustomize decides the numbers of a container: the base, a patch, or a patch yet to be written."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import replace
from typing import Literal

from ansible_collections.platform.ops.plugins.module_utils.manifests._argocd import argocd_overlays
from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import flux_overlays
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_build import Built
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    containers,
    pod_path,
    pod_spec,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_patch import NewPatch
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import Identity, identity
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    Survey,
    Top,
    contains,
    survey,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_node,
    as_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_spots import (
    Spot,
    container_type,
    document,
    numbers,
    spots,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    WORKLOAD_KINDS,
    FoundSites,
    Number,
    Reason,
    Refusal,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

SharedBase = Literal["patch", "edit", "refuse"]


def find(tree: Tree, target: Target, shared_base: SharedBase = "patch") -> FoundSites:
    """All places that decide the target's numbers and are reached through a kustomization."""
    known = complete_survey(tree)
    if not known.known and not known.virtual:
        return FoundSites(refusals=tuple(known.refusals))
    sites: list[Site] = []
    refusals: list[Refusal] = list(known.refusals)
    claimed: set[tuple[str, int]] = set()
    for file in known.candidates(target.name):
        tops, failed = known.tops(file)
        refusals += failed
        claimed.update((file, top.built.origin.document) for top in tops)
        claimed.update((file, number) for number in _workload_documents(known, file))
        if target.source is not None:
            tops = _from_source(known, file, target.source, tops)
        everything = known.tops(file)[0]
        for group in _groups(target, tops):
            _group_sites(known, target, group, everything, shared_base, sites, refusals)
    claimed |= _patch_documents(known, tree.naming(target.name))
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


def _workload_documents(known: Survey, file: str) -> list[int]:
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
    known: Survey,
    target: Target,
    group: list[Top],
    everything: list[Top],
    shared_base: SharedBase,
    sites: list[Site],
    refusals: list[Refusal],
) -> None:
    origins = {top.built.origin for top in group}
    others = [
        other
        for other in everything
        if other.built.origin in origins and not any(_same_top(other, top) for top in group)
    ]
    found: list[list[Site]] = []
    for top in group:
        made, refused = _top_sites(known, target, top, others, shared_base)
        found.append(made)
        refusals += refused
    if len(group) > 1 and all(_plain(made) == _plain(found[0]) for made in found):
        # Several environments apply one and the same number: one place to write, all of them affected.
        sources = [top.source for top in group]
        shared = _shared_folder(group)
        sites += [replace(one, source=shared, affects=tuple(sorted({*one.affects, *sources}))) for one in found[0]]
        return
    for made in found:
        sites += made


def _plain(sites: list[Site]) -> list[Site]:
    return [replace(site, source="", scaffold=None) for site in sites]


def _same_top(one: Top, other: Top) -> bool:
    return one.source == other.source and one.built.origin == other.built.origin


def _shared_folder(tops: list[Top]) -> str:
    """The last kustomization that all of them go through."""
    trails = [[step.folder for step in top.built.trail] for top in tops]
    common = [folder for folder in trails[0] if all(folder in trail for trail in trails)]
    return common[-1] if common else tops[0].source


def _top_sites(
    known: Survey, target: Target, top: Top, others: list[Top], shared_base: SharedBase
) -> tuple[list[Site], list[Refusal]]:
    sites: list[Site] = []
    refusals: list[Refusal] = []
    body = top.built.body
    for group, _, container in containers(body):
        name = as_text(container.get("name"))
        if target.container in (None, name):
            marked = _container_sites(known, top, others, group, name, container)
            made, refused = _settle(top, others, group, name, marked, shared_base)
            sites += made
            refusals += refused
    pod = pod_spec(body)
    if pod is not None and isinstance(pod.get("resources"), Node):
        sites += [site for site, _ in _container_sites(known, top, others, "", "", pod)]
    return sites, [*refusals, *_replaced(known, top)]


Marked = tuple[Site, bool]  # a site, and whether other workloads share what stands there


def _container_sites(
    known: Survey, top: Top, others: list[Top], group: str, name: str, container: Node
) -> list[Marked]:
    """Every place that says something about the container, strongest first."""
    resources = as_node(container.get("resources"))
    homes = [(document(home), home.path) for home in resources.homes]
    stated = {at for at, _ in homes}
    homes += [(document(home), (*home.path, "resources")) for home in container.homes if document(home) not in stated]
    rank = {at: index for index, at in enumerate(_order(top.built))}
    now = identity(top.built.body)
    marked: list[Marked] = []
    for spot in spots(numbers(resources), homes, resources.homes, rank):
        at = spot.document
        affects = _affected(others, group, name, spot)
        site = Site(
            file=at.file,
            document=at.document,
            outer=at.outer,
            inner_document=at.inner_document,
            resources=spot.resources,
            layout=spot.layout,
            kind=now.kind,
            name=now.name,
            namespace=now.namespace or None,
            container=name,
            container_type=container_type(group, container),
            leaf=spot.leaf,
            effective=spot.effective,
            source=top.source,
            affects=affects,
            notes=tuple(dict.fromkeys(top.built.notes)),
        )
        marked.append((site, bool(affects) or _reaches_more(known, top.built, at)))
    return marked


def _order(built: Built) -> list[Place]:
    """The documents that took part, weakest first; one that took part twice counts where it came last."""
    order: dict[Place, None] = {document(built.origin): None}
    for step in built.trail:
        for patched in step.patched:
            at = document(patched.place)
            order.pop(at, None)
            order[at] = None
    return list(order)


def _affected(others: list[Top], group: str, name: str, spot: Spot) -> tuple[str, ...]:
    """Other environments that would see a change at this spot."""
    found: set[str] = set()
    for other in others:
        for other_group, _, container in containers(other.built.body):
            if (other_group, as_text(container.get("name"))) != (group, name):
                continue
            decided = numbers(as_node(container.get("resources")))
            inside = any(document(place) == spot.document for _, place in decided.values())
            mentions = any(document(home) == spot.document for home in container.homes)
            if inside or (not decided and mentions):
                found.add(other.source)
    return tuple(sorted(found))


def _reaches_more(known: Survey, built: Built, at: Place) -> bool:
    for step in built.trail:
        for patched in step.patched:
            if patched.wide and document(patched.place) == at and step.folder in known.known:
                return known.reached_by(step.folder, patched.place) > 1
    return False


def _settle(
    top: Top, others: list[Top], group: str, container: str, marked: list[Marked], shared_base: SharedBase
) -> tuple[list[Site], list[Refusal]]:
    """What is shared with other workloads is edited, patched over or refused, as the policy says."""
    own = [site for site, shared in marked if not shared]
    if len(own) == len(marked) or shared_base == "edit":
        return [site for site, _ in marked], []
    first = next(site for site, shared in marked if shared)
    environments = ", ".join(first.affects) or "other workloads"
    if shared_base == "refuse":
        return own, [
            Refusal(
                Reason.UNSUPPORTED,
                f"{first.file} is shared with {environments}, and shared_base is refuse.",
                first.file,
                decisive=not own,
            )
        ]
    # Where an overlay already says something about this container, that is the place; else a new patch.
    if any(not site.leaf for site in own):
        return own, []
    made = _new_patch(top, others, group, container, first)
    if made is None:
        return own, [
            Refusal(
                Reason.UNSUPPORTED,
                f"{first.file} is shared with {environments}, and {top.source} has no kustomization of its own to put a "
                "patch in. Set shared_base to edit to change all of them.",
                first.file,
                decisive=not own,
            )
        ]
    held = {number for site in own for number in site.leaf}
    force = _in_force(top.built, group, container)
    return [*own, replace(made, effective={key: text for key, text in force.items() if key not in held})], []


def _in_force(built: Built, group: str, name: str) -> dict[Number, str]:
    for one, _, container in containers(built.body):
        if (one, as_text(container.get("name"))) == (group, name):
            return {number: text for number, (text, _) in numbers(as_node(container.get("resources"))).items()}
    return {}


def _new_patch(top: Top, others: list[Top], group: str, container: str, like: Site) -> Site | None:
    """A patch in the lowest kustomization that only this workload goes through."""
    foreign = {step.folder for other in others for step in other.built.trail}
    step = next((one for one in top.built.trail if one.folder not in foreign and not one.virtual), None)
    if step is None:
        return None
    stem = f"{step.identity.name}-{step.identity.kind.lower()}-resources.yaml"
    file = posixpath.normpath(posixpath.join(step.folder, stem))
    patch = NewPatch(step.file, file, step.identity, pod_path(step.identity.kind), group, container)
    return replace(
        like,
        file=file,
        document=0,
        outer=(),
        inner_document=0,
        resources=patch.resources,
        layout="kustomize-patch",
        leaf={},
        affects=(),
        scaffold=patch.write,
    )


def _replaced(known: Survey, top: Top) -> list[Refusal]:
    """Kustomize's replacements run last and overwrite what any patch says."""
    refusals: list[Refusal] = []
    for step in top.built.trail:
        made = known.known.get(step.folder)
        for entry in as_list(made.body.get("replacements")) if made else ():
            for aim in as_list(as_node(entry).get("targets")):
                fields = [as_text(path) for path in as_list(as_node(aim).get("fieldPaths"))]
                selected = as_node(as_node(aim).get("select"))
                hit = any(".resources." in path or path.endswith(".resources") for path in fields)
                if made and hit and as_text(selected.get("kind")) in ("", identity(top.built.body).kind):
                    text = f"{made.file} sets resources by `replacements`. Change the source of the replacement."
                    refusals.append(Refusal(Reason.GENERATED, text, made.file, decisive=True))
    return refusals
