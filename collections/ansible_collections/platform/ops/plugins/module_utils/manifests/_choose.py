# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the found places are meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    FoundSites,
    Reason,
    Refusal,
    RefusedError,
    Site,
    Target,
    refuse,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    places: tuple[Site, ...]  # alternatives for the container meant, strongest first
    pod: Site | None  # where the pod as a whole has numbers

    @property
    def site(self) -> Site:
        return self.places[0]


def choose(found: Iterable[FoundSites], target: Target) -> Chosen:
    """
    Raises:
        RefusedError: nothing answers to the target, several things do, or what does cannot be edited.
    """
    results = list(found)
    claimed = frozenset().union(*(one.claimed for one in results))
    refusals = [refusal for one in results for refusal in one.refusals]
    sites = [
        site
        for one in results
        for site in one.sites
        if site.layout != "manifest" or (site.file, site.document) not in claimed
    ]
    for refusal in refusals:
        if refusal.decisive:
            raise RefusedError(refusal)
    sites = _nearest(sites, target)
    if not sites:
        raise RefusedError(refusals[0] if refusals else _not_found(target))
    workloads = list(dict.fromkeys(site.workload for site in sites))
    if len(workloads) > 1:
        firsts = [next(site for site in sites if site.workload == workload) for workload in workloads]
        listed = "; ".join(sorted(_shown(site) for site in firsts))
        raise refuse(
            Reason.AMBIGUOUS,
            f"{len(workloads)} workloads answer to {target}: {listed}. Say which with kind, namespace or source.",
        )
    return _container(sites, target)


def _nearest(sites: Sequence[Site], target: Target) -> list[Site]:
    """Those that say the namespace asked for, before those that leave it to whoever applies them."""
    exact = [site for site in sites if target.namespace is not None and site.namespace == target.namespace]
    return exact or [site for site in sites if target.namespace is None or site.namespace is None]


def _container(sites: Sequence[Site], target: Target) -> Chosen:
    pod = next((site for site in sites if site.container_type == "pod"), None)
    inside = [site for site in sites if site.container_type != "pod"]
    if target.container is not None:
        places = [site for site in inside if site.container == target.container]
    else:
        places = [site for site in inside if site.container_type == "container"]
    names = list(dict.fromkeys(site.container for site in places))
    if len(names) > 1:
        raise refuse(
            Reason.AMBIGUOUS,
            f"{_shown(sites[0])} has {len(names)} containers: {', '.join(names)}. Say which with container.",
        )
    if not places:
        have = ", ".join(dict.fromkeys(site.container for site in inside)) or "none"
        raise refuse(
            Reason.NOT_FOUND,
            f"{_shown(sites[0])} has no container {target.container or ''}; it has: {have}.",
        )
    return Chosen(tuple(places), pod)


def _shown(site: Site) -> str:
    where = f"{site.namespace}/" if site.namespace else ""
    return f"{site.kind} {where}{site.name} ({site.source or site.file})"


def _not_found(target: Target) -> Refusal:
    return Refusal(
        Reason.NOT_FOUND,
        f"Nothing in the tree is {target}. Check name, kind and namespace, and that `path` holds the manifests.",
    )
