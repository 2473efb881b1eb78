# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._record import record
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation

NOW = 1_800_000_000.0


@pytest.fixture
def inbox(tmp_path):
    inbox = Inbox(tmp_path, clock=lambda: NOW)
    inbox.put(
        Remediation(kind="bump_limits", id=f"t:{n}", source="t", status="firing", app="a", resource="cpu")
        for n in range(3)
    )
    inbox.take("bump_limits", 9)
    yield inbox
    inbox.close()


def test_decided_ids_are_done_and_transient_ones_stand_back(tmp_path, inbox):
    result = record(
        tmp_path,
        [
            {"id": "t:0", "decision": "opened", "reason": "bumped"},
            {"id": "t:1", "decision": "failed", "reason": "unavailable"},
            {"id": "t:2", "decision": "limited", "reason": "budget", "not_before": "2027-01-15T09:00:00Z"},
            {"decision": "merged", "pull_request": "x"},
        ],
        retry_seconds=60,
        clock=lambda: NOW,
    )
    assert result == {"recorded": 4, "done": ["t:0"], "later": ["t:1", "t:2"]}
    pending = {entry["remediation"]["id"]: entry for entry in inbox.pending("bump_limits")}
    assert {key: (entry["not_before"], entry["why"]) for key, entry in pending.items()} == {
        "t:1": (NOW + 60, "unavailable"),
        "t:2": (1800003600.0, "budget"),
    }
    assert [entry["decision"] for entry in DecisionLog(tmp_path).read()] == ["opened", "failed", "limited", "merged"]


def test_a_remediation_with_one_open_decision_is_not_done(tmp_path, inbox):
    result = record(tmp_path, [{"id": "t:0", "decision": "opened"}, {"id": "t:0", "decision": "failed"}])
    assert (result["done"], result["later"]) == ([], ["t:0"])


def test_check_mode_writes_nothing(tmp_path, inbox):
    result = record(tmp_path, [{"id": "t:0", "decision": "opened"}], check=True)
    assert result["done"] == ["t:0"]
    assert len(inbox.pending("bump_limits")) == 3
    assert not list(DecisionLog(tmp_path).read())


@pytest.mark.parametrize("wrong", ["tomorrow", "2027-01-15T09:00:00"])
def test_a_time_without_zone_is_refused_before_anything_is_written(tmp_path, inbox, wrong):
    with pytest.raises(InputError, match="not_before"):
        record(tmp_path, [{"id": "t:0", "decision": "limited", "not_before": wrong}])
    assert not list(DecisionLog(tmp_path).read())


def test_recording_twice_is_harmless(tmp_path, inbox):
    decision = {"id": "t:0", "decision": "opened"}
    record(tmp_path, [decision])
    record(tmp_path, [decision])
    assert len(inbox.pending("bump_limits")) == 2
