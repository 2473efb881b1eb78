# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart as it is deployed: release name, namespace and all layers of values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import Chart
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import Kustomization
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import Top
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import Node, Place, as_text
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Refusal, Target


@dataclass(eq=False)
class Release:
    """`values` are the layers above the chart's own, weakest first, already laid over each other."""

    source: str
    name: str
    namespace: str
    chart: Chart | None
    values: Node
    chart_problem: Refusal | None = None
    # A layer that is not in the tree: what stands below it (the chart, the first `below` homes of `values`) may be
    # overwritten by it.
    external: Refusal | None = None
    below: int = 0
    fresh: Place | None = None  # the document of values that could be given and are not yet
    post: Kustomization | None = None
    top: Top | None = None  # the kustomization that builds the object that deploys it
    notes: list[str] = field(default_factory=list)

    @cached_property
    def names(self) -> frozenset[str]:
        """Values that templates may build a name from."""
        texts = [*_texts(self.values), *(_texts(self.chart.defaults) if self.chart else ())]
        return frozenset(text for key, text in texts if len(text) > 2 and "name" in key.lower())

    @cached_property
    def standard_name(self) -> str:
        """The name that charts made by `helm create` give to their workload."""
        override = as_text(self.values.get("fullnameOverride"))
        if not override and self.chart is not None:
            override = as_text(self.chart.defaults.get("fullnameOverride"))
        if override:
            return override
        part = as_text(self.values.get("nameOverride")) or (self.chart.name if self.chart else "")
        return self.name if not part or part in self.name else f"{self.name}-{part}"[:63].rstrip("-")


def closeness(release: Release, target: Target) -> int:
    """How well the release's names fit the target's: 0 not at all … 3 as `helm create` would name it."""
    standard = release.standard_name
    if target.name == standard:
        return 3
    if target.name.startswith((f"{standard}-", f"{release.name}-")) or target.name == release.name:
        return 2
    if release.name and release.name in target.name:
        return 1
    return int(any(text in target.name for text in release.names))


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Node):
        for name, item in value.items():
            yield from _texts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str):
        yield key, value


def may_deploy_to(release: Release, namespace: str | None) -> bool:
    """A chart puts its objects into the release's namespace unless its templates say otherwise."""
    if namespace is None or release.namespace in ("", namespace):
        return True
    if release.chart is None:
        return False
    if b"namespace:" not in release.chart.template_text:
        return False
    return namespace.encode() in release.chart.template_text or any(
        text == namespace for _key, text in (*_texts(release.values), *_texts(release.chart.defaults))
    )
