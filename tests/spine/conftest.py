# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet on the local host, and the collection's playbooks run against it as a user would."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

from tests.support.rulebook import ROOT, environment

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Fleet:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = folder / "fleet.git"
        self.state = folder / "state"
        self.inventory = folder / "inventory"
        shutil.copytree(ROOT / "inventories/demo", self.inventory)
        self.variables: dict[str, Any] = {
            "remediation_state_dir": str(self.state),
            "limit_bump_repositories": [{"name": "fleet", "url": str(self.bare)}],
        }
        self.configure()
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=folder)
        self.commit(lambda work: shutil.copytree(ROOT / "examples/fleet", work, dirs_exist_ok=True))

    def configure(self, **variables: Any) -> None:
        self.variables |= variables
        (self.inventory / "group_vars/all/remediation.yml").write_text(yaml.safe_dump(self.variables))

    def git(self, *args: str, at: Path | None = None) -> str:
        who = ["-c", "user.name=A person", "-c", "user.email=person@example.org"]
        command = ["git", *who, "-C", str(at or self.bare), *args]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def commit(self, change: Callable[[Path], Any], branch: str = "main") -> None:
        """Change the repository as a person would: clone, edit, commit, push."""
        work = self.folder / "work"
        self.git("clone", "--quiet", str(self.bare), str(work), at=self.folder)
        if branch != "main":
            self.git("checkout", "--quiet", branch, at=work)
        change(work)
        self.git("add", "--all", at=work)
        self.git("commit", "--quiet", "-m", "A change by a person", at=work)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}", at=work)
        shutil.rmtree(work)

    def replace(self, file: str, before: str, after: str, branch: str = "main") -> None:
        def change(work: Path) -> None:
            content = (work / file).read_bytes()
            assert before.encode() in content
            (work / file).write_bytes(content.replace(before.encode(), after.encode()))

        self.commit(change, branch)

    def start(
        self, playbook: str, *options: str, env: Mapping[str, str] | None = None, **extra: Any
    ) -> subprocess.Popen[str]:
        """Start a playbook; its output goes where `output` reads it."""
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.inventory), playbook]
        with (self.folder / "output").open("w") as out:
            return subprocess.Popen(
                [*command, *options, "-e", json.dumps(extra)],
                cwd=ROOT,
                env=environment(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def play(self, playbook: str, *options: str, env: Mapping[str, str] | None = None, **extra: Any) -> str:
        """Run a playbook to its good end; return its output."""
        process = self.start(playbook, *options, env=env, **extra)
        assert process.wait(120) == 0, self.output()
        return self.output()

    def bump(self, *remediations: Mapping[str, Any], options: Sequence[str] = ()) -> str:
        return self.play("platform.ops.bump_limits", *options, remediations=list(remediations))

    def pulls(self) -> list[PullRequest]:
        found = LocalHost(str(self.bare)).list("platform-ops/", LONG_AGO)
        return sorted(found, key=lambda pull: pull.number)

    def decisions(self) -> list[dict[str, Any]]:
        log = self.state / "decisions.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def file(self, name: str, ref: str = "main") -> str:
        return self.git("show", f"{ref}:{name}")


def remediation(name: str, value: str, resource: str = "memory", **over: Any) -> dict[str, Any]:
    """A remediation for a Deployment of the shop, as the lane hands it over."""
    digest = hashlib.sha256(f"{name} {resource} {value}".encode()).hexdigest()[:16]
    return {
        "kind": "bump_limits",
        "id": f"alertmanager:{digest}:2026-11-21T10:00:00.000Z",
        "source": "alertmanager",
        "status": "firing",
        "resource": resource,
        "workload": {"namespace": "shop", "kind": "Deployment", "name": name, "container": "server"},
        "evidence": {"value": value},
        **over,
    }


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)
