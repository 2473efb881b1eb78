# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes, disruption budgets, hours."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, pool
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.gate._nodes import (
    Load,
    check_overcommit,
    check_pressure,
    check_size,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._restart import check_budgets, check_schedule
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import Rollout
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

METADATA = {"namespace": "shop", "labels": {"app": "cart"}, "daemon": None}


def node(name: str = "a", memory: str = "4Gi", **more: Any) -> dict[str, Any]:
    allocatable = {"cpu": "2", "memory": memory, "pods": "110"}
    conditions = [{"type": "Ready", "status": "True"}, *more.pop("conditions", [])]
    return {
        "metadata": {"name": name, "labels": more.pop("labels", {})},
        "spec": more,
        "status": {"allocatable": allocatable, "conditions": conditions},
    }


def spec(limit: str, request: str = "10Mi", **more: Any) -> dict[str, Any]:
    resources = {"limits": {"memory": limit}, "requests": {"memory": request}}
    return {"containers": [{"name": "server", "resources": resources}], **more}


def daemon(request: str, **more: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": spec(request, request, **more)}
    return {"metadata": {"name": "agent", "namespace": "kube-system"}, "spec": {"template": template}}


TAINT = {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}
BIG_TAINTED = [node(), node("b", "64Gi", **TAINT)]


@pytest.mark.parametrize(
    ("new", "nodes", "daemons", "expected"),
    [
        (spec("4Gi", "4Gi"), [node()], [], None),
        (spec("4Gi", "4Gi"), [node()], [daemon("1Mi")], Reason.NODE_SIZE),
        (spec("4Gi", "4Gi"), [node()], [daemon("1Mi", nodeSelector={"gpu": "yes"})], None),
        (spec("5Gi", "1Gi"), [node()], [], Reason.NODE_SIZE),  # a limit that no node could give
        (spec("5Gi", "1Gi"), BIG_TAINTED, [], Reason.NODE_SIZE),
        (spec("5Gi", "1Gi", tolerations=[{"operator": "Exists"}]), BIG_TAINTED, [], None),
        (spec("1Gi", nodeSelector={"zone": "x"}), [node()], [], Reason.NO_NODE),
        (spec("5Gi"), [node(), node("b", "8Gi", unschedulable=True)], [], None),
    ],
)
def test_some_node_has_to_be_large_enough(new: Any, nodes: Any, daemons: Any, expected: Reason | None) -> None:
    assert check_size(METADATA, new, nodes, daemons).reason == expected


def a_pool(memory: str, **spec: Any) -> Pool:
    template = {"allocatable": {"cpu": "4", "memory": memory, "pods": "110"}, **spec.pop("template", {})}
    raw = {"max": 1, "provider": {"role": "x.y.z"}, "template": template, **spec}
    return pool({"metadata": {"name": "large"}, "spec": raw})


MEMBER = node("b", labels={"platform.ops/pool": "large"})


@pytest.mark.parametrize(
    ("pools", "nodes", "expected"),
    [
        ([a_pool("16Gi")], [node()], None),
        ([a_pool("16Gi")], [], None),  # a pool that begins with nothing
        ([a_pool("4Gi")], [node()], Reason.NODE_SIZE),
        ([a_pool("16Gi", paused=True)], [node()], Reason.NODE_SIZE),
        ([a_pool("16Gi")], [node(), MEMBER], Reason.NODE_SIZE),  # it has as many as it may
        ([a_pool("16Gi", max=2)], [node(), MEMBER], None),
        ([a_pool("16Gi", template={"taints": [{"key": "gpu", "effect": "NoSchedule"}]})], [node()], Reason.NODE_SIZE),
    ],
)
def test_a_node_that_a_pool_can_still_bring_counts(pools: Any, nodes: Any, expected: Reason | None) -> None:
    verdict = check_size(METADATA, spec("8Gi", "8Gi"), nodes, [], pools)
    assert verdict.reason == expected
    if expected is None:
        assert f"0 of {len(nodes)} nodes" in verdict.checked[0]
        assert "wait for a new node of pool large" in verdict.checked[0]


def test_nobody_is_told_to_wait_where_a_node_is_large_enough() -> None:
    [line] = check_size(METADATA, spec("1Gi"), [node()], [], [a_pool("16Gi")]).checked
    assert line == "Node size: 1 of 1 nodes could run a pod of this size"


def test_where_other_pods_stand_says_nothing_about_the_size_of_a_node() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "cache"}}, "topologyKey": "zone"}
    near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert check_size(METADATA, spec("1Gi", affinity=near), [node()], []).reason is None


