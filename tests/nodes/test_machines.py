# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain of a real machine that a budget stops is taken back, and nothing stays cordoned."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.conftest import Cluster
from tests.nodes.metal import container, make_metal_pool, metal
from tests.nodes.test_playbooks import deploy, nodes, pods, protect

pytestmark = [pytest.mark.real, pytest.mark.campaign, pytest.mark.timeout(1800)]

LONG = ("-e", "node_scale_wait=200")


def come(cluster: Cluster, pool: str) -> None:
    cluster.playbook("scale_out", pool, "-e", "count=1", *LONG)
    assert len(nodes(cluster, pool)) == 1


def until_over(cluster: Cluster, pool: str) -> str:
    said = ""
    for _ in range(60):
        if not _store.read(cluster.api, pool).state.operations:
            return said
        said += cluster.playbook("scale_tick", pool)
    raise AssertionError(said[-4000:])


def on_real(cluster: Cluster, namespace: str, count: int) -> None:
    cluster.wait_for("real pods run", lambda: pods(cluster, namespace, unschedulable=False) == count, deadline=180)


def test_a_drain_that_a_budget_stops_is_waited_for_and_taken_back(cluster: Cluster, namespace: str) -> None:
    with metal(cluster, "metal-4") as machines:
        quick = {"podTimeout": "15s", "unneededFor": "0s", "afterOut": "0s", "afterFailure": "0s", "retryAfter": "0s"}
        make_metal_pool(cluster, "waits", machines, scaleIn=quick)
        come(cluster, "waits")
        spec = {"containers": [container()], "nodeSelector": {"platform.ops/pool": "waits"}}
        deploy(cluster, namespace, "waits", 2, **spec)
        protect(cluster, namespace, minAvailable=1)
        on_real(cluster, namespace, 2)
        # a place for them in the plan, where nothing ever starts
        void(cluster, "waits")
        try:
            said = cluster.playbook("scale_in", "waits", "-e", "node=metal-4")
            said += until_over(cluster, "waits")
        finally:
            cluster.kubectl("delete", "node", "void")
        assert "node metal-4 stays" in said
        assert f"pod {namespace}/web-" in said
        assert "disruption budget" in said
        assert not cluster.api.get(_paths.node("metal-4"))["spec"].get("unschedulable")
        # never fewer than the budget wants
        assert pods(cluster, namespace, unschedulable=False) >= 1


def void(cluster: Cluster, pool: str) -> None:
    """A Node without a kubelet, that says it is Ready."""
    size = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    record: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "void", "labels": {"platform.ops/pool": pool, "kubernetes.io/hostname": "void"}},
    }
    cluster.apply(record)
    ready = {"type": "Ready", "status": "True", "reason": "Test", "message": "it says so"}
    status = {"allocatable": size, "capacity": size, "conditions": [ready]}
    cluster.kubectl(
        "patch", "node", "void", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )

    def open_to_pods() -> bool:
        taints = cluster.api.get(_paths.node("void"))["spec"].get("taints") or []
        return not taints

    cluster.wait_for("the node controller believes it", open_to_pods, deadline=60)
