# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the cluster's objects after a merge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils.verdict import _live

MERGED = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
MEMORY = {"container": "server", "field": "limits", "resource": "memory", "before": "64Mi", "after": "164Mi"}


def text(minutes: float) -> str:
    return (MERGED + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def spec(memory: str, **more):
    return {"containers": [{"name": "server", "resources": {"limits": {"memory": memory}}}], **more}


def pod(name="cart-1", memory="164Mi", phase="Running", statuses=(), conditions=(), **meta):
    return {
        "metadata": {"name": name, "labels": {"app": "cart"}, "creationTimestamp": text(1), **meta},
        "spec": spec(memory),
        "status": {"phase": phase, "containerStatuses": list(statuses), "conditions": list(conditions)},
    }


def deployment(memory="164Mi", kind="Deployment", **status):
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "cart", "namespace": "shop", "generation": 2, "uid": "u-1"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "cart"}}, "template": {"spec": spec(memory)}},
        "status": {
            "observedGeneration": 2,
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            "readyReplicas": 1,
            **status,
        },
    }


@pytest.mark.parametrize(
    ("there", "wanted", "in_force"),
    [("164Mi", "164Mi", True), ("171966464", "164Mi", True), ("1Gi", "164Mi", True), ("64Mi", "164Mi", False)],
)
def test_a_limit_is_in_force_when_it_is_at_least_ours_however_it_is_written(there, wanted, in_force):
    assert (_live.differing(spec(there), [{**MEMORY, "after": wanted}]) == ()) is in_force


def test_what_is_not_in_force_is_named():
    request = {**MEMORY, "field": "requests", "after": "32Mi"}
    assert _live.differing(spec("64Mi"), [MEMORY, request]) == (
        "server limits.memory is 64Mi",
        "server requests.memory is not set",
    )


@pytest.mark.parametrize(
    "workload",
    [
        {"spec": {"template": {"spec": spec("1Mi")}}},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec("1Mi")}}}}},
        {"kind": "Pod", "spec": spec("1Mi")},
    ],
)
def test_the_template_is_found_in_every_kind(workload):
    assert _live.pod_spec(workload) == spec("1Mi")


def test_numbers_of_init_containers_and_of_the_pod_are_read():
    body = {"initContainers": [{"name": "init", "resources": {"limits": {"cpu": "1"}}}]}
    body["resources"] = {"limits": {"memory": "1Gi"}}
    wanted = [{"container": "init", "field": "limits", "resource": "cpu", "after": "1000m"}]
    wanted += [{"container": None, "field": "limits", "resource": "memory", "after": "1Gi"}]
    assert _live.differing(body, wanted) == ()


def test_pods_of_a_cron_job_are_told_by_their_jobs():
    owner = {"kind": "Job", "name": "report-29394720", "controller": True, "apiVersion": "batch/v1"}
    mine, other = pod(ownerReferences=[owner]), pod(ownerReferences=[{**owner, "name": "report-daily-29394720"}])
    cron = {"kind": "CronJob", "metadata": {"name": "report"}, "spec": {"jobTemplate": {}}}
    assert _live.pods_of(cron, [mine, other, pod()]) == [mine]


@pytest.mark.parametrize(
    ("workload", "pods", "waits"),
    [
        (deployment(), [pod()], ""),
        (deployment(observedGeneration=1), [pod()], "newest specification"),
        (deployment(updatedReplicas=0), [pod(memory="64Mi")], "0 updated"),
        (deployment(), [pod(memory="64Mi")], "at admission"),
        (deployment(kind="StatefulSet"), [pod(), pod("cart-0", "64Mi")], "1 pods still run with other numbers"),
        ({**deployment(), "kind": "Rollout", "status": {"phase": "Progressing"}}, [pod()], "Rollout is Progressing"),
        ({**deployment(), "kind": "Rollout", "status": {"phase": "Healthy"}}, [pod()], ""),
        ({"kind": "CronJob", "spec": {}}, [], "next run"),
        ({"kind": "CronJob", "spec": {}}, [pod()], ""),
        ({"kind": "Pod", "spec": spec("64Mi")}, [], "created anew"),
    ],
)
def test_a_rollout_waits_for_what_is_missing(workload, pods, waits):
    said = _live.waiting_for(workload, pods, [MEMORY])
    assert said == waits or (waits and waits in said)


