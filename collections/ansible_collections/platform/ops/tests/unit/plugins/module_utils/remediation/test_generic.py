# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import decode, parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

GENERIC = {
    "datadog": {
        "items": "events",
        "fields": {
            "id": "alert.id",
            "status": "alert.transition",
            "namespace": "tags.0.namespace",
            "workload": "tags.0.deployment",
            "value": "metric.value",
        },
        "values": {"remediation": "bump_limits", "resource": "memory", "workload_kind": "Deployment"},
        "firing": ["Triggered"],
        "resolved": ["Recovered"],
    }
}
SETTINGS = Settings.parse(generic=GENERIC)
EVENT = {
    "alert": {"id": 4711, "transition": "Triggered"},
    "tags": [{"namespace": "shop", "deployment": "cart"}],
    "metric": {"value": 512000000},
}


def test_fields_are_found_by_their_paths():
    (remediation,) = parse("datadog", {"events": [EVENT]}, SETTINGS).remediations
    assert remediation.to_dict() == {
        "kind": "bump_limits",
        "id": "datadog:4711/memory",
        "source": "datadog",
        "status": "firing",
        "workload": {"namespace": "shop", "kind": "Deployment", "name": "cart"},
        "resource": "memory",
        "evidence": {"value": "512000000"},
    }


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**EVENT, "alert": {"id": 1, "transition": "Renotify"}}, "unknown_status"),
        ({**EVENT, "alert": {"transition": "Triggered"}}, "no_id"),
        ({**EVENT, "alert": {"id": ["x"], "transition": "Triggered"}}, "no_id"),
        ({**EVENT, "tags": []}, "no_target"),
        ({**EVENT, "tags": {"0": {"namespace": "shop", "deployment": "a b"}}}, "invalid_name"),
        (None, "malformed"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(event, reason):
    parsed = parse("datadog", {"events": [event, EVENT]}, SETTINGS)
    assert [refusal.code.value for refusal in parsed.refusals] == [reason]
    assert len(parsed.remediations) == 1


@pytest.mark.parametrize("payload", [None, [], {"events": {}}, {}])
def test_a_payload_without_the_list_is_malformed(payload):
    assert [refusal.code for refusal in parse("datadog", payload, SETTINGS).refusals] == ["malformed"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"max_memory": NaN}', b"1" * 5000, b'{"app_name": Infinity}']
)
@pytest.mark.parametrize("sender", ["alertmanager", "newrelic", "datadog"])
def test_whatever_the_body_is_the_answer_is_a_refusal(sender, body):
    parsed = decode(sender, body, SETTINGS)
    assert not parsed.remediations
    assert [refusal.code for refusal in parsed.refusals] == ["malformed"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"cluster": "a b"}, "remediation_cluster"),
        ({"alerts": ["x"]}, "remediation_alerts"),
        ({"alerts": {"X": {"kind": "reboot"}}}, "remediation_alerts.X.kind"),
        ({"alerts": {"X": {"resource": "gpu"}}}, "remediation_alerts.X.resource"),
        ({"alerts": {"X": {"resurce": "cpu"}}}, "remediation_alerts.X does not know resurce"),
        ({"newrelic": {"memory_unit": "MB"}}, "remediation_newrelic.memory_unit"),
        ({"newrelic": {"memory_unit": ["Mi"]}}, "remediation_newrelic.memory_unit"),
        ({"generic": {"Data Dog": {}}}, "remediation_generic"),
        ({"generic": {"x": {"fields": {"status": "a"}}}}, "remediation_generic.x.fields"),
        ({"generic": {"x": {"fields": {"id": "a", "image": "b"}}}}, "remediation_generic.x.fields does not know image"),
        ({"generic": {"x": {"fields": {"id": 0}}}}, "remediation_generic.x.fields.id"),
        ({"generic": {"x": {"fields": {"id": ""}}}}, "remediation_generic.x.fields.id"),
        ({"generic": {"x": {"fields": {"id": "a"}, "items": 0}}}, "remediation_generic.x.items"),
        ({"generic": {"x": {"fields": {"id": "a"}, "items": ["a"]}}}, "remediation_generic.x.items"),
        ({"generic": {"x": {"fields": {"id": "a"}, "values": {"app": ["a"]}}}}, "remediation_generic.x.values.app"),
        ({"generic": {"x": {"fields": {"id": "a"}, "firing": "alerting"}}}, "remediation_generic.x.firing"),
        ({"generic": {"x": {"fields": {"id": "a"}, "resolved": 1}}}, "remediation_generic.x.resolved"),
        ({"generic": {"x": {"fields": {"id": "a"}, "resolved": [{}]}}}, "remediation_generic.x.resolved"),
    ],
)
def test_a_wrong_setting_is_named(settings, named):
    with pytest.raises(InputError, match=named.replace(".", r"\.")):
        Settings.parse(**settings)
