# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the pool's record changes when operations begin and end. Pure; applied by _store.change()."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import call_off
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Backoff, after_failure
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import (
    BackoffRecord,
    Failure,
    Machine,
    MachineState,
    Operation,
    Phase,
    Pool,
    State,
    recent,
)

CALLED_OFF = "called_off"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A Node that is to be removed, as it was seen."""

    name: str
    uid: str
    provider_id: str
    address: str  # of the record, or of spec.hosts, or what the Node claims where nobody else does
    unschedulable: bool


def begin_out(pool: Pool, ids: Sequence[str], used: Collection[str], addresses: Collection[str], now: float) -> State:
    """Reserve a name and an address for each id, as far as max and the pool's slots allow.

    Args:
        used: names in use besides those of the pool's record: Nodes of the cluster, machines of other pools.
        addresses: likewise addresses.
    """
    state = pool.state
    fresh = [identity for identity in ids if state.operation(identity) is None]
    fresh = fresh[: max(0, pool.spec.most - len(state.names()))]
    names = state.names() | set(used)
    free = pool.spec.slots.free(names, {*state.addresses(), *addresses})
    for identity, (name, address) in zip(fresh, free, strict=False):
        op = Operation(identity, "out", name, Phase.ADDING, Time(now), Time(now), address=address)
        state = replace(state.with_operation(op), outs=(*recent(state.outs, now), Time(now)))
    return state


def begin_in(pool: Pool, identity: str, node: Leaving, now: float) -> State:
    state = pool.state
    if state.operation(identity) is not None or state.of_node(node.name) is not None:
        return state
    machine = state.machine(node.name)
    op = Operation(
        identity,
        "in",
        node.name,
        Phase.DRAINING,
        Time(now),
        Time(now),
        address=node.address,
        provider_id=node.provider_id or (machine.provider_id if machine else ""),
        node_uid=node.uid,
        machine=MachineState.PRESENT,
        foreign_cordon=node.unschedulable,
    )
    return replace(state.with_operation(op), ins=(*recent(state.ins, now), Time(now)))


def write(pool: Pool, op: Operation) -> State:
    """The operation as it is now; one that is no longer in the journal does not come back."""
    return pool.state if pool.state.operation(op.id) is None else pool.state.with_operation(op)


def call_off_all(pool: Pool, nodes: Collection[str], message: str) -> State:
    state = pool.state
    for op in state.operations:
        if op.node in nodes:
            state = state.with_operation(call_off(op, message))
    return state


def finish(pool: Pool, op: Operation, ok: bool, now: float) -> State:
    state = pool.state
    if state.operation(op.id) is None:
        return state
    state = state.without_operation(op.id)
    return _finish_out(pool, state, op, ok, now) if op.kind == "out" else _finish_in(pool, state, op, ok, now)


def _finish_out(pool: Pool, state: State, op: Operation, ok: bool, now: float) -> State:
    if ok:
        machine = Machine(op.node, Time(now), op.address, op.provider_id)
        others = tuple(item for item in state.machines if item.name != op.node)
        return replace(state, machines=(*others, machine), last_out=Time(now), backoff={})
    failure = op.failure or Failure()
    if failure.error_class == CALLED_OFF:
        return state
    before = state.backoff.get(failure.error_class)
    known = Backoff(before.failures, before.until, before.last, before.message) if before else None
    after = after_failure(known, f"{op.node}: {failure.message}", pool.spec.out, now)
    record = BackoffRecord(after.failures, Time(after.until), Time(after.last), after.message)
    return replace(state, backoff={**state.backoff, failure.error_class: record})


def _finish_in(pool: Pool, state: State, op: Operation, ok: bool, now: float) -> State:
    unneeded = {name: since for name, since in state.unneeded.items() if name != op.node}
    failed = {name: until for name, until in state.failed.items() if name != op.node and until > now}
    if ok:
        machines = tuple(item for item in state.machines if item.name != op.node)
        return replace(state, machines=machines, unneeded=unneeded, failed=failed)
    if op.failure is not None and op.failure.error_class == CALLED_OFF:
        return replace(state, unneeded=unneeded, failed=failed)
    failed[op.node] = Time(now + pool.spec.in_.retry_after)
    return replace(state, unneeded=unneeded, failed=failed, last_in_failure=Time(now))
