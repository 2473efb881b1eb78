# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks against a real API server, scheduler and controllers; the machines are simulated."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _leaks, _parse, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import members
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.support.node_lab import Cluster

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


def make_pool(cluster: Cluster, name: str, **spec: Any) -> None:
    quick = {"unneededFor": "0s", "afterOut": "0s", "afterFailure": "0s", "retryAfter": "0s"}
    serial = zlib.crc32(name.encode())
    network = f"10.{100 + serial % 100}.{serial // 100 % 250}"  # its own: no pool gives what another has given
    cluster.apply(
        {
            "apiVersion": "platform.ops/v1alpha1",
            "kind": "NodePool",
            "metadata": {"name": name},
            "spec": {
                "max": 3,
                "addresses": [f"{network}.1-{network}.3"],
                "provider": {"role": "platform.ops.machine_kwok", "joins": True, "token": False, "resets": False},
                "template": {
                    "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                    "taints": [{"key": "only", "value": name, "effect": "NoSchedule"}],
                },
                "scaleIn": quick,
                **spec,
            },
        }
    )


def ours(pool: str) -> dict[str, Any]:
    """A pod that only this pool's nodes take, so that tests do not disturb each other."""
    return {
        "tolerations": [{"key": "only", "value": pool, "operator": "Equal", "effect": "NoSchedule"}],
        "nodeSelector": {"platform.ops/pool": pool},
        "terminationGracePeriodSeconds": 1,
    }


def deploy(cluster: Cluster, namespace: str, pool: str, replicas: int, cpu: str = "1", **pod: Any) -> None:
    container = {"name": "c", "image": "any/image:1", "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [container], **ours(pool), **pod},
                },
            },
        }
    )


def protect(cluster: Cluster, namespace: str, **spec: Any) -> None:
    cluster.apply(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
        }
    )


def pods(cluster: Cluster, namespace: str, unschedulable: bool) -> int:
    found = _parse.Parser().pods(cluster.api.items(_paths.within(_paths.PODS, namespace)))
    return sum((pod.unschedulable_since is not None) if unschedulable else pod.ready for pod in found)


def nodes(cluster: Cluster, pool: str) -> list[str]:
    found = map(_parse.node, cluster.api.items(_paths.NODES))
    return [node.name for node in members(_store.read(cluster.api, pool), found)]


def at_rest(cluster: Cluster, name: str) -> Pool:
    """The pool, with nothing under way, nothing leaked and nothing cordoned."""
    pool = _store.read(cluster.api, name)
    found = members(pool, map(_parse.node, cluster.api.items(_paths.NODES)))
    assert pool.state.operations == ()
    assert _leaks.find(pool, found, None) == []
    assert [node.name for node in found if node.unschedulable] == []
    assert len(pool.state.machines) == len(found)
    return pool


def test_pods_that_do_not_fit_get_a_node_and_an_idle_node_goes(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "loop", addresses=["10.99.0.1-10.99.0.3"])
    deploy(cluster, namespace, "loop", 3)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 3)
    plan = cluster.playbook("scale_out", "loop", "--check", "--diff")
    assert "out loop-1 10.99.0.1" in plan
    assert nodes(cluster, "loop") == []
    cluster.playbook("scale_out", "loop")
    assert nodes(cluster, "loop") == ["loop-1"]
    cluster.wait_for("all pods run", lambda: pods(cluster, namespace, unschedulable=False) == 3)
    again = cluster.playbook("scale_out", "loop")
    assert "changed=0" in again
    assert [machine.address for machine in at_rest(cluster, "loop").state.machines] == ["10.99.0.1"]

    deploy(cluster, namespace, "loop", 0)
    cluster.wait_for("no pod is left", lambda: not list(cluster.api.items(_paths.within(_paths.PODS, namespace))))
    cluster.playbook("scale_in", "loop")
    assert nodes(cluster, "loop") == []
    assert at_rest(cluster, "loop").state.addresses() == []


def test_pods_move_within_their_budget_before_their_node_goes(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "moving")
    cluster.playbook("scale_out", "moving", "-e", "count=2")
    deploy(cluster, namespace, "moving", 4, "500m")
    protect(cluster, namespace, maxUnavailable=1)
    cluster.wait_for("all pods run", lambda: pods(cluster, namespace, unschedulable=False) == 4)
    cluster.playbook("scale_in", "moving", "-e", "node=moving-1")
    for _ in range(20):
        if not _store.read(cluster.api, "moving").state.operations:
            break
        cluster.playbook("scale_tick", "moving")
    assert nodes(cluster, "moving") == ["moving-2"]
    assert pods(cluster, namespace, unschedulable=False) == 4
    at_rest(cluster, "moving")


BLOCKED: dict[str, tuple[dict[str, Any], bool, str]] = {
    "budget": ({}, True, "PodDisruptionBudget {namespace}/web never lets a pod go"),
    "empty-dir": ({"volumes": [{"name": "scratch", "emptyDir": {}}]}, False, "keeps data on the node"),
}


