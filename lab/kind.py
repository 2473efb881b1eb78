# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab that is a kind cluster: a control plane, workers, and the lab's own image on all of them. Monitoring, git host,
GitOps and simulated nodes are parts of a lab with machines, and not of this one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lab import images
from lab.place import Lab
from lab.shell import LabError, run, say
from lab.tools import tool

Run = Callable[..., str]
CREATE_SECONDS, WAIT = 900, "180s"  # the node image may have to be pulled


def configuration(workers: int) -> dict[str, Any]:
    nodes = [{"role": "control-plane"}, *({"role": "worker"} for _ in range(workers))]
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}


def _file(lab: Lab) -> Path:
    return lab.folder / "kind.yaml"


def up(lab: Lab, workers: int, *, run: Run = run) -> None:
    """Written down before it is made, so that `down` finds what a crash leaves."""
    if lab.folder.exists():
        raise LabError(f"lab {lab.name} exists already in {lab.folder}; `python -m lab down` first")
    lab.folder.mkdir(parents=True)
    _file(lab).write_text(yaml.safe_dump(configuration(workers), sort_keys=False))
    say(f"lab {lab.name}: kind makes a cluster with {workers} workers")
    command: list[str | Path] = [tool("kind"), "create", "cluster", "--name", lab.id, "--wait", WAIT]
    run([*command, "--config", _file(lab), "--kubeconfig", lab.kubeconfig], timeout=CREATE_SECONDS)
    run([tool("kind"), "load", "image-archive", images.archive(), "--name", lab.id], timeout=CREATE_SECONDS)
    lab.outside_kubeconfig.touch(mode=0o600)
    lab.outside_kubeconfig.write_text(lab.kubeconfig.read_text())  # kind listens on 127.0.0.1 anyway


def down(lab: Lab, *, run: Run = run) -> None:
    """Fine when kind knows of no such cluster."""
    run([tool("kind"), "delete", "cluster", "--name", lab.id, "--kubeconfig", lab.kubeconfig], timeout=300)
    shutil.rmtree(lab.folder, ignore_errors=True)


def status(lab: Lab, *, run: Run = run) -> dict[str, Any]:
    clusters = run([tool("kind"), "get", "clusters"]).split()
    report: dict[str, Any] = {"lab": lab.name, "exists": True, "backend": "kind", "folder": str(lab.folder)}
    report |= {"kubeconfig": str(lab.kubeconfig), "machines": {}, "parts": [], "nodes": {}}
    if lab.id not in clusters:
        return {**report, "error": f"kind knows of no cluster {lab.id}"}
    answer = run(kubectl(lab, "get", "nodes", "-o", "json"), timeout=30)
    for record in json.loads(answer)["items"]:
        conditions = record["status"].get("conditions", [])
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        report["nodes"][record["metadata"]["name"]] = {"ready": ready, "simulated": False}
    return report


def lines(report: dict[str, Any]) -> list[str]:
    out = [f"lab {report['lab']}: a kind cluster; KUBECONFIG={report['kubeconfig']}"]
    if "error" in report:
        return [*out, f"  {report['error']}; `python -m lab down` removes the rest"]
    ready = {name: "Ready" if node["ready"] else "NotReady" for name, node in report["nodes"].items()}
    return out + [f"  node {name}: {word}" for name, word in ready.items()]


def kubectl(lab: Lab, *words: str) -> list[str]:
    return [str(tool("kubectl")), "--kubeconfig", str(lab.kubeconfig), *words]
