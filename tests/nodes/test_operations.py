# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes out and in, with everything around the API server in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Answer, Outcome
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import (
    Job,
    Operator,
    Writer,
    lease_name,
    report,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Result, Scaling, Service
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._lease import acquire

from tests.nodes.memory_world import RealMachine, World, pool_object

pytestmark = [pytest.mark.stand_in("memory-api"), pytest.mark.stand_in("memory-world")]

QUICK: dict[str, Any] = {"unneededFor": 0, "afterOut": 0, "afterFailure": 0, "retryAfter": 0}


def world(members: int = 1, **spec: Any) -> World:
    made = World.make(pool_object(**{"scaleIn": QUICK, **spec}))
    for number in range(1, members + 1):
        made.member(number)
    return made


def nodes(of: World) -> list[str]:
    return [raw["metadata"]["name"] for raw in of.api.listed(_paths.NODES)]


def test_pending_pods_get_a_node_and_everything_is_in_its_place() -> None:
    here = world()
    here.workload("web", 12)
    here.run("present")
    assert nodes(here) == ["workers-1", "workers-2"]
    assert here.machines["workers-2"].address == "10.0.0.2"
    here.settle()
    assert all(pod["spec"].get("nodeName") for pod in here.api.listed(_paths.PODS))
    assert here.left_behind() == []


def test_asking_twice_adds_nothing() -> None:
    here = world()
    here.workload("web", 12)
    here.run("present")
    [again] = here.run("present")
    assert not again.changed
    assert nodes(here) == ["workers-1", "workers-2"]


def test_an_idle_node_is_emptied_and_given_back() -> None:
    here = world(2)
    here.workload("web", 4)
    here.budget("web", maxUnavailable=1)
    here.run("absent", names=("workers-1",))
    for _ in range(10):
        here.now += 10
        here.settle()
        here.run("resumed")
    assert nodes(here) == ["workers-2"]
    assert list(here.machines) == ["workers-2"]
    assert here.pool().state.addresses() == ["10.0.0.2"]
    assert len(here.api.evicted) == 4
    assert here.left_behind() == []


def test_without_a_name_the_idle_node_goes() -> None:
    here = world(3)
    here.workload("web", 10)
    here.run("absent")
    assert len(nodes(here)) == 2
    assert here.left_behind() == []


def test_a_budget_that_never_yields_refuses_the_node_before_it_is_cordoned() -> None:
    here = world(2)
    here.workload("web", 1)
    here.budget("web", minAvailable=1)
    [result] = here.run("absent", names=("workers-1",))
    assert not result.changed
    [candidate] = result.plan["candidates"]
    assert [item["reason"] for item in candidate["blockers"]] == ["budget_never"]
    assert here.left_behind() == []


def test_a_drain_that_takes_too_long_is_taken_back_and_names_pod_and_budget() -> None:
    here = world(2, scaleIn={**QUICK, "podTimeout": "1m", "retryAfter": "5m"})
    here.workload("web", 2)
    here.budget("web", minAvailable=1)
    # no replacement gets Ready, so the budget keeps the last healthy pod where it is
    here.api.hook = lambda when, verb, path: _only_ready(here, "web-2")
    ended = [item for result in here.run("absent", names=("workers-1",)) for item in result.progress.ended]
    assert here.api.objects[_paths.node("workers-1")]["spec"]["unschedulable"] is True
    while not ended and here.now < 1_800_000_600:
        here.now += 20
        ended += [item for result in here.run("resumed") for item in result.progress.ended]
    [(node, ok, message, kind, _reason)] = ended
    assert kind == "in"
    assert (node, ok) == ("workers-1", False)
    assert "pod shop/web-2 is still there" in message
    assert "disruption budget" in message
    assert here.left_behind() == []
    assert list(here.pool().state.failed) == ["workers-1"]


def _only_ready(here: World, name: str) -> None:
    for pod in here.api.listed(_paths.PODS):
        status = "True" if pod["metadata"]["name"] == name else "False"
        pod["status"]["conditions"] = [{"type": "Ready", "status": status}]
    for item in here.api.listed("/apis/policy/v1/poddisruptionbudgets"):
        item["status"] = here.api.budget_status(item)


@pytest.mark.parametrize("mood", ["quota", "stock_out", "other"])
def test_a_provider_that_fails_leaves_nothing_and_backs_off_by_class(mood: str) -> None:
    here = world()
    here.workload("web", 12)
    here.mood = lambda: mood
    here.run("present")
    here.mood = lambda: ""
    here.now += 15
    here.run("resumed")
    assert nodes(here) == list(here.machines) == ["workers-1"]
    assert here.left_behind() == []
    [again] = here.run("present")
    assert [item["reason"] for item in again.plan["limits"]] == ["backoff"]
    here.now += 301
    here.run("present")
    assert nodes(here) == ["workers-1", "workers-2"]


@pytest.mark.parametrize("mood", ["dead", "sick"])
def test_a_machine_that_never_gets_anywhere_is_given_back_with_its_address(mood: str) -> None:
    here = world()
    here.workload("web", 12)
    here.mood = lambda: mood
    here.run("present")
    here.mood = lambda: ""
    assert "workers-2" in here.machines
    for _ in range(40):
        here.now += 60
        here.run("resumed")
    assert nodes(here) == list(here.machines) == ["workers-1"]
    assert here.left_behind() == []


def test_a_token_that_expires_before_the_machine_joins_is_replaced() -> None:
    here = world()
    here.workload("web", 12)
    here.mood = lambda: "dead"
    here.run("present")
    assert any("bootstrap-token-" in path for path in here.api.objects)
    here.now += 800
    here.machines["workers-2"].boots = True
    here.mood = lambda: ""
    seen = []
    here.api.hook = lambda when, verb, path: (
        seen.append(path) if when == "after" and verb == "POST" and path.endswith("/secrets") else None
    )
    here.run("resumed")
    assert len(seen) == 1
    assert nodes(here) == ["workers-1", "workers-2"]
    assert here.left_behind() == []


def asked_to_add(here: World) -> tuple[Scaling, Writer, Job]:
    writer = here.writer()
    scaling = Scaling(writer, Operator(writer, sleep=here.sleep, patience=0.0), dry=False)
    _, result = scaling.present(2)
    [job] = result.progress.jobs
    return scaling, writer, job


def test_a_machine_that_the_provider_names_is_recorded_by_that_name() -> None:
    here = world(addresses=[], provider={"role": "r", "joins": True, "token": False, "resets": False})
    scaling, writer, job = asked_to_add(here)
    given = RealMachine("ip-10-0-7-7", "10.0.7.7")
    here.machines[given.name] = given
    here.join(given)
    said = Answer("sim://ip-10-0-7-7", given.name, given.address)
    report(writer, job.operation, Action.ADD, Outcome.DONE, said)
    scaling.resumed()
    assert (given.name, given.address) in [(m.name, m.address) for m in here.pool().state.machines]
    assert here.left_behind() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Answer(name="workers-1"), "another machine named workers-1"),
        (Answer(name="ip-1", address="10.0.0.1"), "another machine with address 10.0.0.1"),
        (Answer(name="{{ evil }}"), "no name of a node"),
        (Answer(address="here"), "does not appear to be an IPv4 or IPv6 address"),
    ],
    ids=["name-taken", "address-taken", "no-name", "no-address"],
)
def test_a_name_or_address_that_cannot_be_has_the_machine_given_back(said: Answer, why: str) -> None:
    here = world(0, min=0)
    here.run("present", count=1)
    scaling, writer, job = asked_to_add(here)
    report(writer, job.operation, Action.ADD, Outcome.DONE, said)
    [undo] = scaling.resumed()[1].progress.jobs
    assert (undo.action, undo.node) == ("remove", job.node)
    [op] = here.pool().state.operations
    assert op.failure is not None
    assert why in op.failure.message


