# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong with real machines and real pods: everything is given back, nothing stays cordoned."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab import machine
from lab.state import Machine
from tests.nodes.metal import container, is_on, make_metal_pool, metal, provider
from tests.nodes.test_hosts import tokens
from tests.nodes.test_playbooks import at_rest, deploy, nodes, ours, pods, protect
from tests.support.node_lab import Cluster

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


def nothing_left(cluster: Cluster, pool: str, one: Machine, before: list[str]) -> None:
    """Neither machine nor Node, address or token."""
    state = _store.read(cluster.api, pool).state
    assert (state.machines, state.operations, state.addresses()) == ((), (), [])
    assert nodes(cluster, pool) == []
    assert not is_on(cluster, one.name)
    assert tokens(cluster) == before


def on_real(cluster: Cluster, namespace: str, count: int) -> None:
    cluster.wait_for("real pods run", lambda: pods(cluster, namespace, unschedulable=False) == count, deadline=180)


def test_what_must_stay_keeps_its_machine_and_nothing_is_cordoned(cluster: Cluster, namespace: str) -> None:
    with metal(cluster, "metal-3") as machines:
        make_metal_pool(cluster, "stays", machines)
        come(cluster, "stays")

        def refused(reason: str) -> None:
            said = cluster.playbook("scale_in", "stays", "-e", "node=metal-3")
            assert reason in said
            at_rest(cluster, "stays")
            assert nodes(cluster, "stays") == ["metal-3"]

        deploy(cluster, namespace, "stays", 1, containers=[container()])
        protect(cluster, namespace, minAvailable=1)
        on_real(cluster, namespace, 1)
        refused(f"PodDisruptionBudget {namespace}/web never lets a pod go")
        cluster.kubectl("delete", "-n", namespace, "pdb/web", "deployment/web", "--wait=true")

        scratch: dict[str, Any] = {"containers": [container()], "volumes": [{"name": "scratch", "emptyDir": {}}]}
        deploy(cluster, namespace, "stays", 1, **scratch)
        on_real(cluster, namespace, 1)
        refused("it keeps data on the node (volume scratch)")
        cluster.kubectl("delete", "-n", namespace, "deployment/web", "--wait=true")

        bare = {"containers": [container()], **ours("stays")}
        cluster.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "namespace": namespace}, "spec": bare}
        )
        on_real(cluster, namespace, 1)
        refused(f"pod {namespace}/alone: nothing would bring it back")

        # with the owner's consent it goes, and its machine with it
        change = {"spec": {"scaleIn": {"barePods": True}}}
        cluster.kubectl("patch", "nodepool", "stays", "--type=merge", "-p", json.dumps(change))
        cluster.kubectl("patch", "pod", "-n", namespace, "alone", "--type=json", "-p", REMOVE_SELECTOR)
        cluster.playbook("scale_in", "stays", "-e", "node=metal-3", *LONG)
        until_over(cluster, "stays")


REMOVE_SELECTOR = json.dumps([{"op": "add", "path": "/metadata/labels", "value": {"may": "go"}}])


def test_a_drain_that_a_budget_stops_is_waited_for_and_taken_back(cluster: Cluster, namespace: str) -> None:
    with metal(cluster, "metal-4") as machines:
        quick = {"podTimeout": "15s", "unneededFor": "0s", "afterOut": "0s", "afterFailure": "0s", "retryAfter": "0s"}
        make_metal_pool(cluster, "waits", machines, scaleIn=quick)
        come(cluster, "waits")
        spec: dict[str, Any] = {"containers": [container()], "nodeSelector": {"platform.ops/pool": "waits"}}
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


def test_a_machine_that_never_boots_is_given_back(cluster: Cluster, namespace: str) -> None:
    before = tokens(cluster)
    with metal(cluster, "metal-5") as machines:
        dead = provider(cluster)
        dead["variables"]["power_on"] = ["true"]
        make_metal_pool(cluster, "boots", machines, provider=dead, scaleOut={"provisionTimeout": "10s"})
        said = cluster.playbook("scale_out", "boots", "-e", "count=1")
        said += until_over(cluster, "boots")
        assert "no machine after 10 s" in said
        nothing_left(cluster, "boots", machines[0], before)
        assert _store.read(cluster.api, "boots").state.backoff["other"].failures == 1


def test_a_machine_that_joins_and_never_gets_ready_is_given_back(cluster: Cluster, namespace: str) -> None:
    before = tokens(cluster)
    with metal(cluster, "metal-6") as machines:
        [one] = machines
        # no network plugin: the kubelet stays NotReady
        machine.start(cluster.lab, one)
        machine.ssh(cluster.lab, one, "mv", "/etc/cni/net.d", "/etc/cni/net.away")
        make_metal_pool(cluster, "sick", machines, scaleOut={"readyTimeout": "25s"})
        said = cluster.playbook("scale_out", "sick", "-e", "count=1")
        said += until_over(cluster, "sick")
        assert "not Ready after 25 s" in said
        nothing_left(cluster, "sick", one, before)


def test_a_token_that_expired_is_replaced(cluster: Cluster, namespace: str) -> None:
    before = tokens(cluster)
    with metal(cluster, "metal-7") as machines:
        make_metal_pool(cluster, "expired", machines)
        # a run of one round: the machine is on, the token made, and nobody has joined it yet
        once = ("-e", "node_scale_rounds=1")
        said = cluster.playbook("scale_out", "expired", "-e", "count=1", *once)
        for _ in range(30):
            if made := set(tokens(cluster)) - set(before):
                break
            said += cluster.playbook("scale_tick", "expired", *once)
        else:
            raise AssertionError(said[-4000:])
        assert [op.phase for op in _store.read(cluster.api, "expired").state.operations] == ["Joining"]
        [secret] = made
        long_ago = base64.b64encode(b"2020-01-01T00:00:00Z").decode()
        patch = json.dumps({"data": {"expiration": long_ago}})
        cluster.kubectl("patch", "-n", "kube-system", secret, "--type=merge", "-p", patch)
        for _ in range(10):
            if not _store.read(cluster.api, "expired").state.operations:
                break
            cluster.playbook("scale_tick", "expired", *LONG)
        assert nodes(cluster, "expired") == ["metal-7"]
        assert tokens(cluster) == before


def test_a_dead_machine_is_removed_when_it_is_proven_to_be_off(cluster: Cluster, namespace: str) -> None:
    with metal(cluster, "metal-8", "metal-9") as machines:
        make_metal_pool(cluster, "dead", machines, provider=provider(cluster, proves=True))
        cluster.playbook("scale_out", "dead", "-e", "count=2", *LONG)
        until_over(cluster, "dead")
        deploy(cluster, namespace, "dead", 2, containers=[container()])
        on_real(cluster, namespace, 2)
        placed = [raw["spec"]["nodeName"] for raw in cluster.api.items(_paths.within(_paths.PODS, namespace))]
        gone = next(one for one in machines if one.name == placed[0])
        machine.switch_off(cluster.lab, gone)
        cluster.wait_for("its Node is not Ready", lambda: not ready(cluster, gone.name), deadline=180)
        cluster.playbook("scale_in", "dead", "-e", f"node={gone.name}")
        until_over(cluster, "dead")
        assert gone.name not in nodes(cluster, "dead")
        on_real(cluster, namespace, 2)
        assert gone.address not in _store.read(cluster.api, "dead").state.addresses()


def ready(cluster: Cluster, name: str) -> bool:
    conditions = cluster.api.get(_paths.node(name))["status"]["conditions"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
