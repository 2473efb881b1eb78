# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project's rulebook in a real ansible-rulebook process, with playbooks that write down what they were given."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.rulebook import Rulebook, free_port, rulebook

TOKEN = "a-token-of-the-tests-0123456789"

RECORDING = """\
- name: Write down what was handed over, and decide on it
  hosts: all
  gather_facts: false
  vars:
    folder: {folder}
  tasks:
    - name: Write down
      ansible.builtin.copy:
        dest: "{{{{ folder }}}}/{{{{ lookup('pipe', 'date +%s%N') }}}}.json"
        content: "{{{{ {{'hosts': ansible_play_hosts_all, 'remediations': remediations | default([]),
          'templated': remediations | default([]) | to_json}} | to_json }}}}"
        mode: "0600"
      run_once: true
{tasks}
"""
DECIDE = """\
    - name: Decide
      platform.ops.record_decisions:
        state_dir: {state}
        decisions: "{{{{ remediations | map(attribute='id') | map('community.general.dict_kv', 'id')
          | map('combine', {{'kind': 'bump_limits', 'decision': 'unchanged'}}) }}}}"
      run_once: true
"""
FAIL = """\
    - name: Fail
      ansible.builtin.fail:
        msg: this run fails
"""


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        self.inventory = folder / "hosts"
        # Two hosts that only a host limit could reach: no alert may bring one about.
        self.inventory.write_text("localhost ansible_connection=local\nvictim ansible_connection=local\n")
        self.runs_of = {name: folder / name for name in ("bumps", "ticks", "nodes")}
        for name, path in self.runs_of.items():
            path.mkdir()
            (folder / f"{name}-playbook").mkdir()
        self.playbook("ticks", "")
        self.playbook("bumps", DECIDE)
        self.playbook("nodes", DECIDE.replace("'bump_limits'", "'scale_out'"))
        self.port = free_port()

    def playbook(self, name: str, tasks: str) -> None:
        text = RECORDING.format(folder=self.runs_of[name], tasks=tasks.format(state=self.state))
        (self.folder / f"{name}-playbook/playbook.yml").write_text(text)

    def fail_bumps(self) -> None:
        self.playbook("bumps", FAIL)

    def decide_bumps(self) -> None:
        self.playbook("bumps", DECIDE)

    def start(self, **variables: Any) -> AbstractContextManager[Rulebook]:
        path = self.folder / "vars.yml"
        path.write_text(
            yaml.safe_dump(
                {
                    "remediation_listen_port": self.port,
                    "remediation_state_dir": str(self.state),
                    "remediation_token_file": str(self.token_file),
                    "remediation_bump_playbook": str(self.folder / "bumps-playbook/playbook.yml"),
                    "remediation_tick_playbook": str(self.folder / "ticks-playbook/playbook.yml"),
                    "remediation_nodes_playbook": str(self.folder / "nodes-playbook/playbook.yml"),
                    "remediation_tick_seconds": 3600,
                    **variables,
                }
            )
        )
        return rulebook(path, self.inventory)

    def runs(self, name: str = "bumps") -> list[dict[str, Any]]:
        runs = []
        for path in sorted(self.runs_of[name].glob("*.json")):
            try:
                runs.append(json.loads(path.read_text()))
            except ValueError:
                continue  # being written
        return runs

    def handed_over(self) -> list[dict[str, Any]]:
        return [remediation for run in self.runs() for remediation in run["remediations"]]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    yield Scene(tmp_path)


def eventually(condition: Callable[[], Any], running: Rulebook, seconds: float = 90) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"it did not happen in {seconds} s:\n{running.output()[-3000:]}"
        time.sleep(0.02)
    return found


def metrics(running: Rulebook) -> str:
    return running.request("/metrics").body.decode()


def alert(number: int, status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {
            "alertname": "ContainerMemoryNearLimit",
            "remediation": "bump_limits",
            "resource": "memory",
            "namespace": "shop",
            "pod": f"app-{number}",
            "container": "server",
            **labels,
        },
        "annotations": {"value": "4.8e+08"},
        "startsAt": "2026-08-22T10:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=rate%28x%5B5m%5D%29",
        "fingerprint": f"{number:016x}",
    }


def payload(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{}", "receiver": "platform-ops", "status": "firing", "alerts": list(alerts)}
