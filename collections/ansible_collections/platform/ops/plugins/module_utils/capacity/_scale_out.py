# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide how many nodes the pending pods need from one pool, and say for each pod why or why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit, Room
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod, Shape
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import OutRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import (
    Refusal,
    Snapshot,
    Template,
    add_from_template,
)


@dataclass(frozen=True, slots=True)
class PodVerdict:
    """What one pending pod means for the pool.

    helps: a new node takes it · arriving: a node on its way takes it · fits: a node that is there takes it ·
    draining: only a node that we cordoned would take it · refused: a new node would not help ·
    waits: it does not ask for a node (yet) · limited: a node would help, but the limits allow no more
    """

    pod: str
    verdict: str
    reason: str
    message: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class OutPlan:
    count: int  # nodes to add now
    needed: int  # nodes that pods or the asked size need, without regard to limits
    verdicts: tuple[PodVerdict, ...]
    limits: tuple[Limit, ...]
    reclaim: tuple[str, ...]  # nodes whose removal should be called off, because pending pods need them


def pending(pods: Iterable[Pod]) -> list[Pod]:
    """Pods without a node that are to get one; those of DaemonSets belong to nodes that are already there."""
    return [pod for pod in pods if not pod.node and not pod.finished and not pod.deleting and not pod.stays_with_node]


def waits_for(pod: Pod, rules: OutRules, scheduler: str, now: float) -> Refusal | None:
    """Why the pod does not ask for a node (yet)."""
    since = pod.unschedulable_since
    found = None
    if pod.waiting:
        found = ("waiting", f"it waits for {pod.waiting}")
    elif pod.shape.scheduler != scheduler:
        found = ("other_scheduler", f"scheduler {pod.shape.scheduler} places it, not {scheduler}")
    elif since is None:
        found = ("not_judged", "the scheduler has not found it unschedulable")
    elif now - since < rules.pod_delay:
        found = ("too_young", f"unschedulable for less than {rules.pod_delay:.0f} s")
    elif pod.priority < rules.min_priority:
        found = ("expendable", f"its priority {pod.priority} is below {rules.min_priority}")
    elif pod.volume_problem:
        found = ("volume_unbound", pod.volume_problem)
    return None if found is None else Refusal(*found)


class _Placer:
    """Places pods first fit. A node that was too full for a shape stays so, hence is not asked again."""

    def __init__(self, snapshot: Snapshot, nodes: Sequence[Node], *, cordoned: bool = False) -> None:
        self._snapshot = snapshot
        self._nodes = list(nodes)
        self._cordoned = cordoned
        self._start: dict[Shape, int] = {}
        # Nodes that let a pod in by selector, affinity and taints: the same for many shapes.
        self._open: dict[tuple[object, ...], tuple[Shape, list[Node]]] = {}

    def add(self, node: Node) -> None:
        self._nodes.append(node)
        for shape, nodes in self._open.values():
            if self._snapshot.admits(shape, node, cordoned=self._cordoned):
                nodes.append(node)

    def _open_to(self, shape: Shape) -> list[Node]:
        key = (shape.node_selector, shape.node_affinity, shape.tolerations)
        if key not in self._open:
            nodes = [node for node in self._nodes if self._snapshot.admits(shape, node, cordoned=self._cordoned)]
            self._open[key] = (shape, nodes)
        return self._open[key][1]

    def place(self, pod: Pod) -> Node | None:
        shape = pod.shape
        nodes = self._open_to(shape)
        # Where other pods matter, a node that refused may accept after the next placement.
        steady = not (shape.affinity or shape.spread or pod.volume_terms)
        start = self._start.get(shape, 0) if steady else 0
        for i in range(start, len(nodes)):
            if self._snapshot.fits(pod, nodes[i], cordoned=self._cordoned):
                self._snapshot.place(pod, nodes[i])
                if steady:
                    self._start[shape] = i
                return nodes[i]
        if steady:
            self._start[shape] = len(nodes)
        return None


def size_of(pod: Pod, template: Template) -> float:
    """The largest share of a template node that the pod takes of any resource."""
    whole = dict(template.allocatable)
    asks = [(whole.get(resource, 0), value) for resource, value in pod.shape.requests if value > 0]
    return max((value / has if has else 2.0 for has, value in asks), default=0.0)


# Refusals by a new node that hold for every pod of the same shape, whatever its labels and volumes.
_OF_THE_SHAPE = frozenset({"untolerated_taint", "node_selector", "node_affinity", "too_big"})


