# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab from the command line: `python -m lab --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys

from lab import lifecycle, machine, network, prepare, simulated, state, status
from lab.place import Lab, place
from lab.shell import LabError, say
from lab.tools import CONTROL_PLANE, ON_MACHINES, tool, tools


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m lab", description="A real Kubernetes on this host, without Docker.")
    name = os.environ.get("PLATFORM_OPS_LAB", "default")
    top.add_argument("--lab", default=name, help="its name (default: %(default)s)")
    commands = top.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="build what is missing and start a lab")
    up.add_argument("--machines", type=int, default=0, metavar="N", help="real machines to add")
    up.add_argument("--nodes", type=int, default=0, metavar="N", help="simulated nodes to add")
    commands.add_parser("down", help="end the lab and remove all of it")
    shown = commands.add_parser("status", help="what the lab has and how it is")
    shown.add_argument("--json", action="store_true")
    commands.add_parser("build", help="install programs and build binaries, and start nothing")

    machines = commands.add_parser("machine", help="real machines").add_subparsers(dest="action", required=True)
    add = machines.add_parser("add")
    add.add_argument("name")
    add.add_argument("--memory", default="4Gi", help="what its pods may use in all (default: %(default)s)")
    add.add_argument("--no-join", action="store_true", help="boot it, and leave joining the cluster to someone else")
    machines.add_parser("remove").add_argument("name")
    machines.add_parser("start", help="boot it again after a power-off").add_argument("name")
    machines.add_parser("switch-off", help="as if the power were cut").add_argument("name")
    remote = machines.add_parser("ssh")
    remote.add_argument("name")
    remote.add_argument("words", nargs=argparse.REMAINDER)

    nodes = commands.add_parser("node", help="simulated nodes").add_subparsers(dest="action", required=True)
    add = nodes.add_parser("add")
    add.add_argument("names", nargs="*", help="default: the next free sim-N")
    add.add_argument("--cpu", default="4")
    add.add_argument("--memory", default="8Gi")
    nodes.add_parser("remove").add_argument("name")

    for name, purpose in (("exec", "run a command in the lab's network"), ("kubectl", "kubectl as the lab's admin")):
        commands.add_parser(name, help=purpose).add_argument("words", nargs=argparse.REMAINDER)
    return top


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return act(place(options.lab), options)
    except LabError as error:
        say(f"error: {error}")
        return 1


def act(lab: Lab, options: argparse.Namespace) -> int:
    match options.command:
        case "build":
            build(machines=True)
        case "up":
            up(lab, options.machines, options.nodes)
        case "down":
            lifecycle.down(lab)
        case "status":
            report = status.status(lab)
            print(json.dumps(report, indent=1) if options.json else "\n".join(status.lines(report)))
            return 0 if report["exists"] else 3
        case "machine":
            act_on_machine(lab, options)
        case "node":
            if options.action == "add":
                names = options.names or simulated.next_names(lab, 1)
                simulated.add(lab, names, cpu=options.cpu, memory=options.memory)
            else:
                simulated.remove(lab, options.name)
        case "exec":
            become(lab, *options.words)
        case "kubectl":
            become(lab, str(tool("kubectl")), "--kubeconfig", str(lab.kubeconfig), *options.words)
    return 0


def act_on_machine(lab: Lab, options: argparse.Namespace) -> None:
    match options.action:
        case "add":
            build(machines=True)
            machine.add(lab, options.name, memory=options.memory, join=not options.no_join)
        case "remove":
            machine.remove(lab, options.name)
        case "start":
            machine.start(lab, machine.find(lab, options.name))
        case "switch-off":
            machine.switch_off(lab, machine.find(lab, options.name))
        case "ssh":
            command = machine.ssh_command(lab, machine.find(lab, options.name), " ".join(options.words))
            os.execvp(command[0], command)


def build(*, machines: bool) -> None:
    prepare.prepare(prepare.CORE, *([prepare.MACHINES] if machines else []))
    tools(*CONTROL_PLANE, "kwok", *(ON_MACHINES if machines else ()))


def up(lab: Lab, machines: int, nodes: int) -> None:
    build(machines=machines > 0)
    lifecycle.up(lab)
    say(f"lab {lab.name}: the control plane is ready")
    if nodes:
        simulated.add(lab, simulated.next_names(lab, nodes))
        say(f"lab {lab.name}: {nodes} simulated nodes are Ready")
    for number in range(1, machines + 1):
        machine.add(lab, f"worker-{number}")
        say(f"lab {lab.name}: machine worker-{number} is Ready")


def become(lab: Lab, *words: str) -> None:
    if not state.exists(lab):
        raise LabError(f"there is no lab {lab.name}; `python -m lab up` makes it")
    if not words:
        raise LabError("name a command to run in the lab's network")
    command = network.inside(lab.netns, *words)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
