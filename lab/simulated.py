# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KWOK: nodes and pods that the API server, the scheduler and the controllers take for real; no kubelet behind them."""

from __future__ import annotations

import json

from lab import process
from lab.control_plane import kubectl
from lab.place import GATEWAY, SIMULATED_POD_RANGE, Lab
from lab.shell import LabError, wait_for
from lab.tools import tool

PORT = 10247
ANNOTATION = "kwok.x-k8s.io/node"
# Own configuration means no defaults: a parallelism that is left out counts as 0 and nodes stay NotReady.
OPTIONS = {
    "enableCRDs": [],
    "enableDebuggingHandlers": True,
    "manageAllNodes": False,
    "manageNodesWithAnnotationSelector": f"{ANNOTATION}=fake",
    "cidr": SIMULATED_POD_RANGE,
    "nodeIP": GATEWAY,
    "nodePort": PORT,
    "nodeLeaseDurationSeconds": 40,
    "nodeLeaseParallelism": 4,
    "nodePlayStageParallelism": 4,
    "podPlayStageParallelism": 4,
    "enablePodsOnNodeSyncStreamWatch": True,
}
DOCUMENTS = (
    "stage/node/fast/node-initialize.yaml",
    "stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "stage/pod/fast/pod-ready.yaml",
    "stage/pod/fast/pod-complete.yaml",
    "stage/pod/fast/pod-delete.yaml",
    "stage/volume/fast/pv-bind.yaml",
    "stage/volume/fast/pv-delete.yaml",
    "stage/volume/fast/pvc-delete.yaml",
    "stage/volume/fast/pvc-provision.yaml",
    "metrics/usage/usage-from-annotation.yaml",
    "metrics/resource/metrics-resource.yaml",
)


def start(lab: Lab) -> None:
    if process.pid_of(lab, "kwok"):
        return
    documents = tool("kwok").parent / "kwok-documents" / "kustomize"
    certificate = {
        "tlsCertFile": str(lab.pki / "apiserver.crt"),
        "tlsPrivateKeyFile": str(lab.pki / "apiserver.key"),
    }
    configuration = {
        "kind": "KwokConfiguration",
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "options": {**OPTIONS, **certificate},
    }
    texts = [json.dumps(configuration, indent=1), *[(documents / name).read_text() for name in DOCUMENTS]]
    config = lab.folder / "kwok.yaml"
    config.write_text("\n---\n".join(texts))
    kubectl(lab, "apply", "-f", documents / "stage" / "volume" / "fast" / "storage-class.yaml")
    # The API server's certificate names the gateway address, where the simulated kubelets answer.
    process.start(
        lab,
        "kwok",
        [
            tool("kwok"),
            f"--kubeconfig={lab.folder / 'super-admin.conf'}",
            f"--config={config}",
            f"--server-address={GATEWAY}:{PORT}",
        ],
    )


def node(
    name: str, *, cpu: str, memory: str, pods: int = 110, labels: dict[str, str] | None = None
) -> dict[str, object]:
    size = {"cpu": cpu, "memory": memory, "pods": str(pods), "ephemeral-storage": "50Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {
                ANNOTATION: "fake",
                "node.alpha.kubernetes.io/ttl": "0",
                # where metrics-server finds the usage of this node's pods
                "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource",
            },
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
                **(labels or {}),
            },
        },
        "status": {"allocatable": size, "capacity": size},
    }


def add(
    lab: Lab, names: list[str], *, cpu: str = "4", memory: str = "8Gi", labels: dict[str, str] | None = None
) -> None:
    start(lab)
    items = [node(name, cpu=cpu, memory=memory, labels=labels) for name in names]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    wait_for(
        f"the simulated nodes {', '.join(names)} are Ready",
        lambda: set(names) <= ready_nodes(lab),
        deadline=60,
        check=lambda: process.must_live(lab, "kwok"),
    )


def remove(lab: Lab, name: str) -> None:
    record = json.loads(kubectl(lab, "get", "node", name, "-o", "json"))
    if record["metadata"].get("annotations", {}).get(ANNOTATION) != "fake":
        raise LabError(f"node {name} is not a simulated one; `python -m lab machine remove {name}` removes machines")
    kubectl(lab, "delete", "node", name)


def next_names(lab: Lab, count: int) -> list[str]:
    taken = set(node_names(lab))
    free = (f"sim-{number}" for number in range(1, 100_000) if f"sim-{number}" not in taken)
    return [next(free) for _ in range(count)]


def node_names(lab: Lab) -> list[str]:
    return kubectl(lab, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()


def ready_nodes(lab: Lab) -> set[str]:
    template = '{range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
    lines = kubectl(lab, "get", "nodes", "-o", f"jsonpath={template}").splitlines()
    return {line.split()[0] for line in lines if line.endswith(" True")}
