# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import (
    OwnerFetcher,
    Ownership,
    Reference,
    ownership,
)


def thing(api: str, kind: str, name: str, owner: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "controller": True,
            }
        ]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def resolve(pod: dict[str, Any], *objects: dict[str, Any]) -> Ownership:
    there = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    return ownership(pod, lambda reference: there.get((reference.kind, reference.name)))


def workload(found: Ownership) -> str:
    return str(found.workload)


TEMPLATE = {"spec": {"containers": [{"name": "main"}]}}
deployment = thing("apps/v1", "Deployment", "web", template=TEMPLATE)
replica_set = thing("apps/v1", "ReplicaSet", "web-5d", deployment, template=TEMPLATE)


def test_a_pod_of_a_replica_set_belongs_to_its_deployment() -> None:
    found = resolve(thing("v1", "Pod", "web-5d-x", replica_set), replica_set, deployment)
    assert found == Ownership(
        chain=(Reference("apps/v1", "ReplicaSet", "web-5d", "shop"), Reference("apps/v1", "Deployment", "web", "shop")),
        workload=Reference("apps/v1", "Deployment", "web", "shop"),
    )


def test_a_pod_of_a_job_belongs_to_its_cron_job() -> None:
    cron = thing("batch/v1", "CronJob", "nightly", schedule="@daily")
    job = thing("batch/v1", "Job", "nightly-1", cron, template=TEMPLATE)
    assert workload(resolve(thing("v1", "Pod", "p", job), job, cron)) == "CronJob shop/nightly"


def test_a_pod_of_a_lone_job_belongs_to_the_job() -> None:
    job = thing("batch/v1", "Job", "once", template=TEMPLATE)
    assert workload(resolve(thing("v1", "Pod", "p", job), job)) == "Job shop/once"


def test_a_rollout_is_the_workload_unless_it_refers_to_one() -> None:
    rollout = thing("argoproj.io/v1alpha1", "Rollout", "web", template=TEMPLATE)
    owned = thing("apps/v1", "ReplicaSet", "web-1", rollout, template=TEMPLATE)
    assert workload(resolve(thing("v1", "Pod", "p", owned), owned, rollout)) == "Rollout shop/web"
    rollout["spec"] = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-template"}}
    assert workload(resolve(thing("v1", "Pod", "p", owned), owned, rollout)) == "Deployment shop/web-template"


def test_a_primary_of_a_canary_belongs_to_what_the_canary_copies() -> None:
    canary = thing("flagger.app/v1beta1", "Canary", "web", targetRef={"kind": "Deployment", "name": "web"})
    primary = thing("apps/v1", "Deployment", "web-primary", canary, template=TEMPLATE)
    owned = thing("apps/v1", "ReplicaSet", "web-primary-1", primary, template=TEMPLATE)
    found = resolve(thing("v1", "Pod", "p", owned), owned, primary, canary)
    assert workload(found) == "Deployment shop/web"
    assert str(found.canary) == "Canary shop/web"
    assert found.manager is None


def test_an_operators_record_above_a_stateful_set_is_its_manager() -> None:
    record = thing("elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "logs", nodeSets=[])
    stateful = thing("apps/v1", "StatefulSet", "logs-es", record, template=TEMPLATE)
    found = resolve(thing("v1", "Pod", "logs-es-0", stateful), stateful, record)
    assert workload(found) == "StatefulSet shop/logs-es"
    assert str(found.manager) == "Elasticsearch shop/logs"


def test_a_custom_kind_with_a_pod_template_is_a_workload_itself() -> None:
    clone_set = thing("apps.kruise.io/v1alpha1", "CloneSet", "web", template=TEMPLATE)
    assert workload(resolve(thing("v1", "Pod", "p", clone_set), clone_set)) == "CloneSet shop/web"


def test_a_custom_kind_that_makes_pods_itself_is_their_manager_and_there_is_no_workload() -> None:
    runner = thing("ci.example/v1", "Runner", "r", image="x")
    found = resolve(thing("v1", "Pod", "p", runner), runner)
    assert found.workload is None
    assert str(found.manager) == "Runner shop/r"


def test_a_bare_pod_has_no_workload() -> None:
    assert resolve(thing("v1", "Pod", "p")) == Ownership()


def test_a_mirror_pod_belongs_to_its_node() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    found = resolve(thing("v1", "Pod", "kube-proxy-n1", node))
    assert found == Ownership(chain=(Reference("v1", "Node", "n1", None),))


def test_an_owner_that_is_gone_is_named_and_the_chain_ends_below_it() -> None:
    found = resolve(thing("v1", "Pod", "p", replica_set), replica_set)
    assert workload(found) == "ReplicaSet shop/web-5d"
    assert str(found.missing) == "Deployment shop/web"


def test_owners_that_own_each_other_end_the_search() -> None:
    one = thing("apps/v1", "ReplicaSet", "one", template=TEMPLATE)
    two = thing("apps/v1", "Deployment", "two", one, template=TEMPLATE)
    one["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "two", "controller": True}
    ]
    assert workload(resolve(thing("v1", "Pod", "p", one), one, two)) == "Deployment shop/two"


def test_an_owner_that_does_not_control_is_not_followed() -> None:
    pod = thing("v1", "Pod", "p", replica_set)
    pod["metadata"]["ownerReferences"][0]["controller"] = False
    assert resolve(pod, replica_set, deployment) == Ownership()


class Recorded:
    """Answers from a dictionary of paths, and remembers what was asked."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, path: str, query: object = None) -> dict[str, Any]:
        self.asked.append(path)
        if path not in self.answers:
            raise NotFoundError(f"no {path}")
        return self.answers[path]


def test_the_fetcher_asks_for_each_object_and_each_group_once() -> None:
    api = Recorded(
        {
            "/apis/apps/v1": {
                "resources": [
                    {"kind": "ReplicaSet", "name": "replicasets"},
                    {"kind": "Deployment", "name": "deployments"},
                    {"kind": "Scale", "name": "deployments/scale"},
                ]
            },
            "/apis/apps/v1/namespaces/shop/replicasets/web-5d": replica_set,
            "/apis/apps/v1/namespaces/shop/deployments/web": deployment,
        }
    )
    fetch = OwnerFetcher(api)  # type: ignore[arg-type]
    for pod in ("a", "b"):
        assert workload(ownership(thing("v1", "Pod", pod, replica_set), fetch)) == "Deployment shop/web"
    assert sorted(api.asked) == sorted(api.answers)


@pytest.mark.parametrize(
    "answers", [{}, {"/apis/apps/v1": {"resources": [{"kind": "ReplicaSet", "name": "replicasets"}]}}]
)
def test_the_fetcher_takes_an_unknown_kind_or_name_as_missing(answers: dict[str, dict[str, Any]]) -> None:
    fetch = OwnerFetcher(Recorded(answers))  # type: ignore[arg-type]
    assert fetch(Reference("apps/v1", "ReplicaSet", "web-5d", "shop")) is None
