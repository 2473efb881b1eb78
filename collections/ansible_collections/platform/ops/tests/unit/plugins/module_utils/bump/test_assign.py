# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, assign
from ansible_collections.platform.ops.plugins.module_utils.manifests._item import Item

POLICY = {"memory": {"factor": 1.2, "max": "4Gi"}, "cpu": {"factor": 1.2}, "requests": "keep", "cooldown": "6h"}
FLEET = [{"name": "fleet", "url": "/srv/fleet.git"}]


def remediation(**over: Any) -> dict[str, Any]:
    base = {
        "kind": "bump_limits",
        "id": "alertmanager-abc",
        "source": "alertmanager",
        "status": "firing",
        "resource": "memory",
        "workload": {"namespace": "shop", "kind": "Deployment", "name": "cart", "container": "server"},
        "evidence": {"value": "120Mi", "limit": "128Mi"},
    }
    return {k: v for k, v in (base | over).items() if v is not None}


def config(**over: Any) -> Config:
    return Config(**({"repositories": FLEET, "policy": POLICY} | over))


def only_item(result: dict[str, Any]) -> dict[str, Any]:
    assert not result["decisions"]
    (repository,) = result["repositories"]
    (item,) = repository["items"]
    return item


def test_a_workload_becomes_an_item_with_policy_and_observed_peak():
    item = only_item(assign([remediation()], config()))
    assert item["workload"] == {"namespace": "shop", "kind": "Deployment", "name": "cart"}
    assert item["bump"]["memory"] == {"factor": 1.2, "max": "4Gi", "usage": "120Mi"}
    assert item["bump"]["container"] == "server"
    assert item["bump"]["policy"] == {"cooldown": "6h"}
    assert "cpu" not in item["bump"]


@pytest.mark.parametrize(
    ("alert", "own", "answered"),
    [("prod", "staging", False), ("prod", "prod", True), (None, "staging", True), ("prod", "default", True)],
)
def test_an_alert_of_another_cluster_is_not_answered_in_this_one(alert, own, answered):
    result = assign([remediation(cluster=alert)], config(cluster=own))
    assert bool(result["repositories"]) == answered
    assert [one["reason"] for one in result["decisions"]] == ([] if answered else ["other_cluster"])


def test_memory_and_cpu_of_one_container_share_an_item():
    cpu = remediation(id="other", resource="cpu", evidence={"value": "900m"})
    item = only_item(assign([remediation(), cpu], config()))
    assert item["bump"]["memory"]["usage"] == "120Mi"
    assert item["bump"]["cpu"]["usage"] == "900m"
    assert [r["id"] for r in item["remediations"]] == ["alertmanager-abc", "other"]


@pytest.mark.parametrize("value", ["0", "0Mi"])
def test_a_use_of_nothing_is_none_that_was_observed(value):
    bump = only_item(assign([remediation(evidence={"value": value})], config()))["bump"]
    assert bump["memory"] == POLICY["memory"]
    assert Item.read(bump).rules["memory"].usage is None


@pytest.mark.parametrize("order", [("1Gi", "900Mi"), ("900Mi", "1Gi")])
def test_of_two_peaks_the_higher_counts_in_any_order(order):
    batch = [remediation(id=f"r{n}", evidence={"value": peak}) for n, peak in enumerate(order)]
    assert only_item(assign(batch, config()))["bump"]["memory"]["usage"] == "1Gi"


def test_a_pod_is_taken_to_its_owner_by_the_cluster_before_its_name():
    pod = {"namespace": "shop", "name": "cart-6d5f7c9b8d-x2x4z", "container": "server"}
    by_name = only_item(assign([remediation(workload=None, pod=pod)], config()))
    assert by_name["workload"] == {"namespace": "shop", "kind": None, "name": "cart"}
    owners = {"shop/cart-6d5f7c9b8d-x2x4z": {"kind": "Rollout", "name": "cart-web"}}
    by_cluster = only_item(assign([remediation(workload=None, pod=pod)], config(), owners))
    assert by_cluster["workload"] == {"namespace": "shop", "kind": "Rollout", "name": "cart-web"}


def test_a_pod_and_a_workload_that_are_the_same_share_an_item():
    pod = {"namespace": "shop", "name": "cart-6d5f7c9b8d-x2x4z", "container": "server"}
    batch = [remediation(id="by-pod", workload=None, pod=pod, evidence={"value": "127Mi"}), remediation()]
    item = only_item(assign(batch, config()))
    assert item["workload"]["kind"] == item["bump"]["kind"] == "Deployment"
    assert item["bump"]["memory"]["usage"] == "127Mi"


def test_an_app_goes_through_the_mapping():
    entries = [{"app": "Shop Cart".replace(" ", "-"), "namespace": "shop", "name": "cart", "kind": "Deployment"}]
    item = only_item(assign([remediation(workload=None, app="Shop-Cart")], config(workloads=entries)))
    assert item["label"] == "shop/Deployment/cart/"


REFUSALS = {
    "unknown_app": (remediation(workload=None, app="nobody"), {}),
    "ambiguous_app": (
        remediation(workload=None, app="cart"),
        {"workloads": [{"app": "cart", "namespace": n, "name": "cart"} for n in ("shop", "staging")]},
    ),
    "namespace_denied": (remediation(), {"deny_namespaces": ["sh*"]}),
    "namespace_not_allowed": (remediation(), {"allow_namespaces": ["team-*"]}),
    "unknown_repository": (remediation(), {"repositories": [{"name": "a", "namespaces": ["other"]}]}),
    "ambiguous_repository": (remediation(), {"repositories": [{"name": "a"}, {"name": "b"}]}),
    "no_policy": (remediation(resource="ephemeral-storage"), {}),
    "paused": (remediation(), {"paused": True}),
    "resolved": (remediation(status="resolved"), {}),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_cannot_be_assigned_becomes_a_decision_with_its_reason(reason):
    one, over = REFUSALS[reason]
    result = assign(
        [one, remediation(id="good", workload={"namespace": "fine", "kind": "Deployment", "name": "x"})], config(**over)
    )
    (decision,) = [d for d in result["decisions"] if d["id"] == one["id"]]
    assert decision["reason"] == reason
    assert decision["message"].endswith(".")


def test_a_refusal_leaves_the_others_alone():
    result = assign([remediation(workload=None, app="nobody"), remediation(id="good")], config())
    assert [d["reason"] for d in result["decisions"]] == ["unknown_app"]
    assert len(result["repositories"][0]["items"]) == 1


def test_a_more_specific_policy_wins_key_by_key():
    over = [
        {"namespace": "shop", "policy": {"memory": {"factor": 2}, "requests": "scale"}},
        {"namespace": "shop", "name": "other", "policy": {"memory": {"factor": 9}}},
    ]
    entry = {"namespace": "shop", "name": "cart", "policy": {"memory": {"max": "1Gi"}}, "repository": "fleet"}
    bump = only_item(assign([remediation()], config(overrides=over, workloads=[entry])))["bump"]
    assert bump["memory"] == {"factor": 2, "max": "1Gi", "usage": "120Mi"}
    assert bump["requests"] == "scale"


def test_the_same_batch_in_another_order_gives_the_same_work():
    batch = [
        remediation(id=f"r{n}", workload={"namespace": "shop", "kind": "Deployment", "name": name})
        for n, name in enumerate(["b", "a", "c"])
    ]
    one, two = assign(batch, config()), assign(reversed(batch), config())
    assert one == two