def running(uid: str, limit: str, request: str = "10Mi") -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "spec": spec(limit, request)}


@pytest.mark.parametrize(
    ("most", "new", "expected"),
    [("2", "3Gi", None), ("1.9", "3Gi", Reason.NODE_OVERCOMMIT), ("1", "1Gi", None)],
)
def test_the_limits_on_a_node_may_promise_only_so_much(most: str, new: str, expected: Reason | None) -> None:
    load = Load(node(), [running("ours", "1Gi"), running("other", "5Gi")], frozenset({"ours"}))
    verdict = check_overcommit(spec(new), [load], Fraction(most))
    assert verdict.reason == expected
    assert expected is None or "200%" in verdict.message


def test_a_node_under_pressure_is_handed_to_people() -> None:
    pressed = node(conditions=[{"type": "MemoryPressure", "status": "True"}])
    assert check_pressure("memory", [node("b"), pressed]).reason == Reason.NODE_PRESSURE
    assert check_pressure("cpu", [pressed]).reason is None
    assert check_pressure("memory", [node()]).reason is None


def pdb(expected: int, desired: int, healthy: int | None = None, app: str = "cart") -> Any:
    return budget(
        {
            "metadata": {"name": "b", "namespace": "shop", "generation": 1},
            "spec": {"minAvailable": desired, "selector": {"matchLabels": {"app": app}}},
            "status": {
                "expectedPods": expected,
                "currentHealthy": expected if healthy is None else healthy,
                "desiredHealthy": desired,
                "observedGeneration": 1,
            },
        }
    )


def pods(count: int, ready: int) -> list[dict[str, Any]]:
    return [
        {
            "metadata": {"labels": {"app": "cart"}},
            "status": {"conditions": [{"type": "Ready", "status": "True" if i < ready else "False"}]},
        }
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("unavailable", "ours", "given", "expected"),
    [
        (1, pods(3, 3), pdb(3, 2), None),
        (1, pods(3, 3), pdb(3, 3), Reason.PDB),
        (0, pods(1, 1), pdb(1, 1), None),  # a rolling update with a surge pod
        (1, pods(1, 0), pdb(1, 1, 0), Reason.PDB),  # Recreate, whether or not it is down just now
        (1, pods(2, 2), pdb(4, 2, 2), Reason.PDB_NOW),  # two pods of somebody else are down
        (1, pods(2, 0), pdb(2, 1, 0), None),  # ours are down: the restart is their cure
        (1, pods(3, 3), pdb(3, 3, app="search"), None),
    ],
)
def test_a_restart_may_not_break_a_budget(unavailable: int, ours: Any, given: Any, expected: Reason | None) -> None:
    rollout = Rollout(len(ours), 0, unavailable, "how")
    verdict = check_budgets(rollout, "shop", ours, [given])
    assert verdict.reason == expected
    assert verdict.later == (expected == Reason.PDB_NOW)


def test_hours_without_restarts_are_kept_and_pass() -> None:
    weekend = Schedule.parse({"blackouts": [{"days": ["sat", "sun"]}]}, "gate.restart")
    saturday, monday = datetime(2026, 11, 28, 12, tzinfo=UTC), datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert check_schedule(weekend, saturday).reason == Reason.BLACKOUT
    assert check_schedule(weekend, saturday).later
    assert check_schedule(weekend, monday).reason is None
