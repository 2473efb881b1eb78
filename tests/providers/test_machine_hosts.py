# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What provider `hosts` does to machines that are not ours or do not answer.

The good end is in tests/nodes/test_hosts.py.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.include_role: {name: platform.ops.machine_hosts, tasks_from: "{{ node_scale_job.action }}"}
      rescue:
        - ansible.builtin.debug: {msg: "RESCUED {{ ansible_failed_result.msg }}"}
    - ansible.builtin.debug: {msg: "ANSWER {{ node_scale_answer | default({}) | to_json }}"}
"""
# In place of ssh: the command runs here, with an /etc of its own and tools that only write down that they ran.
SSH = """#!/bin/sh
for word; do [ "$word" = -O ] && exit 0; done
exec unshare -m sh -c 'mount --bind {etc} /etc && PATH={bin}:$PATH exec sh -c "$0"' "$word"
"""
TOOL = """#!/bin/sh
echo "$(basename $0) $*" >> {log}
"""


@dataclass
class Machine:
    folder: Path
    environment: Mapping[str, str]

    def member(self) -> None:
        (self.folder / "etc/kubernetes").mkdir()
        (self.folder / "etc/kubernetes/kubelet.conf").touch()

    @property
    def did(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def power(self, state: str = "on") -> dict[str, list[str]]:
        """Commands that only write down that they ran, of a machine in this state."""
        tool = str(self.folder / "bin/power")
        return {"power_on": [tool, "on"], "power_off": [tool, "off"], "power_status": ["echo", state]}

    def ask(self, action: str, variables: Mapping[str, Any], **job: Any) -> str:
        return ask(self.folder, action, variables, environment=self.environment, **job)


def ask(
    folder: Path,
    action: str,
    variables: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    **job: Any,
) -> str:
    play = folder / "play.yml"
    play.write_text(PLAY)
    known = {"operation": "3f9c0e1d2b4a", "action": action, "node": "metal-1", "address": "127.0.0.1"}
    more = {"provider_id": "", "attempt": 0, "started": "2026-11-26T01:23:45Z", "present": True}
    given = {"node_scale_job": {**known, **more, **job}, "node_scale_variables": variables}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(play), "-e", json.dumps(given)]
    config = {"ANSIBLE_CONFIG": str(Path("ansible.cfg").absolute())}
    done = subprocess.run(
        command, env={**os.environ, **config, **(environment or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("needs root and mount namespaces")
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True, ignore=shutil.ignore_patterns("kubernetes"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "ssh").write_text(SSH.format(etc=tmp_path / "etc", bin=tmp_path / "bin"))
    for name in ("kubeadm", "systemctl", "power"):
        (tmp_path / "bin" / name).write_text(TOOL.format(log=tmp_path / "log"))
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "ssh").chmod(0o755)
    yield Machine(tmp_path, {"ANSIBLE_SSH_EXECUTABLE": str(tmp_path / "ssh"), "ANSIBLE_PIPELINING": "true"})


@pytest.mark.stand_in("ssh-to-itself")
def test_a_member_of_another_cluster_is_refused_and_stays_as_it_is(machine: Machine) -> None:
    machine.member()
    said = machine.ask("add", machine.power())
    assert "RESCUED metal-1 is part of a cluster already" in said
    said = machine.ask("remove", machine.power(), present=False)
    assert 'ANSWER {\\"outcome\\": \\"done\\"}' in said
    assert machine.did == []


@pytest.mark.stand_in("ssh-to-itself")
def test_a_machine_that_was_never_taken_is_only_turned_off(machine: Machine) -> None:
    said = machine.ask("remove", machine.power(), present=False)
    assert 'ANSWER {\\"outcome\\": \\"pending\\"}' in said
    assert machine.did == ["power off"]


@pytest.mark.stand_in("ssh-to-itself")
def test_one_of_ours_is_reset_and_without_that_not_turned_off(machine: Machine) -> None:
    machine.member()
    assert "RESCUED" in machine.ask("remove", machine.power())  # systemctl of this test stops nothing
    assert [line for line in machine.did if line.startswith("kubeadm reset --force")]
    assert "power off" not in machine.did


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("join", 'ANSWER {\\"outcome\\": \\"pending\\"}'),
        ("reset", "RESCUED metal-1 does not answer by SSH"),
        ("remove", "RESCUED metal-1 does not answer by SSH"),
    ],
)
def test_a_machine_that_does_not_answer_does_not_end_the_run(tmp_path: Path, action: str, answer: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused, and given to nobody else
        variables = {"ssh_args": f"-o Port={closed.getsockname()[1]}"}
        assert answer in ask(tmp_path, action, variables)
