# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory and CPU of a container: near its limit, killed, throttled, leaking, and what only looks like it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.alerts.conftest import (
    LEAK,
    NEAR_CPU,
    NEAR_MEMORY,
    OUT_OF_MEMORY,
    POD,
    PRESSURE,
    THROTTLED,
    Judge,
    never,
    of_container,
    run,
    selector,
)

USED, LIMIT = of_container("container_memory_working_set_bytes"), of_container("container_spec_memory_limit_bytes")
STARTED, KILLS = of_container("container_start_time_seconds"), of_container("container_oom_events_total")
OF_POD = selector("container_memory_working_set_bytes", namespace="shop", pod=POD["pod"], id="/kubepods")
REASON = selector("kube_pod_container_status_last_terminated_reason", **POD, reason="OOMKilled")
RESTARTS = selector("kube_pod_container_status_restarts_total", **POD)
MEMORY_LIMIT = selector("kube_pod_container_resource_limits", **POD, resource="memory", unit="byte")
CPU_LIMIT = selector("kube_pod_container_resource_limits", **POD, resource="cpu", unit="core")
CPU, PERIODS = of_container("container_cpu_usage_seconds_total"), of_container("container_cpu_cfs_periods_total")
THROTTLES = of_container("container_cpu_cfs_throttled_periods_total")


def test_near_the_limit_for_minutes_fires_and_resolves_at_once(judge: Judge) -> None:
    judge({USED: "95x9 50x9", LIMIT: "100x18"}, {4: [], 6: [NEAR_MEMORY], 10: []})


def test_usage_that_swings_around_the_mark_fires_nothing(judge: Judge) -> None:
    judge({USED: " ".join(["95 95 95 80"] * 6), LIMIT: "100x24"}, never(*range(24)))


@pytest.mark.parametrize("limit", [{}, {LIMIT: "0x12"}], ids=["no series", "unlimited"])
def test_without_a_limit_there_is_nothing_to_be_near_to(judge: Judge, limit: dict[str, str]) -> None:
    judge({USED: "95x12", **limit}, {12: []})


def test_scrapes_that_fail_for_a_moment_neither_fire_nor_resolve(judge: Judge) -> None:
    judge({USED: "95x7 _x3 95x5", LIMIT: "100x7 _x3 100x5"}, {minute: [NEAR_MEMORY] for minute in range(6, 16)})


def test_a_restart_near_the_limit_keeps_the_alert(judge: Judge) -> None:
    after = of_container("container_memory_working_set_bytes", "two")
    limit_after = of_container("container_spec_memory_limit_bytes", "two")
    series = {USED: "95x7 stale", LIMIT: "100x7 stale", after: "_x8 93x8", limit_after: "_x8 100x8"}
    judge(series, {7: [NEAR_MEMORY], 9: [NEAR_MEMORY], 15: [NEAR_MEMORY]})


def test_a_new_container_beside_the_series_of_the_dead_one_is_judged_once(judge: Judge) -> None:
    """Where stale series linger there are two of everything; the alert must not fail on the double."""
    twice = {
        of_container("container_memory_working_set_bytes", "two"): "96x9",
        of_container("container_spec_memory_limit_bytes", "two"): "100x9",
    }
    judge({USED: "95x9", LIMIT: "100x9", **twice}, {7: [NEAR_MEMORY]})


def test_the_value_is_what_is_used_not_the_ratio(judge: Judge, tmp_path: Path) -> None:
    series = {USED: "95000000x9", LIMIT: "100000000x9"}
    summary = f"shop/{POD['pod']} (server) uses 95% of its memory limit"
    expected = {
        "exp_labels": {key: text for key, text in NEAR_MEMORY.items() if key != "alertname"},
        "exp_annotations": {"summary": summary, "value": "95000000"},
    }
    asked = {"eval_time": "7m", "alertname": "ContainerMemoryNearLimit", "exp_alerts": [expected]}
    run(shutil.which("promtool") or "promtool", tmp_path, series, {"alert_rule_test": [asked]})


def test_a_start_after_the_limit_was_filled_is_a_kill_for_memory_by_cadvisor_alone(judge: Judge) -> None:
    series = {USED: "40 60 80 97 20x30", LIMIT: "100x34", STARTED: "1000x3 1240x30", OF_POD: "1x34"}
    judge(series, {3: [], 5: [OUT_OF_MEMORY], 15: [OUT_OF_MEMORY], 25: []})


def test_a_start_far_from_the_limit_is_a_deployment_or_a_crash_of_another_kind(judge: Judge) -> None:
    judge({USED: "40x9", LIMIT: "100x9", STARTED: "1000x3 1240x9", OF_POD: "1x9"}, {5: [], 9: []})


