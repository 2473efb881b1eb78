# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances of an Auto Scaling group, against moto."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.machines import _asg
from ansible_collections.platform.ops.plugins.modules import asg_machine

from tests.emulators import aws as emulator
from tests.emulators.aws import CREDENTIALS, GROUP, Aws

pytestmark = pytest.mark.stand_in("moto")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_asg, "clients", functools.cache(_asg.clients))  # each takes half a second of CPU to make
    with emulator.running() as running:
        yield running


def ask(aws: Aws, state: str, operation: str = "", check: bool = False, **more: Any) -> dict[str, Any]:
    params = {
        "group": GROUP,
        "pool": "workers",
        "region": None,
        "profile": None,
        "endpoint_url": aws.url,
        "node_name": "private_dns_name",
        "provider_id": "",
        **more,
    }
    return asg_machine.run({**params, "state": state, "operation": operation}, check_mode=check, diff_mode=False)


def test_an_operation_gets_an_instance_with_name_address_and_provider_id(aws: Aws) -> None:
    aws.make_group()
    planned = ask(aws, "present", "op-a", check=True)
    assert planned["changed"]
    assert aws.alive() == []
    assert aws.group().get("Tags", []) == []
    assert ask(aws, "present", "op-a")["outcome"] == "pending"
    got = ask(aws, "present", "op-a")
    [instance] = aws.alive()
    assert got["outcome"] == "done"
    assert got["provider_id"] == f"aws:///eu-west-1a/{instance}"
    assert got["name"].startswith("ip-")
    assert got["address"].count(".") == 3
    again = ask(aws, "present", "op-a")
    assert not again["changed"]
    assert again["provider_id"] == got["provider_id"]
    assert aws.launched() == 1


def test_instances_from_before_count_and_are_never_given_to_an_operation(aws: Aws) -> None:
    aws.make_group(desired=2)
    before = aws.alive()
    ask(aws, "present", "op-a")
    got = ask(aws, "present", "op-a")
    assert got["provider_id"].rpartition("/")[2] not in before
    assert len(aws.alive()) == 3


def test_two_operations_under_way_get_one_instance_each(aws: Aws) -> None:
    aws.make_group()
    aws.delay = True
    for operation in ("op-a", "op-b", "op-a", "op-b"):
        assert ask(aws, "present", operation)["outcome"] == "pending"
    assert aws.group()["DesiredCapacity"] == 2
    aws.deliver()
    first, second = ask(aws, "present", "op-b"), ask(aws, "present", "op-a")
    assert {first["outcome"], second["outcome"]} == {"done"}
    assert first["provider_id"] != second["provider_id"]
    assert aws.launched() == 2


def test_the_chosen_instance_goes_and_no_other_comes(aws: Aws) -> None:
    aws.make_group()
    for operation in ("op-a", "op-b"):
        ask(aws, "present", operation)
    chosen, stays = ask(aws, "present", "op-a"), ask(aws, "present", "op-b")
    gone = {"operation": "op-z", "provider_id": chosen["provider_id"]}
    assert ask(aws, "absent", **gone)["changed"]
    last = ask(aws, "absent", **gone)
    assert (last["outcome"], last["changed"]) == ("done", False)
    assert aws.alive() == [stays["provider_id"].rpartition("/")[2]]
    assert aws.group()["DesiredCapacity"] == 1


def test_an_operation_that_got_nothing_takes_its_wish_back(aws: Aws) -> None:
    aws.make_group(desired=1)
    aws.delay = True
    ask(aws, "present", "op-a")
    assert aws.group()["DesiredCapacity"] == 2
    assert ask(aws, "absent", "op-a")["outcome"] == "pending"
    assert aws.group()["DesiredCapacity"] == 1
    assert ask(aws, "absent", "op-a")["outcome"] == "done"
    assert [tag["Key"] for tag in aws.group()["Tags"]] == ["platform.ops/pool"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            "We currently do not have sufficient m5.large capacity in the Availability Zone you requested. "
            "Launching EC2 instance failed.",
            "stock_out",
        ),
        ("InsufficientInstanceCapacity: try another zone", "stock_out"),
        (
            "You have requested more vCPU capacity than your current vCPU limit of 5 allows for the instance bucket "
            "that the specified instance type belongs to. Launching EC2 instance failed.",
            "quota",
        ),
        ("VcpuLimitExceeded", "quota"),
        ("The image id '[ami-0]' does not exist. Launching EC2 instance failed.", "other"),
    ],
)
def test_a_launch_that_failed_says_what_kind_of_failure_it_was(aws: Aws, said: str, kind: str) -> None:
    aws.make_group()
    aws.refusal = said
    ask(aws, "present", "op-a")
    failed = ask(aws, "present", "op-a")
    assert failed["failed"]
    assert failed["error_class"] == kind
    assert said in failed["msg"]


