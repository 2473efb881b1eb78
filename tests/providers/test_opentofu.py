# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines by a real OpenTofu. A machine is a file here; test_opentofu_lab.py has real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.modules import opentofu_machine

from lab.shell import LabError
from lab.tools import tool

MODULE = Path(__file__).parent / "file_machine"
PASSWORD = "correct-horse-battery"
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


@dataclass
class Site:
    folder: Path
    states: Path
    binary: str

    def params(self, state: str = "present", **more: Any) -> dict[str, Any]:
        variables = {"folder": str(self.folder), **more.pop("variables", {})}
        return {
            "source": str(MODULE),
            "name": "workers-7",
            "address": "10.0.0.17",
            "pool": "workers",
            "operation": "3f9c0e1d2b4a",
            "state": state,
            "binary": self.binary,
            "backend": "local",
            "backend_config": {"workspace_dir": str(self.states)},
            "variables": variables,
            "secrets": {"password": PASSWORD},
            "environment": {},
            "timeout": 240,
            "lock_stale_after": 900,
            **more,
        }

    def ask(self, state: str = "present", check: bool = False, **more: Any) -> dict[str, Any]:
        return opentofu_machine.run(self.params(state, **more), check_mode=check, diff_mode=False)

    def machines(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def kept(self) -> list[str]:
        """Workspaces that have a state."""
        return sorted(path.parent.name for path in self.states.glob("*/terraform.tfstate"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    try:
        binary = tool("tofu")
    except LabError as error:
        pytest.skip(str(error))
    for name in ("machines", "states"):
        (tmp_path / name).mkdir()
    return Site(tmp_path / "machines", tmp_path / "states", str(binary))


def test_a_machine_is_made_once_and_destroyed_with_its_state(site: Site) -> None:
    planned = site.ask(check=True)
    assert planned["changes"] == ["create module.machine.terraform_data.machine"]
    assert site.machines() == []
    made = site.ask()
    assert (made["outcome"], made["changed"]) == ("done", True)
    assert made["provider_id"] == f"file://{site.folder}/workers-7"
    assert made["address"] == "10.0.0.17"
    again = site.ask()
    assert (again["outcome"], again["changed"]) == ("done", False)
    assert site.kept() == ["workers--workers-7"]

    assert site.ask("absent", check=True)["changes"] == ["delete module.machine.terraform_data.machine"]
    assert site.machines() == ["workers-7"]
    gone = site.ask("absent")
    assert (gone["outcome"], gone["changed"]) == ("done", True)
    assert site.machines() == []
    assert site.kept() == []
    assert site.ask("absent")["changed"] is False


def test_each_machine_has_a_state_of_its_own(site: Site) -> None:
    site.ask(name="workers-1")
    broken = site.ask(name="workers-2", variables={"before": "false"})
    assert broken["failed"]
    site.ask("absent", name="workers-1")
    assert site.kept() == ["workers--workers-2"]
    assert site.ask(name="workers-2")["outcome"] == "done"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Error: VcpuLimitExceeded: more vCPU capacity than your limit", "quota"),
        ("Error: InsufficientInstanceCapacity", "stock_out"),
        ("Error: no such image", "other"),
    ],
)
def test_what_the_provider_says_decides_the_class_of_the_failure(site: Site, said: str, kind: str) -> None:
    failed = site.ask(variables={"before": f"(echo '{said}'; false)"}, secrets={})
    assert (failed["failed"], failed["error_class"]) == (True, kind)
    assert said in failed["msg"]


def test_values_are_taken_as_they_are_written(site: Site) -> None:
    made = site.ask(variables={"sizes": [1, 2], "afterwards": "test '$${HOME}' != '' # ${not} %{a} template"})
    assert made["outcome"] == "done", made


def test_a_variable_that_the_role_gives_itself_is_refused(site: Site) -> None:
    assert "are given by the role itself" in site.ask(variables={"name": "x"})["msg"]
    assert "stand in both" in site.ask(secrets={"folder": "x"})["msg"]


def test_a_destroyed_machine_that_is_still_there_is_a_failure(site: Site) -> None:
    site.ask()
    (site.folder / "workers-7").unlink()
    (site.folder / "workers-7").mkdir()
    (site.folder / "workers-7" / "disk").touch()
    failed = site.ask("absent")
    assert failed["failed"], failed


def test_a_machine_that_no_state_knows_is_found_and_destroyed(site: Site) -> None:
    (site.folder / "workers-7").touch()
    gone = site.ask("absent")
    assert gone["changes"][0] == "import module.machine.terraform_data.machine"
    assert (gone["outcome"], site.machines()) == ("done", [])


def run_elsewhere(site: Site, params: dict[str, Any]) -> subprocess.Popen[str]:
    """The module in a process that can be killed."""
    script = (
        "import json, sys\n"
        "from ansible_collections.platform.ops.plugins.modules import opentofu_machine\n"
        "print(json.dumps(opentofu_machine.run(json.load(sys.stdin), check_mode=False, diff_mode=False)))\n"
    )
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": f"{root}/collections"}
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=root,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(params))
    process.stdin.close()
    process.stdin = None  # communicate() would flush it
    return process