def test_a_killed_container_of_a_pod_that_is_gone_needs_nothing_any_more(judge: Judge) -> None:
    gone = {USED: "97x3 20x3 stale", LIMIT: "100x6 stale", STARTED: "1000x3 1240x3 stale", OF_POD: "1x6 stale"}
    judge(gone, {5: [OUT_OF_MEMORY], 8: []})


def test_backing_off_after_a_kill_keeps_the_alert(judge: Judge) -> None:
    """No container runs for minutes then, and cAdvisor shows the pod alone."""
    series = {USED: "97x3 20 stale", LIMIT: "100x4 stale", STARTED: "1000x3 1240 stale", OF_POD: "1x12"}
    judge(series, {5: [OUT_OF_MEMORY], 10: [OUT_OF_MEMORY]})


def test_a_kill_that_the_container_survived_counts(judge: Judge) -> None:
    judge({KILLS: "0x3 1x20", LIMIT: "100x23", OF_POD: "1x23"}, {3: [], 5: [OUT_OF_MEMORY], 22: []})


def test_a_container_that_died_between_two_scrapes_is_known_by_the_status_of_its_pod(judge: Judge) -> None:
    judge({REASON: "_x2 1x20", RESTARTS: "0x2 1x20", MEMORY_LIMIT: "100x22"}, {1: [], 4: [OUT_OF_MEMORY], 20: []})


def test_without_a_limit_a_kill_for_memory_is_no_question_of_limits(judge: Judge) -> None:
    judge({REASON: "_x2 1x9", RESTARTS: "0x2 1x9"}, {4: [], 9: []})


def test_kills_on_a_node_that_is_out_of_memory_go_to_people(judge: Judge) -> None:
    node = {
        selector("kube_pod_info", namespace="shop", pod=POD["pod"], node="worker-1"): "1x22",
        selector("kube_node_status_condition", node="worker-1", condition="MemoryPressure", status="true"): "1x22",
    }
    series = {REASON: "_x2 1x20", RESTARTS: "0x2 1x20", MEMORY_LIMIT: "100x22", **node}
    judge(series, {1: [], 4: [PRESSURE]})


def test_cpu_near_its_limit(judge: Judge) -> None:
    judge({CPU: "0+28.5x20", CPU_LIMIT: "0.5x20"}, {4: [], 12: [NEAR_CPU]})


def test_throttling_in_bursts_is_found_below_the_limit(judge: Judge) -> None:
    series = {CPU: "0+12x20", CPU_LIMIT: "0.5x20", PERIODS: "0+600x20", THROTTLES: "0+240x20"}
    judge(series, {9: [], 13: [THROTTLED]})


def test_throttling_survives_a_restart_of_the_container(judge: Judge) -> None:
    judge({PERIODS: "0+600x14 0+600x10", THROTTLES: "0+240x14 0+240x10"}, {13: [THROTTLED], 20: [THROTTLED]})


def test_a_burst_of_throttling_that_ends_fires_nothing(judge: Judge) -> None:
    series = {PERIODS: "0+600x30", THROTTLES: "0+300x5 1500+0x24"}
    judge(series, never(*range(0, 30, 2)))


@pytest.mark.parametrize("periods", [{}, {PERIODS: "0x20"}], ids=["no series", "no periods"])
def test_throttling_without_periods_is_no_number(judge: Judge, periods: dict[str, str]) -> None:
    judge({THROTTLES: "0+240x20", **periods}, {15: []})


# from a start at 10 % to the limit within four hours, killed, and again
SAW = " ".join(f"{10 + number * 90 // 239}" for number in range(240))
STARTS = [" ".join([str(1000 * tooth)] * 240) for tooth in range(1, 6)]


def test_growth_in_a_straight_line_over_restarts_is_a_leak_and_for_people(judge: Judge) -> None:
    series = {USED: " ".join([SAW] * 4), STARTED: " ".join(STARTS[:4]), LIMIT: "100x960"}
    judge(series, {450: [], 820: [LEAK]})


def test_a_leak_is_not_claimed_without_hours_of_history(judge: Judge) -> None:
    quick = " ".join(f"{10 + number * 3}" for number in range(30))
    starts = " ".join(" ".join([str(1000 * tooth)] * 30) for tooth in range(1, 6))
    judge({USED: " ".join([quick] * 5), STARTED: starts, LIMIT: "100x150"}, {125: []})


def test_a_container_that_needs_more_than_its_limit_is_no_leak(judge: Judge) -> None:
    """It fills its limit soon after each start and stays there until it is killed."""
    tooth = " ".join(["20", "60"] + ["88"] * 237 + ["97"])
    series = {USED: " ".join([tooth] * 4), STARTED: " ".join(STARTS[:4]), LIMIT: "100x960"}
    judge(series, {820: []})


def test_use_by_day_and_night_without_restarts_is_no_leak(judge: Judge) -> None:
    series = {USED: " ".join([SAW] * 4), STARTED: "1000x960", LIMIT: "100x960"}
    judge(series, {820: []})
