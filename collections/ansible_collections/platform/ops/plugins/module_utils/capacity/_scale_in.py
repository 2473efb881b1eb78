# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which node may leave, where its pods would go, and what blocks the others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit, Room
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot
from ansible_collections.platform.ops.plugins.module_utils.capacity._vetoes import (
    Blocker,
    moves,
    node_blockers,
    pod_blockers,
    reluctant,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget

MEASURED = ("cpu", "memory")
# Blockers that go away by themselves while a drain waits.
PASSING = frozenset({"budget_now", "budget_unknown"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One node of the pool: what speaks against removing it, and where its pods would go."""

    node: str
    utilisation: float
    blockers: tuple[Blocker, ...]
    moves: tuple[tuple[str, str], ...] = ()  # pod, node that would take it
    reluctant: int = 0  # pods that would rather not be evicted
    unneeded_since: float | None = None

    @property
    def order(self) -> tuple[int, int, float, str]:
        return (self.reluctant, len(self.moves), self.utilisation, self.node)


@dataclass(frozen=True, slots=True)
class InPlan:
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    limits: tuple[Limit, ...]
    unneeded: Mapping[str, float]  # to remember until the next run


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What judging needs beside the snapshot."""

    budgets: Mapping[str, Sequence[Budget]]  # by namespace
    rules: InRules
    now: float
    guarded: Mapping[str, str]  # pods that must stay for now, and why: this service's own
    failed: Mapping[str, float]  # nodes whose removal failed, and when it may be tried again
    asked: frozenset[str] = frozenset()  # nodes that somebody named
    doubted: Mapping[str, str] = field(default_factory=dict)  # nodes whose machine cannot be told for sure, and why


def utilisation(snapshot: Snapshot, node: Node) -> float:
    """The larger share of cpu and memory that is requested, by all pods of the node."""
    free = snapshot.free[node.name]
    shares = [1 - free[name] / node.allocatable[name] for name in MEASURED if node.allocatable.get(name)]
    return max(shares, default=1.0)


class _Targets:
    """All nodes, the emptiest first, so that a place is found soon."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._nodes = sorted(
            snapshot.nodes.values(), key=lambda node: (-snapshot.free[node.name].get("cpu", 0), node.name)
        )

    def take_in(self, leaving: Node) -> None:
        """Move what still runs on a leaving node to where it will probably go."""
        for pod in moves(self._snapshot.pods_on(leaving)):
            if target := self.find(pod, leaving):
                self._snapshot.remove(pod, leaving)
                self._snapshot.place(pod, target)

    def find(self, pod: Pod, besides: Node) -> Node | None:
        for node in self._nodes:
            if node is not besides and self._snapshot.fits(pod, node):
                return node
        return None


def judge(snapshot: Snapshot, node: Node, around: Surroundings, targets: _Targets, *, keep: bool = False) -> Candidate:
    """`keep` leaves the pods at their new places in the snapshot, when all found one."""
    used = utilisation(snapshot, node)
    leaving = moves(snapshot.pods_on(node))
    blockers = node_blockers(node, around.now, asked=node.name in around.asked)
    if node.name in around.doubted:
        blockers.append(Blocker("address", around.doubted[node.name], True))
    for pod in leaving:
        if pod.key in around.guarded:
            blockers.append(Blocker("own_service", around.guarded[pod.key], False, pod.key))
        blockers += pod_blockers(pod, around.budgets.get(pod.namespace, ()), around.rules, around.now)
    placed: list[tuple[Pod, Node]] = []
    if not any(item.permanent for item in blockers):
        for pod in leaving:
            snapshot.remove(pod, node)
            target = targets.find(pod, node)
            if target is None:
                snapshot.place(pod, node)
                blockers.append(Blocker("nowhere_to_go", "no other node has room for it", False, pod.key))
                break
            snapshot.place(pod, target)
            placed.append((pod, target))
    candidate = Candidate(
        node=node.name,
        utilisation=used,
        blockers=tuple(blockers),
        moves=tuple((pod.key, target.name) for pod, target in placed),
        reluctant=sum(map(reluctant, leaving)),
    )
    if not keep or blockers:
        for pod, target in reversed(placed):
            snapshot.remove(pod, target)
            snapshot.place(pod, node)
    return candidate


def unhealthy(nodes: Iterable[Node], rules: InRules) -> Limit | None:
    """Too many nodes are not Ready: something bigger is wrong, and taking nodes away would make it worse."""
    every = list(nodes)
    sick = sum(not node.ready for node in every)
    if sick > rules.max_unready and sick > rules.max_unready_share * len(every):
        return Limit("unhealthy", f"{sick} of {len(every)} nodes are not Ready; nothing is removed meanwhile")
    return None


def last_node(snapshot: Snapshot, node: Node) -> Blocker | None:
    if any(
        other.ready and not other.unschedulable and not other.control_plane and other.name not in snapshot.closed
        for other in snapshot.nodes.values()
        if other is not node
    ):
        return None
    return Blocker("last_node", "it is the last node that takes pods", True)


def plan_in(
    snapshot: Snapshot,
    pool: Sequence[Node],
    *,
    budgets: Sequence[Budget],
    rules: InRules,
    room: Room,
    unneeded: Mapping[str, float],
    guarded: Mapping[str, str],
    failed: Mapping[str, float],
    names: Sequence[str] = (),
    leaving: Sequence[Node] = (),
    doubted: Mapping[str, str] | None = None,
    now: float,
) -> InPlan:
    """The snapshot ends as it would be after the chosen nodes have left.

    Args:
        pool: the nodes that may leave; without those that already do.
        unneeded: since when each node was found unneeded, from the last run.
        names: nodes that somebody asked to remove: how full and how long idle they are does not matter then.
        leaving: nodes whose removal is on its way; their pods take places first.
        doubted: nodes whose machine cannot be told for sure, and why.
    """
    named = frozenset(names)
    by_namespace: dict[str, list[Budget]] = {}
    for budget in budgets:
        by_namespace.setdefault(budget.namespace, []).append(budget)
    around = Surroundings(by_namespace, rules, now, guarded, failed, named, doubted or {})
    targets = _Targets(snapshot)
    for node in leaving:
        targets.take_in(node)
    limits = room.limits
    count = room.count
    if sick := unhealthy(snapshot.nodes.values(), rules):
        limits, count = (*limits, sick), 0

    candidates: list[Candidate] = []
    remembered: dict[str, float] = {}
    for node in pool:
        if named and node.name not in named:
            continue
        used = utilisation(snapshot, node)
        if used >= rules.threshold and node.name not in named:
            candidates.append(Candidate(node.name, used, (_too_full(used, rules),)))
            continue
        found = judge(snapshot, node, around, targets)
        # What was asked for by name may begin and wait for a budget, as long as the policy allows.
        blockers = [item for item in found.blockers if node.name not in named or item.reason not in PASSING]
        if last := last_node(snapshot, node):
            blockers.append(last)
        since = None
        if not blockers:
            since = remembered[node.name] = unneeded.get(node.name, now)
        blockers += _too_early(node, since, around, asked=node.name in named)
        candidates.append(Candidate(node.name, used, tuple(blockers), found.moves, found.reluctant, since))

    chosen: list[str] = []
    for candidate in sorted(candidates, key=lambda item: item.order):
        if len(chosen) == count:
            break
        node = snapshot.nodes[candidate.node]
        if candidate.blockers or (chosen and last_node(snapshot, node)):
            continue
        again = judge(snapshot, node, around, targets, keep=True)
        if any(node.name not in named or item.reason not in PASSING for item in again.blockers):
            continue
        snapshot.closed.add(node.name)
        chosen.append(node.name)
    wanted = sum(not candidate.blockers for candidate in candidates)
    return InPlan(
        chosen=tuple(chosen),
        candidates=tuple(sorted(candidates, key=lambda item: item.order)),
        limits=limits if len(chosen) < wanted else (),
        unneeded=remembered,
    )


def _too_full(used: float, rules: InRules) -> Blocker:
    return Blocker("needed", f"{used:.0%} of it is requested; idle is below {rules.threshold:.0%}", False)


def _too_early(node: Node, since: float | None, around: Surroundings, *, asked: bool) -> list[Blocker]:
    if asked:
        return []
    found = []
    again = around.failed.get(node.name)
    if again is not None and around.now < again:
        found.append(
            Blocker("retry_later", f"its last removal failed; tried again in {again - around.now:.0f} s", False)
        )
    if since is not None and around.now - since < around.rules.unneeded_for:
        left = around.rules.unneeded_for - (around.now - since)
        found.append(
            Blocker("unneeded_for", f"idle since {around.now - since:.0f} s; to wait another {left:.0f} s", False)
        )
    return found
