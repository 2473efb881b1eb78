# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines by pipelines, against the emulator of GitLab's documented API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.modules import gitlab_machine

from tests.emulators.gitlab import GitLab
from tests.emulators.gitlab_pipelines import Pipeline
from tests.emulators.server import Response, serve

pytestmark = pytest.mark.stand_in("gitlab-emulator")
PROJECT = "platform/machines"
TOKEN = "glpat-not-a-real-one"
GONE = {"gone": True}


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[GitLab]:
    emulator = GitLab(tmp_path)
    emulator.add_project(PROJECT, {".gitlab-ci.yml": "machine: {script: [./machine]}\n"})
    emulator.tokens[TOKEN] = "api"
    with serve(emulator):
        yield emulator
    assert emulator.problems == []


def ask(gitlab: GitLab, action: str = "add", check: bool = False, **more: Any) -> dict[str, Any]:
    params = {
        "url": gitlab.url,
        "project": PROJECT,
        "ref": "main",
        "token": TOKEN,
        "result_job": "machine",
        "variables": {"SIZE": "m5.large", "DISKS": [1, 2]},
        "action": action,
        "operation": "3f9c0e1d2b4a",
        "attempt": 0,
        "started": datetime.now(UTC).isoformat(),
        "pool": "workers",
        "node": "workers-7",
        "address": "10.0.0.17",
        "provider_id": "",
        "joins": False,
        **more,
    }
    return gitlab_machine.run(params, check_mode=check, diff_mode=False)


def posts(gitlab: GitLab) -> int:
    return sum(item.method == "POST" and item.path.endswith("/pipeline") for item in gitlab.requests)


def only(gitlab: GitLab) -> Pipeline:
    [pipeline] = gitlab.pipelines.made
    return pipeline


@pytest.mark.parametrize("named", [False, True], ids=["by-variable", "by-name"])
def test_a_job_is_one_pipeline_however_often_it_is_asked_for(gitlab: GitLab, named: bool) -> None:
    gitlab.pipelines.named = named
    first = ask(gitlab)
    assert (first["outcome"], first["changed"]) == ("pending", True)
    only(gitlab).status = "running"
    again = ask(gitlab)
    assert (again["outcome"], again["changed"]) == ("pending", False)
    assert again["message"].endswith("/pipelines/1 is running")
    assert only(gitlab).variables == {
        "SIZE": "m5.large",
        "DISKS": "[1, 2]",
        "PLATFORM_OPS_JOB": "3f9c0e1d2b4a-add-0",
        "PLATFORM_OPS_OPERATION": "3f9c0e1d2b4a",
        "PLATFORM_OPS_ACTION": "add",
        "PLATFORM_OPS_POOL": "workers",
        "PLATFORM_OPS_NODE": "workers-7",
        "PLATFORM_OPS_ADDRESS": "10.0.0.17",
        "PLATFORM_OPS_PROVIDER_ID": "",
    }
    gitlab.pipelines.end(only(gitlab), "success", {"provider_id": "vsphere://4213", "address": "10.0.0.18"})
    done = ask(gitlab)
    assert (done["outcome"], done["provider_id"], done["address"]) == ("done", "vsphere://4213", "10.0.0.18")


def test_check_mode_starts_nothing(gitlab: GitLab) -> None:
    assert ask(gitlab, check=True)["changed"]
    assert gitlab.pipelines.made == []


def test_without_a_result_the_machine_is_called_by_its_name(gitlab: GitLab) -> None:
    ask(gitlab)
    gitlab.pipelines.end(only(gitlab), "success")
    assert ask(gitlab)["provider_id"] == "pipeline:///workers-7"


def test_a_pipeline_that_joins_the_machine_need_not_know_what_its_node_is_called(gitlab: GitLab) -> None:
    ask(gitlab, joins=True)
    gitlab.pipelines.end(only(gitlab), "success")
    assert ask(gitlab, joins=True)["provider_id"] == ""
    assert ask(gitlab, joins=True, provider_id="aws:///a/i-1")["provider_id"] == "aws:///a/i-1"


@pytest.mark.parametrize("answer", [None, Response(502, html="<h1>Bad gateway</h1>")], ids=["cut", "502"])
def test_a_start_whose_answer_was_lost_is_found_again(gitlab: GitLab, answer: Response | None) -> None:
    gitlab.inject("POST", "/pipeline$", response=answer, after_acting=True)
    lost = ask(gitlab)
    assert lost["outcome"] == "pending"
    assert "looked for again" in lost["message"]
    assert ask(gitlab)["pipeline"]["id"] == 1
    assert posts(gitlab) == 1


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_start_that_was_refused_for_now_is_tried_by_the_next_run(gitlab: GitLab, status: int) -> None:
    gitlab.inject("POST", "/pipeline$", response=Response(status, {"message": "later"}, {"Retry-After": "3600"}))
    assert ask(gitlab)["outcome"] == "pending"
    assert gitlab.pipelines.made == []
    assert ask(gitlab)["pipeline"]["id"] == 1