def test_pods_that_need_the_node_call_its_removal_off() -> None:
    here = world(2, max=2)
    here.workload("web", 5)
    here.budget("web", minAvailable=1)
    here.api.hook = lambda when, verb, path: _only_ready(here, "web-5")
    here.run("absent", names=("workers-1",))
    assert [op.phase for op in here.pool().state.operations] == ["Draining"]
    here.api.hook = lambda when, verb, path: None
    here.scale("web", 12)
    here.run("present")
    here.settle()
    assert all(pod["spec"].get("nodeName") for pod in here.api.listed(_paths.PODS))
    assert nodes(here) == ["workers-1", "workers-2"]
    assert here.left_behind() == []
    assert not here.pool().state.failed


def test_two_runs_at_once_do_not_both_act() -> None:
    here = world()
    here.workload("web", 12)
    here.writer("other").held()
    with pytest.raises(ConflictError) as caught:
        here.run("present")
    assert caught.value.reason == "busy"
    assert "held by other" in caught.value.message
    here.now += 306
    here.run("present")
    assert nodes(here) == ["workers-1", "workers-2"]


def test_a_holder_whose_lease_was_deleted_may_not_write_after_another_did() -> None:
    here = world()
    here.workload("web", 12)
    late = here.writer("other")
    late.held()  # and hangs before it writes, so that no record knows its term
    here.api.delete(_paths.lease("platform-ops", lease_name("workers")))
    here.run("present")
    with pytest.raises(ConflictError) as caught:
        late.change(lambda pool: replace(pool.state, machines=()))
    assert caught.value.reason == "fenced"
    assert nodes(here) == ["workers-1", "workers-2"]
    assert len(here.pool().state.machines) == 2


def test_the_last_address_is_given_once() -> None:
    here = world(1, addresses=["10.0.0.1-10.0.0.2"])
    here.workload("web", 40)
    here.run("present")
    assert sorted(machine.address for machine in here.machines.values()) == ["10.0.0.1", "10.0.0.2"]
    assert here.left_behind() == []


