# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's network: one namespace with a bridge and no default route, and one namespace per machine on that bridge.
Nothing of it stands in the namespace of the machine that hosts the lab, so no address or port can clash, and what is
sent to a Service address that nobody serves ends here instead of leaving by the host's default route."""

from __future__ import annotations

from pathlib import Path

from lab.place import GATEWAY, SERVICE_RANGE, Lab, pod_range
from lab.shell import LabError, run
from lab.state import Machine

BRIDGE = "br0"

# What still carries a Service address after kube-proxy had its turn at translating it is served by nobody: say so at
# once, before kube-proxy's own filter drops it without a word.
REFUSE_UNSERVED = "\n".join(
    f"add table ip lab; add chain ip lab {hook} {{ type filter hook {hook} priority {priority}; }}; "
    f"add rule ip lab {hook} ip daddr {SERVICE_RANGE} reject with icmp type host-unreachable"
    for hook, priority in (("output", -95), ("forward", -200))
)


def inside(netns: str, *command: str | Path) -> list[str]:
    """The command as run in a namespace. `ip netns exec` would hide the cgroup mounts, nsenter does not."""
    return ["nsenter", f"--net=/run/netns/{netns}", "--", *[str(word) for word in command]]


def create(lab: Lab) -> None:
    run(["ip", "netns", "add", lab.netns])
    _batch(
        lab.netns,
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"addr add {GATEWAY}/24 dev {BRIDGE}",
        f"link set {BRIDGE} up",
        # the kernel looks for a route before kube-proxy rewrites the address
        f"route add {SERVICE_RANGE} dev {BRIDGE} src {GATEWAY}",
    )
    _forward(lab.netns)
    run(inside(lab.netns, "nft", "-f", "-"), stdin=REFUSE_UNSERVED + "\n")


def connect(lab: Lab, machine: Machine) -> None:
    """A namespace for the machine, a cable to the bridge, and the way to its pods."""
    netns = lab.machine_netns(machine.name)
    port = f"m{machine.index}"
    run(["ip", "netns", "add", netns])
    _batch(
        lab.netns,
        f"link add {port} type veth peer name eth0 netns {netns}",
        f"link set {port} master {BRIDGE} up",
        f"route replace {pod_range(machine.index)} via {machine.address}",
    )
    _batch(
        netns,
        "link set lo up",
        f"addr add {machine.address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {GATEWAY}",
    )
    _forward(netns)


def disconnect(lab: Lab, machine: Machine) -> None:
    """The cable goes with the namespace."""
    for command in (
        ["ip", "-n", lab.netns, "route", "del", pod_range(machine.index)],
        ["ip", "netns", "del", lab.machine_netns(machine.name)],
    ):
        try:
            run(command)
        except LabError as error:
            if "No such" not in str(error):
                raise


def namespaces(lab: Lab) -> list[str]:
    """All that carry this lab's name, whatever the state file says; the lab's own last."""
    folder = Path("/run/netns")
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    machines = [name for name in found if name.startswith(f"{lab.id}-")]
    return sorted(machines) + ([lab.netns] if lab.netns in found else [])


def delete(netns: str) -> None:
    run(["ip", "netns", "del", netns])


def _forward(netns: str) -> None:
    run(inside(netns, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"))


def _batch(netns: str, *lines: str) -> None:
    run(["ip", "-n", netns, "-batch", "-"], stdin="\n".join(lines) + "\n")