@pytest.mark.parametrize("status", [429, 502])
def test_a_list_that_cannot_be_had_starts_nothing(gitlab: GitLab, status: int) -> None:
    gitlab.inject("GET", "/pipelines$", response=Response(status, {"message": "later"}))
    assert ask(gitlab)["outcome"] == "pending"
    assert posts(gitlab) == 0


def test_a_token_that_expired_is_a_failure_and_is_not_told(gitlab: GitLab) -> None:
    gitlab.expired.add(TOKEN)
    failed = ask(gitlab)
    assert failed["failed"]
    assert "GitLab answered 401: Token is expired." in failed["msg"]
    assert TOKEN not in str(failed)


def test_a_branch_that_is_not_there_is_a_failure(gitlab: GitLab) -> None:
    assert "Reference not found" in ask(gitlab, ref="nowhere")["msg"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_pipeline_that_ended_badly_is_a_failure_with_its_class(gitlab: GitLab, status: str) -> None:
    ask(gitlab)
    gitlab.pipelines.end(only(gitlab), status, {"error_class": "stock_out", "message": "no host has 8 GiB left"})
    failed = ask(gitlab)
    assert (failed["failed"], failed["error_class"]) == (True, "stock_out")
    assert f"ended as {status}: no host has 8 GiB left" in failed["msg"]
    assert failed["pipeline"]["url"] in failed["msg"]


def test_a_job_that_is_asked_for_again_after_a_failure_is_a_new_pipeline(gitlab: GitLab) -> None:
    ask(gitlab, "remove")
    gitlab.pipelines.end(only(gitlab), "failed")
    assert ask(gitlab, "remove")["failed"]
    assert ask(gitlab, "remove", attempt=1)["pipeline"]["id"] == 2


def test_removal_succeeds_only_when_the_pipeline_says_that_it_looked(gitlab: GitLab) -> None:
    ask(gitlab, "remove")
    gitlab.pipelines.end(only(gitlab), "success", {"gone": "yes"})
    assert "after a look" in ask(gitlab, "remove")["msg"]
    gitlab.pipelines.end(only(gitlab), "success", GONE)
    assert ask(gitlab, "remove")["outcome"] == "done"


def test_a_machine_is_not_removed_while_a_pipeline_still_makes_it(gitlab: GitLab) -> None:
    ask(gitlab)
    only(gitlab).status = "running"
    waits = ask(gitlab, "remove")
    assert waits["outcome"] == "pending"
    assert only(gitlab).status == "canceled"
    assert ask(gitlab, "remove")["pipeline"]["id"] == 2


def test_of_two_pipelines_with_one_key_the_later_is_cancelled(gitlab: GitLab) -> None:
    ask(gitlab)
    first = only(gitlab)
    gitlab.pipelines.made.append(Pipeline(2, "main", first.sha, first.created_at, first.updated_at, first.variables))
    assert ask(gitlab)["pipeline"]["id"] == 1
    assert [item.status for item in gitlab.pipelines.made] == ["created", "canceled"]


@pytest.mark.parametrize(
    ("artifact", "why"),
    [
        ("text", "holds no object"),
        ({"provider_id": 7}, "provider_id not as text"),
        ({"message": "x" * 70000}, "more than"),
    ],
    ids=["no-object", "no-text", "too-large"],
)
def test_a_result_that_is_none_is_not_believed(gitlab: GitLab, artifact: Any, why: str) -> None:
    ask(gitlab)
    gitlab.pipelines.end(only(gitlab), "success", artifact)
    assert why in ask(gitlab)["msg"]


def test_pipelines_of_others_and_from_before_are_left_alone(gitlab: GitLab) -> None:
    for number in range(1, 151):
        sha = gitlab.projects[0].git.branch("main") or ""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        gitlab.pipelines.made.append(Pipeline(number, "main", sha, stamp, stamp, {"OTHER": "1"}, name="nightly"))
    assert ask(gitlab)["pipeline"]["id"] == 151
    assert ask(gitlab)["pipeline"]["id"] == 151


def test_the_token_is_in_no_command_line_and_no_output_of_a_playbook(gitlab: GitLab, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text(PLAY.format(url=gitlab.url, started=datetime.now(UTC).isoformat()))
    environment = {**os.environ, "GITLAB_TOKEN": TOKEN, "ANSIBLE_CONFIG": str(Path("ansible.cfg").absolute())}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvv", str(play)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "pipelines/1 is created" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    node_scale_pool: workers
    node_scale_variables: {{url: {url}, project: platform/machines}}
    node_scale_job: {{operation: 3f9c0e1d2b4a, action: add, node: workers-7, address: "", provider_id: "", attempt: 0,
                     started: "{started}"}}
  tasks:
    - ansible.builtin.include_role: {{name: platform.ops.machine_gitlab_pipeline, tasks_from: add}}
    - ansible.builtin.debug: {{var: node_scale_answer}}
"""
