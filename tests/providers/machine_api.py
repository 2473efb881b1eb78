# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cluster API's own definitions in a lab, and a stand-in for what its controllers do with Machines."""

from __future__ import annotations

import importlib.util
import json
import uuid
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import yaml

from tests.support.node_lab import Cluster

ROOT = Path(__file__).parent.parent.parent
MODULE = "sigs.k8s.io/cluster-api@v1.14.2"
FOLDER = "core/config/crd/bases"
KINDS = ("machinedeployments", "machinesets", "machines")
API = "/apis/cluster.x-k8s.io/v1beta2"
CLUSTER, DEPLOYMENT = "lab", "workers"
DELETE = "cluster.x-k8s.io/delete-machine"


def definitions() -> list[dict[str, Any]]:
    """From the Go module, whose files go.sum of the Go checksum database vouches for; nothing of it is kept here."""
    loader = SourceFileLoader("scripts_tool", str(ROOT / "scripts/tool"))
    spec = importlib.util.spec_from_loader("scripts_tool", loader)
    assert spec is not None
    tool = importlib.util.module_from_spec(spec)
    loader.exec_module(tool)
    folder = tool.module_folder(MODULE, tool.find_go(), ROOT / "tools/kyaml", tool.environment()) / FOLDER
    return [yaml.safe_load((folder / f"cluster.x-k8s.io_{kind}.yaml").read_text()) for kind in KINDS]


@dataclass
class Machines:
    """MachineDeployment and MachineSet controllers, and an infrastructure whose machines are simulated nodes.

    Stand-in `machine-controllers`. Each call of settle() is one pass.
    """

    cluster: Cluster
    namespace: str
    working: bool = True  # False: the infrastructure makes nothing
    trouble: str = ""  # what the infrastructure says instead of making a machine

    def path(self, plural: str, name: str = "") -> str:
        return f"{API}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def make(self, replicas: int) -> None:
        self.cluster.apply(self._deployment(replicas), self._set(f"{DEPLOYMENT}-x1", replicas))
        self.settle()

    def add_set(self, name: str, replicas: int) -> None:
        self.cluster.apply(self._set(name, replicas))

    def _meta(self, name: str) -> dict[str, Any]:
        labels = {"cluster.x-k8s.io/deployment-name": DEPLOYMENT, "cluster.x-k8s.io/cluster-name": CLUSTER}
        return {"name": name, "namespace": self.namespace, "labels": labels}

    def _template(self) -> dict[str, Any]:
        infrastructure = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "SimMachineTemplate", "name": "sim"}
        return {"clusterName": CLUSTER, "bootstrap": {"dataSecretName": "none"}, "infrastructureRef": infrastructure}

    def _deployment(self, replicas: int) -> dict[str, Any]:
        labels = {"cluster.x-k8s.io/deployment-name": DEPLOYMENT}
        template = {"metadata": {"labels": labels}, "spec": self._template()}
        spec = {"clusterName": CLUSTER, "replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        return {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "MachineDeployment",
            "metadata": self._meta(DEPLOYMENT),
            "spec": spec,
        }

    def _set(self, name: str, replicas: int) -> dict[str, Any]:
        deployment = self._deployment(replicas)
        return {**deployment, "kind": "MachineSet", "metadata": self._meta(name)}

    def deployment(self) -> dict[str, Any]:
        return self.cluster.api.get(self.path("machinedeployments", DEPLOYMENT))

    def machines(self) -> list[dict[str, Any]]:
        return sorted(self.cluster.api.items(self.path("machines")), key=lambda raw: raw["metadata"]["name"])

    def settle(self) -> None:
        """One pass: as many machines as replicas say, those with the delete annotation go first; then their status."""
        wanted = self.deployment()["spec"]["replicas"]
        found = self.machines()
        marked = [raw for raw in found if DELETE in (raw["metadata"].get("annotations") or {})]
        others = [raw for raw in found if raw not in marked]
        for raw in (marked + others)[: max(0, len(found) - wanted)]:
            name = raw["metadata"]["name"]
            self.cluster.api.delete(self.path("machines", name))
            self.cluster.kubectl("delete", "node", f"node-{name}", "--ignore-not-found")
        for _missing in range(wanted - len(found)):
            name = f"{DEPLOYMENT}-x1-{uuid.uuid4().hex[:5]}"
            body = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": self._meta(name)}
            self.cluster.api.create(self.path("machines"), {**body, "spec": self._template()})
        for raw in self.machines():
            self._provision(raw)
        status = {"replicas": len(self.machines()), "observedGeneration": self.deployment()["metadata"]["generation"]}
        self._status("machinedeployments", DEPLOYMENT, status)

    def _status(self, plural: str, name: str, status: dict[str, Any]) -> None:
        self.cluster.api.patch(f"{self.path(plural, name)}/status", {"status": status})

    def _provision(self, raw: dict[str, Any]) -> None:
        name = raw["metadata"]["name"]
        if raw["spec"].get("providerID"):
            return
        if self.trouble:
            condition = {
                "type": "InfrastructureReady",
                "status": "False",
                "reason": "NotReady",
                "message": self.trouble,
            }
            condition["lastTransitionTime"] = raw["metadata"]["creationTimestamp"]
            self._status("machines", name, {"conditions": [condition]})
        if self.trouble or not self.working:
            return
        self.cluster.api.patch(self.path("machines", name), {"spec": {"providerID": f"sim://{name}"}})
        address = f"10.98.0.{len(self.machines())}"
        addresses = [{"type": "InternalIP", "address": address}]
        self._status(
            "machines", name, {"phase": "Running", "nodeRef": {"name": f"node-{name}"}, "addresses": addresses}
        )
        self._join(name)

    def _join(self, name: str) -> None:
        """The Node as a kubelet registers it, with the startup taint of the bootstrap template."""
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{name}",
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": f"node-{name}", "type": "kwok"},
            },
            "spec": {
                "providerID": f"sim://{name}",
                "taints": [{"key": "platform.ops/starting", "effect": "NoSchedule"}],
            },
            "status": {
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            },
        }
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(node))
