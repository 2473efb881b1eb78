# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns a number."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.gate._autoscalers import (
    Owned,
    hpa_of,
    request_stays,
    vpa_of,
    vpa_owns,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

TARGETS = {("Deployment", "cart"), ("Deployment", "cart-primary"), ("Canary", "cart")}


def vpa(update: str | None = "Auto", target: str = "cart", **policy: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"targetRef": {"kind": "Deployment", "name": target}}
    if update is not None:
        spec["updatePolicy"] = {"updateMode": update}
    if policy:
        spec["resourcePolicy"] = {"containerPolicies": [policy]}
    return {"metadata": {"name": "cart", "namespace": "shop"}, "spec": spec}


@pytest.mark.parametrize(
    ("given", "owns", "request_only"),
    [
        (vpa("Auto"), True, False),
        (vpa("Recreate"), True, False),
        (vpa("Initial"), True, False),
        (vpa("InPlaceOrRecreate"), True, False),
        (vpa(None), True, False),
        (vpa("Off"), False, False),
        (vpa("Auto", "other"), False, False),
        (vpa("Auto", "cart-primary"), True, False),
        (vpa("Auto", containerName="server", mode="Off"), False, False),
        (vpa("Auto", containerName="proxy", mode="Off"), True, False),
        (vpa("Auto", containerName="*", controlledResources=["cpu"]), False, False),
        (vpa("Auto", containerName="*", controlledValues="RequestsOnly"), True, True),
    ],
)
def test_a_vpa_owns_the_number_when_it_writes_it(given: Any, owns: bool, request_only: bool) -> None:
    owned = vpa_of([given], TARGETS, "server", "memory")
    assert (owned is not None) == owns
    assert (vpa_owns(owned).reason == Reason.VPA) == (owns and not request_only)


def test_the_policy_of_the_container_goes_before_that_of_all() -> None:
    given = vpa("Auto")
    given["spec"]["resourcePolicy"] = {
        "containerPolicies": [{"containerName": "*", "mode": "Auto"}, {"containerName": "server", "mode": "Off"}]
    }
    assert vpa_of([given], TARGETS, "server", "memory") is None
    assert vpa_of([given], TARGETS, "proxy", "memory") is not None


def hpa(*metrics: dict[str, Any], name: str = "cart") -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": name}, "metrics": list(metrics)}
    return {"metadata": {"name": "cart", "namespace": "shop"}, "spec": spec}


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
OTHER = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "proxy"}}
# Of one amount for each pod: whatever it requests does not matter to it.
AMOUNT = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}}
PODS = {"type": "Pods", "pods": {"metric": {"name": "requests"}}}


@pytest.mark.parametrize(
    ("given", "resource", "stands"),
    [
        (hpa(CPU), "cpu", True),
        (hpa(CPU), "memory", False),
        (hpa(OTHER), "cpu", False),
        (hpa(PODS), "cpu", False),
        (hpa(AMOUNT), "cpu", False),
        (hpa(AMOUNT, CPU), "cpu", True),
        (hpa(PODS, CPU), "cpu", True),
        (hpa(CPU, name="search"), "cpu", False),
        (hpa(CPU, name="cart-primary"), "cpu", True),
    ],
)
def test_an_hpa_stands_on_the_request_of_the_resource_it_scales_by(given: Any, resource: str, stands: bool) -> None:
    assert (hpa_of([given], TARGETS, "server", resource) is not None) == stands


def test_only_a_request_that_would_move_is_refused() -> None:
    owned = [(Owned("HorizontalPodAutoscaler shop/cart", True, "it scales by cpu"), "server cpu")]
    assert request_stays(owned, set()).reason is None
    assert "the request stays" in request_stays(owned, {"server memory"}).checked[0]
    assert request_stays(owned, {"server cpu"}).reason == Reason.HPA_REQUEST
    assert request_stays([], {"server cpu"}).reason is None
