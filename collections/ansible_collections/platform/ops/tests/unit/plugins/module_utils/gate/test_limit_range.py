# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LimitRanges, the new pod, QoS. The same rules are held against a real API server in tests/e2e/test_admission.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.gate._limit_range import check
from ansible_collections.platform.ops.plugins.module_utils.gate._pod import (
    defaulted,
    limit_sum,
    memory_bound,
    qos,
    renewed,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason


def container(name: str = "server", **resources: Any) -> dict[str, Any]:
    return {"name": name, "resources": resources}


def spec(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": list(containers), **more}


def limit_range(**item: Any) -> dict[str, Any]:
    return {"metadata": {"name": "bounds", "namespace": "shop"}, "spec": {"limits": [{"type": "Container", **item}]}}


ONE = spec(container(limits={"memory": "164Mi", "cpu": "500m"}, requests={"memory": "16Mi", "cpu": "10m"}))
TWO = spec(
    container(limits={"memory": "164Mi"}, requests={"memory": "100Mi"}),
    container("proxy", limits={"memory": "100Mi"}, requests={"memory": "100Mi"}),
)


@pytest.mark.parametrize(
    ("pod", "item", "expected"),
    [
        (ONE, {"max": {"memory": "164Mi"}}, ""),
        (ONE, {"max": {"memory": "163Mi"}}, "at most 163Mi of memory; its limit would be 164Mi"),
        (ONE, {"max": {"cpu": "400m"}}, "its limit would be 500m"),
        (ONE, {"min": {"memory": "32Mi"}}, "at least 32Mi of memory; its request would be 16Mi"),
        (ONE, {"maxLimitRequestRatio": {"memory": "10"}}, "at most 10 times its request"),
        (ONE, {"maxLimitRequestRatio": {"memory": "10.25"}}, ""),
        (TWO, {"type": "Pod", "max": {"memory": "264Mi"}}, ""),
        (TWO, {"type": "Pod", "max": {"memory": "263Mi"}}, "allows the pod at most 263Mi"),
        (TWO, {"type": "Pod", "maxLimitRequestRatio": {"memory": "1.3"}}, "allows the pod a memory limit"),
        (TWO, {"type": "PersistentVolumeClaim", "max": {"storage": "1"}}, ""),
    ],
)
def test_what_a_limit_range_does_not_admit_is_refused(pod: Any, item: Any, expected: str) -> None:
    verdict = check(pod, [limit_range(**item)])
    assert (verdict.reason == Reason.LIMIT_RANGE) == bool(expected)
    assert expected in verdict.message


def test_init_containers_are_bound_as_well() -> None:
    pod = spec(container(), initContainers=[container("setup", limits={"memory": "1Gi"})])
    assert "container setup" in check(pod, [limit_range(max={"memory": "512Mi"})]).message


def test_a_request_that_is_not_written_follows_its_limit() -> None:
    template = spec(container(limits={"memory": "64Mi"}))
    change = {"container": "server", "field": "limits", "resource": "memory", "after": "164Mi"}
    new = renewed(defaulted(template), template, [change])
    assert new["containers"][0]["resources"] == {"limits": {"memory": "164Mi"}, "requests": {"memory": "164Mi"}}
    assert template == spec(container(limits={"memory": "64Mi"})), "the template was changed"


def test_a_written_request_stays_and_what_admission_put_in_is_kept() -> None:
    template = spec(container(limits={"memory": "64Mi"}, requests={"memory": "16Mi"}))
    running = spec(*template["containers"], container("proxy", limits={"memory": "1Gi"}))
    change = {"container": "server", "field": "limits", "resource": "memory", "after": "164Mi"}
    new = renewed(running, template, [change])
    assert new["containers"][0]["resources"] == {"limits": {"memory": "164Mi"}, "requests": {"memory": "16Mi"}}
    assert new["containers"][1] == running["containers"][1]


def test_defaults_of_a_limit_range_fill_in_what_a_template_leaves_out() -> None:
    bounds = limit_range(default={"memory": "200Mi", "cpu": "1"}, defaultRequest={"memory": "100Mi", "cpu": "1m"})
    new = defaulted(spec(container(limits={"memory": "64Mi"})), [bounds])
    assert new["containers"][0]["resources"] == {
        "limits": {"memory": "64Mi", "cpu": "1"},
        "requests": {"memory": "64Mi", "cpu": "1m"},
    }


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (spec(container()), "BestEffort"),
        (spec(container(requests={"cpu": "1"})), "Burstable"),
        (spec(container(limits={"cpu": "1", "memory": "1Gi"}, requests={"cpu": "1", "memory": "1Gi"})), "Guaranteed"),
        (spec(container(limits={"cpu": "1", "memory": "1Gi"})), "Guaranteed"),
        (spec(container(), resources={"limits": {"cpu": "1", "memory": "1Gi"}}), "Guaranteed"),
    ],
)
def test_qos_is_told_as_the_api_server_tells_it(pod: Any, expected: str) -> None:
    assert qos(pod) == expected


def test_limits_add_up_as_requests_do() -> None:
    pod = spec(
        container(limits={"memory": "10"}),
        container("b", limits={"memory": "5"}),
        initContainers=[
            container("once", limits={"memory": "12"}),
            {**container("beside", limits={"memory": "3"}), "restartPolicy": "Always"},
        ],
    )
    assert limit_sum(pod)["memory"] == 18
    assert limit_sum({**pod, "resources": {"limits": {"memory": "11"}}})["memory"] == 11


def test_a_container_without_a_memory_limit_counts_with_its_request() -> None:
    assert memory_bound(spec(container(limits={"memory": "10"}), container("b", requests={"memory": "7"}))) == 17
