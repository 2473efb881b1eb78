# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab from the command line: `python -m lab --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys

from lab import (
    backend,
    expose,
    images,
    kind,
    lifecycle,
    machine,
    network,
    parts,
    prepare,
    service_image,
    simulated,
    state,
    status,
)
from lab.place import Lab, place
from lab.rootfs import rootfs
from lab.shell import LabError, say
from lab.tools import CONTROL_PLANE, ON_MACHINES, tool, tools

Options = argparse.Namespace


def parser() -> argparse.ArgumentParser:
    """Each command names the function below that does it."""
    top = argparse.ArgumentParser(prog="python -m lab", description="A real Kubernetes on this host, without Docker.")
    top.add_argument("--lab", default=os.environ.get("PLATFORM_OPS_LAB", "default"), help="default: %(default)s")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="build what is missing and start a lab")
    up.add_argument("--bare", action="store_true", help="a network for bare machines, without a cluster")
    up.add_argument("--machines", type=int, default=0, metavar="N", help="real machines to add")
    up.add_argument("--nodes", type=int, default=0, metavar="N", help="simulated nodes to add")
    up.add_argument("--with", dest="parts", nargs="+", default=[], choices=parts.GROUPS, help="what else to start")
    up.set_defaults(do=start_lab)
    commands.add_parser("down", help="end the lab and remove all of it").set_defaults(do=down)
    shown = commands.add_parser("status", help="what the lab has and how it is")
    shown.add_argument("--json", action="store_true")
    shown.set_defaults(do=show)
    image = commands.add_parser("image", help="make the remediation service's image; prints its file")
    image.set_defaults(do=make_image)
    commands.add_parser("build", help="install and build all that `up` needs").set_defaults(do=build_all)
    commands.add_parser("backend", help="what a new lab would be made of").set_defaults(do=say_backend)
    prepared = commands.add_parser("prepare", help="install and make all that any part may need, but the Go programs")
    prepared.set_defaults(do=prepare_all)
    more = commands.add_parser("add", help="start a part in a running lab")
    more.add_argument("parts", nargs="+", choices=parts.GROUPS)
    more.set_defaults(do=add_parts)
    outside = commands.add_parser("expose", help="offer a server of the lab on 127.0.0.1")
    outside.add_argument("server", choices=expose.SERVERS)
    outside.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    outside.set_defaults(do=expose_server)
    for name, purpose, do in (
        ("exec", "run a command in the lab's network", execute),
        ("kubectl", "kubectl as the lab's admin", kubectl),
    ):
        # Without options of its own, a dash included: what follows belongs to the command that is run.
        command = commands.add_parser(name, help=purpose, prefix_chars="\0", add_help=False)
        command.add_argument("words", nargs=argparse.REMAINDER)
        command.set_defaults(do=do)
    _machine_commands(commands.add_parser("machine", help="real machines"))
    _node_commands(commands.add_parser("node", help="simulated nodes"))
    _process_commands(commands.add_parser("process", help="one process of the lab, for fault tests"))
    return top


def _machine_commands(group: argparse.ArgumentParser) -> None:
    actions = group.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add")
    add.add_argument("--memory", default="4Gi", help="what its pods may use in all (default: %(default)s)")
    add.add_argument("--no-join", action="store_true", help="boot it, and leave joining the cluster to someone else")
    add.add_argument("--images", default="workload", choices=images.SETS, help="what it can run (default: %(default)s)")
    remote = actions.add_parser("ssh")
    chosen = {
        add: machine_add,
        actions.add_parser("remove"): lambda lab, options: machine.remove(lab, options.name),
        actions.add_parser("start", help="boot it again after a power-off"): machine_start,
        actions.add_parser("switch-off", help="as if the power were cut"): machine_switch_off,
        remote: machine_ssh,
    }
    for action, do in chosen.items():
        action.add_argument("name")
        action.set_defaults(do=do)
    remote.add_argument("words", nargs=argparse.REMAINDER)


def _node_commands(group: argparse.ArgumentParser) -> None:
    actions = group.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add")
    add.add_argument("names", nargs="*", help="default: the next free sim-N")
    add.add_argument("--cpu", default="4")
    add.add_argument("--memory", default="8Gi")
    add.set_defaults(do=node_add)
    remove = actions.add_parser("remove")
    remove.add_argument("name")
    remove.set_defaults(do=lambda lab, options: simulated.remove(lab, options.name))


def _process_commands(group: argparse.ArgumentParser) -> None:
    actions = group.add_subparsers(required=True, metavar="ACTION")
    for action, do in (("kill", parts.kill), ("start", parts.start)):
        command = actions.add_parser(action)
        command.add_argument("name")
        command.set_defaults(do=lambda lab, options, do=do: do(lab, options.name))


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return options.do(place(options.lab), options) or 0
    except LabError as error:
        say(f"error: {error}")
        return 1


