# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts of pods per topology domain, for pod (anti-)affinity and topology spread. Kept up to date as pods move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod, PodTerm, Shape, Spread

# (pod, node) pairs of one namespace; None asks for all namespaces.
Placed = Callable[["str | None"], Iterable[tuple[Pod, Node]]]


@dataclass(slots=True)
class _SpreadCount:
    constraint: Spread
    shape: Shape
    domains: dict[str, int] = field(default_factory=dict)

    def eligible(self, node: Node) -> bool:
        constraint, shape = self.constraint, self.shape
        if any(other.topology_key not in node.labels for other in shape.spread):
            return False
        if constraint.honour_affinity and not matches_node(shape, node):
            return False
        return not constraint.honour_taints or untolerated(shape, node) is None

    def change(self, pod: Pod, node: Node, by: int) -> None:
        if not pod.deleting and self.constraint.selector.matches(pod.labels) and self.eligible(node):
            domain = node.labels[self.constraint.topology_key]
            self.domains[domain] = self.domains.get(domain, 0) + by


def matches_node(shape: Shape, node: Node) -> bool:
    """Whether nodeSelector and required node affinity let the shape run there."""
    if any(not requirement.matches(node.labels) for requirement in shape.node_selector):
        return False
    return shape.node_affinity is None or any(term.matches(node.name, node.labels) for term in shape.node_affinity)


def untolerated(shape: Shape, node: Node, except_key: str = "") -> str | None:
    for taint in node.taints:
        if taint.effect != "PreferNoSchedule" and taint.key != except_key and not shape.tolerates(taint):
            return str(taint)
    return None


class Topology:
    def __init__(self, nodes: Mapping[str, Node], placed: Placed) -> None:
        self._nodes = nodes
        self._placed = placed
        # All by namespace, None being all of them: most terms look at their own namespace alone.
        self._matching: dict[str | None, dict[PodTerm, dict[str, int]]] = {}
        self._repelling: dict[str | None, dict[PodTerm, dict[str, int]]] = {}
        self._spreads: dict[str, dict[tuple[Spread, Shape], _SpreadCount]] = {}

    def change(self, pod: Pod, node: Node, by: int) -> None:
        """A pod came to (+1) or left (-1) a node."""
        for term in pod.shape.anti_affinity:
            self._count(self._domains(self._repelling, term), term, node, by)
        for namespace in (pod.namespace, None):
            for term, domains in self._matching.get(namespace, {}).items():
                # a term that names several namespaces has the same counts under each of them
                if term.selector.matches(pod.labels):
                    self._count(domains, term, node, by)
        for spread in self._spreads.get(pod.namespace, {}).values():
            spread.change(pod, node, by)

    @staticmethod
    def _domains(index: dict[str | None, dict[PodTerm, dict[str, int]]], term: PodTerm) -> dict[str, int]:
        namespaces: Iterable[str | None] = [None] if term.namespaces is None else term.namespaces
        domains: dict[str, int] | None = None
        for namespace in namespaces:
            terms = index.setdefault(namespace, {})
            if term in terms:
                return terms[term]
            domains = terms[term] = {} if domains is None else domains
        return {} if domains is None else domains

    def _all_spreads(self) -> Iterable[_SpreadCount]:
        for spreads in self._spreads.values():
            yield from spreads.values()

    def add_node(self, node: Node) -> None:
        for spread in self._all_spreads():
            if spread.eligible(node):
                spread.domains.setdefault(node.labels[spread.constraint.topology_key], 0)

    def remove_node(self, node: Node) -> None:
        """An empty node left: a domain that only it had is gone."""
        for spread in self._all_spreads():
            key = spread.constraint.topology_key
            domain = node.labels.get(key)
            if domain is not None and not any(
                other.labels.get(key) == domain and spread.eligible(other)
                for other in self._nodes.values()
                if other is not node
            ):
                spread.domains.pop(domain, None)

    @staticmethod
    def _count(domains: dict[str, int], term: PodTerm, node: Node, by: int) -> None:
        domain = node.labels.get(term.topology_key)
        if domain is not None:
            domains[domain] = domains.get(domain, 0) + by

    def anti_affinity(self, pod: Pod, node: Node) -> str | None:
        for term in pod.shape.anti_affinity:
            domain = node.labels.get(term.topology_key)
            if domain is not None and self._matches(term).get(domain, 0) > 0:
                return f"a pod with {term.selector} already runs in {term.topology_key} {domain}"
        for namespace in (pod.namespace, None):
            for term, domains in self._repelling.get(namespace, {}).items():
                domain = node.labels.get(term.topology_key)
                if domain is not None and domains.get(domain, 0) > 0 and term.selector.matches(pod.labels):
                    return f"a pod in {term.topology_key} {domain} keeps pods with {term.selector} away"
        return None

    def affinity(self, pod: Pod, node: Node) -> str | None:
        terms = pod.shape.affinity
        lonely = False
        for term in terms:
            domain = node.labels.get(term.topology_key)
            if domain is None:
                return f"the node has no label {term.topology_key}, by which it wants to be near {term.selector}"
            counts = self._matches(term)
            if counts.get(domain, 0) > 0:
                continue
            if any(count > 0 for count in counts.values()):
                return f"no pod with {term.selector} runs in {term.topology_key} {domain}"
            lonely = True
        # The first of a group that wants to be near itself may go anywhere.
        if lonely and not all(term.matches(pod.namespace, pod.labels) for term in terms):
            return "no pod it wants to be near runs anywhere"
        return None

    def spread(self, pod: Pod, node: Node) -> str | None:
        for constraint in pod.shape.spread:
            domain = node.labels.get(constraint.topology_key)
            if domain is None:
                return f"the node has no label {constraint.topology_key} to spread by"
            domains = self._spread(constraint, pod).domains
            lowest = min(domains.values(), default=0) if len(domains) >= constraint.min_domains else 0
            own = 1 if constraint.selector.matches(pod.labels) else 0
            if domains.get(domain, 0) + own - lowest > constraint.max_skew:
                return (
                    f"{constraint.topology_key} {domain} would hold {domains.get(domain, 0) + own} where another "
                    f"holds {lowest} (maxSkew {constraint.max_skew})"
                )
        return None

    def _matches(self, term: PodTerm) -> dict[str, int]:
        namespaces: Iterable[str | None] = [None] if term.namespaces is None else term.namespaces
        first = next(iter(namespaces), None)
        known = self._matching.get(first, {}).get(term)
        if known is not None:
            return known
        domains = self._domains(self._matching, term)
        for namespace in namespaces:
            for pod, node in self._placed(namespace):
                if term.selector.matches(pod.labels):
                    self._count(domains, term, node, 1)
        return domains

    def _spread(self, constraint: Spread, pod: Pod) -> _SpreadCount:
        spreads = self._spreads.setdefault(pod.namespace, {})
        key = (constraint, pod.shape)
        if key not in spreads:
            count = _SpreadCount(constraint, pod.shape)
            for node in self._nodes.values():
                if count.eligible(node):
                    count.domains.setdefault(node.labels[constraint.topology_key], 0)
            for other, node in self._placed(pod.namespace):
                count.change(other, node, 1)
            spreads[key] = count
        return spreads[key]
