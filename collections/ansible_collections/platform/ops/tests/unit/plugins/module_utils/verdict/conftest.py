# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository on the embedded host with bumps merged into it, and a cluster that shows what the test says."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote, common_folder
from ansible_collections.platform.ops.plugins.module_utils.forge._follow import Follower
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import MergePolicy
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Identity, Stamp
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Policy, Seen
from ansible_collections.platform.ops.plugins.module_utils.verdict._look import Case
from ansible_collections.platform.ops.plugins.module_utils.verdict._take_back import Reverter
from ansible_collections.platform.ops.plugins.module_utils.verdict._watch import Watcher
from ansible_collections.platform.ops.plugins.modules import checkout
from ansible_collections.platform.ops.plugins.plugin_utils import _answer

EMAIL = "platform-ops@localhost"
FILE = "apps/cart.yaml"


def manifest(memory: str = "64Mi", cpu: str = "500m", remark: str = "# measured in spring") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop}\nspec:\n  template:\n"
        f"    spec:\n      containers:\n        - name: server\n          resources:\n            limits:  {remark}\n"
        f"              memory: {memory}\n              cpu: {cpu}\n"
    )


def filled(spec: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    only = {key: value for key, value in spec.items() if key != "supports_check_mode"}
    checked = ArgumentSpecValidator(**only).validate(given)
    assert not checked.error_messages
    return checked.validated_parameters


class World:
    """One workload, `shop/cart`, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bare = folder, folder / "fleet.git"
        self.clones = folder / "clones"
        self.now = datetime.now(UTC)
        self.sights: Seen | Exception = Seen()
        self.cases: list[Case] = []
        self.method = "merge"
        self.policy = Policy()
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=folder)
        self.commit({FILE: manifest()})

    def git(self, *args: str, at: Path | None = None) -> str:
        who = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **who}
        done = subprocess.run(
            ["git", "-C", str(at or self.bare), *args], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commit(self, files: dict[str, str]) -> None:
        work = self.folder / "work"
        if not work.exists():
            self.git("clone", "--quiet", str(self.bare), str(work), at=self.folder)
        else:
            self.git("pull", "--quiet", "--ff-only", at=work)
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        self.git("add", "--all", at=work)
        self.git("commit", "--quiet", "-m", "By a person", at=work)
        self.git("push", "--quiet", "origin", "HEAD:main", at=work)

    def text(self, ref: str = "main") -> str:
        return self.git("show", f"{ref}:{FILE}")

    @property
    def host(self) -> LocalHost:
        return LocalHost(self.bare)

    def pulls(self) -> list[PullRequest]:
        listed = self.host.list("platform-ops/", datetime(2000, 1, 1, tzinfo=UTC))
        return sorted(listed, key=lambda one: one.number)

    def answer(self, *remediations: dict[str, Any], **policy: Any) -> list[dict[str, Any]]:
        """What alerts lead to; the decisions."""
        rules = {"memory": {"factor": 1.2, "floor": "100Mi"}, "cpu": {"factor": 2}, "cooldown": "1h", **policy}
        given = {
            "repositories": [{"name": "fleet", "url": str(self.bare)}],
            "clones": str(self.clones),
            "policy": rules,
            "remediations": list(remediations or [self.alert()]),
            "labels": ["limits"],
        }
        result = _answer.run(filled(_answer.SPEC, given), check_mode=False, diff_mode=False)
        assert not result["failures"]
        return result["decisions"]

    def alert(self, resource: str = "memory") -> dict[str, Any]:
        evidence = {"alertname": "ContainerOutOfMemory", "startsAt": "2026-11-21T10:00:00.000Z"}
        return {
            "kind": "bump_limits",
            "id": f"alertmanager:0123:{resource}",
            "source": "alertmanager",
            "status": "firing",
            "resource": resource,
            "evidence": evidence,
            "workload": {"namespace": "shop", "kind": "Deployment", "name": "cart", "container": "server"},
        }

    def _clone(self) -> Git:
        given = filled(checkout.SPEC, {"repository": str(self.bare), "clones": str(self.clones)})
        path = Path(checkout.run(given, check_mode=False, diff_mode=False)["path"])
        return Git(common_folder(Git(path)).parent)

    @property
    def remote(self) -> Remote:
        return Remote(str(self.bare), "main", "platform-ops/")

    def merge(self) -> list[dict[str, Any]]:
        """The tick's first half."""
        policy = MergePolicy(by="us", method=self.method)  # type: ignore[arg-type]
        follower = Follower(self._clone(), self.host, self.remote, EMAIL, policy, delete_branches=True)
        return follower.follow(datetime.now(UTC))

    def bump(self, *remediations: dict[str, Any], **policy: Any) -> PullRequest:
        """An alert, its pull request, and the merge."""
        self.answer(*remediations, **policy)
        (merged,) = [one for one in self.merge() if one["state"] == "merged"]
        return self.host.get(merged["number"])

    def seen(self, case: Case) -> Seen:
        self.cases.append(case)
        if isinstance(self.sights, Exception):
            raise self.sights
        return self.sights

    def watch(
        self, sights: Seen | Exception | None = None, *, after: float = 0, refused: Any = None, check: bool = False
    ) -> list[dict[str, Any]]:
        """The tick's second half, some minutes later."""
        self.sights = self.sights if sights is None else sights
        self.now += timedelta(minutes=after)
        git = self._clone()
        stamp = Stamp(Identity("platform.ops", EMAIL), Identity("platform.ops", EMAIL), self.now)
        settings = Settings(self.remote, stamp, labels=("limits",))
        reverter = Reverter(git, self.host, settings, self.now, cluster="default", url=str(self.bare))
        watcher = Watcher(
            git, self.host, self.remote, self, reverter, self.policy, "default", self.now, refused or {}, check
        )
        return watcher.watch()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
