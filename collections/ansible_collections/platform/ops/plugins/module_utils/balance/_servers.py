# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machines a load balancer sends to: those the inventory names and those the cluster has. Pure.

What comes out is written into a configuration file, so every name and address is held to its grammar, whoever gave it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
STARTING = "platform.ops/starting"
LEAVING = "platform.ops/cordoned-by"
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
HOST = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
SELECTOR = re.compile(r"([A-Za-z0-9./_-]+)(?:=([A-Za-z0-9._-]*))?")


def server(name: str, address: str) -> dict[str, str]:
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a node (small letters, digits, dots, dashes); correct the inventory")
    return {"name": name, "address": _address(name, address)}


def _address(name: str, address: str) -> str:
    """As HAProxy writes it: an IPv6 address in brackets, a name as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        if HOST.fullmatch(address):
            return address
        raise InputError(f"{address!r} of {name} is neither an address nor a host name; set node_address") from None
    return f"[{parsed}]" if parsed.version == 6 else str(parsed)


def from_inventory(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each host under its node's name, where other machines reach it."""
    found = []
    for host in hosts:
        known = hostvars[host]
        address = known.get("node_address") or known.get("ansible_host") or host
        found.append(server(str(known.get("node_name") or host), str(address)))
    return found


def from_nodes(nodes: Iterable[Mapping[str, Any]], control_plane: bool, selector: str = "") -> list[dict[str, str]]:
    """Nodes of that kind that take traffic, by their internal address.

    One that we bring in carries a startup taint and does not count yet; one that we drain is left alone at once, before
    its machine goes. One that people cordoned stays: what runs there may well serve.
    """
    wanted = _selector(selector)
    found = []
    for node in nodes:
        meta, spec = node["metadata"], node.get("spec", {})
        labels = meta.get("labels", {})
        if (CONTROL_PLANE in labels) != control_plane:
            continue
        starting = any(taint["key"] == STARTING for taint in spec.get("taints") or [])
        leaving = meta.get("deletionTimestamp") or LEAVING in meta.get("annotations", {})
        if starting or leaving or (not control_plane and EXCLUDED in labels):
            continue
        if not all(key in labels and value in (None, labels[key]) for key, value in wanted.items()):
            continue
        entries = node.get("status", {}).get("addresses", [])
        # With two families the first is the cluster's primary one.
        address = next((entry["address"] for entry in entries if entry["type"] == "InternalIP"), None)
        if address is not None:
            found.append(server(meta["name"], address))
    return found


def _selector(text: str) -> dict[str, str | None]:
    wanted = {}
    for part in filter(None, text.split(",")):
        match = SELECTOR.fullmatch(part.strip())
        if not match:
            raise InputError(f"{part!r} is no selector of labels; write it like key=value or key")
        wanted[match[1]] = match[2]
    return wanted


def merge(*lists: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Each machine once: what an earlier list has under a name or an address is not taken again. Sorted, so that order
    never makes a difference."""
    found: dict[str, str] = {}
    for servers in lists:
        before = dict(found)
        for entry in servers:
            one = server(str(entry["name"]), str(entry["address"]).strip("[]"))
            if one["name"] in before or one["address"] in before.values():
                continue
            if found.get(one["name"], one["address"]) != one["address"]:
                both = f"{found[one['name']]} and {one['address']}"
                raise InputError(f"{one['name']} is named twice, with {both}; keep one")
            found[one["name"]] = one["address"]
    return [{"name": name, "address": found[name]} for name in sorted(found)]
