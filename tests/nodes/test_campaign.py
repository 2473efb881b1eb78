# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long ways to the same promises, on a real API server: kills at every step, rivals, outages, nodes by the hundred."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab import monitoring, parts
from tests.nodes.promises import SHORT, finish, promises
from tests.nodes.service import service, watched
from tests.nodes.test_playbooks import at_rest, deploy, make_pool, nodes, pods
from tests.support.node_lab import Cluster
from tests.support.rulebook import free_port

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(7200),
    pytest.mark.stand_in("kwok-node"),
    pytest.mark.stand_in("series-exporter"),
]

# The tasks that write to the cluster. Between two of them nothing changes, so a run is killed once after each; with
# PLATFORM_OPS_KILL_EVERYWHERE=1 after every task. (tests/nodes/test_faults.py ends runs at every single call.)
WRITING = (
    "Plan, and do what can be done now",
    "Claim the job",
    "Have the Node, with the startup taint",
    "Remove it, and see that it is gone",
    "Report what it did",
    "Go on with what the provider did",
    "Give the Lease back",
    "Put on record what ended",
)
IN_EACH = ("Plan, and do", "Claim the job", "Report what it did", "Go on with")
# How many nodes come and go.
MANY = int(os.environ.get("PLATFORM_OPS_MANY_NODES", "40"))
EVERYWHERE = bool(os.environ.get("PLATFORM_OPS_KILL_EVERYWHERE"))


def load(cluster: Cluster, namespace: str, pool: str, replicas: int) -> None:
    """Pods of that number, all waiting for a node."""
    deploy(cluster, namespace, pool, replicas)

    def they_wait() -> bool:
        there = len(list(cluster.api.items(_paths.within(_paths.PODS, namespace))))
        return there == pods(cluster, namespace, unschedulable=True) == replicas

    cluster.wait_for(f"{replicas} pods wait", they_wait)


