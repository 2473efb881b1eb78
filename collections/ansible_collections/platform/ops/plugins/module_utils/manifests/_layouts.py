# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layouts beyond plain manifests, as finders. Flux and Argo CD come in through what they deploy."""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.module_utils.manifests._helm import find as find_helm
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm import warm_up
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_explicit import explicit
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize import find as find_kustomize
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_sites import SharedBase
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Finder, FoundSites, Target
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

__all__ = ["LAYOUTS", "SharedBase", "explicit", "find", "warm_up"]


def find(tree: Tree, target: Target, shared_base: SharedBase = "patch") -> FoundSites:
    """Places in overlays and in values; a chart is only guessed at when nothing else answers."""
    built = find_kustomize(tree, target, shared_base)
    rendered = find_helm(tree, target, guess=not built.sites)
    return FoundSites(
        (*built.sites, *rendered.sites),
        (*built.refusals, *rendered.refusals),
        built.claimed | rendered.claimed,
    )


LAYOUTS: tuple[Finder, ...] = (find,)
