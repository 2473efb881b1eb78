# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import bump, open_tree
from ansible_collections.platform.ops.plugins.modules import bump_limits

OPS = Path(__file__).resolve().parents[4]
MODULE = OPS / "plugins/modules/bump_limits.py"
TEXT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: app, resources: {limits: {cpu: 1, memory: 256Mi}}}]}}}
"""


def run(check: bool = False, diff: bool = False, **args: Any) -> dict[str, Any]:
    """The module as a process, fed on standard input as ansible-core's own test tools do."""
    given = {**args, "_ansible_check_mode": check, "_ansible_diff": diff}
    done = subprocess.run(
        [sys.executable, str(MODULE)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        env={**os.environ, "PYTHONPATH": str(OPS.parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_single_target_is_the_result_itself(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(TEXT)
    checked = run(check=True, diff=True, path=str(tmp_path), name="web", memory={"factor": 1.5})
    done = run(path=str(tmp_path), name="web", memory={"factor": 1.5})
    assert done["changed"]
    assert done["reason"] == "bumped"
    assert {key: checked[key] for key in done if key != "invocation"} == {
        key: value for key, value in done.items() if key != "invocation"
    }
    assert [(one["before"], one["after"]) for one in checked["diff"]] == [(TEXT, TEXT.replace("256Mi", "384Mi"))]
    assert (tmp_path / "web.yaml").read_text() == TEXT.replace("256Mi", "384Mi")


def test_a_single_target_that_is_not_there_fails_and_a_policy_does_not(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(TEXT)
    missing = run(path=str(tmp_path), name="nope", memory={"factor": 1.5})
    assert missing["failed"]
    assert missing["reason"] == "not_found"
    assert "nope" in missing["msg"]
    capped = run(path=str(tmp_path), name="web", memory={"factor": 1.5, "max": "256Mi"})
    assert not capped.get("failed")
    assert (capped["changed"], capped["reason"]) == (False, "capped")


def test_items_take_what_they_leave_out_from_the_task(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(TEXT)
    done = run(
        path=str(tmp_path),
        memory={"factor": 2},
        requests="scale",
        items=[{"name": "web", "label": [1]}, {"name": "nope", "label": "b"}, {"label": "c"}],
    )
    assert not done.get("failed")
    assert done["changed"]
    assert [(one["label"], one["reason"], one["failed"]) for one in done["results"]] == [
        ([1], "bumped", False),
        ("b", "not_found", True),
        ("c", "invalid_input", True),
    ]


def test_a_path_that_is_not_there_fails_the_task(tmp_path: Path) -> None:
    done = run(path=str(tmp_path / "nope"), items=[])
    assert done["failed"]
    assert done["reason"] == "invalid_input"


def test_run_answers_in_process_what_the_process_answers(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(TEXT)
    given: dict[str, Any] = {"path": str(tmp_path), "name": "web", "memory": {"factor": 1.5}}
    checked = ArgumentSpecValidator(bump_limits.SPEC["argument_spec"]).validate(given)
    assert not checked.error_messages
    here = bump_limits.run(checked.validated_parameters, check_mode=True, diff_mode=False)
    there = run(check=True, **given)
    assert {key: there[key] for key in here if key in there} == {key: here[key] for key in here if key in there}


def test_the_documented_options_are_the_options_there_are() -> None:
    documented = yaml.safe_load(bump_limits.DOCUMENTATION)["options"]
    assert set(documented) == set(bump_limits.SPEC["argument_spec"])
    assert set(documented["items"]["suboptions"]) == set(bump_limits.TARGET)
    for name in ("memory", "cpu", "ephemeral_storage"):
        assert set(documented[name]["suboptions"]) == set(bump_limits.RULE["options"])


@pytest.mark.parametrize(("shared_base", "changed"), [("patch", "prod/"), ("edit", "base/"), ("refuse", None)])
def test_a_number_in_a_shared_base_is_changed_where_the_option_says(tmp_path, shared_base, changed):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/kustomization.yaml").write_text("resources: [web.yaml]\n")
    (tmp_path / "base/web.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: web\n        resources: {limits: {memory: 100Mi}}\n"
    )
    for environment in ("prod", "test"):
        (tmp_path / environment).mkdir()
        (tmp_path / environment / "kustomization.yaml").write_text(f"namespace: {environment}\nresources: [../base]\n")
    item = {"name": "web", "namespace": "prod", "memory": {"set": "200Mi"}, "shared_base": shared_base}
    outcome = bump(open_tree(str(tmp_path)), [item], now=datetime.now(UTC))
    files = outcome.results[0].as_dict()["files"]
    assert all(file.startswith(changed) for file in files) if changed else not files
    assert bool(files) == bool(changed)