class _Packing:
    """One run over the pending pods, largest first; uses the snapshot up."""

    def __init__(
        self,
        snapshot: Snapshot,
        template: Template,
        arriving: int,
        elsewhere: Iterable[tuple[Template, int]],
        reclaimable: Iterable[str],
    ) -> None:
        ours = set(reclaimable)
        nodes = list(snapshot.nodes.values())
        self._snapshot = snapshot
        self._template = template
        self._there = _Placer(snapshot, [node for node in nodes if node.name not in ours])
        self._leaving = _Placer(snapshot, [node for node in nodes if node.name in ours], cordoned=True)
        coming = [(template, arriving), *elsewhere]
        self._coming = _Placer(
            snapshot, [add_from_template(snapshot, of, i + 1) for of, count in coming for i in range(count)]
        )
        self._fresh = _Placer(snapshot, [])
        self._hopeless: dict[Shape, Refusal] = {}
        self._arriving = arriving
        self.opened: list[str] = []
        self.reclaim: dict[str, None] = {}

    def judge(self, pod: Pod) -> PodVerdict:
        if node := self._there.place(pod):
            return PodVerdict(pod.key, "fits", "fits", f"node {node.name} has room for it", node.name)
        if node := self._leaving.place(pod):
            self.reclaim[node.name] = None
            message = f"node {node.name}, which is being removed, has room for it; the removal is called off"
            return PodVerdict(pod.key, "draining", "draining", message, node.name)
        if node := self._coming.place(pod):
            return PodVerdict(pod.key, "arriving", "arriving", "a node on its way has room for it", node.name)
        if node := self._fresh.place(pod):
            return PodVerdict(pod.key, "helps", "helps", "a new node would take it", node.name)
        return self._open(pod)

    def _open(self, pod: Pod) -> PodVerdict:
        refusal = self._hopeless.get(pod.shape)
        if refusal is None:
            node = add_from_template(self._snapshot, self._template, self._arriving + len(self.opened) + 1)
            refusal = self._snapshot.refusal(pod, node)
            if refusal is None:
                self._snapshot.place(pod, node)
                self._fresh.add(node)
                self.opened.append(node.name)
                return PodVerdict(pod.key, "helps", "helps", "a new node would take it", node.name)
            self._snapshot.remove_node(node)
            if refusal.reason == "resources":
                refusal = Refusal("too_big", f"{refusal.message}, too much for an empty node of this pool")
            if refusal.reason in _OF_THE_SHAPE:
                self._hopeless[pod.shape] = refusal
        return PodVerdict(pod.key, "refused", refusal.reason, refusal.message)


def plan_out(
    snapshot: Snapshot,
    pods: Sequence[Pod],
    template: Template,
    *,
    arriving: int,
    size: int,
    least: int,
    asked: int | None,
    room: Room,
    rules: OutRules,
    elsewhere: Iterable[tuple[Template, int]] = (),
    reclaimable: Iterable[str] = (),
    scheduler: str = "default-scheduler",
    now: float,
) -> OutPlan:
    """The snapshot is used up by this.

    Args:
        pods: the pending ones, see pending().
        arriving: nodes of this pool on their way, not yet in the snapshot.
        size: nodes of the pool, those on their way included.
        asked: the size somebody asked for; None when only the pods count.
        elsewhere: nodes of other pools on their way, not yet in the snapshot either.
        reclaimable: nodes that we cordoned and could give back.
    """
    packing = _Packing(snapshot, template, arriving, elsewhere, reclaimable)
    verdicts: list[PodVerdict] = []
    asking: list[Pod] = []
    for pod in pods:
        why = waits_for(pod, rules, scheduler, now)
        if why is None:
            asking.append(pod)
        else:
            verdicts.append(PodVerdict(pod.key, "waits", why.reason, why.message))
    verdicts += map(packing.judge, sorted(asking, key=lambda item: (-size_of(item, template), item.key)))

    needed = max(len(packing.opened), least - size, (asked or 0) - size, 0)
    count = min(needed, room.count)
    beyond = frozenset(packing.opened[count:])
    return OutPlan(
        count=count,
        needed=needed,
        verdicts=tuple(_limited(item) if item.node in beyond else item for item in verdicts),
        limits=room.limits if count < needed else (),
        reclaim=tuple(packing.reclaim),
    )


def _limited(item: PodVerdict) -> PodVerdict:
    return PodVerdict(item.pod, "limited", "limited", "a new node would take it, but the limits allow no more")
