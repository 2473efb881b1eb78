# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses that are spoken for, by Nodes and by the records of all pools. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node that leaves is reached. `doubt`: why the address it claims is not taken; then there is none."""

    address: str
    doubt: str = ""


def unknown(pool: Pool, name: str) -> bool:
    """Whether only the Node itself says where it is: it was taken in by its label and is in no list of ours."""
    return pool.state.machine(name) is None and name not in dict(pool.spec.slots.hosts)


def place(pool: Pool, others: Sequence[Pool], cluster: Cluster, name: str) -> Place:
    """What we wrote down or people listed; then what the Node says, as far as nobody else has it.

    The address in a Node is what its own kubelet claims. Believed blindly, one that was broken into would have another
    machine reset in its place.
    """
    if machine := pool.state.machine(name):
        return Place(machine.address)
    hosts = dict(pool.spec.slots.hosts)
    if name in hosts:
        return Place(hosts[name])
    claimed = cluster.addresses.get(name, "")
    doubt = _doubt(claimed, _others(pool, others, cluster, name)) if claimed else ""
    return Place("" if doubt else claimed, doubt)


def _doubt(claimed: str, others: Iterable[tuple[str, str]]) -> str:
    if why := no_place("", claimed):
        return why
    mine = _plain(claimed)
    if mine.is_loopback or mine.is_unspecified or mine.is_multicast or mine.is_link_local:
        return "it is the address of no single machine"
    for owner, address in others:
        if address and not no_place("", address) and _plain(address) == mine:
            return f"it is the address of {owner}"
    return ""


def _others(pool: Pool, others: Sequence[Pool], cluster: Cluster, name: str) -> Iterable[tuple[str, str]]:
    for owner, addresses in cluster.claims.items():
        if owner != name:
            yield from ((owner, address) for address in addresses)
    yield from recorded([one.state for one in (pool, *others)], besides=name).items()
    for one in (pool, *others):
        yield from ((host, address) for host, address in one.spec.slots.hosts if host != name)


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The same for all ways to write it."""
    parsed = ipaddress.ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed
