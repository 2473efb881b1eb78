# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long ways to the same promises, on a real API server: kills at every step, rivals, outages, two hundred nodes."""

from __future__ import annotations

import contextlib
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
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import State
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab import monitoring, parts
from tests.nodes.service import PATIENCE, service, watched
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

SHORT = ("-e", "node_scale_lease_duration=2")


def promises(cluster: Cluster, name: str) -> State:
    """What holds at any moment, whatever was killed."""
    pool = _store.read(cluster.api, name)
    state = pool.state
    given = Counter(state.addresses())
    assert max(given.values(), default=0) <= 1, given
    assert len(state.names()) <= pool.spec.most
    there = nodes(cluster, name)
    assert set(there) <= state.names(), "a Node that the record does not know"
    assert len(there) <= pool.spec.most
    return state


def killed_at(cluster: Cluster, playbook: str, step: int, *arguments: str) -> bool:
    """Run it until its step-th task begins, and kill it there; whether it came so far."""
    run = subprocess.Popen(
        cluster.command(playbook, *arguments, *SHORT),
        env=cluster.environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    seen = 0
    for line in run.stdout:
        seen += line.startswith("TASK [")
        if seen == step:
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.stdout.close()
    run.wait()
    return seen == step


def finish(cluster: Cluster, playbook: str, pool: str, *arguments: str) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        said = cluster.playbook(playbook, pool, *arguments, *SHORT)
        if not _store.read(cluster.api, pool).state.operations and "is held by" not in said:
            return
        assert time.monotonic() < ends, said[-3000:]


def test_a_run_out_and_in_killed_at_every_task_is_completed(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "steps", max=2, addresses=["10.99.1.1-10.99.1.2"])
    deploy(cluster, namespace, "steps", 3)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 3)
    steps = 0
    for playbook, replicas, expected in (("scale_out", 3, ["steps-1"]), ("scale_in", 0, [])):
        step, reached = 0, True
        while reached:
            step += 1
            # from the same start each time
            deploy(cluster, namespace, "steps", 3 if playbook == "scale_out" else 0)
            if playbook == "scale_out":
                finish(cluster, "scale_in", "steps", "-e", "node=steps-1") if nodes(cluster, "steps") else None
            elif not nodes(cluster, "steps"):
                finish(cluster, "scale_out", "steps", "-e", "count=1")
            deploy(cluster, namespace, "steps", replicas)
            arguments = ("-e", "node=steps-1") if playbook == "scale_in" else ()
            reached = killed_at(cluster, playbook, step, "-e", "pool=steps", *arguments)
            promises(cluster, "steps")
            finish(cluster, playbook, "steps", *arguments)
            promises(cluster, "steps")
            assert nodes(cluster, "steps") == expected, f"{playbook} killed at task {step}"
            at_rest(cluster, "steps")
        steps += step
    assert steps > 20


def test_an_api_server_that_restarts_in_the_middle_costs_nothing(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "outage")
    deploy(cluster, namespace, "outage", 3)
    cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 3)
    run = subprocess.Popen(
        cluster.command("scale_out", "-e", "pool=outage", *SHORT),
        env=cluster.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cluster.wait_for("it has begun", lambda: bool(_store.read(cluster.api, "outage").state.operations), deadline=60)
    parts.kill(cluster.lab, "kube-apiserver")
    parts.start(cluster.lab, "kube-apiserver")
    run.wait(timeout=600)

    def answers() -> bool:
        with contextlib.suppress(OpsError):
            cluster.api.get(_paths.node_pool("outage"))
            return True
        return False

    cluster.wait_for("the API server is back", answers, deadline=120)
    finish(cluster, "scale_out", "outage")
    assert nodes(cluster, "outage") == ["outage-1"]
    at_rest(cluster, "outage")


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
    finally:
        monitoring.set_rules(cluster.lab, {})
        monitoring.set_alertmanager(cluster.lab, monitoring.NOWHERE)
    finish(cluster, "scale_tick", "rivals")
    at_rest(cluster, "rivals")


def test_two_hundred_nodes_come_and_go_within_the_budgets(cluster: Cluster, namespace: str) -> None:
    most, at_once, per_hour = 200, 40, 260
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
        for replicas, playbook, wanted in (
            (60, "scale_out", 60),
            (20, "scale_in", 20),
            (200, "scale_out", 200),
            (0, "scale_in", 0),
        ):
            deploy(cluster, namespace, "many", replicas, "3")
            ends = time.monotonic() + 3000
            while len(nodes(cluster, "many")) != wanted or _store.read(cluster.api, "many").state.operations:
                assert not broken, broken[0]
                assert time.monotonic() < ends, f"{len(nodes(cluster, 'many'))} of {wanted} nodes"
                cluster.playbook(playbook, "many", "-e", "node_scale_rounds=3")
    finally:
        stop.set()
        watcher.join()
    assert not broken, broken[0]
    at_rest(cluster, "many")