def wait_for(what: str, check: Any, deadline: float = 180) -> None:
    ends = time.monotonic() + deadline
    while not check():
        assert time.monotonic() < ends, f"not in {deadline} s: {what}"
        time.sleep(0.1)


def test_a_run_that_is_killed_after_the_machine_was_made_loses_nothing(site: Site) -> None:
    go_on = site.states / "go-on"
    slow = {"afterwards": f"while ! test -e {go_on}; do sleep 0.1; done"}
    run = run_elsewhere(site, site.params(variables=slow))
    wait_for("the machine is made", lambda: site.machines() == ["workers-7"])
    run.kill()  # OpenTofu is told by the kernel to finish and to write down what it did
    run.wait()
    go_on.touch()
    wait_for("its lock is given back", lambda: site.ask("absent")["outcome"] == "done")
    assert site.machines() == []
    assert site.kept() == []


def test_no_second_run_works_on_a_machine_at_the_same_time(site: Site) -> None:
    go_on = site.states / "go-on"
    slow = {"afterwards": f"while ! test -e {go_on}; do sleep 0.1; done"}
    run = run_elsewhere(site, site.params(variables=slow))
    wait_for("the machine is made", lambda: site.machines() == ["workers-7"])
    waits = site.ask()
    assert waits["outcome"] == "pending"
    assert "worked on by another run" in waits["message"]
    go_on.touch()
    assert json.loads(run.communicate()[0])["outcome"] == "done"


def test_a_run_that_takes_too_long_is_stopped_and_the_next_goes_on(site: Site) -> None:
    late = site.ask(timeout=8, variables={"before": "sleep 100"})
    assert late["outcome"] == "pending"
    assert "did not end within 8 s" in late["message"]
    assert site.ask()["outcome"] == "done"


def test_a_secret_is_on_no_command_line_in_no_file_and_in_no_message(site: Site) -> None:
    go_on, seen = site.states / "go-on", site.states / "seen"
    look = f"tr '\\\\0' ' ' < /proc/$PPID/cmdline > {seen}; while ! test -e {go_on}; do sleep 0.1; done"
    run = run_elsewhere(site, site.params(variables={"before": look}))
    wait_for("OpenTofu runs", seen.exists)
    files = [path for path in Path("/tmp").glob("platform-ops-tofu-*/*") if path.is_file()]
    assert any(path.name == "main.tf.json" for path in files)
    assert not [path for path in files if PASSWORD in path.read_text(errors="replace")]
    assert all(path.parent.stat().st_mode & 0o077 == 0 for path in files)
    go_on.touch()
    assert PASSWORD not in run.communicate()[0]
    assert "apply" in seen.read_text()
    assert PASSWORD not in seen.read_text()
    failed = site.ask(name="workers-8", variables={"before": f"(echo {PASSWORD}; false)"})
    assert failed["failed"]
    assert PASSWORD not in str(failed)


def test_a_binary_that_is_not_there_is_named(site: Site) -> None:
    assert "tofu-of-nowhere is not here" in site.ask(binary="tofu-of-nowhere")["msg"]
