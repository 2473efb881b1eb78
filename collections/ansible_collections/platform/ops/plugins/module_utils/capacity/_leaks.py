# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what the record, the cluster and the provider do not agree on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Machine, Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node

# Seen from record and Nodes alone, and those that take the provider's list of machines.
SEEN = ("record_without_node", "address_twice", "cordon_without_operation")
LISTED = ("machine_without_record", "record_without_machine", "node_without_machine", "address_without_owner")


@dataclass(frozen=True, slots=True)
class Leak:
    kind: str
    name: str
    message: str


def find(pool: Pool, members: Sequence[Node], listed: Sequence[Machine] | None) -> list[Leak]:
    """What is under way is no leak: names in the journal are left out.

    Args:
        members: the Nodes of the pool.
        listed: the machines that the provider says it has; None when it cannot list them.
    """
    state = pool.state
    busy = {op.node for op in state.operations}
    nodes = {node.name for node in members} - busy
    recorded = {machine.name: machine for machine in state.machines if machine.name not in busy}
    leaks = [
        Leak("record_without_node", name, f"machine {name} is recorded but has no Node: it left or never came back")
        for name in sorted(recorded.keys() - nodes)
    ]
    leaks += _twice(pool)
    leaks += _cordons(pool, members)
    if listed is None:
        return leaks
    there = {machine.name: machine for machine in listed if machine.name not in busy}
    for name in sorted(there.keys() - recorded.keys()):
        leaks.append(
            Leak("machine_without_record", name, f"machine {name} exists at the provider, but not in the record")
        )
        if there[name].address in state.addresses():
            message = f"address {there[name].address} of unrecorded machine {name} is given to another"
            leaks.append(Leak("address_without_owner", there[name].address, message))
    leaks += [
        Leak("record_without_machine", name, f"machine {name} is recorded, but the provider does not have it")
        for name in sorted(recorded.keys() - there.keys())
    ]
    for name in sorted(recorded.keys() - there.keys() - nodes):
        if address := recorded[name].address:
            message = f"address {address} is kept for {name}, whose machine and Node are both gone"
            leaks.append(Leak("address_without_owner", address, message))
    leaks += [
        Leak("node_without_machine", name, f"Node {name} is in the cluster, but the provider has no such machine")
        for name in sorted(nodes - there.keys())
    ]
    return leaks


def _twice(pool: Pool) -> Iterable[Leak]:
    for address, count in sorted(Counter(pool.state.addresses()).items()):
        if count > 1:
            yield Leak("address_twice", address, f"address {address} is given to {count} machines")


def _cordons(pool: Pool, members: Sequence[Node]) -> Iterable[Leak]:
    for node in members:
        if node.cordoned_by and pool.state.operation(node.cordoned_by) is None:
            message = f"Node {node.name} is cordoned by operation {node.cordoned_by}, which is over; uncordon it"
            yield Leak("cordon_without_operation", node.name, message)
