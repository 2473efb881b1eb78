# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab is made of, and what would be run where that is kind. No cluster is made here: that needs Docker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import backend, images, kind
from lab.place import ROOT, Lab
from lab.shell import LabError

NO_ROOT = "the lab needs root"


@pytest.mark.parametrize(
    ("wanted", "docker", "obstacle", "chosen"),
    [
        ("auto", True, None, "kind"),
        ("auto", True, NO_ROOT, "kind"),
        ("auto", False, None, "machines"),
        ("machines", True, None, "machines"),
        ("kind", True, NO_ROOT, "kind"),
    ],
)
def test_the_host_chooses_unless_somebody_did(wanted: str, docker: bool, obstacle: str | None, chosen: str) -> None:
    assert backend.choose(wanted, docker=docker, obstacle=obstacle) == chosen


@pytest.mark.parametrize(
    ("wanted", "docker", "obstacle", "said"),
    [
        ("auto", False, NO_ROOT, "no lab can run here: the lab needs root; and kind needs Docker"),
        ("kind", False, None, "no Docker daemon answers"),
        ("machines", True, NO_ROOT, "PLATFORM_OPS_LAB_BACKEND=kind where Docker exists"),
        ("vagrant", True, None, "use auto, machines, kind"),
    ],
)
def test_what_cannot_be_says_what_is_missing(wanted: str, docker: bool, obstacle: str | None, said: str) -> None:
    with pytest.raises(LabError, match=said):
        backend.choose(wanted, docker=docker, obstacle=obstacle)


def test_a_client_without_a_daemon_is_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert not backend.docker_answers()


class Recorder:
    """Takes commands instead of running them, and answers from a table."""

    def __init__(self, **answers: str) -> None:
        self.answers, self.commands = answers, []

    def __call__(self, command: list[Any], **_: Any) -> str:
        words = [str(word) for word in command]
        self.commands.append(words)
        for word in words:
            if word == "--kubeconfig" and "create" in words:
                Path(words[words.index(word) + 1]).write_text("the kubeconfig")
        return next((text for key, text in self.answers.items() if key in words), "")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(kind, "tool", lambda name: Path("/bin") / name)
    monkeypatch.setattr(images, "archive", lambda: Path("/images/workload.tar"))
    return Lab("one", tmp_path / "one")


def test_up_makes_a_cluster_of_its_own_name_with_workers_and_our_image(lab: Lab) -> None:
    run = Recorder()
    kind.up(lab, 2, run=run)
    made, loaded = run.commands
    assert made[:5] == ["/bin/kind", "create", "cluster", "--name", lab.id]
    assert loaded == ["/bin/kind", "load", "image-archive", "/images/workload.tar", "--name", lab.id]
    asked = yaml.safe_load((lab.folder / "kind.yaml").read_text())
    assert [node["role"] for node in asked["nodes"]] == ["control-plane", "worker", "worker"]
    assert lab.outside_kubeconfig.read_text() == "the kubeconfig"
    assert backend.of(lab) == backend.KIND


def test_down_after_a_crash_half_way_removes_the_cluster_and_the_folder(lab: Lab) -> None:
    def crash(*_: Any, **__: Any) -> str:
        raise LabError("killed")

    with pytest.raises(LabError):
        kind.up(lab, 0, run=crash)
    assert backend.of(lab) == backend.KIND
    run = Recorder()
    kind.down(lab, run=run)
    assert run.commands[0][1:5] == ["delete", "cluster", "--name", lab.id]
    assert not lab.folder.exists()


def test_status_says_which_nodes_are_ready_and_when_the_cluster_is_gone(lab: Lab) -> None:
    kind.up(lab, 0, run=Recorder())
    node = {"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    there = kind.status(lab, run=Recorder(clusters=f"{lab.id}\n", nodes=json.dumps({"items": [node]})))
    assert there["nodes"] == {"a": {"ready": True, "simulated": False}}
    assert kind.lines(there)[1] == "  node a: Ready"
    gone = kind.status(lab, run=Recorder(clusters="other\n"))
    assert "python -m lab down" in kind.lines(gone)[1]


def test_what_a_kind_cluster_does_not_have_is_refused_with_the_way_out(lab: Lab) -> None:
    kind.up(lab, 0, run=Recorder())
    with pytest.raises(LabError, match=r"no simulated nodes.*PLATFORM_OPS_LAB_BACKEND=machines"):
        backend.must_be_machines(lab, "simulated nodes")


def test_the_command_line_refuses_kind_without_docker_in_one_line(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PLATFORM_OPS_LAB_BACKEND": "kind", "PLATFORM_OPS_CACHE": str(tmp_path)}
    if backend.docker_answers():
        pytest.skip("Docker answers here")
    command = [sys.executable, "-m", "lab", "--lab", "never", "up"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("lab: error: kind needs Docker, and no Docker daemon answers here")
    assert not (tmp_path / "labs").exists()
