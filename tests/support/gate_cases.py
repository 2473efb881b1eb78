# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workloads of tests/e2e/test_gate.py: what each is like, and what should be decided about a bump of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.images import WORKLOAD

LIMITS = {"memory": "64Mi", "cpu": "200m"}
REQUESTS = {"memory": "16Mi", "cpu": "1m"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
# A number of its own for each namespace; without a policy the step is 100Mi, to 164Mi.
FAR = {"memory": {"factor": None, "floor": None, "max_factor": None, "add": "8Gi"}}


@dataclass(frozen=True)
class Case:
    """A Deployment `cart` in a namespace of this name, and what should be decided about it."""

    name: str
    reason: str
    decision: str = "refused"
    resources: dict[str, Any] = field(default_factory=lambda: {"limits": LIMITS, "requests": REQUESTS})
    strategy: dict[str, Any] = field(default_factory=dict)
    beside: tuple[dict[str, Any], ...] = ()  # committed with it
    policy: dict[str, Any] = field(default_factory=dict)
    pod: dict[str, Any] = field(default_factory=dict)  # more of its pods' spec
    folder: str = "apps"  # in the repository; what Flux does not apply is applied by hand

    def documents(self) -> list[dict[str, Any]]:
        meta = {"name": "cart", "namespace": self.name}
        labels = {"app": "cart"}
        container = {"name": "server", "image": WORKLOAD, "args": [], "resources": self.resources}
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": self.strategy,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **self.pod},
            },
        }
        if not self.strategy:
            del spec["strategy"]
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}}
        beside = [
            {**one, "metadata": {"name": "cart", "namespace": self.name, **one.get("metadata", {})}}
            for one in self.beside
        ]
        return [namespace, *beside, deployment]


def limit_range(**item: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": [{"type": "Container", **item}]}}


def quota(**hard: str) -> dict[str, Any]:
    named = {name.replace("_", "."): amount for name, amount in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": named}}


def hpa(resource: str) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": 99}
    metric = {"type": "Resource", "resource": {"name": resource, "target": target}}
    spec = {"scaleTargetRef": TARGET, "maxReplicas": 1, "metrics": [metric]}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}


def vpa(mode: str) -> dict[str, Any]:
    spec = {"targetRef": TARGET, "updatePolicy": {"updateMode": mode}}
    return {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "spec": spec}


PDB = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "cart"}}},
}
# Another Deployment of the namespace whose pod never becomes ready, under the same budget.
NEVER_READY = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "bell"},
    "spec": {
        "selector": {"matchLabels": {"app": "bell"}},
        "template": {
            "metadata": {"labels": {"app": "bell"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "server",
                        "image": WORKLOAD,
                        "readinessProbe": {"tcpSocket": {"port": 1}},
                        "resources": {"limits": LIMITS, "requests": REQUESTS},
                    }
                ],
            },
        },
    },
}
PDB_OF_ALL = {**PDB, "spec": {"minAvailable": 1, "selector": {}}}
# A node of its own, which turns short of memory once the pod runs there.
SHORT = "sim-short"
ON_SHORT = {"nodeSelector": {"kubernetes.io/hostname": SHORT}, "tolerations": [{"key": SHORT, "operator": "Exists"}]}
SHELF = "platform-ops/shelf"
RECREATE = {"type": "Recreate"}
ALWAYS = {"restart": {"blackouts": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}]}}

STOPPED = [
    Case("bounds", "limit_range", beside=(limit_range(max={"memory": "128Mi"}),)),
    Case("ratio", "limit_range", beside=(limit_range(maxLimitRequestRatio={"memory": "10"}),)),
    Case("budget", "quota", strategy=RECREATE, beside=(quota(limits_memory="163Mi"),)),
    Case("surge", "quota_surge", beside=(quota(limits_memory="200Mi"),)),
    Case("large", "node_size", policy=FAR),
    Case("promised", "node_overcommit", policy={"gate": {"memory_overcommit": 0.01}}),
    Case("vertical", "vpa", beside=(vpa("Auto"),)),
    Case("horizontal", "hpa_request", resources={"limits": LIMITS}, beside=(hpa("memory"),)),
    Case("classless", "qos_change", resources={}, policy={"create_missing": True}),
    Case("spare", "pdb", strategy=RECREATE, beside=(PDB,)),
    Case("down", "pdb_now", decision="limited", strategy=RECREATE, beside=(PDB_OF_ALL, NEVER_READY)),
    Case("pressed", "node_pressure", pod=ON_SHORT),
    Case("nowhere", "no_node", pod={"nodeSelector": {SHELF: "upper"}}),
    Case("hours", "blackout", decision="limited", policy={"gate": ALWAYS}),
    Case("secure", "dry_run"),
    Case("operated", "managed_by_operator"),
    Case("elsewhere", "repository_not_allowed"),
]
GOING = [
    Case("kept", "bumped", decision="opened", beside=(hpa("memory"), vpa("Off"), PDB), policy={"requests": "scale"}),
    Case("canary", "bumped", decision="opened"),
    Case("tracked", "bumped", decision="opened", folder="argo"),
    Case("instance", "bumped", decision="opened", folder="argo"),
]
ALL = (*STOPPED, *GOING)
# It is in a repository and in no cluster; the alert is about a kill, which needs no history.
GONE = Case("gone", "not_in_cluster")
ATTIC = "attic"
