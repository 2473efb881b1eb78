# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab has, and whether it is well."""

from __future__ import annotations

import json
from typing import Any

from lab import process, simulated, state
from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import LabError


def status(lab: Lab) -> dict[str, Any]:
    if not state.exists(lab):
        return {"lab": lab.name, "exists": False}
    current = state.read(lab)
    processes = {name: process.pid_of(lab, name) for name in process.names(lab)}
    return {
        "lab": lab.name,
        "exists": True,
        "backend": "machines",
        "folder": str(lab.folder),
        "network_namespace": lab.netns,
        "kubeconfig": str(lab.kubeconfig),
        "processes": processes,
        "megabytes": memory(list(filter(None, processes.values()))),
        "machines": {name: machine.address for name, machine in current.machines.items()},
        "nodes": _nodes(lab),
        "parts": current.parts,
    }


def _nodes(lab: Lab) -> dict[str, Any]:
    try:
        records = json.loads(kubectl(lab, "get", "nodes", "-o", "json", timeout=10))["items"]
    except LabError as error:
        return {"error": str(error)}
    found = {}
    for record in records:
        meta, conditions = record["metadata"], record["status"].get("conditions", [])
        found[meta["name"]] = {
            "ready": any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
            "simulated": simulated.ANNOTATION in meta.get("annotations", {}),
            "schedulable": not record["spec"].get("unschedulable", False),
        }
    return found


def memory(pids: list[int]) -> int:
    """Megabytes of these processes and all that they started."""
    return sum(map(process.memory, process.with_children(pids))) >> 20


def lines(report: dict[str, Any]) -> list[str]:
    if not report["exists"]:
        return [f"lab {report['lab']}: there is none; `python -m lab up` makes it"]
    out = [
        f"lab {report['lab']}: {', '.join(report['parts'])}; {report['megabytes']} MiB in use",
        f"  kubectl: python -m lab --lab {report['lab']} kubectl get nodes",
    ]
    dead = [name for name, pid in report["processes"].items() if pid is None]
    out.append(
        f"  processes: {len(report['processes'])}" + (f", ENDED: {', '.join(dead)}" if dead else ", all running")
    )
    if "error" in report["nodes"]:
        return [*out, f"  nodes: the API server does not answer: {report['nodes']['error']}"]
    for name, node in report["nodes"].items():
        kind = "simulated" if node["simulated"] else f"machine {report['machines'].get(name, 'of someone else')}"
        ready = "Ready" if node["ready"] else "NotReady"
        out.append(f"  node {name}: {ready}{'' if node['schedulable'] else ', cordoned'} ({kind})")
    for name in sorted(set(report["machines"]) - set(report["nodes"])):
        out.append(f"  machine {name} ({report['machines'][name]}): not a node")
    return out