def scheduled(status: str, reason: str, minutes: float):
    return {
        "type": "PodScheduled",
        "status": status,
        "reason": reason,
        "lastTransitionTime": text(minutes),
        "message": "no",
    }


def test_the_pod_that_waits_longest_for_a_node_is_told():
    early = pod(phase="Pending", conditions=[scheduled("False", "Unschedulable", 3)])
    late = pod(phase="Pending", conditions=[scheduled("False", "Unschedulable", 5)])
    gated = pod(phase="Pending", conditions=[scheduled("False", "SchedulingGated", 1)])
    found = _live.unschedulable([late, gated, early, pod()])
    assert found is not None
    assert found.since == MERGED + timedelta(minutes=3)
    assert _live.unschedulable([pod(), gated]) is None


def test_a_refusal_is_read_from_the_condition_of_a_deployment():
    failing = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": text(2)}
    found = _live.denied(deployment(conditions=[{**failing, "message": "exceeded quota"}]), [], MERGED)
    assert found is not None
    assert (found.message, found.since) == ("exceeded quota", MERGED + timedelta(minutes=2))


def event(uid: str, last: float, first: float = -60):
    times = {"firstTimestamp": text(first), "lastTimestamp": text(last)}
    return {"reason": "FailedCreate", "involvedObject": {"uid": uid}, "message": "exceeded quota", **times}


def test_a_refusal_is_read_from_events_where_the_kind_has_no_condition():
    stateful = deployment(kind="StatefulSet")
    found = _live.denied(stateful, [event("u-1", 3)], MERGED)
    assert found is not None
    assert found.since == MERGED  # what was refused before the merge was not refused for it
    assert _live.denied(stateful, [event("u-1", -5), event("u-2", 3)], MERGED) is None


def ended(reason: str, restarts: int, key: str = "lastState"):
    return {"name": "server", "restartCount": restarts, key: {"terminated": {"reason": reason}}}


@pytest.mark.parametrize(
    ("status", "count"),
    [
        (ended("OOMKilled", 3), {"server": 3}),
        (ended("OOMKilled", 0, "state"), {"server": 1}),
        (ended("Error", 3), {}),
        ({"name": "server", "restartCount": 0}, {}),
    ],
)
def test_kills_are_counted_from_the_pods(status, count):
    assert _live.kills([pod(statuses=[status])], frozenset({"server"})) == count


@pytest.mark.parametrize(
    ("phase", "promoted", "changed", "stage"),
    [
        ("Initialized", False, -5, "waiting"),
        ("Succeeded", False, -5, "waiting"),  # of the change before ours: Flagger has not seen ours yet
        ("Progressing", False, 2, "analysing"),
        ("Promoting", True, 2, "analysing"),
        ("Finalising", True, 2, "analysing"),
        ("Succeeded", True, 9, "promoted"),
        ("Failed", False, 9, "rolled_back"),
        ("Failed", False, -5, "waiting"),  # an earlier change failed
    ],
)
def test_the_stage_of_a_canary(phase, promoted, changed, stage):
    canary = {"status": {"phase": phase, "lastTransitionTime": text(changed)}}
    assert _live.stage_of(canary, promoted=promoted, merged_at=MERGED) == stage


def test_a_canary_is_found_by_what_it_copies():
    canary = {"spec": {"targetRef": {"kind": "Deployment", "name": "cart"}}}
    other = {"spec": {"targetRef": {"kind": "DaemonSet", "name": "cart"}}}
    assert _live.canary_of(deployment(), [other, canary]) is canary
    assert _live.primary_name(canary) == "cart-primary"
    assert _live.canary_of(deployment(), [other]) is None
