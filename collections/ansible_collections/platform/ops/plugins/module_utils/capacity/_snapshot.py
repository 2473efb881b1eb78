# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster as the scheduler would see it, to try out placements. No I/O; nothing here changes the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.capacity._records import (
    HOSTNAME,
    UNSCHEDULABLE_TAINT,
    Node,
    Pod,
    Shape,
    Taint,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._topology import (
    Topology,
    matches_node,
    untolerated,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one pod cannot run on one node. `reason` is for programs, `message` for people."""

    reason: str
    message: str


def shown(resource: str, value: int) -> str:
    if resource == "cpu":
        return f"{value}m"
    if resource in ("memory", "ephemeral-storage") and value >= 1 << 20:
        return f"{value / (1 << 20):.0f}Mi"
    return str(value)


class Snapshot:
    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        self.nodes: dict[str, Node] = {node.name: node for node in nodes}
        self.free: dict[str, dict[str, int]] = {node.name: dict(node.allocatable) for node in self.nodes.values()}
        self.closed: set[str] = set()  # nodes that take no more pods in this plan
        self._pods: dict[str, dict[Pod, None]] = {name: {} for name in self.nodes}
        self._by_namespace: dict[str, dict[Pod, Node]] = {}
        self.topology = Topology(self.nodes, self._placed)
        for pod in pods:
            if pod.node in self.nodes and not pod.finished:
                self.place(pod, self.nodes[pod.node])

    def pods_on(self, node: Node) -> Iterable[Pod]:
        return self._pods[node.name]

    def _placed(self, namespace: str | None) -> Iterator[tuple[Pod, Node]]:
        if namespace is None:
            for pods in self._by_namespace.values():
                yield from pods.items()
        else:
            yield from self._by_namespace.get(namespace, {}).items()

    def add_node(self, node: Node) -> None:
        self.nodes[node.name] = node
        self.free[node.name] = dict(node.allocatable)
        self._pods[node.name] = {}
        self.topology.add_node(node)

    def remove_node(self, node: Node) -> None:
        for pod in list(self._pods[node.name]):
            self.remove(pod, node)
        self.topology.remove_node(node)
        del self.nodes[node.name], self.free[node.name], self._pods[node.name]

    def place(self, pod: Pod, node: Node) -> None:
        free = self.free[node.name]
        for resource, value in pod.shape.requests:
            free[resource] = free.get(resource, 0) - value
        self._pods[node.name][pod] = None
        self._by_namespace.setdefault(pod.namespace, {})[pod] = node
        self.topology.change(pod, node, 1)

    def remove(self, pod: Pod, node: Node) -> None:
        free = self.free[node.name]
        for resource, value in pod.shape.requests:
            free[resource] += value
        del self._pods[node.name][pod]
        del self._by_namespace[pod.namespace][pod]
        self.topology.change(pod, node, -1)

    def fits(self, pod: Pod, node: Node, *, cordoned: bool = False) -> bool:
        """`cordoned`: as if the node were not cordoned."""
        return self._room(pod.shape, node) and self.refusal(pod, node, cordoned=cordoned) is None

    def _room(self, shape: Shape, node: Node) -> bool:
        # First and alone, because in a full cluster nearly every question ends here.
        free = self.free[node.name]
        return all(value <= 0 or free.get(resource, 0) >= value for resource, value in shape.requests)

    def refusal(self, pod: Pod, node: Node, *, cordoned: bool = False) -> Refusal | None:
        return (
            self._node_refusal(pod.shape, node, cordoned)
            or self._volume_refusal(pod, node)
            or self._room_refusal(pod.shape, node)
            or self._topology_refusal(pod, node)
        )

    def admits(self, shape: Shape, node: Node, *, cordoned: bool = False) -> bool:
        """Whether the node lets the shape in, room aside. Does not change as pods are placed."""
        return self._node_refusal(shape, node, cordoned) is None

    def _node_refusal(self, shape: Shape, node: Node, cordoned: bool) -> Refusal | None:
        if not node.ready:
            return Refusal("not_ready", f"node {node.name} is not Ready")
        if node.name in self.closed or (node.unschedulable and not cordoned):
            return Refusal("cordoned", f"node {node.name} is cordoned")
        if node.taints:
            taint = untolerated(shape, node, except_key=UNSCHEDULABLE_TAINT if cordoned else "")
            if taint is not None:
                return Refusal("untolerated_taint", f"it does not tolerate taint {taint}")
        if (shape.node_selector or shape.node_affinity is not None) and not matches_node(shape, node):
            return self._selector_refusal(shape, node)
        return None

    def _volume_refusal(self, pod: Pod, node: Node) -> Refusal | None:
        for terms in pod.volume_terms:
            if not any(term.matches(node.name, node.labels) for term in terms):
                wanted = " or ".join(map(str, terms))
                return Refusal("volume_topology", f"one of its volumes can only be reached where {wanted}")
        return None

    def _room_refusal(self, shape: Shape, node: Node) -> Refusal | None:
        if not self._room(shape, node):
            return self._resource_refusal(shape, node)
        if shape.host_ports and (taken := self._port_taken(shape, node)):
            return Refusal("host_ports", f"host port {taken} is taken on node {node.name}")
        return None

    def _selector_refusal(self, shape: Shape, node: Node) -> Refusal:
        for requirement in shape.node_selector:
            if not requirement.matches(node.labels):
                has = node.labels.get(requirement.key)
                was = f"the node has {requirement.key}={has}" if has is not None else "the node has no such label"
                return Refusal("node_selector", f"its nodeSelector wants {requirement}; {was}")
        wanted = " or ".join(map(str, shape.node_affinity or ())) or "no node at all"
        return Refusal("node_affinity", f"its node affinity wants {wanted}")

    def _resource_refusal(self, shape: Shape, node: Node) -> Refusal:
        free = self.free[node.name]
        short = [
            f"{resource} {shown(resource, value)} (free: {shown(resource, max(0, free.get(resource, 0)))})"
            for resource, value in shape.requests
            if value > 0 and free.get(resource, 0) < value
        ]
        return Refusal("resources", f"it asks for {', '.join(short)}")

    def _port_taken(self, shape: Shape, node: Node) -> str | None:
        for other in self._pods[node.name]:
            for protocol, address, port in other.shape.host_ports:
                for mine in shape.host_ports:
                    if mine[0] == protocol and mine[2] == port and _overlap(mine[1], address):
                        return f"{port}/{protocol}"
        return None

    def _topology_refusal(self, pod: Pod, node: Node) -> Refusal | None:
        if why := self.topology.anti_affinity(pod, node):
            return Refusal("pod_anti_affinity", why)
        if pod.shape.affinity and (why := self.topology.affinity(pod, node)):
            return Refusal("pod_affinity", why)
        if pod.shape.spread and (why := self.topology.spread(pod, node)):
            return Refusal("topology_spread", why)
        return None


def _overlap(one: str, other: str) -> bool:
    everywhere = ("", "0.0.0.0", "::")  # noqa: S104 compared, not bound
    return one == other or one in everywhere or other in everywhere


@dataclass(frozen=True, slots=True)
class Template:
    """What a new node of the pool will be. `daemons`: one pod of each DaemonSet that will run on it."""

    prefix: str
    allocatable: tuple[tuple[str, int], ...]
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    daemons: tuple[Pod, ...] = ()


def add_from_template(snapshot: Snapshot, template: Template, number: int) -> Node:
    """Put a virtual node with its DaemonSet pods into the snapshot."""
    name = f"{template.prefix}(new {number})"
    node = Node(
        name=name,
        allocatable=dict(template.allocatable),
        labels={**dict(template.labels), HOSTNAME: name},
        taints=template.taints,
    )
    snapshot.add_node(node)
    for daemon in template.daemons:
        own = Pod(
            namespace=daemon.namespace,
            name=f"{daemon.name}-{number}",
            shape=daemon.shape,
            labels=daemon.labels,
            controller=daemon.controller,
        )
        if snapshot.refusal(own, node) is None:
            snapshot.place(own, node)
    return node
