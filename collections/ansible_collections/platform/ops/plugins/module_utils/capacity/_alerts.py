# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided about each alert on nodes, from the plans of the pools. Pure.

Every remediation gets exactly one decision. While its alert fires, all but a refusal is looked at again after a while:
what was begun may be given back, and then the pod still has no node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import timestamp
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, State
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import Candidate, InPlan
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import OutPlan, PodVerdict
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import RESOLVED, Remediation

# From what helps most to what helps least; of several pools the best answer counts.
_RANK = {"helps": 0, "draining": 1, "arriving": 2, "fits": 3, "limited": 4, "waits": 5, "refused": 6}
SOONEST, LATEST = 5.0, 3600.0  # bounds of when an alert is looked at again
SETTLED = frozenset({"helps", "draining", "arriving", "fits"})


@dataclass(frozen=True, slots=True)
class Told:
    """A decision, before it is put in words for one remediation."""

    decision: str  # started | unchanged | limited | refused | failed
    reason: str
    message: str
    until: float | None = None  # when to look again; None when the usual pause will do


@dataclass(frozen=True, slots=True)
class Began:
    """What one pool planned and began, in the order in which the pools were asked."""

    pool: Pool
    plan: OutPlan
    nodes: tuple[str, ...]  # reserved by this run
    busy: Told | None = None  # another run works on the pool: nothing was begun, the plan is a preview


def target(remediation: Remediation) -> str:
    if remediation.node:
        return f"Node/{remediation.node}"
    if remediation.pod:
        return f"{remediation.pod.namespace}/Pod/{remediation.pod.name}"
    return f"NodePool/{remediation.pool}"


def wanted_pools(remediation: Remediation, pools: Sequence[Pool]) -> list[Pool]:
    """The pools that may answer, the preferred one first."""
    return [pool for pool in pools if remediation.pool in (None, pool.name)]


def not_now(remediation: Remediation, pools: Sequence[Pool], cluster: str, *, paused: bool) -> Told | None:
    """What ends the matter before anybody looks at the cluster."""
    if remediation.status == RESOLVED:
        return Told("unchanged", "resolved", "The alert has resolved; there is nothing to do.")
    if remediation.is_elsewhere(cluster):
        return Told(
            "refused",
            "other_cluster",
            f"The alert is about cluster {remediation.cluster}; this is {cluster} (node_scale_cluster). "
            "Route it to the service of its own cluster.",
        )
    if paused:
        return Told("limited", "paused", "Remediation is paused; the alert is looked at again when it is resumed.")
    if not wanted_pools(remediation, pools):
        named = f"no NodePool {remediation.pool}" if remediation.pool else "no NodePool"
        return Told("refused", "unknown_pool", f"There is {named} in the cluster; see docs/node-pools.md.")
    return None


def settled(pod: str, began: Iterable[Began]) -> bool:
    """Whether a pool has an answer for the pod, so that the next one need not be asked."""
    return any(verdict.pod == pod and verdict.verdict in SETTLED for one in began for verdict in one.plan.verdicts)


def of_pod(pod: str, began: Sequence[Began]) -> Told:
    found = [(one, verdict) for one in began for verdict in one.plan.verdicts if verdict.pod == pod]
    if not found:
        return Told("unchanged", "not_pending", f"Pod {pod} is gone, or has a node.")
    best, verdict = min(found, key=lambda item: _RANK[item[1].verdict])
    where = f"NodePool {best.pool.name}"
    if best.busy and verdict.verdict in ("helps", "draining"):
        return best.busy
    if verdict.verdict == "refused":
        return _refused(pod, found)
    return {
        "helps": Told("started", "helps", f"{where} gets {_count(best.nodes)} for it."),
        "draining": Told("started", "called_off", f"{where}: {verdict.message}."),
        "limited": Told("limited", *_limits(where, best.plan.limits)),
        "waits": Told("limited", verdict.reason, f"Pod {pod} asks for no node now: {verdict.message}."),
    }.get(verdict.verdict) or Told("unchanged", verdict.reason, f"{where}: {verdict.message}.")


def _refused(pod: str, found: Sequence[tuple[Began, PodVerdict]]) -> Told:
    reasons = {verdict.reason for _one, verdict in found}
    told = "; ".join(f"NodePool {one.pool.name}: {verdict.message}" for one, verdict in found)
    reason = reasons.pop() if len(reasons) == 1 else "no_pool_fits"
    return Told("refused", reason, f"A new node would not help pod {pod}. {told}.")


