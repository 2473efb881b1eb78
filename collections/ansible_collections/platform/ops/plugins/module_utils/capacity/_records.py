# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slim records of pods and nodes: only what planning looks at, shared where equal.

A cluster of 20,000 pods is a few thousand distinct shapes; Pod is one small object pointing at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import (
    Labels,
    NodeTerm,
    Requirement,
    Selector,
)

HOSTNAME = "kubernetes.io/hostname"
# On a Node: which operation cordoned it. Only what carries our mark is ever uncordoned by us.
CORDONED_BY = "platform.ops/cordoned-by"
# On a Node from its registration until it is proven usable.
STARTUP_TAINT = "platform.ops/starting"
# Frees pods and volumes of a node by force; never while its machine may still write to them.
OUT_OF_SERVICE_TAINT = "node.kubernetes.io/out-of-service"
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True)
class Toleration:
    key: str  # "" with operator Exists tolerates every key
    operator: str
    value: str
    effect: str  # "" is every effect

    def tolerates(self, taint: Taint) -> bool:
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


@dataclass(frozen=True, slots=True)
class PodTerm:
    """One required (anti-)affinity term. `namespaces` None is all of them."""

    selector: Selector
    topology_key: str
    namespaces: frozenset[str] | None

    def matches(self, namespace: str, labels: Labels) -> bool:
        return (self.namespaces is None or namespace in self.namespaces) and self.selector.matches(labels)


@dataclass(frozen=True, slots=True)
class Spread:
    """One topology spread constraint with whenUnsatisfiable DoNotSchedule."""

    selector: Selector
    topology_key: str
    max_skew: int
    min_domains: int
    honour_affinity: bool
    honour_taints: bool


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """All that the scheduler looks at, except labels and volumes. Compared by identity: equal ones are one object."""

    requests: tuple[tuple[str, int], ...]  # always holds ("pods", 1)
    node_selector: tuple[Requirement, ...] = ()
    node_affinity: tuple[NodeTerm, ...] | None = None
    tolerations: tuple[Toleration, ...] = ()
    affinity: tuple[PodTerm, ...] = ()
    anti_affinity: tuple[PodTerm, ...] = ()
    spread: tuple[Spread, ...] = ()
    host_ports: tuple[tuple[str, str, int], ...] = ()  # protocol, address, port
    scheduler: str = "default-scheduler"

    def tolerates(self, taint: Taint) -> bool:
        return any(toleration.tolerates(taint) for toleration in self.tolerations)


@dataclass(frozen=True, slots=True)
class Controller:
    kind: str
    name: str
    uid: str


NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Pod:
    namespace: str
    name: str
    shape: Shape
    uid: str = ""
    node: str = ""
    labels: Labels = field(default_factory=dict)
    controller: Controller | None = None
    phase: str = "Pending"
    ready: bool = False
    deleting: bool = False
    mirror: bool = False
    priority: int = 0
    created: float = 0.0
    unschedulable_since: float | None = None
    waiting: str = ""  # a scheduling gate, or the node a preemption is clearing for it
    annotations: Mapping[str, str] = field(
        default_factory=lambda: NO_ANNOTATIONS
    )  # those planning honours, see _parse.ANNOTATIONS
    volume_terms: tuple[tuple[NodeTerm, ...], ...] = ()  # each volume can be reached from nodes matching one term
    volume_problem: str = ""
    local_storage: tuple[str, ...] = ()  # names of volumes that die with the node
    grace: float = 30.0

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def stays_with_node(self) -> bool:
        """Nothing to move: the node's own pods come and go with it."""
        return self.mirror or (self.controller is not None and self.controller.kind == "DaemonSet")


@dataclass(slots=True, eq=False)
class Node:
    name: str
    allocatable: Mapping[str, int]
    uid: str = ""
    labels: Labels = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = True
    provider_id: str = ""
    created: float = 0.0
    deleting: bool = False
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS)

    @property
    def cordoned_by(self) -> str:
        return self.annotations.get(CORDONED_BY, "")

    @property
    def control_plane(self) -> bool:
        return any(label in self.labels for label in CONTROL_PLANE_LABELS) or any(
            taint.key in CONTROL_PLANE_LABELS for taint in self.taints
        )
