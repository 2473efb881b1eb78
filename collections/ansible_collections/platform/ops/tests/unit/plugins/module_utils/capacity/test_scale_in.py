# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit, Room
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import CORDONED_BY, Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import InPlan, plan_in
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget, budget
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.capacity._objects import NOW, node, pod
from hypothesis import given
from hypothesis import strategies as st

LONG_AGO = NOW - 100_000


def plan(nodes: Sequence[Node], pods: Sequence[Pod] = (), **more: Any) -> InPlan:
    options: dict[str, Any] = {
        "budgets": [],
        "rules": InRules(),
        "room": Room(1, ()),
        "unneeded": {item.name: LONG_AGO for item in nodes},
        "guarded": {},
        "failed": {},
        "now": NOW,
    }
    pool = more.pop("pool", nodes)
    return plan_in(Snapshot(nodes, pods), pool, **{**options, **more})


def blocked(found: InPlan, name: str) -> list[str]:
    [candidate] = [item for item in found.candidates if item.node == name]
    return [item.reason for item in candidate.blockers]


def never(name: str = "web") -> Budget:
    return budget(
        {
            "metadata": {"namespace": "shop", "name": name},
            "spec": {"selector": {}, "minAvailable": 1},
            "status": {"expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0},
        }
    )


def test_the_node_with_the_fewest_pods_to_move_goes_and_the_plan_says_where_they_go() -> None:
    nodes = [node("busy", "4"), node("idle", "4")]
    pods = [pod("a", node="busy"), pod("b", node="busy"), pod("c", node="idle")]
    found = plan(nodes, pods)
    assert found.chosen == ("idle",)
    assert found.candidates[0].moves == (("shop/c", "busy"),)


def test_a_node_above_the_threshold_in_cpu_or_memory_stays() -> None:
    nodes = [node("cpu"), node("memory"), node("other")]
    pods = [pod("a", "2", "128Mi", node="cpu"), pod("b", "100m", "4Gi", node="memory"), pod("c", "3", node="other")]
    found = plan(nodes, pods)
    assert found.chosen == ()
    assert blocked(found, "cpu") == blocked(found, "memory") == ["needed"]


def test_a_node_goes_only_after_it_was_unneeded_long_enough() -> None:
    nodes = [node("a"), node("b")]
    first = plan(nodes, unneeded={})
    assert first.chosen == ()
    assert first.unneeded == {"a": NOW, "b": NOW}
    later = plan(nodes, unneeded=first.unneeded, now=NOW + 601)
    assert later.chosen == ("a",)
    assert later.unneeded == first.unneeded


def test_a_node_that_was_needed_in_between_starts_anew() -> None:
    nodes = [node("a"), node("b")]
    busy = [pod("p", "3", node="a")]
    assert "a" not in plan(nodes, busy, unneeded={"a": LONG_AGO}).unneeded


def test_pods_without_room_elsewhere_keep_their_node() -> None:
    nodes = [node("a"), node("full")]
    pods = [pod("p", "1500m", node="a"), pod("q", "3", node="full")]
    assert blocked(plan(nodes, pods), "a") == ["nowhere_to_go"]


def test_pods_of_the_node_itself_do_not_need_a_place() -> None:
    nodes = [node("a"), node("full", "1")]
    pods = [
        pod("daemon", "500m", node="a", owner="DaemonSet"),
        pod("mirror", "500m", node="a", owner="Node", annotations={"kubernetes.io/config.mirror": "x"}),
        pod("done", "500m", node="a", owner=None, phase="Succeeded"),
        pod("q", "900m", node="full"),
    ]
    assert plan(nodes, pods).chosen == ("a",)


VETOES: dict[str, dict[str, Any]] = {
    "safe_to_evict": {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}},
    "do_not_disrupt": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
    "bare_pod": {"owner": None},
    "local_storage": {"spec": {"volumes": [{"name": "scratch", "emptyDir": {}}]}},
}


@pytest.mark.parametrize("reason", VETOES)
def test_a_pod_that_must_not_move_keeps_its_node(reason: str) -> None:
    found = plan([node("a"), node("b")], [pod("p", node="a", **VETOES[reason])])
    assert blocked(found, "a") == [reason]
    assert found.candidates[-1].blockers[0].pod == "shop/p"
    assert found.chosen == ("b",)