@pytest.mark.parametrize("case", BLOCKED)
def test_a_pod_that_must_stay_keeps_its_node_and_nothing_is_cordoned(
    cluster: Cluster, namespace: str, case: str
) -> None:
    pod, budgeted, message = BLOCKED[case]
    make_pool(cluster, case)
    cluster.playbook("scale_out", case, "-e", "count=2")
    deploy(cluster, namespace, case, 1, "500m", **pod)
    if budgeted:
        protect(cluster, namespace, minAvailable=1)
    cluster.wait_for("the pod runs", lambda: pods(cluster, namespace, unschedulable=False) == 1)
    [raw] = cluster.api.items(_paths.within(_paths.PODS, namespace))
    said = cluster.playbook("scale_in", case, "-e", f"node={raw['spec']['nodeName']}")
    assert message.format(namespace=namespace) in said
    assert len(nodes(cluster, case)) == 2
    at_rest(cluster, case)


def test_a_bare_pod_keeps_its_node(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "bare")
    cluster.playbook("scale_out", "bare", "-e", "count=2")
    containers = [{"name": "c", "image": "any/image:1"}]
    spec = {"containers": containers, "nodeName": "bare-1", **ours("bare")}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "namespace": namespace}, "spec": spec}
    )
    said = cluster.playbook("scale_in", "bare", "-e", "node=bare-1")
    assert f"pod {namespace}/alone: nothing would bring it back" in said
    at_rest(cluster, "bare")


def test_many_runs_at_once_add_what_is_needed_once(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "storm")
    deploy(cluster, namespace, "storm", 3)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 3)
    runs = [
        subprocess.Popen(
            cluster.command("scale_out", "-e", "pool=storm"),
            env=cluster.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(4)
    ]
    said = [run.communicate(timeout=240)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], "\n".join(said)
    assert nodes(cluster, "storm") == ["storm-1"]
    at_rest(cluster, "storm")


@pytest.mark.parametrize("seconds", [1.2, 2.0, 2.8, 3.6])
def test_a_run_that_is_killed_is_completed_by_the_next(cluster: Cluster, namespace: str, seconds: float) -> None:
    name = f"killed-{int(seconds * 10)}"
    make_pool(cluster, name)
    deploy(cluster, namespace, name, 3)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 3)
    short = ("-e", "node_scale_lease_duration=2")
    run = subprocess.Popen(
        cluster.command("scale_out", "-e", f"pool={name}", *short),
        env=cluster.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)  # where it is then is left to chance; that is the point
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    ends = time.monotonic() + 240
    while not nodes(cluster, name) or _store.read(cluster.api, name).state.operations:
        assert time.monotonic() < ends
        cluster.playbook("scale_out", name, *short)
    assert nodes(cluster, name) == [f"{name}-1"]
    at_rest(cluster, name)


def test_what_leaked_is_found_named_and_measured(cluster: Cluster, tmp_path: Path) -> None:
    provider = {"role": "platform.ops.machine_kwok", "joins": True, "token": False, "resets": False, "lists": True}
    make_pool(cluster, "leaky", provider=provider)
    cluster.playbook("scale_out", "leaky", "-e", "count=2")
    cluster.kubectl("delete", "node", "leaky-2")
    hostname, ours_ = "kubernetes.io/hostname", {"platform.ops/pool": "leaky"}
    strangers = {"leaky-9": {"type": "kwok", hostname: "leaky-9"}, "leaky-old": {hostname: "leaky-old", **ours_}}
    for name, labels in strangers.items():
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    try:
        said = cluster.playbook("inspect_pools", "leaky", "-e", f"node_scale_state_dir={tmp_path}")
    finally:
        cluster.kubectl("delete", "node", *strangers)
    assert "machine leaky-9 exists at the provider, but not in the record" in said
    measured = (tmp_path / "metrics/machine_leaks.prom").read_text()
    for kind in ("machine_without_record", "record_without_machine", "node_without_machine", "address_without_owner"):
        assert f'platform_ops_pool_machine_leaks{{pool="leaky",kind="{kind}"}} 1' in measured


def test_a_provider_that_cannot_list_does_not_hide_what_leaked_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    provider = {"role": "platform.ops.machine_kwok", "joins": True, "token": False, "resets": False, "lists": True}
    make_pool(cluster, "a-broken", provider={**provider, "role": "platform.ops.no_such_role"})
    make_pool(cluster, "listed", provider=provider)
    try:
        command = cluster.command("inspect_pools", "-e", f"node_scale_state_dir={tmp_path}")
        done = subprocess.run(command, env=cluster.environment(), capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "a-broken: " in done.stdout
        measured = (tmp_path / "metrics/machine_leaks.prom").read_text()
        assert 'platform_ops_pool_machine_leaks{pool="listed",kind="machine_without_record"} 0' in measured
        assert "a-broken" not in measured
    finally:
        cluster.kubectl("delete", "nodepool", "a-broken", "listed")
