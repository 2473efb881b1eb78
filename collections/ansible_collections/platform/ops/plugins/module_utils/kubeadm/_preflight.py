# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against making a cluster of these machines, before any of them is touched. Pure.

kubeadm has checks of its own; these are the ones it cannot make (several machines together) or makes too late (the
second machine, when the first is a cluster already).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

CONTROL_PLANE, WORKER, BALANCER = "control_plane", "worker", "load_balancer"
PORTS = {
    CONTROL_PLANE: (6443, 2379, 2380, 10250, 10257, 10259),
    WORKER: (10250,),
    BALANCER: (),
}
NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
LEAST_MEMORY = 1700 << 10  # as kubeadm asks for, in KiB
LEAST_CPUS = 2


@dataclass(frozen=True, slots=True)
class Machine:
    """What files/look.sh says of one machine."""

    name: str
    role: str
    address: str
    family: str = "Debian"
    asked: float = 0  # by the controller's clock, before the machine was asked
    heard: float = 0  # and after it had answered
    time: float = 0  # by its own clock
    ports: Mapping[int, str] = field(default_factory=dict)  # port: program that listens
    swap: bool = False
    machine_id: str = ""
    memory: int = 0  # KiB
    cpus: int = 0
    joined: bool = False
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    endpoint: str
    pod_subnet: str
    service_subnet: str
    families: Sequence[str] = ("Debian", "RedHat")  # empty: the machines come prepared
    swap_allowed: bool = False
    tolerance: float = 10
    even_allowed: bool = False
    small_allowed: bool = False


def parse(look: Mapping[str, Any]) -> Machine:
    """From `name`, `role`, `address`, `family`, `heard` and look.sh's `text`: lines of a word and its value."""
    values: dict[str, str] = {}
    ports: dict[int, str] = {}
    for line in str(look["text"]).splitlines():
        word, value = line.partition(" ")[::2]
        if word == "port":
            port, program = value.partition(" ")[::2]
            ports[int(port)] = program
        else:
            values[word] = value
    return Machine(
        name=look["name"],
        role=look["role"],
        address=look["address"],
        family=look["family"],
        asked=float(values["asked"]),
        heard=float(look["heard"]),
        time=float(values["time"]),
        ports=ports,
        swap=values["swap"] == "yes",
        machine_id=values.get("machine-id", ""),
        memory=int(values["memory"]),
        cpus=int(values["cpus"]),
        joined=values["joined"] == "yes",
        admin=values["admin"] == "yes",
    )


def problems(machines: Sequence[Machine], wanted: Wanted) -> list[str]:
    checks: tuple[Callable[[Sequence[Machine], Wanted], Iterable[str]], ...] = (
        _numbers,
        _names,
        _systems,
        _sizes,
        _clocks,
        _swap,
        _ports,
        _endpoint,
        _subnets,
    )
    return [text for check in checks for text in check(machines, wanted)]


def founder(machines: Sequence[Machine]) -> str:
    """The control plane that the others are told to join: a member (the same one in every run, whatever is added to the
    inventory), else the first of the inventory."""
    planes = [machine for machine in machines if machine.role == CONTROL_PLANE]
    members = sorted(machine.name for machine in planes if machine.admin)
    return next(iter(members), planes[0].name if planes else "")


