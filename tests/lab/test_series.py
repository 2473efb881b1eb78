# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for kube-state-metrics serves what the alert rules ask for, under the real names, labels and units."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lab.rules import groups
from lab.series import of_node, of_pod, text

pytestmark = pytest.mark.stand_in("series-exporter")

META = {"namespace": "shop", "name": "checkout-7c9-x2", "uid": "u1"}
TERMINATED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
POD: dict[str, Any] = {
    "metadata": {**META, "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-7c9", "controller": True}]},
    "spec": {
        "nodeName": "worker-1",
        "containers": [
            {
                "name": "server",
                "resources": {
                    "limits": {"memory": "64Mi", "cpu": "250m", "ephemeral-storage": "1Gi"},
                    "requests": {"memory": "32Mi"},
                },
            }
        ],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "server",
                "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": TERMINATED,
            }
        ],
    },
}
PENDING = {
    "metadata": META,
    "spec": {"containers": [{"name": "server"}]},
    "status": {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
    },
}
NODE = {
    "metadata": {"name": "worker-1"},
    "spec": {"unschedulable": True, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "2", "memory": "4046Mi"},
        "capacity": {"cpu": "2", "memory": "4Gi"},
        "conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "MemoryPressure", "status": "False"}],
    },
}


def values(samples: Any, name: str, **labels: str) -> list[float]:
    return [value for found, has, value in samples if found == name and labels.items() <= has.items()]


@pytest.mark.parametrize(
    ("resource", "unit", "value"),
    [("memory", "byte", 64 * 2**20), ("cpu", "core", 0.25), ("ephemeral_storage", "byte", 2**30)],
)
def test_limits_are_in_bytes_and_cores(resource: str, unit: str, value: float) -> None:
    labels = {"namespace": "shop", "pod": META["name"], "container": "server", "node": "worker-1", "unit": unit}
    assert values(list(of_pod(POD)), "kube_pod_container_resource_limits", resource=resource, **labels) == [value]


def test_an_out_of_memory_kill_is_told_with_its_restarts() -> None:
    samples = list(of_pod(POD))
    assert values(samples, "kube_pod_container_status_last_terminated_reason", reason="OOMKilled") == [1]
    assert values(samples, "kube_pod_container_status_restarts_total", container="server") == [3]
    assert values(samples, "kube_pod_container_status_waiting_reason", reason="CrashLoopBackOff") == [1]


def test_a_pod_that_fits_nowhere_is_told_and_others_are_not() -> None:
    assert values(list(of_pod(PENDING)), "kube_pod_status_unschedulable", pod=META["name"]) == [1]
    assert values(list(of_pod(POD)), "kube_pod_status_unschedulable") == []


def test_exactly_one_phase_and_one_status_of_a_condition_holds() -> None:
    assert sum(values(list(of_pod(POD)), "kube_pod_status_phase")) == 1
    samples = list(of_node(NODE))
    assert values(samples, "kube_node_status_condition", condition="Ready", status="unknown") == [1]
    assert sum(values(samples, "kube_node_status_condition", condition="Ready")) == 1


def test_a_cordoned_node_and_its_room_are_told() -> None:
    samples = list(of_node(NODE))
    assert values(samples, "kube_node_spec_unschedulable", node="worker-1") == [1]
    assert values(samples, "kube_node_status_allocatable", resource="memory", unit="byte") == [4046 * 2**20]


def test_labels_are_escaped() -> None:
    assert text([("a", {"b": 'c"\\\n'}, 1.0)]) == '# TYPE a gauge\na{b="c\\"\\\\\\n"} 1.0\n'


def test_every_series_of_api_objects_that_our_rules_name_is_served() -> None:
    rules = json.dumps(groups())
    served = {name for samples in (of_pod(POD), of_pod(PENDING), of_node(NODE)) for name, _, _ in samples}
    assert set(re.findall(r"\bkube_[a-z_]+\b", rules)) <= served
