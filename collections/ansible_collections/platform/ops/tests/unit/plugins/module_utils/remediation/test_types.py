# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation

BUMP = {
    "kind": "bump_limits",
    "id": "alertmanager:0123456789abcdef:2026-08-22T10:00:00.000Z",
    "source": "alertmanager",
    "status": "firing",
    "cluster": "prod-1",
    "workload": {"namespace": "shop", "kind": "Deployment", "name": "checkout", "container": "server"},
    "resource": "memory",
    "evidence": {
        "value": "480Mi",
        "limit": "512Mi",
        "startsAt": "2026-08-22T10:00:00.000Z",
        "alertname": "ContainerMemoryNearLimit",
    },
}
POD = {**{k: v for k, v in BUMP.items() if k != "workload"}, "pod": {"namespace": "shop", "name": "checkout-0"}}


@pytest.mark.parametrize(
    "data",
    [
        BUMP,
        POD,
        {**{k: v for k, v in BUMP.items() if k not in ("workload", "cluster", "evidence")}, "app": "Checkout"}
        | {"evidence": {}},
        {"kind": "scale_out", "id": "a", "source": "x", "status": "firing", "pool": "workers", "evidence": {}},
        {"kind": "scale_in", "id": "a", "source": "x", "status": "resolved", "node": "node-1.example", "evidence": {}},
    ],
)
def test_the_json_form_is_read_back_the_same(data):
    assert Remediation.from_dict(data).to_dict() == data


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "delete_everything"}, "unknown_kind"),
        ({"kind": ["bump_limits"]}, "unknown_kind"),
        ({"id": "a b"}, "invalid_id"),
        ({"id": None}, "invalid_id"),
        ({"id": "a" * 201}, "invalid_id"),
        ({"source": "Alert Manager"}, "invalid_name"),
        ({"status": "pending"}, "unknown_status"),
        ({"cluster": "a/b"}, "invalid_name"),
        ({"resource": "gpu"}, "unknown_resource"),
        ({"resource": None}, "no_resource"),
        ({"workload": None}, "no_target"),
        ({"workload": "checkout"}, "malformed"),
        ({"workload": {"namespace": "shop", "kind": "Deployment"}}, "invalid_name"),
        ({"workload": {"namespace": "shop", "kind": "Secret", "name": "a"}}, "unknown_workload_kind"),
        ({"workload": {**BUMP["workload"], "image": "x"}}, "unknown_field"),
        ({"app": "Checkout"}, "several_targets"),
        ({"pod": {"namespace": "shop", "name": "a"}}, "several_targets"),
        ({"evidence": {"value": "much"}}, "invalid_number"),
        ({"evidence": {"startsAt": "yesterday"}}, "invalid_timestamp"),
        ({"evidence": {"alertname": "a b"}}, "invalid_name"),
        ({"evidence": {"generatorURL": "http://x"}}, "unknown_field"),
        ({"node": "a_b"}, "invalid_name"),
        ({"command": "rm"}, "unknown_field"),
    ],
)
def test_what_does_not_match_is_refused_with_its_reason(change, reason):
    with pytest.raises(RefusedError) as refused:
        Remediation.from_dict({**BUMP, **change})
    assert refused.value.reason == reason


def test_what_is_no_mapping_is_refused():
    for data in (None, [], "text", 7):
        with pytest.raises(RefusedError):
            Remediation.from_dict(data)


def test_the_message_of_a_refusal_repeats_nothing_of_the_alert():
    with pytest.raises(RefusedError) as refused:
        Remediation.from_dict({**BUMP, "cluster": "{{ evil }}"})
    assert "evil" not in str(refused.value)