def test_a_failure_from_before_the_operation_is_not_its_own(aws: Aws) -> None:
    aws.make_group()
    aws.refusal = "VcpuLimitExceeded"
    ask(aws, "present", "op-a")
    ask(aws, "absent", "op-a")
    aws.refusal, aws.delay = "", True
    ask(aws, "present", "op-b")
    assert ask(aws, "present", "op-b")["outcome"] == "pending"


def test_a_group_at_its_max_size_is_a_quota(aws: Aws) -> None:
    aws.make_group(desired=1, most=1)
    failed = ask(aws, "present", "op-a")
    assert (failed["failed"], failed["error_class"]) == (True, "quota")
    assert "has max size 1, 2 are needed" in failed["msg"]


def test_a_group_that_may_remove_instances_itself_is_refused(aws: Aws) -> None:
    aws.make_group(protected=False)
    failed = ask(aws, "present", "op-a")
    assert "new-instances-protected-from-scale-in" in failed["msg"]
    assert aws.group()["DesiredCapacity"] == 0


def test_a_group_of_another_pool_is_refused(aws: Aws) -> None:
    aws.make_group()
    ask(aws, "present", "op-a")
    assert "belongs to NodePool workers" in ask(aws, "present", "op-b", pool="other")["msg"]


def test_an_api_that_does_not_answer_is_asked_again_later(aws: Aws) -> None:
    aws.url = "http://127.0.0.1:9"
    assert ask(aws, "present", "op-a")["outcome"] == "pending"


def test_the_machines_are_listed_as_the_leak_detector_takes_them(aws: Aws) -> None:
    aws.make_group(desired=1)
    [listed] = ask(aws, "listed")["machines"]
    assert listed["provider_id"].endswith(aws.alive()[0])
    assert listed["name"].startswith("ip-")


def test_the_role_answers_as_the_contract_says(aws: Aws, tmp_path: Path) -> None:
    aws.make_group()
    play = tmp_path / "play.yml"
    play.write_text(PLAY.replace("URL", aws.url).replace("GROUP", GROUP))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(Path("ansible.cfg").absolute())}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(play)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert aws.alive() == []
    assert aws.launched() == 1


PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    node_scale_pool: workers
    node_scale_variables: {group: GROUP, region: eu-west-1, endpoint_url: "URL"}
    node_scale_job: {operation: 3f9c0e1d2b4a, action: add, node: workers-1, address: "", provider_id: "", attempt: 0,
                     started: "2026-11-26T00:00:00Z"}
  tasks:
    - ansible.builtin.include_role: {name: platform.ops.machine_aws_asg, tasks_from: add}
    - ansible.builtin.assert: {that: "node_scale_answer.outcome == 'pending'"}
    - ansible.builtin.include_role: {name: platform.ops.machine_aws_asg, tasks_from: add}
    - ansible.builtin.assert: {that: "node_scale_answer.outcome == 'done' and node_scale_answer.name is match('ip-')"}
    - ansible.builtin.set_fact: {made: "{{ node_scale_answer.provider_id }}"}
    - ansible.builtin.include_role: {name: platform.ops.machine_aws_asg, tasks_from: list}
    - ansible.builtin.assert: {that: "node_scale_machines | map(attribute='provider_id') | list == [made]"}
    - ansible.builtin.include_role: {name: platform.ops.machine_aws_asg, tasks_from: remove}
      vars:
        node_scale_job: {operation: 0a1b2c3d4e5f, action: remove, node: workers-1, provider_id: "{{ made }}"}
    - ansible.builtin.include_role: {name: platform.ops.machine_aws_asg, tasks_from: remove}
      vars:
        node_scale_job: {operation: 0a1b2c3d4e5f, action: remove, node: workers-1, provider_id: "{{ made }}"}
    - ansible.builtin.assert: {that: "node_scale_answer.outcome == 'done'"}
"""
