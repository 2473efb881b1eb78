# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._alertmanager import parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

SETTINGS = Settings.parse(
    cluster="prod-1",
    alerts={
        "MemoryNearLimit": {"kind": "bump_limits", "resource": "memory"},
        "PodUnschedulable": {"kind": "scale_out"},
        "NodeIdle": {"kind": "scale_in"},
    },
)
ALERT = {
    "status": "firing",
    "labels": {"alertname": "MemoryNearLimit", "namespace": "shop", "pod": "checkout-0", "container": "server"},
    "annotations": {"value": "4.8e+08", "limit": "512Mi", "summary": "{{ anything }}"},
    "startsAt": "2026-08-22T10:00:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph?g0.expr=rate%28x%5B5m%5D%29",
    "fingerprint": "0123456789abcdef",
}


def webhook(*alerts):
    return {"version": "4", "groupKey": "{}:{}", "status": "firing", "alerts": list(alerts)}


def alert(drop=(), **labels):
    kept = {name: value for name, value in ALERT["labels"].items() if name not in drop}
    return {**ALERT, "labels": {**kept, **labels}}


def one(payload):
    parsed = parse(payload, SETTINGS)
    assert not parsed.refusals
    (remediation,) = parsed.remediations
    return remediation.to_dict()


def test_an_alert_of_the_webhook_becomes_one_remediation():
    assert one(webhook(ALERT)) == {
        "kind": "bump_limits",
        "id": "alertmanager:0123456789abcdef:2026-08-22T10:00:00.123Z",
        "source": "alertmanager",
        "status": "firing",
        "cluster": "prod-1",
        "pod": {"namespace": "shop", "name": "checkout-0", "container": "server"},
        "resource": "memory",
        "evidence": {
            "value": "480000000",
            "limit": "512Mi",
            "startsAt": "2026-08-22T10:00:00.123Z",
            "alertname": "MemoryNearLimit",
        },
    }


def test_the_api_gives_the_same_identity_as_the_webhook():
    from_api = {**ALERT, "startsAt": "2026-08-22T10:00:00.123Z", "status": {"state": "active", "silencedBy": []}}
    assert one([from_api]) == one(webhook(ALERT))


def test_a_silenced_alert_is_left_alone():
    parsed = parse([{**ALERT, "status": {"state": "suppressed"}}], SETTINGS)
    assert [refusal.code for refusal in parsed.refusals] == ["not_ours"]


@pytest.mark.parametrize(
    ("labels", "workload"),
    [
        ({"workload": "cart", "workload_type": "statefulset"}, ("StatefulSet", "cart")),
        ({"deployment": "cart"}, ("Deployment", "cart")),
        ({"exported_namespace": "shop", "namespace": "monitoring", "deployment": "cart"}, ("Deployment", "cart")),
        ({"job": "kube-state-metrics", "cronjob": "report"}, ("CronJob", "report")),
        ({"job_name": "report-1"}, ("Job", "report-1")),
    ],
)
def test_labels_that_name_the_workload_win_over_the_pod(labels, workload):
    found = one(webhook(alert(**labels)))["workload"]
    assert (found["kind"], found["name"], found["namespace"], found["container"]) == (*workload, "shop", "server")


def test_the_exporters_own_pod_and_container_are_not_the_subject():
    pod = one(webhook(alert(exported_pod="checkout-1", exported_container="web")))["pod"]
    assert pod == {"namespace": "shop", "name": "checkout-1", "container": "web"}


def test_labels_say_what_to_do_without_any_configuration():
    labels = {"alertname": "Other", "remediation": "bump_limits", "resource": "ephemeral-storage"}
    assert one(webhook(alert(**labels)))["resource"] == "ephemeral-storage"


def test_node_alerts_go_to_the_lane_of_nodes():
    parsed = parse(
        webhook(
            alert(alertname="PodUnschedulable", pool="workers"),
            alert(alertname="NodeIdle", node="node-1.example", drop=["namespace"]),
        ),
        SETTINGS,
    )
    assert [(r.kind, r.lane, r.pool, r.node) for r in parsed.remediations] == [
        ("scale_out", "nodes", "workers", None),
        ("scale_in", "nodes", None, "node-1.example"),
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (alert(alertname="Watchdog"), "not_ours"),
        (alert(alertname="InfoInhibitor", remediation="scale_in", node="a", alertstate="pending"), "not_ours"),
        (alert(alertname="Other", remediation="bump_limits"), "no_resource"),
        (alert(remediation="reboot"), "unknown_kind"),
        (alert(remediation="none"), "for_people"),
        (alert(drop=["namespace"]), "no_namespace"),
        (alert(drop=["pod"]), "no_target"),
        (alert(namespace="a b"), "invalid_name"),
        (alert(container="{{ x }}"), "invalid_name"),
        (alert(workload="cart"), "unknown_workload_kind"),
        (alert(alertname="NodeIdle"), "no_target"),
        ({**ALERT, "startsAt": "now"}, "invalid_timestamp"),
        ({**ALERT, "fingerprint": "../../etc"}, "invalid_id"),
        ({**ALERT, "status": "maybe"}, "unknown_status"),
        ({**ALERT, "labels": []}, "not_ours"),
        ({**ALERT, "labels": "x"}, "malformed"),
        ("text", "malformed"),
    ],
)
def test_an_alert_without_a_usable_field_is_refused_and_takes_no_other_with_it(changed, reason):
    parsed = parse(webhook(changed, ALERT), SETTINGS)
    assert [refusal.code.value for refusal in parsed.refusals] == [reason]
    assert len(parsed.remediations) == 1


def test_fields_that_nobody_needs_are_no_reason_to_refuse():
    noisy = alert(pool="{{ x }}", node="a b", other="%7B")
    noisy["annotations"] = {"value": "{{ $value }}", "limit": "plenty", "summary": "\x00"}
    noisy["generatorURL"] = 7
    assert one(webhook(noisy))["evidence"] == {
        "startsAt": "2026-08-22T10:00:00.123Z",
        "alertname": "MemoryNearLimit",
    }


def test_an_alert_without_fingerprint_is_known_by_its_labels():
    bare = {k: v for k, v in ALERT.items() if k != "fingerprint"}
    other = {**bare, "labels": {**bare["labels"], "container": "web"}}
    assert one(webhook(bare))["id"] == one(webhook(bare))["id"] != one(webhook(other))["id"]


@pytest.mark.parametrize("payload", [None, 7, "text", {}, {"alerts": None}, {"alerts": {}}])
def test_what_is_no_alertmanager_payload_is_malformed(payload):
    assert [refusal.code for refusal in parse(payload, SETTINGS).refusals] == ["malformed"]