def build(*, machines: bool) -> None:
    prepare.prepare(prepare.CORE, *([prepare.MACHINES] if machines else []))
    tools(*CONTROL_PLANE, "kwok", *((*ON_MACHINES, "workload") if machines else ()))


def build_all(_lab: Lab, _options: Options) -> None:
    build(machines=True)


def make_image(_lab: Lab, _options: Options) -> None:
    prepare.prepare(prepare.MACHINES)
    print(service_image.archive())


def prepare_all(_lab: Lab, _options: Options) -> None:
    prepare.prepare(prepare.CORE, prepare.MACHINES, prepare.MONITORING, prepare.GIT)
    rootfs()


def start_lab(lab: Lab, options: Options) -> None:
    if options.bare and (options.machines or options.nodes or options.parts):
        raise LabError("a bare lab has no cluster: add machines with `machine add NAME --no-join`, and nothing else")
    if (backend.of(lab) or backend.for_new_labs()) == backend.KIND:
        if options.parts or options.bare:
            raise LabError(f"--with and --bare are for labs with machines: {backend.VARIABLE}=machines")
        if options.nodes:
            say(f"kind has no simulated nodes: the {options.nodes} that were asked for are left out")
        kind.up(lab, options.machines)
        return
    build(machines=options.machines > 0 or options.bare)
    lifecycle.up(lab, bare=options.bare)
    say(f"lab {lab.name}: the {'network' if options.bare else 'control plane'} is ready")
    if options.nodes:
        simulated.add(lab, simulated.next_names(lab, options.nodes))
        say(f"lab {lab.name}: {options.nodes} simulated nodes are Ready")
    for number in range(1, options.machines + 1):
        machine.add(lab, f"worker-{number}")
        say(f"lab {lab.name}: machine worker-{number} is Ready")
    add_parts(lab, options)


def say_backend(_lab: Lab, _options: Options) -> None:
    print(backend.for_new_labs())


def down(lab: Lab, _options: Options) -> None:
    if backend.of(lab) == backend.KIND:
        kind.down(lab)
    else:
        lifecycle.down(lab)


def show(lab: Lab, options: Options) -> int:
    made_of = kind if backend.of(lab) == backend.KIND else status
    report = made_of.status(lab)
    print(json.dumps(report, indent=1) if options.json else "\n".join(made_of.lines(report)))
    return 0 if report["exists"] else 3


def add_parts(lab: Lab, options: Options) -> None:
    must_exist(lab, "parts to add")
    for part in options.parts:
        parts.add(lab, part)


def expose_server(lab: Lab, options: Options) -> None:
    must_exist(lab, "network of its own: its kubeconfig works everywhere on this host")
    print(expose.expose(lab, options.server, options.port))


def machine_add(lab: Lab, options: Options) -> None:
    must_exist(lab, "machines to add: `up --machines N` makes its workers")
    build(machines=True)
    machine.add(lab, options.name, memory=options.memory, join=not options.no_join, contents=options.images)


def machine_start(lab: Lab, options: Options) -> None:
    machine.start(lab, machine.find(lab, options.name))


def machine_switch_off(lab: Lab, options: Options) -> None:
    machine.switch_off(lab, machine.find(lab, options.name))


def machine_ssh(lab: Lab, options: Options) -> None:
    command = machine.ssh_command(lab, machine.find(lab, options.name), " ".join(options.words))
    os.execvp(command[0], command)


def node_add(lab: Lab, options: Options) -> None:
    must_exist(lab, "simulated nodes")
    names = options.names or simulated.next_names(lab, 1)
    simulated.add(lab, names, cpu=options.cpu, memory=options.memory)


def kubectl(lab: Lab, options: Options) -> None:
    if backend.of(lab) == backend.KIND:
        os.execvp(tool("kubectl"), kind.kubectl(lab, *options.words))
    become(lab, str(tool("kubectl")), "--kubeconfig", str(lab.kubeconfig), *options.words)


def execute(lab: Lab, options: Options) -> None:
    become(lab, *options.words)


def become(lab: Lab, *words: str) -> None:
    must_exist(lab, "network to run commands in")
    if not words:
        raise LabError("name a command to run in the lab's network")
    command = network.inside(lab.netns, *words)
    os.execvp(command[0], command)


def must_exist(lab: Lab, what: str) -> None:
    """`what`: what a kind cluster does not have of it."""
    backend.must_be_machines(lab, what)
    if not state.exists(lab):
        raise LabError(f"there is no lab {lab.name}; `python -m lab up` makes it")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
