# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses that are spoken for, by Nodes and by the records of all pools. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import Cluster
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, State
from ansible_collections.platform.ops.plugins.module_utils.capacity._slots import no_place


def names_in_use(cluster: Cluster, others: Iterable[Pool]) -> set[str]:
    """Besides the pool's own."""
    return {node.name for node in cluster.nodes}.union(*(pool.state.names() for pool in others))


def addresses_in_use(cluster: Cluster, others: Iterable[Pool]) -> set[str]:
    """Besides the pool's own."""
    return set(cluster.addresses.values()).union(*(pool.state.addresses() for pool in others))


def recorded(states: Iterable[State], besides: str = "") -> dict[str, str]:
    """Each machine on record and its address, without one of this name."""
    found: dict[str, str] = {}
    for state in states:
        found |= {machine.name: machine.address for machine in state.machines}
        found |= {op.node: op.address for op in state.operations}
    found.pop(besides, None)
    return found


def cannot_be(name: str, address: str, others: dict[str, str]) -> str:
    """Why a machine cannot have this name or address beside the others on record. Either may be empty: not said."""
    if name in others:
        return f"the record has another machine named {name}"
    if address and address in others.values():
        return f"the record has another machine with address {address}"
    return no_place(name, address)
