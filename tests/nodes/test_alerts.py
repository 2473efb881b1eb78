# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What alerts bring about: each gets one decision, and the pools do what is needed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._answer import Answering, Policy
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import seconds, timestamp
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Writer
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Service
from ansible_collections.platform.ops.plugins.module_utils.cluster import _lease, _paths
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import decision_record

from tests.nodes.memory_world import World, pool_object

pytestmark = [pytest.mark.stand_in("memory-api"), pytest.mark.stand_in("memory-world")]

PAUSE = 60.0


def alert(kind: str = "scale_out", **fields: Any) -> dict[str, Any]:
    name = fields.get("node") or (fields.get("pod") or {}).get("name") or fields.get("pool")
    return {"kind": kind, "id": f"alertmanager:{name}", "source": "alertmanager", "status": "firing", **fields}


def unschedulable(pod: str, **fields: Any) -> dict[str, Any]:
    return alert(pod={"namespace": "shop", "name": pod}, **fields)


def idle(here: World, node: str, since: float | None = None) -> dict[str, Any]:
    starts_at = timestamp(here.now if since is None else since)
    return alert("scale_in", node=node, evidence={"startsAt": starts_at})


def answer(
    here: World,
    *alerts: dict[str, Any],
    act: bool = True,
    paused: bool = False,
    service: Service | None = None,
    cluster: str = "default",
) -> list[dict[str, Any]]:
    here.runs += 1
    holder = f"answer-{here.runs}"

    def writer(pool: str) -> Writer:
        return Writer(here.api, pool, "platform-ops", holder, 300, clock=lambda: here.now, sleep=here.sleep)

    policy = Policy(act=act, paused=paused, pause=PAUSE, service=service or Service(), cluster=cluster)
    answering = Answering(here.api, writer, policy, lambda: here.now)
    decisions = answering.answer(alerts).decisions
    for decision in decisions:  # every one can be put on record
        decision_record({key: value for key, value in decision.items() if key != "not_before"})
    return decisions


def told(decisions: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(decision["decision"], decision["reason"]) for decision in decisions]


def world(members: int = 1, **spec: Any) -> World:
    here = World.make(pool_object(**spec))
    for number in range(1, members + 1):
        here.member(number)
    here.settle()
    return here


def second_pool(here: World, name: str = "spare", **spec: Any) -> None:
    made = pool_object(**{"min": 0, "addresses": ["10.0.9.1-10.0.9.5"], **spec})
    made["metadata"]["name"] = name
    here.api.put(_paths.NODE_POOLS, made)


def operations(here: World, pool: str = "workers") -> list[tuple[str, str]]:
    return [(op.kind, op.node) for op in _store.read(here.api, pool).state.operations]


def test_an_alert_of_another_cluster_begins_nothing_in_this_one() -> None:
    here = world(members=2)
    theirs = [idle(here, "workers-1"), alert(pool="workers")]
    decisions = answer(here, *({**one, "cluster": "prod"} for one in theirs), cluster="staging")
    assert told(decisions) == [("refused", "other_cluster")] * 2
    assert operations(here) == []


def pending(here: World) -> list[str]:
    return [pod["metadata"]["name"] for pod in here.api.listed(_paths.PODS) if not pod["spec"].get("nodeName")]


def test_many_alerts_at_once_and_again_begin_what_their_pods_need_once() -> None:
    here = world()
    here.workload("web", 18)  # 8 fit, 10 wait
    assert len(pending(here)) == 10
    alerts = [unschedulable(name) for name in pending(here)]
    first = answer(here, *alerts)
    assert set(told(first)) == {("started", "helps")}
    assert "NodePool workers gets 2 nodes (workers-2, workers-3)" in first[0]["message"]
    assert operations(here) == [("out", "workers-2"), ("out", "workers-3")]
    assert set(told(answer(here, *alerts))) == {("unchanged", "arriving")}
    assert len(operations(here)) == 2
    for _ in range(4):
        here.run("kept")
    here.settle()
    assert len(here.machines) == 3
    assert set(told(answer(here, *alerts))) == {("unchanged", "not_pending")}


