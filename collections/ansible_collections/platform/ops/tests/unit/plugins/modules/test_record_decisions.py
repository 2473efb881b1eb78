# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog

OPS = Path(__file__).resolve().parents[4]
MODULE = OPS / "plugins/modules/record_decisions.py"


@pytest.fixture
def run(tmp_path):
    """The module as a process, fed on standard input as ansible-core's own test tools do."""

    def run(**args):
        answer = subprocess.run(
            [sys.executable, str(MODULE)],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {"state_dir": str(tmp_path / "state"), **args}}),
            env={**os.environ, "PYTHONPATH": str(OPS.parents[2])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return json.loads(answer.stdout or answer.stderr)

    return run


def test_decisions_are_recorded(run, tmp_path):
    result = run(decisions=[{"id": "t:1", "decision": "opened", "seconds": 1.5, "changes": [{"file": "a.yaml"}]}])
    assert (result["changed"], result["recorded"], result["done"], result["later"]) == (True, 1, ["t:1"], [])
    (entry,) = DecisionLog(tmp_path / "state").read()
    assert (entry["decision"], entry["changes"]) == ("opened", [{"file": "a.yaml"}])


def test_nothing_to_record_changes_nothing(run, tmp_path):
    assert run(decisions=[])["changed"] is False
    assert not (tmp_path / "state").exists()


def test_check_mode_says_what_would_be(run, tmp_path):
    result = run(decisions=[{"id": "t:1", "decision": "failed"}], _ansible_check_mode=True)
    assert (result["changed"], result["later"]) == (True, ["t:1"])
    assert not (tmp_path / "state").exists()


def test_a_wrong_time_is_an_error_with_its_reason(run):
    result = run(decisions=[{"id": "t:1", "decision": "limited", "not_before": "soon"}])
    assert (result["failed"], result["reason"]) == (True, "invalid_input")


def test_a_decision_outside_the_contract_is_an_error(run, tmp_path):
    result = run(decisions=[{"id": "t:1", "decision": "opened"}, {"id": "t:2", "decision": "perhaps"}])
    assert (result["failed"], result["reason"]) == (True, "invalid_input")
    assert "'perhaps'" in result["msg"]
    assert not (tmp_path / "state").exists()


def test_keys_without_a_value_count_as_not_given(run):
    assert run(decisions=[{"id": "t:1", "decision": "opened", "not_before": None, "branch": ""}])["done"] == ["t:1"]
