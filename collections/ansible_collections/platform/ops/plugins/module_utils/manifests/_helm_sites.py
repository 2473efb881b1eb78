# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a rendered container to the places in values that decide its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_pantry import (
    Pantry,
    effective_values,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import (
    Release,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    Candidate,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    containers,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    identity,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_sites import own_patch
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import survey
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Path,
    Place,
    as_node,
    as_text,
    dig,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_spots import (
    Spot,
    container_type,
    document,
    numbers,
    spots,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    Number,
    Reason,
    Refusal,
    RefusedError,
    Site,
)


@dataclass(frozen=True, slots=True)
class Item:
    """A container of an object of a rendered release."""

    held: Pantry
    release: Release
    meant: frozenset[Release]  # all releases that answer to the target, this one too
    body: Node
    group: str  # containers | initContainers | "" for the pod itself
    container: Node

    @property
    def name(self) -> str:
        return as_text(self.container.get("name"))


@dataclass(frozen=True, slots=True)
class _Arrived:
    """Numbers of the container by what they come from."""

    values: dict[Number, Candidate]
    patches: dict[Number, tuple[str, Place]]  # set after Helm, by a post-renderer


def container_sites(item: Item) -> list[Site]:
    """Strongest first.

    Raises:
        RefusedError: the numbers come from where they cannot be edited.
    """
    release = item.release
    arrived = _arrived(item)
    if not arrived.values and not arrived.patches:
        raise _hard_coded(item)
    values = effective_values(release)
    found = _spots(release, values, arrived)
    if release.external is not None and (not found or _may_be_overwritten(release, found[0])):
        raise RefusedError(release.external)
    fallback = _fallback(item, arrived, found)
    now = identity(item.body)
    in_force = {number: text for spot in found for number, text in spot.held.items()}
    encrypted = {document(home) for home in as_node(values.get("sops")).homes}
    sites: list[Site] = []
    settled = _settled(item, found)
    if all(affects or _is_default(release, spot) for spot, affects in settled):
        made = _overlay_site(item, arrived, {**fallback, **in_force})
        if made is not None:
            return [made]
    held = {number for spot, _affects in settled for number in spot.held}
    elsewhere = {**fallback, **{number: text for number, text in in_force.items() if number not in held}}
    for spot, affects in settled:
        at = spot.document
        if at in encrypted:
            if spot.held:
                raise _encrypted(at.file)
            continue
        sites.append(
            Site(
                file=at.file,
                document=at.document,
                outer=at.outer,
                inner_document=at.inner_document,
                resources=spot.resources,
                layout=spot.layout,
                kind=now.kind,
                name=now.name,
                namespace=now.namespace or release.namespace or None,
                container=item.name,
                container_type=container_type(item.group, item.container),
                leaf=spot.leaf,
                effective=elsewhere,
                source=release.source,
                affects=affects,
                notes=tuple(release.notes),
            )
        )
    return sites


def _overlay_site(item: Item, arrived: _Arrived, force: Mapping[Number, str]) -> Site | None:
    """A new patch of the HelmRelease, in the overlay that is this release's alone."""
    release, top = item.release, item.release.top
    paths = {candidate.path for candidate in arrived.values.values() if not candidate.alone}
    if top is None or len(paths) != 1 or identity(top.built.body).kind != "HelmRelease":
        return None
    others = [
        other.top
        for other in item.held.releases
        if other not in item.meant and other.top is not None and other.top.built.origin == top.built.origin
    ]
    patch = own_patch(survey(item.held.tree), top, others, "values")
    if patch is None:
        return None
    now = identity(item.body)
    return Site(
        file=patch.file,
        document=0,
        resources=("spec", "values", *paths.pop()),
        layout="flux-helmrelease",
        kind=now.kind,
        name=now.name,
        namespace=now.namespace or release.namespace or None,
        container=item.name,
        container_type=container_type(item.group, item.container),
        effective=force,
        source=release.source,
        notes=tuple(release.notes),
        scaffold=patch.write,
    )


def _arrived(item: Item) -> _Arrived:
    made = _Arrived({}, {})
    probe = item.held.render(item.release).probe
    for number, (text, place) in numbers(as_node(item.container.get("resources"))).items():
        meant = probe.meaning.get(text) if probe else None
        if meant is not None:
            made.values[number] = meant[0]
        elif place.layout != "rendered":
            made.patches[number] = (text, place)
    return made


def _hard_coded(item: Item) -> RefusedError:
    folder = item.release.chart.folder if item.release.chart else item.release.source
    now = identity(item.body)
    text = (
        f"No value of the chart {folder} reaches the resources of container {item.name} of {now.kind} {now.name}: they "
        "stand in its templates, which are not edited. Make the template take them from values."
    )
    return RefusedError(Refusal(Reason.TEMPLATED, text, folder, decisive=True))


def _encrypted(file: str) -> RefusedError:
    text = f"{file} is encrypted by SOPS and decides the number; its checksum covers every value. Change it with sops."
    return RefusedError(Refusal(Reason.ENCRYPTED, text, file, decisive=True))


def _spots(release: Release, values: Node, arrived: _Arrived) -> list[Spot]:
    decided = dict(arrived.patches)
    homes: list[tuple[Place, Path]] = []
    resource_homes: list[Place] = []
    for candidate in dict.fromkeys(arrived.values.values()):
        moved = [number for number, one in arrived.values.items() if one == candidate]
        if candidate.alone:
            parent = as_node(dig(values, *candidate.path[:-1]))
            key = as_text(candidate.path[-1])
            if isinstance(parent.get(key), str):
                decided |= dict.fromkeys(moved, (parent[key], parent.leaves[key]))
            continue
        stands = as_node(dig(values, *candidate.path))
        decided |= {number: one for number, one in numbers(stands).items() if number in moved}
        homes += writable_homes(values, candidate.path)
        resource_homes += stands.homes
    return spots(decided, homes, resource_homes, _rank(release, values))


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
    # A document that is laid over others again, such as values.yaml named in valueFiles, counts by its last turn.
    rank = {document(home): turn for turn, home in enumerate(values.homes, 1)}
    # a subchart's own defaults are the weakest
    for file in release.chart.values_files if release.chart else ():
        rank.setdefault(Place(file, "helm-values"), 0)
    return rank


def _may_be_overwritten(release: Release, spot: Spot) -> bool:
    """Is the strongest place weaker than a layer we cannot read?"""
    above = {document(home) for home in release.values.homes[release.below :]}
    return not spot.held or not (spot.document in above or spot.layout.startswith("kustomize"))


def _settled(item: Item, found: list[Spot]) -> list[tuple[Spot, tuple[str, ...]]]:
    """The spots to offer, strongest first, each with the other releases that it affects.

    What is shared gives way to a stronger place that is the release's alone: a chart's defaults to the release's own
    values, a common values file to the values of the Application.
    """
    release = item.release
    offered: list[tuple[Spot, tuple[str, ...]]] = []
    fresh: list[tuple[Spot, tuple[str, ...]]] = []
    alone = dropped = False
    for spot in found:
        affects = _affected(item, spot)
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


def _affected(item: Item, spot: Spot) -> tuple[str, ...]:
    """Other releases that read the same document for values."""
    found: set[str] = set()
    for other in item.held.releases:
        if other in item.meant:
            continue
        homes = list(other.values.homes)
        if other.chart is not None and other.chart is item.release.chart:
            homes += other.chart.defaults.homes
        if any(document(home) == spot.document for home in homes):
            found.add(other.source)
    return tuple(sorted(found - {item.release.source}))


def _fallback(item: Item, arrived: _Arrived, found: list[Spot]) -> dict[Number, str]:
    """Numbers that a template sets by itself while the value is not given."""
    unset = set(arrived.values) - {number for spot in found for number in spot.held}
    chart = item.release.chart
    if not unset or chart is None or not chart.may_fall_back:
        return {}
    now = identity(item.body)
    for body in item.held.unprobed(item.release):
        if (identity(body).kind, identity(body).name) == (now.kind, now.name):
            for group, _index, container in containers(body):
                if (group, as_text(container.get("name"))) == (item.group, item.name):
                    stated = numbers(as_node(container.get("resources")))
                    return {number: text for number, (text, _place) in stated.items() if number in unset}
    return {}
