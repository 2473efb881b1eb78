# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three things one can ask of a pool: more nodes, fewer nodes, getting on with those on their way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _changes, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time, timestamp
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import Cluster, observe
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Operator, Progress, Writer
from ansible_collections.platform.ops.plugins.module_utils.capacity._places import (
    Place,
    addresses_in_use,
    names_in_use,
    place,
    unknown,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._plans import in_plan, out_plan
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, State, state_json
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import InPlan
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import OutPlan
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import Prediction, Trend, outdated
from ansible_collections.platform.ops.plugins.module_utils.cluster import _lease
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api

# Lists in results are cut here; the counts are always whole.
MOST_SHOWN = 500
How = Callable[[Pool], State]
Foresee = Callable[[Pool, Trend, float], Prediction]


@dataclass(frozen=True, slots=True)
class Service:
    """This service itself: the pod it runs in, and the Lease its replicas share."""

    namespace: str = ""
    pod: str = ""
    lease: str = ""


def _nobody_leaves() -> InPlan:
    return InPlan((), (), (), {})


@dataclass(slots=True)
class Result:
    before: State
    after: State
    plan: dict[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    out: OutPlan = field(default_factory=lambda: OutPlan(0, 0, (), (), ()))
    in_: InPlan = field(default_factory=_nobody_leaves)

    @property
    def changed(self) -> bool:
        before, after = (
            replace(state, term=0, holder="", unneeded={}, predicted=None) for state in (self.before, self.after)
        )
        return before != after or bool(self.progress.performed)

    def json(self) -> dict[str, Any]:
        return {
            "changed": self.changed,
            "plan": self.plan,
            "jobs": [asdict(job) for job in self.progress.jobs],
            "waiting": [
                {"node": node, "message": why, "until": timestamp(until)} for node, why, until in self.progress.waiting
            ],
            "ended": [ended._asdict() for ended in self.progress.ended],
            "performed": self.progress.performed,
            "operations": state_json(self.after).get("operations", []),
            "diff": {"before": _shown(self.before), "after": _shown(self.after)},
        }


def _shown(state: State) -> dict[str, Any]:
    """The part of the record that a person compares."""
    return {
        "machines": sorted(machine.name for machine in state.machines),
        "operations": sorted(f"{op.kind} {op.node} {op.address}".strip() for op in state.operations),
        "addresses": sorted(state.addresses()),
    }


def guarded(api: Api, service: Service, now: float) -> dict[str, str]:
    """This service's own pod, unless another replica has taken over the work."""
    if not service.pod:
        return {}
    leader = _lease.holder(api, service.namespace, service.lease, now) if service.lease else ""
    if leader and leader != service.pod:
        return {}
    message = "it is this service itself; it may go once another replica has taken over the work"
    if service.lease:
        message = (
            f"it is this service itself, and no other replica holds Lease {service.namespace}/{service.lease}; "
            "run a second replica"
        )
    return {f"{service.namespace}/{service.pod}": message}


class Scaling:
    """
    Args:
        operator: drives what is under way afterwards; None when this run only begins.
        foresee: what the last weeks tell about a pool now; None when nobody asks.
    """

    def __init__(self, writer: Writer, operator: Operator | None, *, dry: bool, foresee: Foresee | None = None) -> None:
        self._writer = writer
        self._operator = operator
        self._api = writer.api
        self._dry = dry
        self._foresee = foresee

    def present(
        self, count: int | None, *, others: Sequence[Pool] | None = None, pods: bool = True
    ) -> tuple[Pool, Result]:
        """
        Args:
            count: the size somebody asks for.
            others: the other pools as they will be, where a preview has planned them already.
            pods: False when only the minimum in force and `count` matter.
        """
        others = self._others() if others is None else others
        if self._dry or not others:
            return self._go(*self._present(count, others, pods))
        with self._writer.planning():
            planned = self._present(count, self._others(), pods)
            begun = self._begin(*planned)
        return self._drive(*begun)

    def _others(self) -> list[Pool]:
        return [pool for pool in _store.every(self._api) if pool.name != self._writer.pool]

    def _present(self, count: int | None, others: Sequence[Pool], pods: bool) -> tuple[Pool, How, Result]:
        pool, cluster, now = self._read()
        plan = out_plan(pool, cluster, asked=count, others=others, pods=pods, now=now)
        ids = [uuid.uuid4().hex[:12] for _node in range(plan.count)]
        # What the others have reserved is no Node yet; under planning() they reserve nothing meanwhile.
        names, addresses = names_in_use(cluster, others), addresses_in_use(cluster, others)

        def how(current: Pool) -> State:
            message = "pending pods need the node"
            called_off = replace(current, state=_changes.call_off_all(current, plan.reclaim, message))
            return _changes.begin_out(called_off, ids, names, addresses, now)

        return pool, how, Result(pool.state, pool.state, out_json(plan), out=plan)

    def absent(
        self, names: Sequence[str], service: Service, *, idle: Mapping[str, float] | None = None
    ) -> tuple[Pool, Result]:
        """
        Args:
            names: nodes that somebody asks to remove; without names the best candidate goes.
            idle: since when alerts say that nodes are idle.
        """
        pool, cluster, now = self._read()
        members = {node.name: node for node in cluster.members(pool)}
        busy = {op.node for op in pool.state.operations}
        for name in names:
            if any(node.name == name for node in cluster.nodes) and name not in members and name not in busy:
                raise InputError(
                    f"Node {name} is not in NodePool {pool.name}; label it platform.ops/pool={pool.name} to take it in."
                )
        wanted = [name for name in names if name in members and name not in busy]
        plan = None
        places: dict[str, Place] = {}
        if wanted or not names:
            kept = guarded(self._api, service, now)
            places = self._places(pool, cluster)
            doubted = _doubted(pool, cluster, places)
            plan = in_plan(pool, cluster, names=wanted, guarded=kept, idle=idle, doubted=doubted, now=now)
        chosen = [_leaving(cluster, name, places[name]) for name in (plan.chosen if plan else ())]
        ids = [uuid.uuid4().hex[:12] for _node in chosen]

        def how(current: Pool) -> State:
            state = current.state
            if plan is not None and not names:
                state = replace(state, unneeded={name: Time(since) for name, since in plan.unneeded.items()})
            for identity, node in zip(ids, chosen, strict=True):
                state = _changes.begin_in(replace(current, state=state), identity, node, now)
            return state

        shown = in_json(plan) if plan else {"chosen": [], "candidates": [], "limits": []}
        return self._go(pool, how, Result(pool.state, pool.state, shown, in_=plan or _nobody_leaves()))

    def _places(self, pool: Pool, cluster: Cluster) -> dict[str, Place]:
        names = [node.name for node in cluster.members(pool)]
        others = self._others() if any(unknown(pool, name) for name in names) else []
        return {name: place(pool, others, cluster, name) for name in names}

    def resumed(self) -> tuple[Pool, Result]:
        pool = _store.read(self._api, self._writer.pool)
        return self._go(pool, lambda current: current.state, Result(pool.state, pool.state))

    def _read(self) -> tuple[Pool, Cluster, float]:
        if not self._dry:
            self._writer.held()  # before looking: what is planned on must not be changed by others
        return self._foreseen(_store.read(self._api, self._writer.pool)), observe(self._api), self._writer.clock()

    def _foreseen(self, pool: Pool) -> Pool:
        """The pool with a prediction that is not outdated."""
        now, asked = self._writer.clock(), pool.spec.predicted
        if self._foresee is None or asked is None or not outdated(asked, pool.state.predicted, now):
            return pool
        predicted = self._foresee(pool, asked, now)
        if self._dry:
            return replace(pool, state=replace(pool.state, predicted=predicted))
        return self._writer.change(lambda current: replace(current.state, predicted=predicted))

    def _go(self, pool: Pool, how: How, result: Result) -> tuple[Pool, Result]:
        return self._drive(*self._begin(pool, how, result))

    def _begin(self, pool: Pool, how: How, result: Result) -> tuple[Pool, Result]:
        """Write down what begins; a preview only works it out."""
        begun = replace(pool, state=how(pool)) if self._dry else self._writer.change(how)
        return begun, replace(result, after=begun.state)

    def _drive(self, begun: Pool, result: Result) -> tuple[Pool, Result]:
        if self._dry or self._operator is None:
            return begun, result
        progress = self._operator.drive(begun)
        after = _store.read(self._api, begun.name)
        return after, replace(result, after=after.state, progress=progress)


def _leaving(cluster: Cluster, name: str, place: Place) -> _changes.Leaving:
    [node] = [item for item in cluster.nodes if item.name == name]
    return _changes.Leaving(name, node.uid, node.provider_id, place.address, node.unschedulable)


def _doubted(pool: Pool, cluster: Cluster, places: Mapping[str, Place]) -> dict[str, str]:
    """Nodes that are not to leave before people say which machine it is. Where none is reset, no address is used."""
    if not pool.spec.provider.resets:
        return {}
    return {
        name: f"it claims address {cluster.addresses[name]!r}, which is not believed ({found.doubt}); list its machine "
        "in spec.hosts"
        for name, found in places.items()
        if found.doubt
    }


def out_json(plan: OutPlan) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for verdict in plan.verdicts:
        counts[verdict.reason] = counts.get(verdict.reason, 0) + 1
    return {
        "count": plan.count,
        "needed": plan.needed,
        "reclaim": list(plan.reclaim),
        "pods": [asdict(verdict) for verdict in plan.verdicts[:MOST_SHOWN]],
        "pod_counts": counts,
        "limits": [_limit(limit) for limit in plan.limits],
    }


def in_json(plan: InPlan) -> dict[str, Any]:
    return {
        "chosen": list(plan.chosen),
        "candidates": [
            {
                "node": item.node,
                "utilisation": round(item.utilisation, 3),
                "blockers": [{**asdict(blocker), "message": str(blocker)} for blocker in item.blockers[:MOST_SHOWN]],
                "moves": [{"pod": pod, "node": node} for pod, node in item.moves[:MOST_SHOWN]],
            }
            for item in plan.candidates[:MOST_SHOWN]
        ],
        "limits": [_limit(limit) for limit in plan.limits],
    }


def _limit(limit: Any) -> dict[str, Any]:
    until = None if limit.until is None else timestamp(limit.until)
    return {"reason": limit.reason, "message": limit.message, "until": until}
