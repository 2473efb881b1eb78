# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines of a MachineDeployment: Cluster API's own definitions on a real API server, controllers played by us."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.modules import cluster_api_machine

from tests.nodes.test_playbooks import at_rest, deploy, make_pool, nodes, pods
from tests.providers.machine_api import DELETE, DEPLOYMENT, Machines, definitions
from tests.support.node_lab import Cluster

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),
    pytest.mark.stand_in("machine-controllers"),
    pytest.mark.stand_in("kwok-node"),
]


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Machines:
    names = [item["metadata"]["name"] for item in definitions()]
    cluster.apply(*definitions())
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=180s", *(f"crd/{name}" for name in names))
    return Machines(cluster, namespace)


def ask(group: Machines, state: str, operation: str = "", check: bool = False, **more: Any) -> dict[str, Any]:
    params = {
        "kubeconfig": str(group.cluster.lab.kubeconfig),
        "context": None,
        "namespace": group.namespace,
        "deployment": DEPLOYMENT,
        "pool": "workers",
        "provider_id": "",
        "node": "",
        **more,
    }
    run = {**params, "state": state, "operation": operation}
    return cluster_api_machine.run(run, check_mode=check, diff_mode=False)


def names(group: Machines) -> list[str]:
    return [raw["metadata"]["name"] for raw in group.machines()]


def test_an_operation_gets_a_machine_and_the_chosen_one_goes(group: Machines) -> None:
    group.make(1)
    [before] = names(group)
    planned = ask(group, "present", "op-a", check=True)
    assert planned["changed"]
    assert group.deployment()["spec"]["replicas"] == 1
    assert "annotations" not in group.deployment()["metadata"] or "platform.ops/pool" not in str(group.deployment())

    assert ask(group, "present", "op-a")["outcome"] == "pending"
    group.working = False
    group.settle()
    assert "its Node is not there yet" in ask(group, "present", "op-a")["message"]
    group.working = True
    group.settle()
    got = ask(group, "present", "op-a")
    assert (got["outcome"], got["changed"]) == ("done", False)
    [made] = set(names(group)) - {before}
    assert (got["name"], got["provider_id"]) == (f"node-{made}", f"sim://{made}")
    assert got["address"].startswith("10.98.0.")

    assert ask(group, "absent", "op-z", provider_id=got["provider_id"])["outcome"] == "pending"
    [raw] = [raw for raw in group.machines() if raw["metadata"]["name"] == made]
    assert DELETE in raw["metadata"]["annotations"]
    assert group.deployment()["spec"]["replicas"] == 1
    group.settle()
    assert ask(group, "absent", "op-z", provider_id=got["provider_id"])["outcome"] == "done"
    assert names(group) == [before]


def test_a_machine_that_its_set_does_not_remove_is_deleted_itself(group: Machines) -> None:
    group.make(0)
    ask(group, "present", "op-a")
    group.settle()
    got = ask(group, "present", "op-a")
    ask(group, "absent", "op-z", provider_id=got["provider_id"])
    ask(group, "present", "op-b")  # another one is wanted before the first is gone: the number stays 1
    assert group.deployment()["spec"]["replicas"] == 1
    ask(group, "absent", "op-z", provider_id=got["provider_id"])
    assert names(group) == []
    group.settle()
    other = ask(group, "present", "op-b")
    assert other["outcome"] == "done"
    assert other["provider_id"] != got["provider_id"]


def test_a_wish_is_taken_back_and_nothing_is_left(group: Machines) -> None:
    group.make(1)
    ask(group, "present", "op-a")
    assert ask(group, "absent", "op-a")["outcome"] == "pending"
    group.settle()
    assert ask(group, "absent", "op-a")["outcome"] == "done"
    assert len(names(group)) == 1
    assert "noted.platform.ops" not in str(group.deployment()["metadata"]["annotations"])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("InsufficientInstanceCapacity: we do not have sufficient m5.large capacity", "stock_out"),
        ("QUOTA_EXCEEDED: Quota 'CPUS' exceeded", "quota"),
    ],
)
def test_what_the_infrastructure_lacks_is_told_by_its_class(group: Machines, said: str, kind: str) -> None:
    group.make(0)
    ask(group, "present", "op-a")
    group.trouble = said
    group.settle()
    failed = ask(group, "present", "op-a")
    assert (failed["failed"], failed["error_class"]) == (True, kind)
    assert said in failed["msg"]


def test_nothing_is_asked_of_a_deployment_that_is_rolled_out(group: Machines) -> None:
    group.make(1)
    group.add_set(f"{DEPLOYMENT}-x2", 1)
    waits = ask(group, "present", "op-a")
    assert waits["outcome"] == "pending"
    assert "is rolled out" in waits["message"]
    assert group.deployment()["spec"]["replicas"] == 1


def test_a_deployment_serves_one_pool(group: Machines) -> None:
    group.make(0)
    ask(group, "present", "op-a")
    assert "belongs to NodePool workers" in ask(group, "present", "op-b", pool="other")["msg"]


def test_a_pool_gets_its_nodes_from_a_machine_deployment_and_gives_them_back(
    group: Machines, cluster: Cluster, namespace: str
) -> None:
    group.make(0)
    provider = {"role": "platform.ops.machine_cluster_api", "joins": True, "token": False, "resets": False}
    variables = {"deployment": DEPLOYMENT, "namespace": namespace}
    make_pool(cluster, "capi", addresses=[], provider={**provider, "variables": variables})
    deploy(cluster, namespace, "capi", 2)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 2, 180)
    cluster.playbook("scale_out", "capi")
    assert group.deployment()["spec"]["replicas"] == 1
    group.settle()
    until_rest(cluster, group, "capi")
    [machine] = names(group)
    assert nodes(cluster, "capi") == [f"node-{machine}"]
    [recorded] = at_rest(cluster, "capi").state.machines
    assert (recorded.name, recorded.provider_id) == (f"node-{machine}", f"sim://{machine}")
    assert recorded.address.startswith("10.98.0.")
    cluster.wait_for("all pods run", lambda: pods(cluster, namespace, unschedulable=False) == 2, 180)

    deploy(cluster, namespace, "capi", 0)
    cluster.wait_for("no pod is left", lambda: pods(cluster, namespace, unschedulable=False) == 0, 180)
    cluster.playbook("scale_in", "capi", "-e", f"node=node-{machine}")
    until_rest(cluster, group, "capi")
    assert names(group) == []
    assert nodes(cluster, "capi") == []
    assert at_rest(cluster, "capi").state.machines == ()


def until_rest(cluster: Cluster, group: Machines, pool: str) -> None:
    def rested() -> bool:
        group.settle()
        cluster.playbook("scale_tick", pool)
        return not (cluster.api.get(f"/apis/platform.ops/v1alpha1/nodepools/{pool}").get("status") or {}).get(
            "operations"
        )

    cluster.wait_for("nothing is under way", rested, 300)
