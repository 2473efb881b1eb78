# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Limit, Room
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod, Taint
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import OutRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import OutPlan, pending, plan_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot, Template
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.capacity._objects import (
    NOW,
    claim,
    node,
    pod,
    with_volumes,
    zonal_volume,
)
from hypothesis import given
from hypothesis import strategies as st

ZONE = "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def template(cpu: int = 4000, gib: int = 8, **more: Any) -> Template:
    allocatable = (("cpu", cpu), ("memory", gib << 30), ("pods", 110))
    return Template("worker-", allocatable, labels=((ZONE, "a"), ("disk", "ssd")), **more)


def plan(pods: Sequence[Pod], nodes: Sequence[Node] = (), **more: Any) -> OutPlan:
    options: dict[str, Any] = {
        "template": template(),
        "arriving": 0,
        "size": len(nodes),
        "least": 0,
        "asked": None,
        "room": Room(100, ()),
        "rules": OutRules(),
        "now": NOW,
    }
    return plan_out(Snapshot(nodes, pods), pending(pods), **{**options, **more})


def reasons(found: OutPlan) -> dict[str, str]:
    return {item.pod: item.reason for item in found.verdicts}


def affinity(**kinds: Any) -> dict[str, Any]:
    return {"affinity": kinds}


def near(app: str, key: str = ZONE) -> dict[str, Any]:
    return {REQUIRED: [{"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}]}


def wants_label(key: str, *values: str) -> dict[str, Any]:
    expression = {"key": key, "operator": "In", "values": list(values)}
    return affinity(nodeAffinity={REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}})


def test_a_pod_that_fits_nowhere_brings_one_node() -> None:
    found = plan([pod("p", "3")], [node("full", "1")])
    assert (found.count, found.needed, reasons(found)) == (1, 1, {"shop/p": "helps"})


def test_pods_share_new_nodes_first_fit_decreasing() -> None:
    # 4 CPU per node: 3+1, 3+1, 2+2
    sizes = ["1", "2", "3", "2", "1", "3"]
    found = plan([pod(f"p{i}", cpu, "128Mi") for i, cpu in enumerate(sizes)])
    assert found.count == 3


def test_a_pod_that_a_node_has_room_for_brings_none() -> None:
    assert reasons(plan([pod("p", "1")], [node("n")])) == {"shop/p": "fits"}


def test_nodes_on_their_way_are_counted_before_new_ones() -> None:
    pods = [pod(f"p{i}", "3") for i in range(3)]
    found = plan(pods, arriving=2, size=2)
    assert found.count == 1
    assert sorted(reasons(found).values()) == ["arriving", "arriving", "helps"]


def test_the_same_pods_again_bring_nothing_while_their_nodes_are_on_their_way() -> None:
    pods = [pod(f"p{i}", "3") for i in range(3)]
    first = plan(pods)
    assert plan(pods, arriving=first.count, size=first.count).count == 0


def test_our_own_cordon_does_not_look_like_lost_capacity() -> None:
    cordoned = node(
        "leaving", unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    )
    found = plan([pod("p", "1")], [cordoned], reclaimable=["leaving"])
    assert (found.count, found.reclaim, reasons(found)) == (0, ("leaving",), {"shop/p": "draining"})


def test_a_cordon_of_somebody_else_is_lost_capacity() -> None:
    found = plan([pod("p", "1")], [node("n", unschedulable=True)])
    assert (found.count, found.reclaim) == (1, ())


REFUSED = {
    "too_big": ({"cpu": "5"}, "cpu 5000m (free: 4000m)"),
    "node_selector": ({"spec": {"nodeSelector": {"disk": "nvme"}}}, "wants disk=nvme; the node has disk=ssd"),
    "node_affinity": ({"spec": wants_label("gpu", "yes", "maybe")}, "gpu In ['yes', 'maybe']"),
    "pod_affinity": ({"spec": affinity(podAffinity=near("db"))}, "no pod it wants to be near runs anywhere"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_pod_that_a_new_node_would_not_help_is_refused_with_the_reason(reason: str) -> None:
    options, message = REFUSED[reason]
    found = plan([pod("p", **options)])
    assert found.count == 0
    [verdict] = found.verdicts
    assert (verdict.verdict, verdict.reason) == ("refused", reason)
    assert message in verdict.message


def test_a_template_taint_refuses_pods_that_do_not_tolerate_it_alone() -> None:
    tolerant = {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}
    tainted = template(taints=(Taint("dedicated", "logs", "NoSchedule"),))
    found = plan([pod("plain"), pod("tolerant", spec=tolerant)], template=tainted)
    assert reasons(found) == {"shop/plain": "untolerated_taint", "shop/tolerant": "helps"}


def test_what_daemon_sets_take_of_a_new_node_is_not_available() -> None:
    daemon = pod("agent", "1500m", owner="DaemonSet")
    assert reasons(plan([pod("p", "3")], template=template(daemons=(daemon,)))) == {"shop/p": "too_big"}


def test_a_pod_with_a_volume_in_another_zone_is_refused() -> None:
    parser = with_volumes(claims=[claim("data", volume="pv")], volumes=[zonal_volume("pv", "b")])
    spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
    assert reasons(plan([pod("p", spec=spec, parser=parser)])) == {"shop/p": "volume_topology"}
    parser = with_volumes(claims=[claim("data", volume="pv")], volumes=[zonal_volume("pv", "a")])
    assert reasons(plan([pod("p", spec=spec, parser=parser)])) == {"shop/p": "helps"}


def test_a_pod_whose_claim_is_missing_waits() -> None:
    spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
    found = plan([pod("p", spec=spec)])
    assert [(v.verdict, v.reason, v.message) for v in found.verdicts] == [
        ("waits", "volume_unbound", "claim data does not exist")
    ]


def test_pods_that_repel_each_other_on_hosts_bring_one_node_each() -> None:
    spec = affinity(podAntiAffinity=near("web", "kubernetes.io/hostname"))
    parser = _parse.Parser()
    pods = [pod(f"p{i}", "100m", spec=spec, labels={"app": "web"}, parser=parser) for i in range(3)]
    assert plan(pods).count == 3


def test_a_pod_repelled_from_the_only_zone_is_refused() -> None:
    spec = affinity(podAntiAffinity=near("web"))
    there = pod("first", node="n", spec=spec, labels={"app": "web"})
    found = plan([there, pod("p", "3900m", spec=spec, labels={"app": "web"})], [node("n", labels={ZONE: "a"})])
    assert reasons(found) == {"shop/p": "pod_anti_affinity"}


def test_a_running_pod_can_keep_others_away_that_do_not_mind_it() -> None:
    there = pod("hermit", node="n", spec=affinity(podAntiAffinity=near("web")))
    found = plan([there, pod("p", "3900m", labels={"app": "web"})], [node("n", labels={ZONE: "a"})])
    assert reasons(found) == {"shop/p": "pod_anti_affinity"}


def test_the_first_of_a_group_that_wants_to_be_together_is_helped() -> None:
    spec = affinity(podAffinity=near("web", "kubernetes.io/hostname"))
    parser = _parse.Parser()
    pods = [pod(f"p{i}", "1", spec=spec, labels={"app": "web"}, parser=parser) for i in range(3)]
    found = plan(pods)
    assert (found.count, set(reasons(found).values())) == (1, {"helps"})


def spread(skew: int = 1, key: str = ZONE) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    constraint = {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": selector,
    }
    return {"topologySpreadConstraints": [constraint]}


def test_a_pod_that_must_spread_is_not_helped_by_more_of_the_same_zone() -> None:
    nodes = [node("a1", labels={ZONE: "a"}), node("b1", "1", labels={ZONE: "b"})]
    pods = [pod("one", "3", node="a1", spec=spread(), labels={"app": "web"})]
    pods.append(pod("two", "3", spec=spread(), labels={"app": "web"}))
    assert reasons(plan(pods, nodes)) == {"shop/two": "topology_spread"}


def test_a_pod_that_must_spread_over_hosts_is_helped() -> None:
    nodes = [node("a1")]
    pods = [pod("one", "3", node="a1", spec=spread(key="kubernetes.io/hostname"), labels={"app": "web"})]
    pods.append(pod("two", "3", spec=spread(key="kubernetes.io/hostname"), labels={"app": "web"}))
    assert reasons(plan(pods, nodes)) == {"shop/two": "helps"}


WAITS = {
    "waiting": pod("p", spec={"schedulingGates": [{"name": "quota"}]}),
    "other_scheduler": pod("p", spec={"schedulerName": "batch"}),
    "not_judged": pod("p", unschedulable=False),
    "expendable": pod("p", spec={"priority": -100}),
}


@pytest.mark.parametrize("reason", WAITS)
def test_a_pod_that_does_not_ask_for_a_node_brings_none(reason: str) -> None:
    found = plan([WAITS[reason]])
    assert (found.count, reasons(found)) == (0, {"shop/p": reason})


def test_a_pod_counts_only_after_the_delay() -> None:
    young = pod("p")
    young.unschedulable_since = NOW - 5
    assert reasons(plan([young], rules=OutRules(pod_delay=10.0))) == {"shop/p": "too_young"}


def test_daemon_set_pods_and_finished_ones_are_not_pending() -> None:
    assert pending([pod("d", owner="DaemonSet"), pod("f", phase="Failed")]) == []


def test_limits_hold_the_count_down_and_are_told_only_then() -> None:
    limit = Limit("max", "full")
    pods = [pod(f"p{i}", "3") for i in range(3)]
    found = plan(pods, room=Room(1, (limit,)))
    assert (found.count, found.needed, found.limits) == (1, 3, (limit,))
    assert sorted(reasons(found).values()) == ["helps", "limited", "limited"]
    assert plan(pods, room=Room(3, (limit,))).limits == ()


def test_an_asked_size_counts_what_is_there_and_on_its_way() -> None:
    assert plan([], asked=3, size=2, arriving=1).count == 1
    assert plan([], asked=3, size=3, arriving=1).count == 0
    assert plan([], asked=1, size=3).count == 0


def test_a_pool_below_its_minimum_is_filled_up() -> None:
    assert plan([], least=2, size=0).count == 2


def test_the_asked_size_never_takes_away_what_pods_need() -> None:
    assert plan([pod(f"p{i}", "3") for i in range(4)], asked=1).count == 4


requests = st.lists(st.integers(100, 4000), max_size=30)


@given(cpus=requests, arriving=st.integers(0, 3), room=st.integers(0, 10))
def test_the_count_never_exceeds_what_is_needed_nor_the_room_and_the_plan_holds(
    cpus: list[int], arriving: int, room: int
) -> None:
    pods = [pod(f"p{i:02}", f"{cpu}m", "64Mi") for i, cpu in enumerate(cpus)]
    found = plan(pods, arriving=arriving, size=arriving, room=Room(room, ()))
    assert 0 <= found.count <= min(found.needed, room)
    assert {item.pod for item in found.verdicts} == {item.key for item in pods}
    # no node of the plan is overfull
    asked = {item.key: dict(item.shape.requests)["cpu"] for item in pods}
    used: dict[str, int] = {}
    for item in found.verdicts:
        if item.node:
            used[item.node] = used.get(item.node, 0) + asked[item.pod]
    assert all(total <= 4000 for total in used.values())
    # first fit decreasing: never more nodes than pods, never fewer than the sum demands
    assert sum(cpus) <= 4000 * (arriving + found.needed)
    assert found.needed <= len(pods)
