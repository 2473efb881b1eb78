# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find where Helm values decide the numbers of a container: render once with probes, see which value arrives."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._argocd import argocd_releases
from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import flux_releases
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import Chart, charts, first_mapping
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import (
    Release,
    closeness,
    may_deploy_to,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_render import (
    HelmError,
    Kitchen,
    binary,
    mappings,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    Candidate,
    PathError,
    Probe,
    dotted,
    dump,
    merge,
    probe,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_build import Built, lay_over
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import containers, pod_spec
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import identity
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import contains
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Path,
    Place,
    UnreadableError,
    as_node,
    as_text,
    clone,
    dig,
    parse,
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

_MAX_GUESSES = 24  # renders of charts whose names give no hint, for one target
_THREADS = 2


@dataclass(eq=False)
class Rendered:
    """One render with probes; every number in it can be told to come from one candidate, or from none."""

    objects: list[Node] = field(default_factory=list)
    probe: Probe | None = None
    error: str | None = None


@dataclass(eq=False)
class Pantry:
    """What is known about the charts of one tree."""

    charts: dict[str, Chart]
    releases: list[Release]
    kitchen: Kitchen | None
    rendered: dict[Release, Rendered] = field(default_factory=dict)
    plain: dict[Release, list[Node]] = field(default_factory=dict)

    def render(self, release: Release) -> Rendered:
        if release not in self.rendered:
            self.rendered[release] = self._render(release)
        return self.rendered[release]

    def _render(self, release: Release) -> Rendered:
        if self.kitchen is None or release.chart is None:
            return Rendered(error="no helm")
        made = probe(_effective_values(release))
        try:
            documents = self.kitchen.render(release.chart, release.name, release.namespace, dump(made.values))
        except HelmError as error:
            return Rendered(error=str(error))
        return Rendered(_post_rendered(release, mappings(documents)), made)

    def unprobed(self, release: Release) -> list[Node]:
        """The same without probes: what a template falls back on when a value is not set."""
        if release not in self.plain:
            try:
                if self.kitchen is None or release.chart is None:
                    raise HelmError("no helm")
                values = dump(_effective_values(release))
                self.plain[release] = mappings(
                    self.kitchen.render(release.chart, release.name, release.namespace, values)
                )
            except HelmError:
                self.plain[release] = []
        return self.plain[release]


def _effective_values(release: Release) -> Node:
    made = clone(release.chart.defaults) if release.chart else Node()
    return merge(made, clone(release.values))


def _post_rendered(release: Release, objects: list[Node]) -> list[Node]:
    if release.post is None:
        return objects
    made = [Built(one, Place("", "rendered"), [identity(one)]) for one in objects]
    for item in made:
        lay_over(release.post, item)
    return [item.body for item in made if item.body]


def pantry(tree: Tree) -> Pantry:
    made: Pantry | None = tree.memo.get("charts")
    if made is None:
        known = charts(tree)
        helm = binary()
        releases = [*flux_releases(tree, known), *argocd_releases(tree, known)]
        releases += lone_releases(tree, known, releases)
        kitchen = Kitchen(helm) if helm and known else None
        made = Pantry(known, releases, kitchen)
        tree.memo["charts"] = made
    return made


def lone_releases(tree: Tree, known: dict[str, Chart], deployed: Iterable[Release]) -> list[Release]:
    """Charts that nothing in the tree deploys: one release per values file beside them, named after the chart."""
    used = {release.chart.folder for release in deployed if release.chart is not None}
    made: list[Release] = []
    for folder, chart in known.items():
        if folder in used or as_text(chart.head.get("type")) == "library":
            continue
        beside = [
            file
            for file in chart.files
            if posixpath.dirname(file) == ("" if folder == "." else folder)
            and posixpath.basename(file).startswith("values")
            and file.endswith((".yaml", ".yml"))
            and posixpath.basename(file) != "values.yaml"
        ]
        for file in beside:
            made.append(Release(file, chart.name, "", chart, first_mapping(tree, file)))
        if not beside:
            made.append(Release(folder, chart.name, "", chart, Node()))
    return made


def warm_up(tree: Tree, targets: Iterable[Target]) -> None:
    """Render what the targets will need, side by side; finding them one by one is then cheap."""
    held = pantry(tree)
    if held.kitchen is None:
        return
    wanted: dict[Release, None] = {}
    for target in targets:
        for release in _closest(held, target):
            wanted[release] = None
    waiting = [release for release in wanted if release not in held.rendered]
    with ThreadPoolExecutor(_THREADS) as pool:
        for release, made in zip(waiting, pool.map(held._render, waiting), strict=True):
            held.rendered[release] = made


def _scored(held: Pantry, target: Target) -> dict[int, list[Release]]:
    made: dict[int, list[Release]] = {3: [], 2: [], 1: [], 0: []}
    for release in held.releases:
        if not may_deploy_to(release, target.namespace):
            continue
        if target.source is not None and not _is_source(release, target.source):
            continue
        made[closeness(release, target)].append(release)
    return made


def _closest(held: Pantry, target: Target) -> list[Release]:
    scored = _scored(held, target)
    return next((scored[level] for level in (3, 2, 1) if scored[level]), [])


def _is_source(release: Release, source: str) -> bool:
    folder = posixpath.normpath(source)
    return contains(folder, release.source) or (release.chart is not None and release.chart.folder == folder)


def find(tree: Tree, target: Target) -> FoundSites:
    """All values that decide the target's numbers."""
    held = pantry(tree)
    if not held.releases:
        return FoundSites()
    scored = _scored(held, target)
    refusals: list[Refusal] = []
    for level in (3, 2, 1, 0):
        releases = scored[level]
        if level == 0 and (_stands_literally(tree, target) or not releases):
            break
        sites: list[Site] = []
        for release in releases[:_MAX_GUESSES] if level == 0 else releases:
            sites += _release_sites(held, release, target, refusals, level)
        if sites or any(refusal.decisive for refusal in refusals):
            return FoundSites(tuple(sites), tuple(refusals))
    return FoundSites((), tuple(refusals))


def _stands_literally(tree: Tree, target: Target) -> bool:
    kinds = (target.kind,) if target.kind else WORKLOAD_KINDS
    named = set(tree.naming(target.name))
    return any(file in named for file in tree.of_kind(*kinds))


def _release_sites(held: Pantry, release: Release, target: Target, refusals: list[Refusal], level: int) -> list[Site]:
    likely = level >= 2
    if release.chart is None or release.chart_problem is not None:
        if likely and release.chart_problem is not None:
            refusals.append(release.chart_problem)
        return []
    if held.kitchen is None:
        if likely:
            refusals.append(
                Refusal(
                    Reason.HELM_MISSING,
                    f"{target} may come from the chart {release.chart.folder}, and there is no helm to render it with. "
                    "Install helm, or set PLATFORM_OPS_HELM to it, or name the value by helm: {values_file, path}.",
                    release.chart.folder,
                )
            )
        return []
    rendered = held.render(release)
    if rendered.error is not None or rendered.probe is None:
        if likely:
            refusals.append(
                Refusal(
                    Reason.HELM_FAILED,
                    f"helm could not render {release.chart.folder} for the release {release.name}: {rendered.error}",
                    release.chart.folder,
                )
            )
        return []
    sites: list[Site] = []
    for body in rendered.objects:
        now = identity(body)
        if now.kind not in WORKLOAD_KINDS or now.name != target.name or target.kind not in (None, now.kind):
            continue
        if target.namespace not in (None, now.namespace or release.namespace or target.namespace):
            continue
        for group, _, container in containers(body):
            if target.container in (None, as_text(container.get("name"))):
                sites += _container_sites(held, release, body, group, container, refusals)
        pod = pod_spec(body)
        if pod is not None and isinstance(pod.get("resources"), Node):
            sites += _container_sites(held, release, body, "", pod, refusals)
    return sites


def _container_sites(
    held: Pantry, release: Release, body: Node, group: str, container: Node, refusals: list[Refusal]
) -> list[Site]:
    rendered = held.render(release)
    assert rendered.probe is not None
    arrived: dict[Number, Candidate] = {}
    fixed: dict[Number, tuple[str, Place]] = {}
    for number, (text, place) in numbers(as_node(container.get("resources"))).items():
        meant = rendered.probe.meaning.get(text)
        if meant is None:
            fixed[number] = (text, place)
        else:
            arrived[number] = meant[0]
    now = identity(body)
    name = as_text(container.get("name"))
    patched = {number: one for number, one in fixed.items() if one[1].layout != "rendered"}
    if not arrived and not patched:
        refusals.append(
            Refusal(
                Reason.TEMPLATED,
                f"No value of {release.chart.folder if release.chart else release.source} reaches the resources of "
                f"container {name} of {now.kind} {now.name}: they stand in the chart's templates, which are not edited. "
                "Make the template read them from values.",
                release.chart.folder if release.chart else release.source,
                decisive=True,
            )
        )
        return []
    values = _effective_values(release)
    decided: dict[Number, tuple[str, Place]] = dict(patched)
    homes: list[tuple[Place, Path]] = []
    resource_homes: list[Place] = []
    for candidate in dict.fromkeys(arrived.values()):
        if candidate.alone:
            number = next(one for one, value in arrived.items() if value == candidate)
            parent = dig(values, *candidate.path[:-1])
            text = as_node(parent).get(str(candidate.path[-1]))
            if isinstance(text, str):
                decided[number] = (text, as_node(parent).leaves[str(candidate.path[-1])])
            continue
        stands = as_node(dig(values, *candidate.path))
        moved = {number for number, value in arrived.items() if value == candidate}
        decided |= {number: one for number, one in numbers(stands).items() if number in moved}
        homes += writable_homes(values, candidate.path)
        resource_homes += stands.homes
    rank = _rank(release, values)
    found = spots(decided, homes, resource_homes, rank)
    if release.external is not None and (not found or _may_be_overwritten(release, found[0], rank)):
        refusals.append(release.external)
        return []
    unset = set(arrived) - set(decided)
    fallback = _fallback(held, release, now.kind, now.name, group, name) if unset else {}
    fallback = {number: text for number, text in fallback.items() if number in unset}
    return [
        Site(
            file=spot.document.file,
            document=spot.document.document,
            outer=spot.document.outer,
            inner_document=spot.document.inner_document,
            resources=spot.resources,
            layout=spot.layout,
            kind=now.kind,
            name=now.name,
            namespace=now.namespace or release.namespace or None,
            container=name,
            container_type=container_type(group, container),
            leaf=spot.leaf,
            effective={**fallback, **spot.effective},
            source=release.source,
            affects=affects,
            notes=tuple(release.notes),
        )
        for spot, affects in _settled(held, release, found)
    ]


def writable_homes(values: Node, path: Path) -> list[tuple[Place, Path]]:
    """In every document, the deepest mapping on the way to `path`, with the path as that document has it."""
    found: dict[Place, Path] = {}
    for depth in range(len(path) + 1):
        node = dig(values, *path[:depth])
        rest = path[depth:]
        if isinstance(node, Node):
            for home in node.homes:
                if home.layout not in ("argocd-parameters", "probe"):
                    found[document(home)] = (*home.path, *rest)
        else:
            # The list of a stronger layer replaces a weaker one whole: only where it stands can its items be edited.
            found = {} if isinstance(node, list) else found
    return list(found.items())


def _rank(release: Release, values: Node) -> dict[Place, int]:
    rank: dict[Place, int] = {}
    chart = release.chart
    for home in values.homes:
        rank[document(home)] = len(rank) + 1
    for file in chart.files if chart else ():
        if posixpath.basename(file) == "values.yaml" and posixpath.dirname(file) != chart.folder.removeprefix("."):
            rank.setdefault(Place(file, "helm-values"), 0)
    return rank


def _may_be_overwritten(release: Release, spot: Spot, rank: dict[Place, int]) -> bool:
    """Is the strongest place weaker than a layer we cannot read?"""
    above = {document(home) for home in release.values.homes[release.below :]}
    return (spot.document not in above and spot.document in rank) or not spot.held


def _settled(held: Pantry, release: Release, found: list[Spot]) -> list[tuple[Spot, tuple[str, ...]]]:
    """The spots to offer, strongest first, each with the other releases that it affects.

    What is shared gives way to a stronger place that is the release's alone: a chart's defaults to the release's own
    values, a common values file to the values of the Application.
    """
    offered: list[tuple[Spot, tuple[str, ...]]] = []
    fresh: list[tuple[Spot, tuple[str, ...]]] = []
    alone = dropped = False
    for spot in found:
        affects = _affected(held, release, spot)
        if not affects and not _is_default(release, spot):
            alone = True
            (fresh if spot.document == release.fresh and not spot.held else offered).append((spot, affects))
        elif alone:
            dropped = dropped or (bool(spot.held) and not _is_default(release, spot))
        else:
            offered.append((spot, affects))
    # Values that are not there yet are the last resort, unless only they are stronger than what is shared.
    return [*fresh, *offered] if dropped else [*offered, *fresh]


def _is_default(release: Release, spot: Spot) -> bool:
    return not any(document(home) == spot.document for home in release.values.homes) and not spot.leaf


def _affected(held: Pantry, release: Release, spot: Spot) -> tuple[str, ...]:
    """Other releases that read the same document for values."""
    at = spot.document
    found = {
        other.source
        for other in held.releases
        if other is not release
        and (
            any(document(home) == at for home in other.values.homes)
            or (other.chart is release.chart and any(document(home) == at for home in _defaults_homes(other)))
        )
    }
    return tuple(sorted(found - {release.source}))


def _defaults_homes(release: Release) -> list[Place]:
    return release.chart.defaults.homes if release.chart else []


def _fallback(held: Pantry, release: Release, kind: str, name: str, group: str, container: str) -> dict[Number, str]:
    for body in held.unprobed(release):
        now = identity(body)
        if (now.kind, now.name) == (kind, name):
            for one, _, found in containers(body):
                if (one, as_text(found.get("name"))) == (group, container):
                    return {number: text for number, (text, _) in numbers(as_node(found.get("resources"))).items()}
    return {}


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
    number = next((i for i, one in enumerate(documents) if dig(one, *steps) is not None), None)
    if number is None:
        number = next((i for i, one in enumerate(documents) if dig(one, steps[0]) is not None), 0)
    return FoundSites(
        (
            Site(
                file=place.file,
                document=number,
                resources=steps,
                layout="helm-values",
                kind=target.kind or "Deployment",
                name=target.name,
                namespace=target.namespace,
                container=target.container or "",
                source=place.file,
            ),
        )
    )
