# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real Prometheus remembers, on its way into numbers, refusals and pull requests. No cluster is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus, Server
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage_queries import (
    Subject,
    Window,
    leak_rate,
    usage,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._verify import verify

from tests.spine.conftest import Fleet, remediation
from tests.support.prometheus import past

MI = 1 << 20
HOUR = 3600
NOW = float(int(time.time()) // 300 * 300 - 300)
DAY = Window(24 * HOUR)
MEMORY, CPU, KILLS = (
    "container_memory_working_set_bytes",
    "container_cpu_usage_seconds_total",
    "container_oom_events_total",
)


def sample(metric: str, pod: str, value: float, at: float, container: str = "server") -> tuple[float, str]:
    return at, f'{metric}{{namespace="shop",pod="{pod}",container="{container}"}} {value:.3f} {at:.0f}'


def lines() -> list[str]:
    """A day in steps of five minutes: the ad service peaked once and was killed twice, the cart service leaks."""
    memory: list[tuple[float, str]] = []
    cpu: list[tuple[float, str]] = []
    kills: list[tuple[float, str]] = []
    for i in range(24 * 12):
        at = NOW - 24 * HOUR + i * 300
        memory.append(sample(MEMORY, "adservice-6d5f7c9b8d-x2x4z", (290 if i == 100 else 200) * MI, at))
        memory.append(sample(MEMORY, "cartservice-6d5f7c9b8d-x2x4z", (40 + i % 72) * MI, at))  # six hours a life
        if i >= 24 * 12 - 3:  # rolled out ten minutes ago
            memory.append(sample(MEMORY, "paymentservice-6d5f7c9b8d-x2x4z", 50 * MI, at))
        # Others whose names only begin alike, and another container.
        memory.append(sample(MEMORY, "adservice-admin-6d5f7c9b8d-x2x4z", 900 * MI, at))
        memory.append(sample(MEMORY, "adservice-6d5f7c9b8d-x2x4z", 800 * MI, at, "proxy"))
        cpu.append(sample(CPU, "adservice-6d5f7c9b8d-x2x4z", i * 300 * 0.25, at))
        kills.append(sample(KILLS, "adservice-6d5f7c9b8d-x2x4z", 2 if i > 100 else 0, at))
    made = [f"# TYPE {MEMORY} gauge", *(line for _at, line in memory)]
    for metric, samples in ((CPU, cpu), (KILLS, kills)):
        made += [f"# TYPE {metric.removesuffix('_total')} counter", *(line for _at, line in samples)]
    return made


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with past(folder, lines()) as address:
        yield address


def subject(name: str) -> Subject:
    return Subject("shop", "Deployment", name, "server")


def test_peak_percentile_history_and_kills_are_those_that_were(url: str) -> None:
    found = usage(Prometheus(Server(url)), subject("adservice"), "memory", DAY, NOW)
    assert (found.peak, found.percentile, found.kills) == (290 * MI, 200 * MI, 2)
    assert 23 * HOUR <= found.history <= 24 * HOUR


def test_cpu_is_the_rate_of_its_counter(url: str) -> None:
    window = Window(24 * HOUR, rate=900)
    found = usage(Prometheus(Server(url)), subject("adservice"), "cpu", window, NOW)
    assert found.peak is not None
    assert 240 <= found.peak <= 260


def test_a_workload_of_minutes_has_a_history_of_minutes_in_a_window_of_days(url: str) -> None:
    found = usage(Prometheus(Server(url)), subject("paymentservice"), "memory", Window(7 * 24 * HOUR), NOW)
    assert found.peak == 50 * MI
    assert 600 <= found.history <= 900 + found.step / 60


def test_nothing_measured_is_no_history(url: str) -> None:
    found = usage(Prometheus(Server(url)), subject("emailservice"), "memory", DAY, NOW)
    assert (found.peak, found.history, found.kills) == (None, 0, 0)


def test_a_leak_shows_across_restarts(url: str) -> None:
    asking = Prometheus(Server(url))
    rate = leak_rate(asking, subject("cartservice"), DAY, HOUR, NOW)
    assert rate is not None
    assert 0.9 * MI / 300 < rate < 1.1 * MI / 300
    assert leak_rate(asking, subject("adservice"), DAY, HOUR, NOW) is None


def test_usage_goes_into_the_numbers_and_the_pull_request(fleet: Fleet, url: str) -> None:
    fleet.configure(limit_bump_prometheus={"url": url}, limit_bump_usage={"window": "1d"})
    fleet.bump(
        remediation("adservice", "283Mi"), remediation("cartservice", "60Mi"), remediation("emailservice", "60Mi")
    )
    decided = {one["target"].split("/")[2]: (one["decision"], one["reason"]) for one in fleet.decisions()}
    assert decided == {
        "adservice": ("opened", "bumped"),
        "cartservice": ("refused", "leak"),
        "emailservice": ("limited", "not_enough_history"),
    }
    (pull,) = fleet.pulls()
    # the peak of the day, not the alert's 283Mi: max(300Mi + 100Mi, 300Mi x 1.2)
    assert f"observed `{290 * MI}`" in pull.body
    assert "### Usage\n\n```text\nserver memory, limit 300Mi, new limit 400Mi\n" in pull.body
    assert "killed 2 times" in pull.body
    block = block_in_body(pull.body)
    assert block is not None
    assert block["usage"][0]["peak"] == 290 * MI
    assert verify(pull.body) == []
    fleet.play("platform.ops.verify_pull_requests")


def test_a_prometheus_out_of_reach_leaves_the_alert_for_later(fleet: Fleet) -> None:
    fleet.configure(limit_bump_prometheus={"url": "http://127.0.0.1:1"})
    fleet.bump(remediation("adservice", "283Mi"))
    assert not fleet.pulls()
    assert [(one["decision"], one["reason"]) for one in fleet.decisions()] == [("failed", "unavailable")]
