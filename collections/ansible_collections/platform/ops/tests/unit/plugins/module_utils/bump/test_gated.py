# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate around a run: which items go on, what becomes of the others. The API's own part is in tests/e2e."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, Subject, assign
from ansible_collections.platform.ops.plugins.module_utils.bump._gate import OpenGate
from ansible_collections.platform.ops.plugins.module_utils.bump._gated import Gate, rules_of
from ansible_collections.platform.ops.plugins.module_utils.bump._outcome import decisions
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import Source
from ansible_collections.platform.ops.plugins.module_utils.cluster._secret import token_of
from ansible_collections.platform.ops.plugins.module_utils.gate._look import Look

pytestmark = pytest.mark.stand_in("memory-api")

APPS = "/apis/apps/v1/namespaces/shop"
CORE = "/api/v1/namespaces/shop"


class Api:
    """Objects and lists by path; an exception in their place is raised."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self.objects = dict(objects)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        found = self.objects.get(path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NotFoundError(path)
        return found

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        yield from self.get(path, query)

    def create(self, path: str, body: Any) -> Any:
        return {"status": {"allowed": False}}

    replace = patch = delete = None


def kinds(*names: str) -> dict[str, Any]:
    return {"resources": [{"kind": name, "name": f"{name.lower()}s"} for name in names]}


SPEC = {
    "containers": [
        {"name": "server", "resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi", "cpu": "1m"}}}
    ]
}
TEMPLATE = {"metadata": {"labels": {"app": "cart"}}, "spec": SPEC}
DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"name": "cart", "namespace": "shop"},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "cart"}}, "template": TEMPLATE},
}
POD = {
    "metadata": {
        "name": "cart-6d5f7c9b8d-x2x4z",
        "namespace": "shop",
        "uid": "u",
        "labels": {"app": "cart"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "controller": True}],
    },
    "spec": {**SPEC, "nodeName": "a"},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}
NODE = {
    "metadata": {"name": "a", "labels": {}},
    "spec": {},
    "status": {
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
OBJECTS: dict[str, Any] = {
    "/apis/apps/v1": kinds("Deployment", "StatefulSet", "DaemonSet"),
    "/apis/batch/v1": kinds("CronJob", "Job"),
    f"{APPS}/deployments/cart": DEPLOYMENT,
    f"{CORE}/pods/{POD['metadata']['name']}": POD,
    f"{CORE}/pods": [POD],
    "/api/v1/pods": [POD],
    "/api/v1/nodes": [NODE],
    "/apis/apps/v1/daemonsets": [],
}
HPAS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
VPAS = "/apis/autoscaling.k8s.io/v1/namespaces/shop/verticalpodautoscalers"
TARGET = {"kind": "Deployment", "name": "cart"}
VPA = {"metadata": {"name": "cart", "namespace": "shop"}, "spec": {"targetRef": TARGET}}
METRIC = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}}
HPA = {
    "metadata": {"name": "cart", "namespace": "shop"},
    "spec": {"scaleTargetRef": TARGET, "metrics": [METRIC]},
}


def remediation(**over: Any) -> dict[str, Any]:
    pod = {"namespace": "shop", "name": POD["metadata"]["name"], "container": "server"}
    base = {"kind": "bump_limits", "id": "a", "source": "people", "status": "firing", "resource": "memory", "pod": pod}
    return {key: value for key, value in (base | over).items() if value is not None}


def gate(more: Mapping[str, Any] | None = None, **options: Any) -> Gate:
    return Gate(Look(Api({**OBJECTS, **(more or {})})), None, **options)  # type: ignore[arg-type]


CONFIG = Config(
    repositories=[{"name": "fleet", "url": "/srv/fleet"}], policy={"memory": {"factor": 1.2}, "requests": "scale"}
)


def items(one: Gate, *remediations: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    given = list(remediations or [remediation()])
    result = assign(given, CONFIG, one.owners(given), one.sources)
    return [item for work in result["repositories"] for item in work["items"]], result["decisions"]


def result(label: str, after: str = "164Mi", **over: Any) -> dict[str, Any]:
    change = {"container": "server", "field": "limits", "resource": "memory", "before": "64Mi", "after": after}
    target = {"kind": "Deployment", "name": "cart", "namespace": "shop", "container": "server"}
    base = {"label": label, "failed": False, "changes": [change], "target": target, "worktree": "/w/cart"}
    return {**base, "reason": "bumped", "message": "", **over}


def test_a_pod_s_owner_is_told_by_its_references() -> None:
    found, _decisions = items(gate())
    assert found[0]["workload"] == {"namespace": "shop", "kind": "Deployment", "name": "cart"}


def test_a_pod_that_is_gone_is_told_by_its_name_if_the_owner_is_there() -> None:
    gone = gate({f"{CORE}/pods/{POD['metadata']['name']}": None})
    assert items(gone)[0][0]["workload"]["kind"] == "Deployment"


def owned_by(kind: str, api_version: str) -> dict[str, Any]:
    owner = {"apiVersion": api_version, "kind": kind, "name": "cart", "controller": True}
    return {**DEPLOYMENT, "metadata": {**DEPLOYMENT["metadata"], "ownerReferences": [owner]}}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"metadata": {"name": "cart", "namespace": "shop"}, "spec": {"size": 3}}, "managed_by_operator"),
        (AuthError("403"), "managed_by_operator"),  # a record that we may not even read
    ],
)
def test_what_an_operator_makes_is_for_the_operator(record: Any, reason: str) -> None:
    there = gate(
        {
            f"{APPS}/deployments/cart": owned_by("Shop", "example.org/v1"),
            "/apis/example.org/v1": kinds("Shop"),
            "/apis/example.org/v1/namespaces/shop/shops/cart": record,
        }
    )
    found, (decision,) = items(there)
    assert not found
    assert (decision["decision"], decision["reason"]) == ("refused", reason)
    assert "Shop shop/cart" in decision["message"]


@pytest.mark.parametrize("error", [UnavailableError("down"), AuthError("403")])
def test_a_cluster_that_cannot_be_asked_leaves_the_alert_for_later(error: Exception) -> None:
    found, (decision,) = items(gate({f"{CORE}/pods/{POD['metadata']['name']}": error}))
    assert not found
    assert decision["decision"] == "failed"


def test_a_vpa_stops_the_item_before_anything_is_edited() -> None:
    one = gate({VPAS: [VPA]})
    admitted = one.admit(items(one)[0])
    assert not admitted.items
    assert [(r["decision"], r["reason"]) for r in admitted.stopped] == [("refused", "vpa")]


def test_an_hpa_keeps_the_request_whatever_the_policy_says() -> None:
    one = gate({HPAS: [HPA]})
    assert one.admit(items(one)[0]).items[0]["bump"]["requests"] == "keep"
    without = gate()
    assert without.admit(items(without)[0]).items[0]["bump"]["requests"] == "scale"


def test_a_blackout_leaves_the_alert_for_later() -> None:
    stretch = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    one = gate(gate={"restart": {"blackouts": [stretch]}}, clock=lambda: 1767268800.0)
    stopped = one.admit(items(one)[0]).stopped
    assert [(r["decision"], r["reason"]) for r in stopped] == [("limited", "blackout")]


def test_one_item_s_trouble_leaves_the_others_alone() -> None:
    one = gate({"/apis/apps/v1/namespaces/other/deployments/cart": UnavailableError("down")})
    found, _decisions = items(one)
    broken = {**found[0], "label": "broken", "workload": {"namespace": "other", "kind": "Deployment", "name": "cart"}}
    admitted = one.admit([broken, found[0]])
    assert [item["label"] for item in admitted.items] == [found[0]["label"]]
    assert [(r["label"], r["decision"]) for r in admitted.stopped] == [("broken", "failed")]


def test_what_was_checked_is_told() -> None:
    one = gate()
    found = items(one)[0]
    (judged,) = one.judge(found, [result(found[0]["label"])])
    told = " ".join(judged["checked"])
    for subject in (
        "LimitRange",
        "ResourceQuota",
        "Node size",
        "Memory promised",
        "PodDisruptionBudget",
        "QoS",
        "dry run",
    ):
        assert subject in told


@pytest.mark.parametrize(
    ("after", "options", "reason"),
    [("8Gi", {}, "node_size"), ("3Gi", {"memory_overcommit": 0.5}, "node_overcommit")],
)
def test_a_workload_s_numbers_are_refused_together(after: str, options: dict[str, Any], reason: str) -> None:
    one = gate(gate=options)
    found = items(one)[0]
    label = found[0]["label"]
    other = result("other", changes=[{"container": "x", "field": "limits", "resource": "cpu", "after": "1"}])
    judged = one.judge(found, [result(label, after), other])
    assert [(r["failed"], r["reason"], r["changes"]) for r in judged] == [(True, reason, [])] * 2
    (decision,) = decisions(found, {"results": judged}, None, act=True, failure=None, seconds=0.0)
    assert (decision["decision"], decision["reason"]) == ("refused", reason)


def test_a_policy_may_have_a_gate_of_its_own() -> None:
    one = gate(gate={"memory_overcommit": 0.5})
    found = [{**item, "gate": {"memory_overcommit": 0}} for item in items(one)[0]]
    (judged,) = one.judge(found, [result(found[0]["label"], "3Gi")])
    assert not judged["failed"]


def test_a_workload_that_the_cluster_does_not_have_is_not_proposed() -> None:
    one = gate()
    found = items(one)[0]
    gone = gate({f"{APPS}/deployments/cart": None})
    (judged,) = gone.judge(found, [result(found[0]["label"])])
    assert judged["reason"] == "not_in_cluster"


@pytest.mark.parametrize("none", [Gate(None, None), OpenGate()], ids=["asked", "open"])
def test_nothing_is_judged_without_a_cluster(none: OpenGate) -> None:
    found, _decisions = items(none)
    assert none.admit(found).items == found
    given = [result(found[0]["label"])]
    assert none.judge(found, given) == given


def test_a_canary_s_copy_leads_to_what_is_in_git() -> None:
    canary = {
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", **TARGET}},
    }
    owner = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "cart", "controller": True}
    primary = {
        **DEPLOYMENT,
        "metadata": {"name": "cart-primary", "namespace": "shop", "ownerReferences": [owner]},
        "spec": {**DEPLOYMENT["spec"], "selector": {"matchLabels": {"app": "cart-primary"}}},
    }
    pod = {**POD, "metadata": {**POD["metadata"], "labels": {"app": "cart-primary"}}}
    pod["metadata"]["ownerReferences"] = [{**POD["metadata"]["ownerReferences"][0], "name": "cart-primary"}]
    there = gate(
        {
            "/apis/flagger.app/v1beta1": {"resources": [{"kind": "Canary", "name": "canaries"}]},
            "/apis/flagger.app/v1beta1/namespaces/shop/canaries": [canary],
            "/apis/flagger.app/v1beta1/namespaces/shop/canaries/cart": canary,
            f"{APPS}/deployments/cart-primary": primary,
            f"{CORE}/pods/{POD['metadata']['name']}": pod,
            f"{CORE}/pods": [pod],
        }
    )
    assert items(there)[0][0]["workload"] == {"namespace": "shop", "kind": "Deployment", "name": "cart"}
    assert there.look is not None
    live = there.look.live("shop", "Deployment", "cart")
    assert live is not None
    assert (live.canary, live.maker["metadata"]["name"], len(live.pods)) == ("cart", "cart-primary", 1)
    by_name = remediation(pod=None, workload={"namespace": "shop", "kind": "Deployment", "name": "cart-primary"})
    assert items(there, by_name)[0][0]["workload"]["name"] == "cart"


def test_the_place_of_a_manifest_is_asked_of_the_live_object() -> None:
    flux = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
    labelled = {**DEPLOYMENT, "metadata": {**DEPLOYMENT["metadata"], "labels": flux}}
    there = gate(
        {
            f"{APPS}/deployments/cart": labelled,
            "/apis/kustomize.toolkit.fluxcd.io/v1": kinds("Kustomization"),
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux/kustomizations/apps": {
                "metadata": {"name": "apps", "namespace": "flux"},
                "spec": {"path": "./apps", "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
            },
            "/apis/source.toolkit.fluxcd.io/v1": {"resources": [{"kind": "GitRepository", "name": "gitrepositories"}]},
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux/gitrepositories/fleet": {
                "metadata": {"name": "fleet", "namespace": "flux"},
                "spec": {"url": "https://git.example.org/acme/fleet", "ref": {"branch": "main"}},
            },
        }
    )
    assert there.sources(Subject("shop", "cart", "Deployment")) == Source(
        "https://git.example.org/acme/fleet", "main", "apps", "Kustomization flux/apps"
    )


@pytest.mark.parametrize("given", [{"memory_overcommit": "much"}, {"restart": {"blackouts": [{"days": ["someday"]}]}}])
def test_a_gate_that_cannot_be_read_is_refused_at_once(given: Any) -> None:
    with pytest.raises(InputError):
        Gate(None, None, gate=given)


def test_no_bound_is_no_bound() -> None:
    assert rules_of({"memory_overcommit": 0}, {}, {}).memory_overcommit is None


SECRET = "/api/v1/namespaces/ops/secrets/git"
WHERE = {"namespace": "ops", "name": "git"}


@pytest.mark.parametrize("key", ["token", "bearerToken", "password"])
def test_a_token_is_read_from_a_secret(key: str) -> None:
    assert token_of(Api({SECRET: {"data": {key: "czNjcmV0Cg=="}}}), WHERE) == "s3cret"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("objects", "where", "said"),
    [
        ({}, WHERE, "not there"),
        ({SECRET: {"data": {"user": "eA=="}}}, WHERE, "holds nothing"),
        ({SECRET: {"data": {"token": "eA=="}}}, {**WHERE, "key": "other"}, "under other"),
        ({SECRET: {"data": {"token": "///"}}}, WHERE, "no text"),
    ],
)
def test_a_secret_that_holds_no_token_is_said(objects: Any, where: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        token_of(Api(objects), where)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no cluster"):
        token_of(None, where)
