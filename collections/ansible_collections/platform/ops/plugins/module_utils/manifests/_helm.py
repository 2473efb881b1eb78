# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find where Helm values decide the numbers of a container: render once with probes, see which value arrives."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_pantry import (
    Pantry,
    pantry,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import (
    Release,
    closeness,
    may_deploy_to,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_sites import (
    Item,
    container_sites,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    containers,
    pod_spec,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    identity,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    contains,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    as_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    WORKLOAD_KINDS,
    FoundSites,
    Reason,
    Refusal,
    RefusedError,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import (
    Tree,
)

_MAX_GUESSES = 48  # renders of releases whose names give no hint, for one tree


def find(tree: Tree, target: Target, *, guess: bool = True) -> FoundSites:
    """All values that decide the target's numbers; with `guess`, charts too whose names give no hint of it."""
    held = pantry(tree)
    scored = _scored(held, target)
    refusals: list[Refusal] = []
    for level in (3, 2, 1, 0):
        releases = scored[level]
        if level == 0:
            releases = _guesses(held, releases) if guess and not _stands_literally(tree, target) else []
        built: dict[Release, list[Node]] = {}
        found: list[list[Site]] = []
        refused: list[Refusal] = []
        for release in releases:
            try:
                built[release] = _built(held, release, target)
            except RefusedError as error:
                refused.append(error.refusal)
        meant = frozenset(release for release, bodies in built.items() if bodies)
        for release in meant:
            try:
                found.append(_sites(held, release, meant, built[release], target.container))
            except RefusedError as error:
                refused.append(error.refusal)
        refusals += [one for one in refused if level >= 2 or one.decisive]
        if found or any(one.decisive for one in refused):
            return FoundSites(tuple(_together(found)), tuple(refusals))
    return FoundSites((), tuple(refusals))


def _guesses(held: Pantry, releases: list[Release]) -> list[Release]:
    """All that are rendered anyway, and as many more as the tree may cost."""
    done = [release for release in releases if release in held.rendered]
    new = [release for release in releases if release not in held.rendered][: _MAX_GUESSES - held.guessed]
    held.guessed += len(new)
    return done + new


def warm_up(tree: Tree, targets: Iterable[Target]) -> None:
    """Start to render what the targets will need."""
    held = pantry(tree)
    if held.kitchen is not None:
        held.start(dict.fromkeys(release for target in targets for release in _closest(held, target)))


def _together(found: list[list[Site]]) -> list[Site]:
    """Releases whose number is one and the same are one place to write, that affects all of them."""
    found = [made for made in found if made]
    if len(found) > 1 and all(_plain(made) == _plain(found[0]) for made in found):
        sources = {made[0].source for made in found}
        return [replace(one, source=min(sources), affects=tuple(sorted({*one.affects, *sources}))) for one in found[0]]
    return [site for made in found for site in made]


def _plain(sites: list[Site]) -> list[Site]:
    return [replace(site, source="", affects=()) for site in sites]


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


def _stands_literally(tree: Tree, target: Target) -> bool:
    kinds = (target.kind,) if target.kind else WORKLOAD_KINDS
    return bool(tree.naming_of_kind(target.name, *kinds))


def _built(held: Pantry, release: Release, target: Target) -> list[Node]:
    """Objects of the release that answer to the target.

    Raises:
        RefusedError: the release cannot be rendered.
    """
    chart = release.chart
    if release.chart_problem is not None:
        raise RefusedError(release.chart_problem)
    if chart is None:
        return []
    if held.kitchen is None:
        text = (
            f"{target} may come from the chart {chart.folder}, and there is no helm to render it with. Install helm, "
            "or set PLATFORM_OPS_HELM to it, or name the value by helm: {values_file, path}."
        )
        raise RefusedError(Refusal(Reason.HELM_MISSING, text, chart.folder))
    rendered = held.render(release)
    if rendered.error is not None:
        text = f"helm could not render {chart.folder} for the release {release.name}: {rendered.error}"
        raise RefusedError(Refusal(Reason.HELM_FAILED, text, chart.folder))
    return [body for body in rendered.objects if _is(body, release, target)]


def _is(body: Node, release: Release, target: Target) -> bool:
    now = identity(body)
    return (
        now.kind in WORKLOAD_KINDS
        and now.name == target.name
        and target.kind in (None, now.kind)
        and target.namespace in (None, now.namespace or release.namespace or target.namespace)
    )


def _sites(
    held: Pantry, release: Release, meant: frozenset[Release], bodies: list[Node], wanted: str | None
) -> list[Site]:
    sites: list[Site] = []
    for body in bodies:
        for group, _index, container in containers(body):
            if wanted in (None, as_text(container.get("name"))):
                sites += container_sites(Item(held, release, meant, body, group, container))
        pod = pod_spec(body)
        if pod is not None and isinstance(pod.get("resources"), Node):
            sites += container_sites(Item(held, release, meant, body, "", pod))
    return sites
