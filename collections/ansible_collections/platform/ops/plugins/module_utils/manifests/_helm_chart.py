# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts of a tree: where they are, what they hold, and their default values with the place of each."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import merge
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    UnreadableError,
    as_list,
    as_node,
    as_text,
    clone,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree


@dataclass
class Chart:
    """A folder with a Chart.yaml; `files` are all regular files below it (links are left out on purpose).

    `subcharts` are those in its `charts/`, and those of `linked`: dependencies whose repository is a folder of this
    tree (`file://../db`), which `helm dependency build` copies into `charts/`.
    """

    tree: Tree
    folder: str
    files: tuple[str, ...]
    subcharts: list[Chart] = field(default_factory=list)
    linked: list[Chart] = field(default_factory=list)

    @cached_property
    def head(self) -> Node:
        return first_mapping(self.tree, posixpath.join(self.folder, "Chart.yaml"))

    @property
    def name(self) -> str:
        return as_text(self.head.get("name")) or posixpath.basename(self.folder)

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Dependencies that are declared and not vendored: Helm refuses to render without them."""
        held = {sub.name for sub in self.subcharts}
        packed = [posixpath.basename(file) for file in self.files if file.endswith(".tgz")]
        wanted = [as_text(as_node(one).get("name")) for one in as_list(self.head.get("dependencies"))]
        return tuple(
            one for one in wanted if one not in held and not any(file.startswith(f"{one}-") for file in packed)
        )

    @cached_property
    def defaults(self) -> Node:
        """Default values, those of vendored subcharts included under their keys."""
        made = Node()
        for sub in self.subcharts:
            for key in self._keys(sub.name):
                made.put(key, clone(sub.defaults), Place(posixpath.join(sub.folder, "values.yaml"), "helm-values"))
        return merge(made, first_mapping(self.tree, posixpath.join(self.folder, "values.yaml")))

    def _keys(self, name: str) -> list[str]:
        entries = [as_node(one) for one in as_list(self.head.get("dependencies"))]
        aliases = [as_text(one.get("alias")) or name for one in entries if one.get("name") == name]
        return aliases or [name]

    @cached_property
    def values_files(self) -> list[str]:
        """Default values of the chart and of everything below it."""
        own = [file for file in self.files if posixpath.basename(file) == "values.yaml"]
        return own + [file for sub in self.linked for file in sub.values_files]

    @cached_property
    def template_text(self) -> bytes:
        inside = (posixpath.join(self.folder, "templates") + "/", posixpath.join(self.folder, "charts") + "/")
        own = [self.tree.read(file) for file in self.files if file.startswith(inside)]
        return b"\0".join(own + [sub.template_text for sub in self.linked])

    @cached_property
    def may_fall_back(self) -> bool:
        """Can a template have numbers of its own, for values that are not set?"""
        packed = any(file.endswith(".tgz") for file in self.files) or any(sub.may_fall_back for sub in self.linked)
        return packed or _NUMBER.search(self.template_text) is not None


_NUMBER = re.compile(rb"\b(?:memory|cpu|ephemeral-storage)[\"']?\s*:")


def first_mapping(tree: Tree, file: str, layout: str = "helm-values") -> Node:
    """The mapping a file holds; an empty one where it holds none or cannot be read."""
    place = Place(file, layout)
    try:
        documents = parse(tree.read(file), place) if tree.exists(file) else []
    except (UnreadableError, OpsError):
        documents = []
    return next((one for one in documents if isinstance(one, Node)), Node([place]))


def charts(tree: Tree) -> dict[str, Chart]:
    """All charts by folder; those in another chart's `charts/` are its subcharts and not listed."""
    folders = {posixpath.dirname(file) or "." for file in tree.named("Chart.yaml")}
    files: dict[str, list[str]] = defaultdict(list)
    for file in tree.files():
        here = posixpath.dirname(file)
        while True:
            if (here or ".") in folders:
                files[here or "."].append(file)
            if not here:
                break
            here = posixpath.dirname(here)
    made = {folder: Chart(tree, folder, tuple(files[folder])) for folder in sorted(folders)}
    nested: set[str] = set()
    for folder, chart in made.items():
        if posixpath.basename(posixpath.dirname(folder)) != "charts":
            continue
        parent = made.get(posixpath.dirname(posixpath.dirname(folder)) or ".")
        if parent is not None:
            parent.subcharts.append(chart)
            nested.add(folder)
    for chart in made.values():
        _link(chart, made)
    return {folder: chart for folder, chart in made.items() if folder not in nested}


def _link(chart: Chart, known: dict[str, Chart]) -> None:
    """Find the dependencies that are folders of this tree. Helm takes what is in `charts/` before them."""
    for entry in map(as_node, as_list(chart.head.get("dependencies"))):
        name, repository = as_text(entry.get("name")), as_text(entry.get("repository"))
        if not repository.startswith("file://") or name not in chart.missing:
            continue
        folder = posixpath.normpath(posixpath.join(chart.folder, repository.removeprefix("file://")))
        found = known.get(folder)
        if found is not None and found.name == name and not _reaches(found, chart):
            chart.linked.append(found)
            chart.subcharts.append(found)
            del chart.missing  # worked out anew by whoever asks next


def _reaches(chart: Chart, other: Chart) -> bool:
    return chart is other or any(_reaches(sub, other) for sub in chart.linked)
