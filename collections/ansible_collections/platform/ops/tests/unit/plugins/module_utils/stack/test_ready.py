# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._ready import readiness


def thing(kind: str, api: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "a", "generation": 2}, **parts}


def conditions(**states: str) -> dict[str, Any]:
    return {"conditions": [{"type": name, "status": state} for name, state in states.items()]}


SEEN = {"observedGeneration": 2}
READY_ONES = [
    thing(
        "Deployment",
        "apps/v1",
        spec={"replicas": 2},
        status={**SEEN, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    ),
    thing("Deployment", "apps/v1", spec={"replicas": 0}, status=SEEN),
    thing(
        "StatefulSet",
        "apps/v1",
        spec={"replicas": 1},
        status={**SEEN, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"},
    ),
    thing("DaemonSet", "apps/v1", status={**SEEN, "desiredNumberScheduled": 0}),
    thing("Job", "batch/v1", status=conditions(Complete="True")),
    thing("Service", "v1", spec={"type": "ClusterIP"}),
    thing(
        "CustomResourceDefinition",
        "apiextensions.k8s.io/v1",
        status=conditions(NamesAccepted="True", Established="True"),
    ),
    thing("APIService", "apiregistration.k8s.io/v1", status=conditions(Available="True")),
    thing("Elasticsearch", "elasticsearch.k8s.elastic.co/v1", status={"phase": "Ready", "health": "yellow"}),
    thing("Canary", "flagger.app/v1beta1", status={"phase": "Progressing"}),
    thing("ConfigMap", "v1"),
    thing("Thing", "example.org/v1", status=conditions(Ready="True")),
]
WAITING = [
    (thing("Deployment", "apps/v1", status={"observedGeneration": 1}), "has not been seen"),
    (
        thing(
            "Deployment",
            "apps/v1",
            spec={"replicas": 2},
            status={**SEEN, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
        ),
        "2 of 2",
    ),
    (
        thing("StatefulSet", "apps/v1", spec={"replicas": 3}, status={**SEEN, "readyReplicas": 1}),
        "1 of 3 replicas ready",
    ),
    (
        thing(
            "DaemonSet",
            "apps/v1",
            status={**SEEN, "desiredNumberScheduled": 3, "numberAvailable": 3, "updatedNumberScheduled": 1},
        ),
        "1 updated",
    ),
    (thing("Job", "batch/v1", status={}), "has not completed"),
    (thing("Service", "v1", spec={"type": "LoadBalancer"}), "use the type NodePort"),
    (thing("APIService", "apiregistration.k8s.io/v1"), "no Available condition yet"),
    (thing("APIService", "apiregistration.k8s.io/v1", status=conditions(Available="False")), "Available is False"),
    (
        thing("Elasticsearch", "elasticsearch.k8s.elastic.co/v1", status={"phase": "Ready", "health": "red"}),
        "health red",
    ),
    (thing("Canary", "flagger.app/v1beta1", status={"phase": "Failed"}), "phase Failed"),
    (thing("Certificate", "cert-manager.io/v1"), "no Ready condition yet"),
    (
        thing(
            "ValidatingWebhookConfiguration",
            "admissionregistration.k8s.io/v1",
            webhooks=[{"name": "w", "clientConfig": {"service": {"name": "s"}}}],
        ),
        "webhook w has no CA yet",
    ),
]


@pytest.mark.parametrize("ready", READY_ONES, ids=lambda value: str(value["kind"]))
def test_an_object_that_does_its_work_is_ready(ready: dict[str, Any]) -> None:
    assert readiness(ready).ready


@pytest.mark.parametrize(
    ("waiting", "why"), WAITING, ids=lambda value: str(value["kind"]) if isinstance(value, dict) else ""
)
def test_an_object_that_does_not_says_what_it_waits_for(waiting: dict[str, Any], why: str) -> None:
    state = readiness(waiting)
    assert not state.ready
    assert why in state.why


def test_a_failed_job_ends_the_wait_at_once() -> None:
    assert readiness(thing("Job", "batch/v1", status=conditions(Failed="True"))).hopeless


def test_an_object_that_is_going_away_is_not_ready() -> None:
    assert not readiness(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "deletionTimestamp": "now"}}
    ).ready