def of_pool(began: Sequence[Began]) -> Told:
    """The answer to an alert that names a pool and no pod of it."""
    for one in began:
        where = f"NodePool {one.pool.name}"
        if one.busy and (one.plan.count or one.plan.reclaim):
            return one.busy
        if one.nodes or one.plan.reclaim:
            return Told("started", "helps", f"{where} gets {_count(one.nodes)}.")
        if one.plan.needed:
            return Told("limited", *_limits(where, one.plan.limits))
    return Told("unchanged", "nothing_needed", "No pending pod and no minimum asks for a node now.")


def of_node(node: str, pool: Pool, plan: InPlan, before: State) -> Told:
    """The answer to an alert about an idle node."""
    under_way = before.of_node(node)
    if under_way is not None:
        going = "leaves already" if under_way.kind == "in" else "is only just arriving"
        return Told("unchanged", "under_way", f"Node {node} {going} ({under_way.phase}).")
    if node in plan.chosen:
        return Told("started", "idle", f"Node {node} leaves NodePool {pool.name}.")
    candidate = next((item for item in plan.candidates if item.node == node), None)
    if candidate is None:
        return Told("unchanged", "gone", f"Node {node} is not in NodePool {pool.name} any more.")
    if not candidate.blockers:
        return _another(node, pool, plan)
    return _blocked(node, candidate, pool)


def _another(node: str, pool: Pool, plan: InPlan) -> Told:
    if plan.limits:
        reason, message, until = _limits(f"NodePool {pool.name}", plan.limits)
        return Told("limited", reason, message, until)
    return Told("limited", "others_first", f"Node {node} may leave, after {', '.join(plan.chosen)}.")


def _blocked(node: str, candidate: Candidate, pool: Pool) -> Told:
    worst = next((item for item in candidate.blockers if item.permanent), candidate.blockers[0])
    message = f"Node {node} stays: {'; '.join(map(str, candidate.blockers))}."
    if worst.permanent:
        return Told("refused", worst.reason, message)
    if worst.reason == "needed":
        return Told("unchanged", "needed", message)
    until = None
    if worst.reason == "unneeded_for" and candidate.unneeded_since is not None:
        until = candidate.unneeded_since + pool.spec.in_.unneeded_for
    return Told("limited", worst.reason, message, until)


def _count(nodes: Sequence[str]) -> str:
    return f"{len(nodes)} node{'s' if len(nodes) != 1 else ''} ({', '.join(nodes)})"


def _limits(where: str, limits: Sequence[Limit]) -> tuple[str, str, float | None]:
    if not limits:
        return "limited", f"{where} takes no more now.", None
    ends = [limit.until for limit in limits if limit.until is not None]
    told = "; ".join(limit.message for limit in limits)
    # Only what people can change holds it down: no time to name.
    return limits[0].reason, f"{where}: {told}.", max(ends) if len(ends) == len(limits) else None


def decision(remediation: Remediation, told: Told, *, act: bool, now: float, pause: float) -> dict[str, Any]:
    """As record_decisions takes it."""
    again = now + pause if told.until is None else max(told.until, now + SOONEST)
    final = told.decision == "refused" or told.reason == "resolved"
    return {
        "id": remediation.id,
        "kind": remediation.kind,
        "source": remediation.source,
        "cluster": remediation.cluster,
        "target": target(remediation),
        "decision": told.decision if act or told.decision != "started" else "would_start",
        "reason": told.reason,
        "message": told.message,
        "not_before": None if final else timestamp(min(again, now + LATEST)),
    }


def idle_since(remediations: Iterable[Remediation]) -> dict[str, float]:
    """Since when alerts call a node idle. Such a time can only delay a removal, whatever a sender writes."""
    found: dict[str, float] = {}
    for one in remediations:
        if one.node and one.evidence.starts_at:
            since = datetime.fromisoformat(one.evidence.starts_at).timestamp()
            found[one.node] = max(since, found.get(one.node, since))
    return found


def ended(pool: str, operations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What came to its end in a run, for the decision log."""
    return [
        {
            "kind": "scale_out" if one["kind"] == "out" else "scale_in",
            "source": "tick",
            "target": f"Node/{one['node']}",
            "decision": "completed" if one["ok"] else "undone",
            "reason": one["reason"],
            "message": f"NodePool {pool}: {one['message']}.",
        }
        for one in operations
    ]