def test_an_alert_that_fires_is_looked_at_again_and_one_that_has_resolved_is_not() -> None:
    here = world()
    here.workload("web", 9)
    [name] = pending(here)
    [decision] = answer(here, unschedulable(name))
    assert seconds(decision["not_before"]) == here.now + PAUSE
    [decision] = answer(here, unschedulable(name, status="resolved"))
    assert (decision["decision"], decision["reason"], decision["not_before"]) == ("unchanged", "resolved", None)


def test_a_pod_that_no_node_helps_is_refused_with_the_reason() -> None:
    here = world()
    here.workload("big", 1, "9")
    here.workload("picky", 1, "9", nodeSelector={"disk": "fast"})
    decisions = answer(here, *map(unschedulable, pending(here)))
    assert told(decisions) == [("refused", "too_big"), ("refused", "node_selector")]
    assert "too much for an empty node" in decisions[0]["message"]
    assert decisions[0]["not_before"] is None
    assert operations(here) == []


def test_limits_are_told_with_when_to_look_again() -> None:
    here = world(max=1)
    here.workload("web", 9)
    alerts = [unschedulable(name) for name in pending(here)]
    [decision] = answer(here, *alerts)
    assert told([decision]) == [("limited", "max")]
    assert seconds(decision["not_before"]) == here.now + PAUSE

    here = world(scaleOut={"perHour": 1})
    here.workload("web", 9)
    answer(here, unschedulable(*pending(here)))
    for _ in range(4):
        here.run("kept")
    here.workload("more", 8)
    [first, *_] = answer(here, *map(unschedulable, pending(here)))
    assert told([first]) == [("limited", "budget")]
    state = here.pool().state
    assert seconds(first["not_before"]) == pytest.approx(state.outs[0] + 3600, abs=1)


def test_the_preferred_pool_brings_the_node_and_no_other_pool_does_as_well() -> None:
    here = world()
    second_pool(here, priority=5)
    here.workload("web", 9)
    [name] = pending(here)
    [decision] = answer(here, unschedulable(name))
    assert "NodePool spare gets 1 node (spare-1)" in decision["message"]
    assert (operations(here), operations(here, "spare")) == ([], [("out", "spare-1")])
    here.run("present")  # the other pool, by hand: what is on its way to the first one counts
    assert operations(here) == []


def test_what_the_preferred_pool_may_not_bring_the_next_one_does() -> None:
    here = world(max=1, priority=5)
    second_pool(here)
    here.workload("web", 9)
    [decision] = answer(here, unschedulable(*pending(here)))
    assert "NodePool spare gets 1 node" in decision["message"]
    [decision] = answer(here, unschedulable(*pending(here), pool="workers"))
    assert told([decision]) == [("unchanged", "arriving")]


def test_two_runs_at_once_for_two_pools_bring_one_node() -> None:
    here = world()
    second_pool(here)
    here.workload("web", 9)
    [name] = pending(here)
    inner: list[tuple[str, str]] = []

    def meanwhile(when: str, verb: str, path: str) -> None:
        # when the first run has planned for its pool, before it writes that down
        if when == "before" and verb == "PUT" and path.endswith("/status") and not inner:
            inner.append(("", ""))
            inner[:] = told(answer(here, unschedulable(name, pool="spare")))

    here.api.hook = meanwhile
    outer = answer(here, unschedulable(name, pool="workers"))
    assert (told(outer), inner) == ([("started", "helps")], [("limited", "busy")])
    here.api.hook = lambda when, verb, path: None
    assert told(answer(here, unschedulable(name, pool="spare"))) == [("unchanged", "arriving")]
    assert operations(here, "spare") == []


def test_what_is_only_worked_out_is_not_begun() -> None:
    here = world()
    second_pool(here)
    here.workload("web", 9)
    before = {pool: here.api.objects[_paths.node_pool(pool)] for pool in ("workers", "spare")}
    decisions = answer(here, unschedulable(*pending(here)), idle(here, "workers-1"), act=False)
    assert told(decisions)[0] == ("would_start", "helps")
    assert before == {pool: here.api.objects[_paths.node_pool(pool)] for pool in ("workers", "spare")}
    assert here.api.listed("/apis/coordination.k8s.io/v1/leases") == []


def test_nothing_is_begun_while_the_pause_switch_is_on() -> None:
    here = world()
    here.workload("web", 9)
    assert told(answer(here, unschedulable(*pending(here)), paused=True)) == [("limited", "paused")]
    assert operations(here) == []


