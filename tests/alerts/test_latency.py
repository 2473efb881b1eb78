# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert that judges every workload's latency by that workload's own last day."""

from __future__ import annotations

from tests.alerts.conftest import Judge, selector

QUICK, SLOW = "quick", "slow"
JUMP = 800  # minutes; more than the 720 samples that the alert wants to have seen
AFTER = 60


def buckets(workload: str, answers: list[tuple[int, str]], start: int = 0) -> dict[str, str]:
    """100 requests a minute, from minute `start`: for so many minutes each quick (below 100 ms) or slow (up to 500)."""
    counts = dict.fromkeys(("100", "500", "+Inf"), 0)
    values = dict.fromkeys(counts, f"_x{start}" if start else "")
    for minutes, how in answers:
        for le, count in counts.items():
            step = 50 if (le, how) == ("100", SLOW) else 100
            values[le] += f" {count}+{step}x{minutes - 1}"
            counts[le] = count + step * minutes
    about = {"reporter": "destination", "destination_service_namespace": "shop", "destination_workload": workload}
    name = "istio_request_duration_milliseconds_bucket"
    return {selector(name, **about, le=le): text.strip() for le, text in values.items()}


def test_one_that_answers_slower_than_on_its_last_day_is_reported_until_it_is_as_ever(judge: Judge) -> None:
    unusual = {
        "alertname": "LatencyUnusual",
        "severity": "warning",
        "destination_service_namespace": "shop",
        "destination_workload": "cart",
    }
    series = buckets("cart", [(JUMP, QUICK), (30, SLOW), (AFTER - 30, QUICK)])
    judge(series, {JUMP - 1: [], JUMP + 5: [], JUMP + 20: [unusual], JUMP + AFTER - 5: []})


def test_one_that_was_always_slow_is_not_unusual(judge: Judge) -> None:
    judge(buckets("search", [(JUMP + AFTER, SLOW)]), {JUMP: [], JUMP + 20: []})


def test_one_that_is_too_young_to_be_compared_with_itself_is_left_alone(judge: Judge) -> None:
    series = buckets("new", [(200, QUICK), (AFTER, SLOW)], start=JUMP - 200)
    judge(series, {JUMP + 20: [], JUMP + AFTER - 1: []})
