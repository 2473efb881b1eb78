# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._newrelic import parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

SETTINGS = Settings.parse(alerts={"Memory near limit": {"resource": "memory"}})
PLAIN = {"app_name": "checkout", "max_memory": 480, "max_cpu": 0.9}
ISSUE = {"issueId": "b1946ac9-2c1f", "state": "ACTIVATED", "createdAt": 1755856800123, **PLAIN}


def found(payload, settings=SETTINGS):
    return [(r.id, r.status, r.resource, r.evidence.value) for r in parse(payload, settings).remediations]


def resources(payload):
    return [remediation.resource for remediation in parse(payload, SETTINGS).remediations]


def values(payload, settings=SETTINGS):
    return [remediation.evidence.value for remediation in parse(payload, settings).remediations]


def refused(payload):
    return [(refusal.code.value, refusal.field) for refusal in parse(payload, SETTINGS).refusals]


def test_one_payload_asks_for_memory_and_cpu():
    parsed = parse(PLAIN, SETTINGS)
    assert not parsed.refusals
    assert [(r.resource, r.app, r.evidence.value, r.status) for r in parsed.remediations] == [
        ("cpu", "checkout", "0.9", "firing"),
        ("memory", "checkout", "480Mi", "firing"),
    ]


def test_the_same_payload_again_is_the_same_alert_and_other_numbers_are_another():
    first, again = found(PLAIN), found(dict(reversed(PLAIN.items())))
    assert first == again
    assert {entry[0] for entry in found({**PLAIN, "max_memory": 500})}.isdisjoint({entry[0] for entry in first})


def test_units_are_configured_and_a_unit_in_the_payload_wins():
    settings = Settings.parse(newrelic={"memory_unit": "bytes", "cpu_unit": "millicores"})
    assert values({**PLAIN, "max_memory": 503316480, "max_cpu": 900}, settings) == ["900m", "503316480"]
    assert values({**PLAIN, "max_memory": "1.5Gi", "max_cpu": "250m"}) == ["250m", "1.5Gi"]


def test_only_what_is_said_is_asked_for():
    assert resources({"app_name": "checkout", "max_memory": 480}) == ["memory"]
    assert resources({**PLAIN, "max_cpu": 0}) == ["memory"]
    assert resources({**PLAIN, "max_cpu": None}) == ["memory"]


def test_a_workflows_issue_is_known_by_its_id():
    assert found(ISSUE) == [
        ("newrelic:b1946ac9-2c1f/cpu", "firing", "cpu", "0.9"),
        ("newrelic:b1946ac9-2c1f/memory", "firing", "memory", "480Mi"),
    ]
    assert parse(ISSUE, SETTINGS).remediations[0].evidence.starts_at == "2025-08-22T10:00:00.123Z"


@pytest.mark.parametrize(
    ("state", "status"), [("CREATED", "firing"), ("activated", "firing"), ("ACKNOWLEDGED", "firing")]
)
def test_the_states_of_an_open_issue_are_firing(state, status):
    assert {entry[1] for entry in found({**ISSUE, "state": state})} == {status}


def test_a_closed_issue_resolves_both_even_when_it_no_longer_says_which():
    closed = {"issueId": "b1946ac9-2c1f", "state": "CLOSED", "app_name": "checkout"}
    assert [entry[:2] for entry in found(closed)] == [
        ("newrelic:b1946ac9-2c1f/cpu", "resolved"),
        ("newrelic:b1946ac9-2c1f/memory", "resolved"),
    ]


def test_a_workflow_without_numbers_is_read_by_its_condition_and_entity():
    issue = {
        "id": "abc",
        "state": "ACTIVATED",
        "impactedEntities": ["checkout"],
        "alertConditionNames": ["Memory near limit", "other", 7],
    }
    (remediation,) = parse(issue, SETTINGS).remediations
    assert (remediation.id, remediation.app, remediation.resource) == ("newrelic:abc/memory", "checkout", "memory")


def test_a_number_that_is_none_refuses_its_resource_only():
    payload = {**PLAIN, "max_memory": "{{ 7*7 }}"}
    assert resources(payload) == ["cpu"]
    assert refused(payload) == [("invalid_number", "max_memory")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"max_memory": 480}, "no_target"),
        ({"app_name": "a/../b", "max_memory": 480}, "invalid_name"),
        ({"app_name": "checkout"}, "no_resource"),
        ({**ISSUE, "state": "REBOOT"}, "unknown_status"),
        ({**ISSUE, "issueId": {"a": 1}}, "invalid_id"),
        ({"id": "abc", "impactedEntities": ["a", "b"], "max_cpu": 1}, "no_target"),
        ([[]], "malformed"),
        ("text", "malformed"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(payload, reason):
    assert not found(payload)
    assert {code for code, _field in refused(payload)} == {reason}