def test_an_idle_node_goes_when_it_was_idle_for_long_enough() -> None:
    here = world(2, scaleIn={"unneededFor": "10m", "afterOut": 0})
    here.workload("web", 1)
    since = here.now
    [decision] = answer(here, idle(here, "workers-2", since))
    assert told([decision]) == [("limited", "unneeded_for")]
    assert seconds(decision["not_before"]) == since + 600
    here.now = since + 600
    assert told(answer(here, idle(here, "workers-2", since))) == [("started", "idle")]
    assert operations(here) == [("in", "workers-2")]
    assert told(answer(here, idle(here, "workers-2", since))) == [("unchanged", "under_way")]


def test_a_node_that_was_busy_in_between_begins_to_idle_anew() -> None:
    here = world(2, scaleIn={"unneededFor": "10m", "afterOut": 0})
    since = here.now
    answer(here, idle(here, "workers-2", since))
    here.now = since + 600
    # the alert resolved and fired again: it was busy five minutes ago
    [decision] = answer(here, idle(here, "workers-2", since + 300))
    assert told([decision]) == [("limited", "unneeded_for")]
    assert seconds(decision["not_before"]) == since + 900


def test_an_idle_node_stays_for_the_reasons_the_policy_names() -> None:
    here = world(2, scaleIn={"unneededFor": 0, "afterOut": 0}, min=2)
    here.node(here.machines["workers-1"].__class__("alone", "10.8.8.8"), True, {}, [])
    decisions = answer(here, *(idle(here, name) for name in ("workers-1", "alone", "never-was")))
    assert told(decisions) == [("limited", "min"), ("refused", "no_pool"), ("unchanged", "gone")]
    here.workload("web", 8)
    [busy] = [pod["spec"]["nodeName"] for pod in here.api.listed(_paths.PODS)][:1]
    assert told(answer(here, idle(here, busy))) == [("unchanged", "needed")]


def test_the_node_of_this_service_stays_until_another_replica_leads() -> None:
    here = world(2, scaleIn={"unneededFor": 0, "afterOut": 0})
    here.workload("load", 1, "2500m")  # its node is not idle
    here.workload("filler", 1, "1500m")
    here.workload("remediation", 1)
    here.scale("filler", 0)
    [pod] = [pod for pod in here.api.listed(_paths.PODS) if pod["metadata"]["name"].startswith("remediation")]
    node = pod["spec"]["nodeName"]
    service = Service("shop", pod["metadata"]["name"], "leader")
    [decision] = answer(here, idle(here, node), service=service)
    assert told([decision]) == [("limited", "own_service")]
    assert "it is this service itself" in decision["message"]
    _lease.acquire(here.api, "shop", "leader", "another-pod", duration=60, clock=lambda: here.now)
    assert told(answer(here, idle(here, node), service=service)) == [("started", "idle")]


def test_a_cluster_that_does_not_answer_leaves_no_alert_undecided() -> None:
    here = world()

    def down(when: str, verb: str, path: str) -> None:
        raise UnavailableError("no answer")

    here.api.hook = down
    decisions = answer(here, unschedulable("web-1"), idle(here, "workers-1"))
    assert told(decisions) == [("failed", "unavailable"), ("failed", "unavailable")]
    assert all(decision["not_before"] for decision in decisions)


def test_without_a_pool_alerts_are_refused() -> None:
    here = world()
    del here.api.objects[_paths.node_pool("workers")]
    assert told(answer(here, unschedulable("web-1"))) == [("refused", "unknown_pool")]


def test_while_another_run_makes_the_node_its_pods_are_told_so_and_others_wait() -> None:
    here = world()
    here.workload("web", 9)
    first = pending(here)
    answer(here, *map(unschedulable, first))
    tick = Writer(here.api, "workers", "platform-ops", "tick", 300, clock=lambda: here.now)
    tick.held()
    assert told(answer(here, *map(unschedulable, first))) == [("unchanged", "arriving")]
    here.workload("more", 9)
    late = sorted(set(pending(here)) - set(first))
    decisions = told(answer(here, *map(unschedulable, late)))
    assert set(decisions) == {("unchanged", "arriving"), ("limited", "busy")}
    assert len(operations(here)) == 1
