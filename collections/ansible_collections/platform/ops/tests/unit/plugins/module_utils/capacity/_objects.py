# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short builders of API objects and records for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._volumes import Volumes

NOW = 1_800_000_000.0


def raw_node(name: str, cpu: str = "4", memory: str = "8Gi", **more: Any) -> dict[str, Any]:
    """more: labels, annotations, taints, unschedulable, ready, pods."""
    labels = {"kubernetes.io/hostname": name, **more.get("labels", {})}
    spec: dict[str, Any] = {"taints": more.get("taints", []), "providerID": f"sim://{name}"}
    if more.get("unschedulable"):
        spec["unschedulable"] = True
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels, "annotations": more.get("annotations", {})},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": more.get("pods", "110")},
            "conditions": [{"type": "Ready", "status": "True" if more.get("ready", True) else "False"}],
        },
    }


def raw_pod(name: str, cpu: str = "500m", memory: str = "512Mi", node: str = "", **more: Any) -> dict[str, Any]:
    """more: namespace, labels, annotations, spec (merged), owner (kind or None), phase, ready, unschedulable."""
    spec: dict[str, Any] = {
        "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}],
        **more.get("spec", {}),
    }
    conditions = [{"type": "Ready", "status": "True" if node and more.get("ready", True) else "False"}]
    if node:
        spec["nodeName"] = node
    elif more.get("unschedulable", True):
        conditions.append({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"})
    owner = more.get("owner", "ReplicaSet")
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": more.get("namespace", "shop"),
        "uid": f"uid-{name}",
        "labels": more.get("labels", {}),
        "annotations": more.get("annotations", {}),
    }
    if owner:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner, "name": f"{name}-owner", "uid": f"o-{name}", "controller": True}
        ]
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": more.get("phase", "Running" if node else "Pending"), "conditions": conditions},
    }


def node(name: str, cpu: str = "4", memory: str = "8Gi", **more: Any) -> Node:
    return _parse.node(raw_node(name, cpu, memory, **more))


def pod(
    name: str,
    cpu: str = "500m",
    memory: str = "512Mi",
    node: str = "",
    parser: _parse.Parser | None = None,
    **more: Any,
) -> Pod:
    return (parser or _parse.Parser()).pod(raw_pod(name, cpu, memory, node, **more))


def claim(name: str, volume: str = "", storage_class: str = "", namespace: str = "shop") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"volumeName": volume, "storageClassName": storage_class},
    }


def zonal_volume(name: str, zone: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}
    return {"metadata": {"name": name}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}}


def with_volumes(**parts: Any) -> _parse.Parser:
    return _parse.Parser(Volumes(**parts))
