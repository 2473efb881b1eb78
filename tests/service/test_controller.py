# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Job templates of an automation controller instead of playbooks, with the real rulebook."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulators.controller import TOKEN as CONTROLLER_TOKEN
from tests.emulators.controller import Controller, Work, playbook
from tests.emulators.server import Response, serve
from tests.rulebook.conftest import TOKEN, alert, eventually, metrics, payload
from tests.rulebook.test_hostile import attacks
from tests.spine.conftest import Fleet
from tests.support.rulebook import ROOT, Rulebook, free_port, rulebook

RULEBOOKS = ROOT / "collections/ansible_collections/platform/ops/extensions/eda/rulebooks"
pytestmark = [
    pytest.mark.stand_in("controller-emulator"),
    pytest.mark.timeout(400),
]


class Scene:
    """The service in a folder of its own; the jobs' inventory is another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "service-state"
        self.fleet = Fleet(folder)

    @contextmanager
    def running(self, work: Work | None = None, **variables: Any) -> Iterator[tuple[Rulebook, Controller]]:
        controller = Controller(work or playbook(self.fleet.inventory))
        (self.folder / "token").write_text(TOKEN)
        inventory = self.folder / "service"
        (inventory / "group_vars/all").mkdir(parents=True)
        shutil.copy(self.fleet.inventory / "hosts.yml", inventory)
        settings = {
            "remediation_listen_port": free_port(),
            "remediation_state_dir": str(self.state),
            "remediation_token_file": str(self.folder / "token"),
            "remediation_tick_seconds": 3600,
            **variables,
        }
        path = inventory / "group_vars/all/remediation.yml"
        path.write_text(yaml.safe_dump(settings))
        with serve(controller) as url:
            env = {
                "EDA_CONTROLLER_URL": url,
                "EDA_CONTROLLER_TOKEN": CONTROLLER_TOKEN,
                "EDA_JOB_TEMPLATE_REFRESH_DELAY": "0.3",
            }
            with rulebook(path, inventory, name="platform.ops.remediate_controller", env=env) as process:
                yield process, controller
            controller.finish()

    def decisions(self) -> list[dict[str, Any]]:
        log = self.state / "decisions.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def about(number: int) -> dict[str, Any]:
    return alert(number, deployment="checkoutservice", pod="checkoutservice-5d4f8b7c9d-abcde")


def encoded(*decisions: Mapping[str, Any]) -> dict[str, Any]:
    text = "\n".join(map(json.dumps, decisions))
    return {"platform_ops_decisions": base64.b64encode(text.encode()).decode()}


def test_an_alert_launches_the_template_and_what_the_job_decided_is_recorded_here(scene: Scene) -> None:
    with scene.running() as (running, controller):
        assert running.post("/alertmanager", payload(about(1))).status == 202
        eventually(lambda: 'decision="opened"' in metrics(running), running, 180)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
    (job,) = controller.jobs
    assert set(job.extra_vars) == {"controller_job_work", "remediations"}
    assert job.extra_vars["controller_job_work"] == "bump_limits"
    (given,) = job.extra_vars["remediations"]
    assert given["id"].startswith(f"alertmanager:{1:016x}")
    (pull,) = scene.fleet.pulls()
    (decision,) = [entry for entry in scene.decisions() if entry["decision"] == "opened"]
    assert decision["id"] == given["id"]
    assert "memory: " in scene.fleet.file("apps/shop/checkoutservice.yaml", pull.branch)
    assert [name for name in controller.labels.values() if name.startswith("eda-event-uuid-")]
    assert controller.problems == []


def test_nothing_hostile_reaches_the_controller_and_nothing_it_sends_back_is_executed(scene: Scene) -> None:
    canary = scene.folder / "canary"
    attack = f"{{{{ lookup('pipe', 'touch {canary}') }}}}"

    def work(variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        decided = [
            {"id": item["id"], "kind": "bump_limits", "decision": "refused", "reason": "no_manifest", "message": attack}
            for item in variables["remediations"]
        ]
        return "successful", encoded(*decided)

    fields = ("alertname", "namespace", "pod", "container", "cluster", "resource", "hosts", "deployment")
    hostile = [alert(100, **{name: text}) for text in attacks(canary) for name in fields]
    for number, item in enumerate(hostile):
        item["fingerprint"] = f"{number + 100:016x}"
    with scene.running(work) as (running, controller):
        assert running.post("/alertmanager", payload(*hostile, about(1))).status == 202
        eventually(lambda: any(d["message"] == attack for d in scene.decisions()), running)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
    launches = [r.body.decode() for r in controller.requests if r.path.endswith("/launch/")]
    assert launches
    for text in launches:
        assert not re.search(r"\{\{|\{%|touch|/etc/|`|\$\(", text)
    assert not canary.exists()
    assert controller.problems == []


@pytest.mark.campaign
def test_a_job_that_fails_or_cannot_be_launched_leaves_its_alerts_for_later(scene: Scene) -> None:
    answers = iter([("failed", {}), ("successful", {"platform_ops_decisions": "{{ 1 }}"})])

    def work(variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        decided = [{"id": v["id"], "kind": "bump_limits", "decision": "unchanged"} for v in variables["remediations"]]
        return next(answers, ("successful", encoded(*decided)))

    with scene.running(work, remediation_retry_after=2) as (running, controller):
        controller.inject("POST", "/launch/$", response=Response(403, {"detail": "You do not have permission."}))
        assert running.post("/alertmanager", payload(about(1))).status == 202
        # refused; failed; artifacts that are no decisions; decided
        eventually(lambda: 'decision="unchanged"' in metrics(running), running, 180)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
        assert "left undecided by their run" in running.output()
    assert len(controller.jobs) == 3


def rulesets(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((RULEBOOKS / name).read_text()))


def test_both_rulebooks_have_the_same_sources_and_conditions() -> None:
    here, there = rulesets("remediate.yml"), rulesets("remediate_controller.yml")
    assert [ruleset["sources"] for ruleset in here] == [ruleset["sources"] for ruleset in there]
    for one, other in zip(here, there, strict=True):
        assert [(rule["name"], rule["condition"]) for rule in one["rules"]] == [
            (rule["name"], rule["condition"]) for rule in other["rules"] if "run_job_template" in rule["action"]
        ]


def test_the_playbook_of_jobs_knows_every_work_that_the_rulebook_asks_for() -> None:
    path = RULEBOOKS.parents[2] / "playbooks/controller_job.yml"
    (play,) = yaml.safe_load(path.read_text())
    jobs = [
        rule["action"]["run_job_template"]["job_args"]["extra_vars"]
        for ruleset in rulesets("remediate_controller.yml")
        for rule in ruleset["rules"]
        if "run_job_template" in rule["action"]
    ]
    works = play["vars"]["controller_job_works"]
    assert {job["controller_job_work"] for job in jobs} == set(works)
    for work in works.values():
        role = RULEBOOKS.parents[2] / "roles" / work["role"].rpartition(".")[2]
        assert (role / "tasks" / f"{work['tasks']}.yml").is_file()


def test_the_execution_environment_is_one_that_ansible_builder_takes(tmp_path: Path) -> None:
    builder = Path(sys.executable).parent / "ansible-builder"
    command = [builder, "create", "--file", str(ROOT / "execution-environment.yml"), "--context", str(tmp_path)]
    command += ["--output-filename", "Containerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    recipe = (tmp_path / "Containerfile").read_text()
    assert "ansible_core" in recipe or "ansible-core" in recipe
    assert (tmp_path / "_build/requirements.txt").is_file()
    collection = tmp_path / "_build/platform-ops"
    assert (collection / "galaxy.yml").is_file()
