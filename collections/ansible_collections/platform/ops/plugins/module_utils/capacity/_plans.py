# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a pool's record and the cluster as seen to a plan: which counts go where. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit, Room, room_in, room_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import Cluster
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Phase, Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import InPlan, plan_in
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import OutPlan, pending, plan_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot, Template

_PAUSED = Limit("paused", "the pool is paused; set spec.paused to false to go on")


def _arriving(pool: Pool) -> set[str]:
    return {op.node for op in pool.state.operations if op.kind == "out" and op.phase is not Phase.UNDOING}


def _outgoing(pool: Pool) -> set[str]:
    return {op.node for op in pool.state.operations if op.kind == "in"}


def size(pool: Pool, members: Sequence[Node]) -> int:
    """All that is or may still become a machine of the pool, half-made and half-removed ones included."""
    return len(pool.state.names() | {node.name for node in members})


def wanting(pool: Pool, members: Sequence[Node], now: float) -> int:
    """How many nodes are missing from the minimum in force, those on their way counted."""
    undone = sum(op.kind == "out" and op.phase is Phase.UNDOING for op in pool.state.operations)
    return pool.least_now(now) - (size(pool, members) - len(_outgoing(pool)) - undone)


def template(pool: Pool, cluster: Cluster) -> Template:
    return Template(
        prefix=f"{pool.name}/",
        allocatable=pool.spec.allocatable,
        labels=tuple(sorted(pool.spec.labels.items())),
        taints=pool.spec.taints,
        daemons=tuple(cluster.daemons),
    )


def out_plan(
    pool: Pool,
    cluster: Cluster,
    *,
    asked: int | None,
    others: Sequence[Pool] = (),
    pods: bool = True,
    now: float,
) -> OutPlan:
    """
    Args:
        asked: the size somebody asked for.
        others: the other pools: a pod that a node of theirs on its way will take needs none of this one.
        pods: False when only the minimum in force and `asked` count.
    """
    arriving, whole = _arriving(pool), size(pool, cluster.members(pool))
    unfinished = sum(op.kind == "out" for op in pool.state.operations)
    room = room_out(
        pool.spec.out, most=pool.spec.most, size=whole, in_flight=unfinished, past=pool.state.past(), now=now
    )
    if pool.spec.paused:
        room = Room(0, (*room.limits, _PAUSED))
    # A Node that has joined but is not admitted stands in for nothing: its operation is counted as arriving.
    coming = arriving.union(*map(_arriving, others))
    there = [node for node in cluster.nodes if node.name not in coming]
    reclaimable = [op.node for op in pool.state.operations if op.phase is Phase.DRAINING and not op.foreign_cordon]
    return plan_out(
        Snapshot(there, cluster.pods),
        pending(cluster.pods) if pods else [],
        template(pool, cluster),
        arriving=len(arriving),
        elsewhere=[(template(other, cluster), len(_arriving(other))) for other in others if _arriving(other)],
        # those that leave count against max above, but not towards what is wanted
        size=whole - len(_outgoing(pool)) - (unfinished - len(arriving)),
        least=pool.least_now(now),
        asked=asked,
        room=room,
        rules=pool.spec.out,
        reclaimable=reclaimable,
        now=now,
    )


def in_plan(
    pool: Pool,
    cluster: Cluster,
    *,
    names: Sequence[str],
    guarded: Mapping[str, str],
    idle: Mapping[str, float] | None = None,
    doubted: Mapping[str, str] | None = None,
    now: float,
) -> InPlan:
    """With names: these alone, whatever their use; cool-downs do not apply to what a person asked for.

    Args:
        idle: since when alerts say that nodes are idle. A node that was busy since the last look began anew then.
    """
    unneeded = {name: max(since, (idle or {}).get(name, since)) for name, since in pool.state.unneeded.items()}
    # One that is given back is no member yet, or any more, Ready or not.
    arriving, outgoing = {op.node for op in pool.state.operations if op.kind == "out"}, _outgoing(pool)
    members = cluster.members(pool)
    staying = [node for node in members if node.name not in arriving and node.name not in outgoing]
    past = pool.state.past()
    if names:
        past = type(past)(past.outs, past.ins, None, None, past.backoff)
    room = room_in(
        pool.spec.in_,
        least=pool.least_now(now),
        # A node that is not Ready takes no pods: it does not count for min, and removing it makes nothing smaller.
        size=sum(node.ready or node.name in names for node in staying),
        in_flight=len(outgoing),
        past=past,
        now=now,
    )
    if pool.spec.paused:
        room = Room(0, (*room.limits, _PAUSED))
    if not pool.spec.in_.enabled and not names:
        room = Room(0, (*room.limits, Limit("disabled", "scaleIn.enabled is false; name a node to remove it")))
    return plan_in(
        Snapshot(cluster.nodes, cluster.pods),
        staying,
        budgets=cluster.budgets,
        rules=pool.spec.in_,
        room=room,
        unneeded=unneeded,
        guarded=guarded,
        failed=pool.state.failed,
        names=names,
        leaving=[node for node in members if node.name in outgoing],
        doubted=doubted,
        now=now,
    )
