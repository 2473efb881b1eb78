# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods without a place, nodes without work, and nodes in trouble."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import IDLE, NOT_READY, PRESSURE, UNSCHEDULABLE, Judge, never, selector

WAITING = selector("kube_pod_status_unschedulable", namespace="shop", pod="big", uid="1")


def node(**more: str) -> dict[str, str]:
    """An empty, healthy node of 4 cores for two hours."""
    return {
        selector("kube_node_status_allocatable", node="worker-1", resource="cpu", unit="core"): "4x120",
        selector("kube_node_status_allocatable", node="worker-1", resource="memory", unit="byte"): "8000x120",
        selector("kube_node_status_condition", node="worker-1", condition="Ready", status="true"): "1x120",
        selector("kube_node_spec_unschedulable", node="worker-1"): "0x120",
        **more,
    }


def pod(name: str, cpu: str, memory: str, *, phase: str = "Running", by: str = "ReplicaSet") -> dict[str, str]:
    known = {"namespace": "shop", "pod": name}
    placed = {**known, "container": "server", "node": "worker-1"}
    return {
        selector("kube_pod_container_resource_requests", **placed, resource="cpu", unit="core"): cpu,
        selector("kube_pod_container_resource_requests", **placed, resource="memory", unit="byte"): memory,
        selector("kube_pod_status_phase", **known, phase=phase): "1x120",
        selector("kube_pod_info", **known, node="worker-1", created_by_kind=by): "1x120",
    }


def test_a_pod_that_fits_nowhere_asks_for_a_node_and_resolves_when_it_is_placed(judge: Judge) -> None:
    judge({WAITING: "_ 1x5 stale"}, {1: [], 3: [UNSCHEDULABLE], 8: []})


def test_a_pod_that_waits_for_a_moment_again_and_again_asks_for_nothing(judge: Judge) -> None:
    judge({WAITING: "1 stale " * 10}, never(*range(20)))


def test_an_empty_node_is_idle_after_its_time(judge: Judge) -> None:
    judge(node(), {29: [], 31: [IDLE]})


def test_pods_that_run_everywhere_and_pods_that_ended_keep_no_node(judge: Judge) -> None:
    kept = pod("agent", "3x120", "7000x120", by="DaemonSet") | pod("etcd", "3x120", "100x120", by="Node")
    done = pod("report", "3x120", "7000x120", phase="Succeeded", by="Job")
    judge(node(**kept, **done), {31: [IDLE]})


@pytest.mark.parametrize(("cpu", "memory"), [("2x120", "100x120"), ("0.1x120", "4000x120")], ids=["cpu", "memory"])
def test_one_resource_in_use_is_enough_to_be_needed(judge: Judge, cpu: str, memory: str) -> None:
    judge(node(**pod("cart", cpu, memory)), {60: []})


def test_a_node_whose_load_comes_and_goes_is_not_idle(judge: Judge) -> None:
    judge(node(**pod("cart", "0.1x20 2 " * 5, "10x120")), never(*range(0, 104, 4)))


@pytest.mark.parametrize(
    "more",
    [
        {selector("kube_node_spec_unschedulable", node="worker-1"): "1x120"},
        {selector("kube_node_status_condition", node="worker-1", condition="Ready", status="true"): "_"},
        {selector("kube_node_spec_taint", node="worker-1", key="node-role.kubernetes.io/control-plane"): "1x120"},
    ],
    ids=["cordoned by people", "not known to be ready", "control plane"],
)
def test_a_node_that_is_not_ours_to_remove_is_never_idle(judge: Judge, more: dict[str, str]) -> None:
    judge(node(**more), {60: []})


def test_no_node_is_idle_while_a_pod_waits_for_a_place(judge: Judge) -> None:
    judge(node() | {WAITING: "_x20 1x40"}, {19: [], 50: [UNSCHEDULABLE]})


def test_without_series_of_nodes_no_node_is_idle(judge: Judge) -> None:
    judge(pod("cart", "0.1x120", "10x120"), {60: []})


def test_a_node_under_pressure_is_for_people(judge: Judge) -> None:
    pressed = selector("kube_node_status_condition", node="worker-1", condition="MemoryPressure", status="true")
    judge({pressed: "0x2 1x5 0x5"}, {3: [], 6: [PRESSURE], 9: []})


def test_a_node_that_flaps_between_ready_and_not_is_not_reported_each_time(judge: Judge) -> None:
    ready = selector("kube_node_status_condition", node="worker-1", condition="Ready", status="true")
    judge({ready: "1 0 0 0 " * 4 + "0x9"}, {**never(*range(16)), 24: [NOT_READY]})