def leads(here: World, pod: str) -> None:
    acquire(here.api, "shop", "remediation", pod, duration=15, clock=lambda: here.now)


def remove_own_node(here: World) -> Result:
    writer = here.writer()
    operator = Operator(writer, sleep=here.sleep, patience=5.0)
    service = Service("shop", "ops-1", "remediation")
    _, result = Scaling(writer, operator, dry=False).absent(["workers-1"], service)
    writer.release()
    return result


def test_the_node_this_service_runs_on_stays_until_another_replica_leads() -> None:
    here = world(2)
    here.workload("ops", 1)
    for leader in ("", "ops-1"):
        if leader:
            leads(here, leader)
        result = remove_own_node(here)
        assert not result.changed
        [candidate] = result.plan["candidates"]
        assert [item["reason"] for item in candidate["blockers"]] == ["own_service"]
    here.now += 60  # its Lease ends, and another replica takes it
    leads(here, "ops-2")
    assert remove_own_node(here).changed
    assert [path.rpartition("/")[2] for path in here.api.evicted] == ["ops-1"]


def test_a_paused_pool_begins_nothing_and_brings_to_an_end_what_is_under_way() -> None:
    here = world()
    here.workload("web", 12)
    here.mood = lambda: "dead"
    here.run("present")
    here.api.touch(_paths.node_pool("workers"), {"spec": {"paused": True}})
    here.mood = lambda: ""
    here.scale("web", 40)
    here.machines["workers-2"].boots = True
    here.now += 15
    [first, *_] = here.run("present")
    assert [item["reason"] for item in first.plan["limits"]] == ["paused"]
    assert nodes(here) == ["workers-1", "workers-2"]
    assert here.left_behind() == []


def _dead(proves: bool) -> World:
    here = world(2, scaleIn={**QUICK, "podTimeout": "10m"}, provider={"role": "r", "destroys": False, "proves": proves})
    here.workload("web", 2)
    here.now += 60
    here.settle()
    return here


def test_a_dead_machine_leaves_when_its_power_off_is_proven() -> None:
    here = _dead(proves=True)
    here.machines["workers-1"].powered = False
    here.settle()
    here.run("absent", names=("workers-1",))
    for _ in range(6):
        here.now += 20
        here.settle()
        here.run("resumed")
        assert here.broken() == []
    assert sorted(here.machines) == ["workers-2"]
    assert [pod["spec"]["nodeName"] for pod in here.api.listed(_paths.PODS)] == ["workers-2", "workers-2"]
    assert here.left_behind() == []


def test_a_dead_node_that_people_cordoned_is_left_cordoned_and_without_our_taint() -> None:
    here = _dead(proves=True)
    here.machines["workers-1"].powered = False
    here.settle()
    here.api.touch(_paths.node("workers-1"), {"spec": {"unschedulable": True}})
    attached = {"metadata": {"name": "a-1"}, "spec": {"nodeName": "workers-1", "source": {"persistentVolumeName": "d"}}}
    here.api.put("/apis/storage.k8s.io/v1/volumeattachments", attached)
    ended = [item for result in here.run("absent", names=("workers-1",)) for item in result.progress.ended]
    tainted = False
    while not ended and here.now < 1_800_003_600:
        tainted = tainted or here.api.objects[_paths.node("workers-1")]["spec"].get("taints") != []
        here.now += 60
        here.settle()
        ended = [item for result in here.run("resumed") for item in result.progress.ended]
    [over] = ended
    assert (over.ok, tainted) == (False, True)
    node = here.api.objects[_paths.node("workers-1")]
    assert node["spec"]["unschedulable"] is True
    assert not node["spec"].get("taints")


@pytest.mark.parametrize("proves", [True, False], ids=["still on", "nobody can tell"])
def test_without_proof_of_power_off_a_dead_node_keeps_its_pods(proves: bool) -> None:
    here = _dead(proves)
    here.machines["workers-1"].gets_ready = False  # the kubelet is dead, the machine is not
    here.api.touch(_paths.node("workers-1"), {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    if proves:
        here.machines["workers-1"].joined = True
    else:
        here.machines["workers-1"].powered = False
    stuck = here._ends
    here._ends = lambda pod: pod["spec"].get("nodeName") != "workers-1" and stuck(pod)  # type: ignore[method-assign]
    ended: list[Any] = []
    here.run("absent", names=("workers-1",))
    while not ended and here.now < 1_800_003_600:
        here.now += 60
        here.settle()
        ended = [item for result in here.run("resumed") for item in result.progress.ended]
        assert here.broken() == []
    [over] = ended
    assert not over.ok
    assert "it does not terminate" in over.message
    node = here.api.objects[_paths.node("workers-1")]
    assert not node["spec"].get("unschedulable")
    assert "workers-1" in here.machines