def _numbers(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    planes = sum(machine.role == CONTROL_PLANE for machine in machines)
    if not planes:
        yield "The group control_plane is empty: name one machine, or three to survive the loss of one."
    elif planes % 2 == 0 and not wanted.even_allowed:
        yield (
            f"The group control_plane has {planes} machines. etcd needs a majority, so {planes} survive no more than "
            f"{planes - 1} do, and fail more often: use {planes - 1} or {planes + 1}, or set cluster_even_allowed for "
            "the time in which a lost one is being replaced."
        )


def _names(machines: Sequence[Machine], _wanted: Wanted) -> Iterable[str]:
    nodes = [machine for machine in machines if machine.role != BALANCER]
    for name in sorted({machine.name for machine in nodes if not NODE_NAME.fullmatch(machine.name)}):
        yield f"{name} is no name for a node: use small letters, digits, dots and dashes, and at most 63 of them."
    if both := {m.name for m in nodes if m.role == CONTROL_PLANE} & {m.name for m in nodes if m.role == WORKER}:
        yield f"{_list(both)} is in control_plane and in workers: leave each machine in one of them."
    for what, key in (("address", "address"), ("/etc/machine-id", "machine_id")):
        owners = defaultdict(set)
        for machine in nodes:
            owners[getattr(machine, key)].add(machine.name)
        for value, names in owners.items():
            if value and len(names) > 1:
                remedy = "set node_address" if key == "address" else "delete the file and run systemd-machine-id-setup"
                yield f"{_list(names)} have the same {what} {value}: {remedy} on all but one."


def _systems(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    for machine in machines:
        if wanted.families and machine.family not in wanted.families:
            yield (
                f"{machine.name} runs a system of the family {machine.family or 'unknown'}; "
                f"{_list(wanted.families)} are prepared by role node. Set node_packages for this family, or prepare "
                "the machine yourself and set node_prepare to false."
            )


def _sizes(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    for machine in machines:
        small = machine.memory < LEAST_MEMORY or machine.cpus < LEAST_CPUS
        if small and machine.role == CONTROL_PLANE and not wanted.small_allowed and not machine.joined:
            yield (
                f"{machine.name} has {machine.memory >> 10} MiB of memory and {machine.cpus} CPUs; a control plane "
                f"needs {LEAST_MEMORY >> 10} MiB and {LEAST_CPUS}. Take a larger machine, or set cluster_small_allowed."
            )


def _clocks(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    """The true time of the answer lies between asked and heard, so a slow connection is no wrong clock."""
    for machine in machines:
        early, late = machine.asked - machine.time, machine.time - machine.heard
        off = max(early, late)
        if off > wanted.tolerance:
            where = "behind" if early > late else "ahead of"
            yield (
                f"The clock of {machine.name} is {off:.0f} s {where} the controller's: "
                "certificates and Leases need the right time. Set it by chrony or systemd-timesyncd on both."
            )


def _swap(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    for machine in machines:
        if machine.role != BALANCER and machine.swap and not wanted.swap_allowed:
            yield (
                f"{machine.name} uses swap, with which a kubelet does not start, and node_swap_off is false: run "
                "swapoff -a there and take it out of /etc/fstab, or set failSwapOn to false in cluster_kubelet."
            )


def _ports(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    for machine in machines:
        ports = PORTS[machine.role]
        if machine.role == BALANCER:
            ports = (_split(wanted.endpoint)[1],)
        taken = {port: machine.ports[port] for port in ports if port in machine.ports}
        if machine.role == BALANCER:
            taken = {port: program for port, program in taken.items() if program != "haproxy"}
        if taken and not machine.joined:
            listed = ", ".join(f"{port} ({program or 'unknown program'})" for port, program in sorted(taken.items()))
            yield f"{machine.name} needs ports that others listen on: {listed}. Stop these, or take another machine."


def _endpoint(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    host, port = _split(wanted.endpoint)
    if not host or not 0 < port < 65536:
        yield f"{wanted.endpoint!r} is no endpoint: set cluster_endpoint to host:port of the load balancer."
    planes = [machine for machine in machines if machine.role == CONTROL_PLANE]
    if len(planes) > 1 and host in {machine.address for machine in planes}:
        yield (
            f"cluster_endpoint {wanted.endpoint} is one of {len(planes)} control planes: when that machine is lost, "
            "so is the cluster. Put a load balancer into load_balancers, or set cluster_endpoint to one of your own."
        )


def _subnets(machines: Sequence[Machine], wanted: Wanted) -> Iterable[str]:
    networks: dict[str, IPv4Network | IPv6Network] = {}
    for name, text in (("cluster_pod_subnet", wanted.pod_subnet), ("cluster_service_subnet", wanted.service_subnet)):
        try:
            networks[name] = ip_network(text)
        except ValueError as error:
            yield f"{name}: {error}; write it like 10.244.0.0/16."
    if len(networks) == 2 and networks["cluster_pod_subnet"].overlaps(networks["cluster_service_subnet"]):
        both = f"cluster_pod_subnet {wanted.pod_subnet} and cluster_service_subnet {wanted.service_subnet}"
        yield f"{both} overlap: move one."
    for machine in machines:
        for name, network in networks.items():
            try:
                inside = ip_address(machine.address) in network
            except ValueError:
                continue
            if inside:
                yield f"{machine.name} has the address {machine.address} inside of {name} {network}: move the subnet."


def _split(endpoint: str) -> tuple[str, int]:
    host, port = endpoint.rpartition(":")[::2]
    return host.strip("[]"), int(port) if port.isdigit() else 0


def _list(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names)))
