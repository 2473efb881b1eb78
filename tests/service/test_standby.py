# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two real rulebooks with the engine's own state in a real PostgreSQL: one leads, it dies, the other goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.remediation._standby import _family

from lab import prepare
from tests.spine.conftest import Fleet
from tests.support.postgres import Postgres, postgres
from tests.support.rulebook import ROOT, environment, free_port

STANDBY = ROOT / "collections/ansible_collections/platform/ops/extensions/eda/standby.py"
TOKEN = "a-token-of-the-tests-0123456789"
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

# Says that it runs, and does not go on before the test lets it.
HELD = """\
- name: Raise limits by pull requests, when the test lets it
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say that the run has begun
      ansible.builtin.copy:
        content: "{{{{ remediations | map(attribute='id') | join(' ') }}}}"
        dest: "{folder}/begun-{{{{ lookup('ansible.builtin.env', 'WORKER') }}}}"
        mode: "0600"
    - name: Wait for the test
      ansible.builtin.wait_for:
        path: "{folder}/go"
        timeout: 300
        sleep: 1
    - name: Raise and propose
      ansible.builtin.include_role:
        name: platform.ops.limit_bump
      vars:
        limit_bump_remediations: "{{{{ remediations }}}}"
"""


class Worker:
    """One process of the service, with a state folder and ports of its own."""

    def __init__(self, name: str, fleet: Fleet, database: Postgres, folder: Path) -> None:
        self.name, self.fleet, self.folder = name, fleet, folder
        self.port, self.health = free_port(), free_port()
        self.state = folder / f"state-{name}"
        self.inventory = folder / f"inventory-{name}"
        settings = {
            **fleet.variables,
            **database.variables(),
            "remediation_listen_port": self.port,
            "remediation_state_dir": str(self.state),
            "remediation_token_file": str(folder / "token"),
            "remediation_tick_seconds": 3600,
            "remediation_bump_playbook": str(folder / "held/playbook.yml"),
        }
        (self.inventory / "group_vars/all").mkdir(parents=True)
        (self.inventory / "hosts.yml").write_text((fleet.inventory / "hosts.yml").read_text())
        for file in (fleet.inventory / "group_vars/all").glob("*.yml"):
            (self.inventory / "group_vars/all" / file.name).write_text(file.read_text())
        self.variables = self.inventory / "group_vars/all/remediation.yml"
        self.variables.write_text(yaml.safe_dump(settings))
        self.secret = database.password
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        rulebook = [str(Path(sys.executable).parent / "ansible-rulebook"), "--rulebook", "platform.ops.remediate"]
        rulebook += ["-i", str(self.inventory), "--vars", str(self.variables), "--env-vars", "drools_db_password"]
        rulebook += ["--persistence-id", "tests", "--id", self.name, "--shutdown-delay", "5", "-v"]
        command = [sys.executable, str(STANDBY), "--vars", str(self.variables), "--health-port", str(self.health)]
        with (self.folder / f"log-{self.name}").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--", *rulebook],
                cwd=ROOT,
                env=environment({"drools_db_password": self.secret, "WORKER": self.name}),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        return (self.folder / f"log-{self.name}").read_text(errors="replace")

    def kill(self) -> None:
        """As a container that is killed: it and all that it started, at once."""
        if self.process and self.process.poll() is None:
            for pid in _family(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, path: str, port: int | None = None, body: Any = None) -> tuple[int, str]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def leads(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def stands_by(self) -> bool:
        code, text = self.ask("/readyz", self.health)
        return code == 200 and json.loads(text).get("status") == "standing by"

    def begun(self) -> bool:
        return (self.folder / f"begun-{self.name}").exists()

    def decisions(self) -> list[dict[str, Any]]:
        log = self.state / "decisions.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    if why := prepare.obstacle():
        pytest.skip(why)
    with postgres() as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.fixture
def workers(fleet: Fleet, database: Postgres, tmp_path: Path) -> Iterator[list[Worker]]:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "held").mkdir()
    (tmp_path / "held/playbook.yml").write_text(HELD.format(folder=tmp_path))
    both = [Worker(name, fleet, database, tmp_path) for name in ("one", "two")]
    try:
        yield both
    finally:
        for worker in both:
            worker.kill()


def until(what: str, condition: Callable[[], Any], workers: list[Worker], seconds: float = 180) -> float:
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        if waited > seconds:
            logs = "\n".join(f"--- {worker.name}\n{worker.log()[-4000:]}" for worker in workers)
            raise AssertionError(f"{what}: not so after {seconds:.0f} s\n{logs}")
        time.sleep(0.1)
    return time.monotonic() - started


def test_what_the_leader_had_taken_is_finished_by_the_standby_with_one_pull_request(
    workers: list[Worker], fleet: Fleet, database: Postgres, record_property: Callable[[str, object], None]
) -> None:
    one, two = workers
    one.start()
    until("the first leads", one.leads, workers)
    two.start()
    until("the second stands by", two.stands_by, workers)
    assert not two.leads()

    # New Relic says it once; nothing but the engine's state brings it back.
    alert = {"app_name": "checkout-eu", "max_memory": 290, "max_cpu": 0.1, "issueId": "one"}
    assert one.ask("/newrelic", body=alert)[0] == 202
    until("the leader's run has begun", one.begun, workers)
    one.kill()
    took = until("the second leads", two.leads, workers)
    record_property("takeover_seconds", round(took, 1))
    until("its run has begun, of what the first had taken", two.begun, workers)
    (one.folder / "go").touch()
    until("a pull request is open", fleet.pulls, workers)
    until("it is decided", two.decisions, workers)

    # The old leader is back and stands by; the same alert again changes nothing.
    one.start()
    until("the first stands by", one.stands_by, workers)
    assert two.ask("/newrelic", body=alert)[0] == 202
    until("the second answer", lambda: len(two.decisions()) > 1, workers)
    assert not one.leads()
    (pull,) = fleet.pulls()
    assert "memory: 390Mi" in fleet.file("apps/shop/checkoutservice.yaml", pull.branch)
    assert database.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == "1"


@pytest.mark.campaign
def test_a_leader_that_loses_the_database_stops_and_one_leads_when_it_is_back(
    workers: list[Worker], database: Postgres
) -> None:
    one, two = workers
    one.start()
    until("the first leads", one.leads, workers)
    two.start()
    until("the second stands by", two.stands_by, workers)
    database.stop()
    try:
        until("the first has stopped its work", lambda: not one.leads(), workers)
        until("both say that they are not ready", lambda: not (one.stands_by() or two.stands_by()), workers)
    finally:
        database.start()
    until("one leads", lambda: one.leads() or two.leads(), workers)
    until("the other stands by", lambda: one.stands_by() or two.stands_by(), workers)
    assert one.leads() != two.leads()