def killed_after(cluster: Cluster, playbook: str, step: int, *arguments: str) -> list[str]:
    """Run it until its step-th writing task is over, and kill it there; its writing tasks, fewer if it ended before."""
    run = subprocess.Popen(
        cluster.command(playbook, *arguments, *SHORT),
        env=cluster.environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    tasks, task = [], ""
    for line in run.stdout:
        if line.startswith(("TASK [", "PLAY RECAP")):
            tasks += [task] if task else []
            if len(tasks) == step:
                break
            task = line.strip(" *\n") if EVERYWHERE or any(name in line for name in WRITING) else ""
        elif line.startswith("skipping: ["):
            task = ""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.stdout.close()
    run.wait()
    return tasks


def test_a_run_out_and_in_killed_at_every_task_is_completed(cluster: Cluster, namespace: str) -> None:
    free = {"perHour": 1000}
    quick = dict.fromkeys(("unneededFor", "afterOut", "afterFailure", "retryAfter"), "0s")
    make_pool(cluster, "steps", max=2, addresses=["10.99.1.1-10.99.1.2"], scaleOut=free, scaleIn={**quick, **free})
    kills: dict[str, list[str]] = {"scale_out": [], "scale_in": []}
    met: set[str] = set()
    for step in itertools.count(1):
        alive = False
        # each begins where the other ends
        for playbook, replicas, expected in (("scale_out", 3, ["steps-1"]), ("scale_in", 0, [])):
            load(cluster, namespace, "steps", replicas)
            arguments = ("-e", "node=steps-1") if playbook == "scale_in" else ()
            tasks = killed_after(cluster, playbook, step, "-e", "pool=steps", *arguments)
            while [name for name in tasks[1:2] if "Give the Lease back" in name]:
                # What a killed run had begun was still under way, and had the Lease.
                tasks = killed_after(cluster, playbook, step, "-e", "pool=steps", *arguments)
            if len(tasks) == step:
                alive = True
                kills[playbook].append(tasks[-1])
            met |= {f"{op.kind} {op.phase}" for op in promises(cluster, "steps").operations}
            finish(cluster, playbook, "steps", *arguments)
            promises(cluster, "steps")
            assert nodes(cluster, "steps") == expected, f"{playbook} killed after {tasks}"
            at_rest(cluster, "steps")
        if not alive:
            break
    print(f"killed after {kills}; met {sorted(met)}")
    for tasks in kills.values():
        assert [name for name in IN_EACH if not any(name in task for task in tasks)] == []
    assert {"out Adding", "in Removing"} <= met


def test_an_api_server_that_restarts_in_the_middle_costs_nothing(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "outage")
    load(cluster, namespace, "outage", 3)
    run = subprocess.Popen(
        cluster.command("scale_out", "-e", "pool=outage", *SHORT),
        env=cluster.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cluster.wait_for("it has begun", lambda: bool(_store.read(cluster.api, "outage").state.operations))
    parts.kill(cluster.lab, "kube-apiserver")
    parts.start(cluster.lab, "kube-apiserver")
    run.wait(timeout=600)

    def answers() -> bool:
        with contextlib.suppress(OpsError):
            cluster.api.get(_paths.node_pool("outage"))
            return True
        return False

    cluster.wait_for("the API server is back", answers)
    finish(cluster, "scale_out", "outage")
    assert nodes(cluster, "outage") == ["outage-1"]
    at_rest(cluster, "outage")


def at_ease(cluster: Cluster, pool: str) -> bool:
    lease = cluster.api.get(_paths.lease("platform-ops", f"nodepool-{pool}"))
    return not (lease["spec"].get("holderIdentity") or _store.read(cluster.api, pool).state.operations)


def test_ten_alerts_told_to_two_services_bring_what_is_needed_once(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    make_pool(cluster, "rivals", max=6, addresses=["10.99.3.1-10.99.3.6"])
    token = tmp_path / "token"
    token.write_text(secrets.token_urlsafe(32))
    token.chmod(0o600)
    ports = [free_port(), free_port()]
    watched(cluster, *ports, token=token)
    try:
        with (
            service(cluster, tmp_path / "one", token, ports[0]) as one,
            service(cluster, tmp_path / "two", token, ports[1]) as two,
        ):
            deploy(cluster, namespace, "rivals", 10)  # a core each, four to a node
            one.until("all pods run", lambda: pods(cluster, namespace, unschedulable=False) == 10)
            assert len(nodes(cluster, "rivals")) == 3
            promises(cluster, "rivals")
            decided = [*one.decided("started", namespace), *two.decided("started", namespace)]
            assert len({item["message"] for item in decided}) == 1
            for each in (one, two):
                asked = {item["target"] for item in each.decisions() if namespace in item.get("target", "")}
                assert len(asked) == 10
            # a service that ends in the middle of a run keeps its Lease until that expires
            one.until("nothing is under way", lambda: at_ease(cluster, "rivals"))
    finally:
        monitoring.set_rules(cluster.lab, {})
        monitoring.set_alertmanager(cluster.lab, monitoring.NOWHERE)
    at_rest(cluster, "rivals")


def test_many_nodes_come_and_go_within_the_budgets(cluster: Cluster, namespace: str) -> None:
    most, at_once, per_hour = MANY, MANY // 5, MANY * 13 // 10
    make_pool(
        cluster,
        "many",
        max=most,
        addresses=["10.99.8.1-10.99.8.250"],
        scaleOut={"maxInFlight": at_once, "perHour": per_hour},
        scaleIn={
            **dict.fromkeys(("unneededFor", "afterOut", "afterFailure", "retryAfter"), "0s"),
            "maxInFlight": at_once,
            "perHour": per_hour,
        },
    )
    stop = threading.Event()
    broken: list[str] = []

    def watch() -> None:
        while not stop.wait(0.5):
            try:
                state = promises(cluster, "many")
                flying = Counter(op.kind for op in state.operations)
                assert flying["out"] <= at_once, flying
                assert flying["in"] <= at_once, flying
                assert len(state.outs) <= per_hour
                assert len(state.ins) <= per_hour
            except AssertionError as error:
                broken.append(str(error))
            except OpsError:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        # flapping on the way: up, half way down, and up again before the end
        for wanted, playbook in (
            (MANY * 3 // 10, "scale_out"),
            (MANY // 10, "scale_in"),
            (MANY, "scale_out"),
            (0, "scale_in"),
        ):
            deploy(cluster, namespace, "many", wanted, "3")
            started = time.monotonic()
            ends = time.monotonic() + 3000
            while len(nodes(cluster, "many")) != wanted or _store.read(cluster.api, "many").state.operations:
                assert not broken, broken[0]
                assert time.monotonic() < ends, f"{len(nodes(cluster, 'many'))} of {wanted} nodes"
                cluster.playbook(playbook, "many", "-e", "node_scale_rounds=3")
            print(f"{playbook} until there are {wanted} nodes: {time.monotonic() - started:.0f} s")
    finally:
        stop.set()
        watcher.join()
    assert not broken, broken[0]
    at_rest(cluster, "many")