CONSENTED = [
    (VETOES["bare_pod"], InRules(bare_pods=True)),
    (VETOES["local_storage"], InRules(local_storage=True)),
    (
        {"owner": None, "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}},
        InRules(),
    ),
    (
        {
            **VETOES["local_storage"],
            "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "scratch"},
        },
        InRules(),
    ),
    ({"spec": {"volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}]}}, InRules()),
]


@pytest.mark.parametrize(("options", "rules"), CONSENTED)
def test_consent_lets_the_pod_move(options: dict[str, Any], rules: InRules) -> None:
    found = plan([node("a"), node("b", "1", labels={"keep": "yes"})], [pod("p", node="a", **options)], rules=rules)
    assert blocked(found, "a") == []


def test_a_veto_with_a_duration_ends() -> None:
    guarded = pod("p", node="a", annotations={"karpenter.sh/do-not-disrupt": "30m"})
    guarded.created = NOW - 60
    nodes = [node("a"), node("b")]
    found = plan(nodes, [guarded])
    assert blocked(found, "a") == ["do_not_disrupt"]
    assert "another 1740 s" in found.candidates[-1].blockers[0].message
    assert blocked(plan(nodes, [guarded], now=NOW + 1741), "a") == []


def test_a_veto_that_cannot_be_read_holds() -> None:
    found = plan([node("a"), node("b")], [pod("p", node="a", annotations={"karpenter.sh/do-not-disrupt": "soon"})])
    assert blocked(found, "a") == ["do_not_disrupt"]


NODE_GUARDS: dict[str, dict[str, Any]] = {
    "control_plane": {"labels": {"node-role.kubernetes.io/control-plane": ""}},
    "scale_down_disabled": {"annotations": {"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}},
    "do_not_disrupt": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
    "cordoned": {"unschedulable": True},
}


@pytest.mark.parametrize("reason", NODE_GUARDS)
def test_a_guarded_node_stays(reason: str) -> None:
    found = plan([node("a", **NODE_GUARDS[reason]), node("b"), node("c")])
    assert reason in blocked(found, "a")
    assert found.chosen == ("b",)


def test_a_node_that_somebody_else_cordoned_goes_when_asked_by_name() -> None:
    found = plan([node("a", unschedulable=True), node("b")], names=["a"])
    assert found.chosen == ("a",)


def test_the_last_node_that_takes_pods_stays() -> None:
    nodes = [node("a"), node("cp", labels={"node-role.kubernetes.io/control-plane": ""}), node("down", ready=False)]
    assert blocked(plan(nodes), "a") == ["last_node"]


def test_several_nodes_may_go_at_once_but_never_all() -> None:
    assert len(plan([node(f"n{i}") for i in range(4)], room=Room(10, ())).chosen) == 3


def test_two_nodes_do_not_count_on_the_same_room() -> None:
    nodes = [node("a"), node("b"), node("rest")]
    pods = [pod("p", "1900m", node="a"), pod("q", "1900m", node="b"), pod("r", "2", node="rest")]
    assert len(plan(nodes, pods, room=Room(10, ())).chosen) == 1


def test_pods_of_nodes_that_already_leave_take_their_places_first() -> None:
    nodes = [node("leaving", unschedulable=True, annotations={CORDONED_BY: "x"}), node("a"), node("rest")]
    pods = [pod("p", "1900m", node="leaving"), pod("q", "1900m", node="a"), pod("r", "2", node="rest")]
    found = plan(nodes, pods, pool=nodes[1:], leaving=nodes[:1])
    assert found.chosen == ()


def test_a_budget_that_never_lets_a_pod_go_keeps_the_node_and_is_named() -> None:
    found = plan([node("a"), node("b")], [pod("p", node="a")], budgets=[never()])
    [candidate] = [item for item in found.candidates if item.node == "a"]
    assert [item.reason for item in candidate.blockers] == ["budget_never"]
    assert "shop/web" in str(candidate.blockers[0])


def test_a_budget_does_not_keep_a_pod_that_does_not_run() -> None:
    assert blocked(plan([node("a"), node("b")], [pod("p", node="a", phase="Pending")], budgets=[never()]), "a") == []


def test_a_named_node_goes_though_it_is_busy_and_young() -> None:
    nodes = [node("a"), node("b")]
    found = plan(nodes, [pod("p", "3", node="a")], unneeded={}, names=["a"], failed={"a": NOW + 60})
    assert found.chosen == ("a",)


def test_a_named_node_still_needs_room_for_its_pods() -> None:
    assert plan([node("a"), node("b", "1")], [pod("p", "3", node="a")], names=["a"]).chosen == ()


def test_a_node_whose_removal_failed_is_tried_again_later() -> None:
    found = plan([node("a"), node("b")], failed={"a": NOW + 60})
    assert blocked(found, "a") == ["retry_later"]


def test_a_pod_that_would_rather_stay_makes_its_node_the_last_choice() -> None:
    shy = pod("p", node="a", annotations={"descheduler.alpha.kubernetes.io/prefer-no-eviction": "true"})
    assert plan([node("a"), node("b"), node("c")], [shy, pod("q", node="b"), pod("r", node="c")]).chosen == ("b",)


def test_this_services_own_pod_is_guarded() -> None:
    found = plan([node("a"), node("b")], [pod("p", node="a")], guarded={"shop/p": "it runs this service"})
    assert blocked(found, "a") == ["own_service"]


def test_nothing_goes_while_too_many_nodes_are_down() -> None:
    nodes = [node(f"n{i}", ready=i < 4) for i in range(8)]
    found = plan(nodes)
    assert found.chosen == ()
    assert [item.reason for item in found.limits] == ["unhealthy"]


def test_limits_are_told_when_they_hold_something_back() -> None:
    limit = Limit("min", "at its least")
    found = plan([node("a"), node("b")], room=Room(0, (limit,)))
    assert (found.chosen, found.limits) == ((), (limit,))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(50, 2000)), max_size=40),
    st.integers(1, 5),
)
def test_whatever_leaves_every_pod_has_a_place_that_fits(placed: list[tuple[int, int]], most: int) -> None:
    nodes = [node(f"n{i}") for i in range(6)]
    free = dict.fromkeys((item.name for item in nodes), 4000)
    pods = []
    for i, (where, cpu) in enumerate(placed):
        if free[f"n{where}"] >= cpu:
            free[f"n{where}"] -= cpu
            pods.append(pod(f"p{i}", f"{cpu}m", "32Mi", node=f"n{where}"))
    snapshot = Snapshot(nodes, pods)
    found = plan_in(
        snapshot,
        nodes,
        budgets=[],
        rules=InRules(),
        room=Room(most, ()),
        unneeded={item.name: LONG_AGO for item in nodes},
        guarded={},
        failed={},
        now=NOW,
    )
    assert len(found.chosen) <= min(most, 5)
    stay = [name for name in snapshot.nodes if name not in found.chosen]
    assert all(amount >= 0 for name in stay for amount in snapshot.free[name].values())
    assert sum(len(list(snapshot.pods_on(snapshot.nodes[name]))) for name in stay) == len(pods)
