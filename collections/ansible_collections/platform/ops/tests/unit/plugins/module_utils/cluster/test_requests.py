# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amount, pod_requests


def container(name: str = "c", restart: str | None = None, **requests: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "resources": {"requests": requests}}
    if restart:
        made["restartPolicy"] = restart
    return made


@pytest.mark.parametrize(
    ("resource", "text", "expected"),
    [
        ("cpu", "1", 1000),
        ("cpu", "250m", 250),
        ("cpu", "0.1", 100),
        ("cpu", "1n", 1),
        ("memory", "1Gi", 1 << 30),
        ("memory", "1.5Ki", 1536),
        ("memory", "100m", 1),
        ("nvidia.com/gpu", "2", 2),
    ],
)
def test_amounts_are_whole_and_rounded_up(resource: str, text: str, expected: int) -> None:
    assert amount(resource, text) == expected


def test_containers_add_up() -> None:
    spec = {"containers": [container(cpu="100m", memory="64Mi"), container("d", cpu="1")]}
    assert pod_requests(spec) == {"cpu": 1100, "memory": 64 << 20}


def test_the_largest_init_container_counts_when_it_asks_for_more_than_the_rest() -> None:
    spec = {
        "containers": [container(cpu="100m", memory="64Mi")],
        "initContainers": [container("i", cpu="2"), container("j", cpu="1", memory="1Gi")],
    }
    assert pod_requests(spec) == {"cpu": 2000, "memory": 1 << 30}


def test_a_sidecar_adds_to_the_containers_and_to_the_init_containers_after_it() -> None:
    spec = {
        "containers": [container(cpu="100m")],
        "initContainers": [
            container("before", cpu="1"),
            container("sidecar", "Always", cpu="500m"),
            container("after", cpu="800m"),
        ],
    }
    # running: 100m + 500m; starting: 1000m alone, then 500m + 800m
    assert pod_requests(spec) == {"cpu": 1300}


def test_pod_level_requests_replace_the_sum_but_not_for_extended_resources() -> None:
    spec = {
        "containers": [container(**{"cpu": "1", "nvidia.com/gpu": "1"})],
        "resources": {"requests": {"cpu": "3", "memory": "1Gi"}},
    }
    assert pod_requests(spec) == {"cpu": 3000, "memory": 1 << 30, "nvidia.com/gpu": 1}


def test_overhead_comes_on_top() -> None:
    spec = {"containers": [container(cpu="1")], "overhead": {"cpu": "250m", "memory": "120Mi"}}
    assert pod_requests(spec) == {"cpu": 1250, "memory": 120 << 20}


def test_a_shrinking_container_keeps_what_it_was_given_until_the_node_has_taken_it_back() -> None:
    spec = {"containers": [container("c", cpu="1", memory="1Gi")]}
    status = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2", "memory": "512Mi"}}]}
    assert pod_requests(spec, status) == {"cpu": 2000, "memory": 1 << 30}
