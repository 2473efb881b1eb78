# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses a pool may give to machines, and the next free one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

_NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LARGEST = 65536


@dataclass(frozen=True, slots=True)
class Slots:
    """Either fixed machines, or a prefix for names with a list of addresses (empty: somebody else gives them)."""

    prefix: str
    addresses: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()

    def free(self, names: Collection[str], addresses: Collection[str]) -> Iterator[tuple[str, str]]:
        """Name and address of machines that may be made, besides those in use."""
        taken, used = set(names), set(addresses)
        if self.hosts:
            yield from ((name, at) for name, at in self.hosts if name not in taken and at not in used)
            return
        fresh = (f"{self.prefix}{i}" for i in count(1) if f"{self.prefix}{i}" not in taken)
        if not self.addresses:
            yield from ((name, "") for name in fresh)
            return
        yield from zip(fresh, (at for at in self.addresses if at not in used), strict=False)


def slots(pool: str, prefix: str, addresses: Iterable[str], hosts: Iterable[Mapping[str, str]]) -> Slots:
    """Raises InputError for what no node can be called, addresses given twice and ranges that are none."""
    listed = tuple((host["name"], host.get("address") or "") for host in hosts)
    for name in (f"{prefix}1", *(name for name, _address in listed)):
        if not _NODE_NAME.fullmatch(name):
            raise InputError(f"NodePool {pool} would call a node {name!r}, which is no valid node name.")
    expanded = tuple(address for text in addresses for address in expand(pool, text))
    given = [address for _name, address in listed if address] + list(expanded)
    names = [name for name, _address in listed]
    for kind, values in (("address", given), ("name", names)):
        twice = sorted({value for value in values if values.count(value) > 1}) if len(values) < _LARGEST else []
        if len(set(values)) != len(values):
            raise InputError(f"NodePool {pool} lists a host {kind} twice: {', '.join(twice)}.")
    return Slots(prefix, expanded, listed)


def no_place(name: str, address: str) -> str:
    """Why a node cannot have this name or address; empty when it can. Either may be empty: not said."""
    if name and not _NODE_NAME.fullmatch(name):
        return f"{name!r} is no name of a node"
    try:
        if address:
            ipaddress.ip_address(address)
    except ValueError as error:
        return str(error)
    return ""


def expand(pool: str, text: str) -> list[str]:
    """10.0.0.5, 10.0.0.5-10.0.0.9, or 10.0.1.0/28 (its host addresses)."""
    try:
        if "/" in text:
            network = ipaddress.ip_network(text)
            if network.num_addresses > _LARGEST:
                raise InputError(f"NodePool {pool} lists {text}, more than {_LARGEST} addresses; list a part of it.")
            return [str(address) for address in network.hosts()]
        first, _dash, last = (part.strip() for part in text.partition("-"))
        low = ipaddress.ip_address(first)
        high = ipaddress.ip_address(last or first)
    except ValueError as error:
        raise InputError(f"NodePool {pool} lists {text!r} as addresses: {error}.") from error
    if low.version != high.version or not 0 <= int(high) - int(low) < _LARGEST:
        raise InputError(f"NodePool {pool} lists {text!r}, which is no range of at most {_LARGEST} addresses.")
    return [str(low + i) for i in range(int(high) - int(low) + 1)]
