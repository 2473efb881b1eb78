# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One repository on each kind of git host, with what a test needs to do behind the back of our client."""

from __future__ import annotations

import base64
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import requests
from ansible_collections.platform.ops.plugins.module_utils.forge._hosts import connect
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials, Host

from tests.emulators.github import GitHub
from tests.emulators.gitlab import GitLab
from tests.emulators.openapi import Description
from tests.emulators.repository import Repository
from tests.emulators.server import Emulator
from tests.support.gitea import Gitea

FILE = "app.yaml"
BOBS = "not-used-2026"  # password of the Gitea users that tests make
START = "".join(f"line {number}\n" for number in range(9))


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Subject(ABC):
    """A repository with `FILE` on main. Reviewers alice and bob may be asked, where it is on a server."""

    is_server = True  # knows users, guards protected branches, merges by itself
    emulator: Emulator | None = None
    token = ""
    url = ""
    kind: Any = None

    def connect(self, **changes: Any) -> Host:
        given = {"type": self.kind, "credentials": Credentials(token=self.token), **changes}
        return connect(self.url, **given)

    def branch(self, name: str, line: str = "changed", at: int = 4, start: str = "main") -> str:
        """Pushes a branch that changes one line; returns the commit."""
        lines = self.read(start).splitlines(keepends=True)
        lines[at] = f"{line}\n"
        return self.push(name, "".join(lines), start)

    @abstractmethod
    def push(self, branch: str, text: str, start: str = "main") -> str: ...

    @abstractmethod
    def read(self, ref: str) -> str: ...

    @abstractmethod
    def has_branch(self, name: str) -> bool: ...

    @abstractmethod
    def require(self, context: str) -> None:
        """Protects main: nothing merges before this check is green."""

    @abstractmethod
    def report(self, sha: str, context: str, state: str) -> None:
        """Reports a check: pending, success or failure."""

    @abstractmethod
    def say(self, number: int, text: str) -> None:
        """Comments as bob, not as the account of our client."""

    @abstractmethod
    def comments(self, number: int) -> list[str]:
        """All comments, ours and others', oldest first."""

    def prepare_merge(self, method: str) -> None:  # noqa: B027 - most hosts need nothing
        """Sets the repository up for this merge method."""


class GitHubSubject(Subject):
    kind = "github"

    def __init__(self, root: Path, description: Description) -> None:
        self.emulator = self.github = GitHub(root, description)
        self.repo = self.github.add_repo("acme/fleet", {FILE: START})
        self.token = "ghp_" + secrets.token_hex(18)
        self.github.tokens[self.token] = "repo"

    def push(self, branch: str, text: str, start: str = "main") -> str:
        return self.repo.git.commit(branch, {FILE: text}, f"Change on {branch}", start)

    def read(self, ref: str) -> str:
        return self.repo.git.read(ref, FILE) + "\n"

    def has_branch(self, name: str) -> bool:
        return self.repo.git.branch(name) is not None

    def require(self, context: str) -> None:
        self.repo.required["main"] = [context]

    def report(self, sha: str, context: str, state: str) -> None:
        self.github.set_status(self.repo, sha, context, state)

    def say(self, number: int, text: str) -> None:
        self.github.say(self.repo, number, text, "bob")

    def comments(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.repo.comments if comment["number"] == number]


class GitLabSubject(Subject):
    kind = "gitlab"

    def __init__(self, root: Path) -> None:
        self.emulator = self.gitlab = GitLab(root)
        self.project = self.gitlab.add_project("acme/platform/fleet", {FILE: START})
        self.token = "glpat-" + secrets.token_hex(10)
        self.gitlab.tokens[self.token] = "api"

    def push(self, branch: str, text: str, start: str = "main") -> str:
        return self.project.git.commit(branch, {FILE: text}, f"Change on {branch}", start)

    def read(self, ref: str) -> str:
        return self.project.git.read(ref, FILE) + "\n"

    def has_branch(self, name: str) -> bool:
        return self.project.git.branch(name) is not None

    def require(self, context: str) -> None:
        self.project.pipeline_must_succeed = True

    def report(self, sha: str, context: str, state: str) -> None:
        self.gitlab.set_status(self.project, sha, context, {"failure": "failed"}.get(state, state))

    def say(self, number: int, text: str) -> None:
        self.gitlab.say(self.project, number, text, "bob")

    def comments(self, number: int) -> list[str]:
        return [note["body"] for note in self.project.notes if note["iid"] == number]

    def prepare_merge(self, method: str) -> None:
        self.project.merge_method = "ff" if method == "rebase" else "merge"


class GiteaSubject(Subject):
    kind = "gitea"

    def __init__(self, server: Gitea) -> None:
        self.server = server
        self.token = server.token
        self.name = f"fleet-{secrets.token_hex(4)}"
        self.url = server.create_repo(self.name, {FILE: START})
        self.path = f"/repos/{server.owner}/{self.name}"

    def push(self, branch: str, text: str, start: str = "main") -> str:
        start = "" if self.has_branch(branch) else start
        return self.server.commit(self.name, branch, {FILE: text}, f"Change on {branch}", start)

    def read(self, ref: str) -> str:
        found = self.server.call("GET", f"{self.path}/contents/{FILE}?ref={ref}")
        return base64.b64decode(found["content"]).decode()

    def require(self, context: str) -> None:
        rule = {"rule_name": "main", "enable_status_check": True, "status_check_contexts": [context]}
        self.server.call("POST", f"{self.path}/branch_protections", **rule, block_admin_merge_override=True)

    def report(self, sha: str, context: str, state: str) -> None:
        self.server.call("POST", f"{self.path}/statuses/{sha}", context=context, state=state)

    def say(self, number: int, text: str) -> None:
        self.server.call("PUT", f"{self.path}/collaborators/bob", permission="read")
        address = f"{self.server.url}/api/v1{self.path}/issues/{number}/comments"
        requests.post(address, json={"body": text}, auth=("bob", BOBS), timeout=30).raise_for_status()

    def comments(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.server.call("GET", f"{self.path}/issues/{number}/comments")]

    def has_branch(self, name: str) -> bool:
        address = f"{self.server.url}/api/v1{self.path}/branches/{name}"
        return requests.get(address, auth=("x-access-token", self.token), timeout=30).ok


class LocalSubject(Subject):
    kind = "local"
    is_server = False

    def __init__(self, root: Path) -> None:
        self.git = Repository.create(root / "fleet.git", {FILE: START})
        self.url = str(self.git.path)

    def connect(self, **changes: Any) -> Host:
        return connect(self.url, **changes)

    def push(self, branch: str, text: str, start: str = "main") -> str:
        return self.git.commit(branch, {FILE: text}, f"Change on {branch}", start)

    def read(self, ref: str) -> str:
        return self.git.read(ref, FILE) + "\n"

    def has_branch(self, name: str) -> bool:
        return self.git.branch(name) is not None

    def require(self, context: str) -> None:
        self.git.git("config", "--add", "platform-ops.requiredCheck", context)

    def report(self, sha: str, context: str, state: str) -> None:
        self.git.git("notes", "--ref=checks", "add", "-f", "-m", f"{context}: {state}", sha)

    def say(self, number: int, text: str) -> None:
        LocalHost(self.url).comment(number, text, "")

    def comments(self, number: int) -> list[str]:
        return list(LocalHost(self.url).comments(number))
