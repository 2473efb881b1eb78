# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All releases of a tree, and what they look like rendered."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils.manifests._argocd import (
    argocd_releases,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import (
    flux_releases,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import (
    Chart,
    charts,
    first_mapping,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import (
    Release,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_render import (
    HelmError,
    Kitchen,
    binary,
    mappings,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    Probe,
    dump,
    merge,
    probe,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize import (
    complete_survey,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_build import (
    Built,
    lay_over,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    identity,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    as_text,
    clone,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import (
    Tree,
)

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

    tree: Tree
    releases: list[Release]
    kitchen: Kitchen | None
    rendered: dict[Release, Rendered] = field(default_factory=dict)
    cooking: dict[Release, Future[Rendered]] = field(default_factory=dict)
    plain: dict[Release, list[Node]] = field(default_factory=dict)
    guessed: int = 0

    def render(self, release: Release) -> Rendered:
        if release not in self.rendered:
            started = self.cooking.pop(release, None)
            self.rendered[release] = started.result() if started else self.prepare(release)
        return self.rendered[release]

    def prepare(self, release: Release) -> Rendered:
        if self.kitchen is None or release.chart is None:
            return Rendered(error="no helm")
        made = probe(effective_values(release))
        try:
            documents = self.kitchen.render(release.chart, release.name, release.namespace, dump(made.values))
        except HelmError as error:
            return Rendered(error=str(error))
        return Rendered(_post_rendered(release, mappings(documents)), made)

    def start(self, releases: Iterable[Release]) -> None:
        """Render side by side; whoever asks for one waits for that one only."""
        pool = ThreadPoolExecutor(_THREADS)
        for release in releases:
            if release not in self.rendered and release not in self.cooking:
                self.cooking[release] = pool.submit(self.prepare, release)
        pool.shutdown(wait=False)

    def unprobed(self, release: Release) -> list[Node]:
        """The same without probes: what a template falls back on when a value is not set."""
        if release not in self.plain:
            try:
                if self.kitchen is None or release.chart is None:
                    raise HelmError("no helm")
                values = dump(effective_values(release))
                documents = self.kitchen.render(release.chart, release.name, release.namespace, values)
                self.plain[release] = _post_rendered(release, mappings(documents))
            except HelmError:
                self.plain[release] = []
        return self.plain[release]


def effective_values(release: Release) -> Node:
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
        complete_survey(tree)  # a release may be built by a kustomization that Flux or Argo CD lays over
        helm = binary()
        releases = [*flux_releases(tree, known), *argocd_releases(tree, known)]
        releases += lone_releases(tree, known, releases)
        kitchen = Kitchen(helm) if helm and known else None
        made = Pantry(tree, releases, kitchen)
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
