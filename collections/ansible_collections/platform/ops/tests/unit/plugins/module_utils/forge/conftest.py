# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet repository on the embedded host, worked on with real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest
from ansible_collections.platform.ops.plugins.modules import checkout, follow_pull_requests, open_pr, pull_request

APPS = ("checkout", "search", "payment", "cart")


def filled(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as AnsibleModule gives them to a module."""
    params = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    for name, option in spec.items():
        if "options" in option and params[name] is not None:
            one = option["type"] == "dict"
            params[name] = (
                filled(option["options"], params[name])
                if one
                else [filled(option["options"], entry) for entry in params[name]]
            )
    return params


class Fleet:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = folder / "fleet.git"
        self.work = folder / "work"
        self.clones = folder / "clones"
        self.common: dict[str, Any] = {"repository": str(self.bare)}

    def git(self, *args: str, cwd: Path | None = None, email: str = "ann@example.org") -> str:
        who = {"AUTHOR": "Ann", "COMMITTER": "Ann"}
        env = {
            f"GIT_{role}_{part}": value
            for role, name in who.items()
            for part, value in (("NAME", name), ("EMAIL", email))
        }
        env |= {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", *args]
        done = subprocess.run(
            command, cwd=cwd or self.bare, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, files: Mapping[str, str], branch: str = "main", *, message: str = "By hand") -> str:
        """A person pushes a commit."""
        if not self.work.exists():
            self.git("clone", "-q", str(self.bare), str(self.work), cwd=self.folder)
        self.git("fetch", "-q", "origin", cwd=self.work)
        self.git("checkout", "-q", "-B", branch, f"origin/{branch}", cwd=self.work)
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A", cwd=self.work)
        self.git("commit", "-qm", message, cwd=self.work)
        self.git("push", "-q", "origin", branch, cwd=self.work)
        return self.git("rev-parse", "HEAD", cwd=self.work)

    def checkout(self, *names: str, **options: Any) -> dict[str, Any]:
        items = [{"label": name, "namespace": "shop", "kind": "Deployment", "name": name} for name in names]
        given = {"clones": str(self.clones), "items": items, **self.common, **options}
        return checkout.run(filled(checkout.SPEC["argument_spec"], given), check_mode=False, diff_mode=False)

    def bump(self, item: Mapping[str, Any], memory: str, before: str = "256Mi") -> dict[str, Any]:
        """Writes a number into the item's worktree; returns the item for open_pr."""
        name = item["name"]
        file = f"apps/{name}.yaml"
        path = Path(item["worktree"], file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest(name, memory))
        change = {"container": "server", "field": "limits", "resource": "memory", "before": before, "after": memory}
        return {
            "label": item["label"],
            "namespace": "shop",
            "kind": "Deployment",
            "name": name,
            "worktree": item["worktree"],
            "start": item["start"],
            "files": [file],
            "changes": [change],
            "title": f"Raise memory of {name} to {memory}",
            "body": f"Memory of {name} to {memory}",
        }

    def open_pr(
        self, fleet: Mapping[str, Any], items: Sequence[Mapping[str, Any]], *, check_mode: bool = False, **options: Any
    ) -> list[dict[str, Any]]:
        given = {"path": fleet["path"], "items": items, **self.common, **options}
        params = filled(open_pr.SPEC["argument_spec"], given)
        return open_pr.run(params, check_mode=check_mode, diff_mode=False)["results"]

    def propose(self, name: str, memory: str, **options: Any) -> dict[str, Any]:
        """Checkout, bump and open_pr of one workload."""
        fleet = self.checkout(name)
        return self.open_pr(fleet, [self.bump(fleet["results"][0], memory)], **options)[0]

    def follow(self, **merge: Any) -> list[dict[str, Any]]:
        given = {"path": self.checkout()["path"], "merge": merge, **self.common}
        params = filled(follow_pull_requests.SPEC["argument_spec"], given)
        return follow_pull_requests.run(params, check_mode=False, diff_mode=False)["results"]

    def settle(self, number: int, state: str, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"number": number, "state": state, **self.common, **options}
        params = filled(pull_request.SPEC["argument_spec"], given)
        return pull_request.run(params, check_mode=check_mode, diff_mode=False)

    @property
    def host(self) -> LocalHost:
        return LocalHost(self.bare)

    def pull_requests(self) -> Sequence[PullRequest]:
        return self.host.list("platform-ops/", datetime(2000, 1, 1, tzinfo=UTC))

    def refs(self) -> str:
        return self.git("for-each-ref")

    def show(self, revision: str, name: str) -> str:
        return self.git("show", f"{revision}:apps/{name}.yaml")


def manifest(name: str, memory: str) -> str:
    return (
        f"kind: Deployment\nmetadata:\n  name: {name}\nspec:\n  resources:\n    limits:\n      cpu: 500m\n"
        f"      memory: {memory}\n"
    )


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet(tmp_path)
    seed = tmp_path / "seed"
    (seed / "apps").mkdir(parents=True)
    for name in APPS:
        (seed / "apps" / f"{name}.yaml").write_text(manifest(name, "256Mi"))
    made.git("init", "-q", "-b", "main", cwd=seed)
    made.git("add", "-A", cwd=seed)
    made.git("commit", "-qm", "The fleet", cwd=seed)
    made.git("clone", "-q", "--bare", str(seed), str(made.bare), cwd=tmp_path)
    return made
