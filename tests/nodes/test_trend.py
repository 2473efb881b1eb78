# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real Prometheus tells of weeks that are written into it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _history
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool, pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import WEEK, Trend
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus, Server

from tests.support.prometheus import past

NOW = float(int(time.time()) // 60 * 60 - 3600)
ASKED = Trend(weeks=4, ahead=600.0, margin=0.1)


def sample(node: str, pod: str, resource: str, value: float, at: float) -> str:
    labels = f'namespace="shop",pod="{pod}",container="c",node="{node}",resource="{resource}"'
    return f"kube_pod_container_resource_requests{{{labels}}} {value} {at:.0f}"


def weeks() -> list[str]:
    """Three weeks ago 2 cores, two weeks ago 9, last week 6 with a gap; and a pod of another pool."""
    lines = []
    for week, cores in ((3, 2.0), (2, 9.0), (1, 6.0)):
        for minute in range(-5, 12):
            if week == 1 and minute > 2:
                continue
            at = NOW - week * WEEK + minute * 60
            lines.append((at, sample("workers-1", "a", "cpu", cores / 2, at)))
            lines.append((at, sample("workers-12", "b", "cpu", cores / 2, at)))
            lines.append((at, sample("workers-1", "a", "memory", float(1 << 30), at)))
            lines.append((at, sample("workers-big-1", "c", "cpu", 64.0, at)))
    return [line for _at, line in sorted(lines)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    text = ["# TYPE kube_pod_container_resource_requests gauge", *weeks()]
    with past(tmp_path_factory.mktemp("prometheus"), text) as url:
        yield Prometheus(Server(url))


def made(**predicted: object) -> Pool:
    template = {"allocatable": {"cpu": "4", "memory": "8Gi"}}
    spec = {"max": 9, "provider": {"role": "r"}, "template": template, "predicted": predicted}
    return pool({"metadata": {"name": "workers"}, "spec": spec})


def test_the_pools_own_pods_of_whole_weeks_are_counted(server: Prometheus) -> None:
    found = _history.ask(server, made(), ASKED, NOW)
    # 9 and 2 cores, the upper one in the middle with its margin is 9.9; last week has too few points
    assert (found.least, found.message) == (3, "3 nodes, by the requested cpu of 2 weeks")


def test_a_time_of_the_week_without_history_gives_no_answer(server: Prometheus) -> None:
    found = _history.ask(server, made(), ASKED, NOW - 3 * 24 * 3600)
    assert found.least == 0
    assert found.message.startswith("too little history: 0 of the last 4 weeks")
