# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the GitHub emulator remembers: repositories and their pull requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.emulators.repository import Repository


@dataclass
class Pull:
    number: int
    title: str
    body: str | None
    branch: str
    base: str
    draft: bool
    created_at: str
    updated_at: str
    head_sha: str
    open: bool = True
    closed_at: str | None = None
    merged_at: str | None = None
    merge_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    auto_merge: str | None = None  # merge | squash | rebase
    fork: str | None = None  # owner/name the branch lives in, when not in this repository

    @property
    def node_id(self) -> str:
        return f"PR_{self.number}"


@dataclass
class Repo:
    name: str  # owner/name
    git: Repository
    pulls: list[Pull] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)  # {id, number, body}
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)  # sha -> context -> state
    check_runs: dict[str, dict[tuple[str, str], tuple[str, str | None]]] = field(
        default_factory=dict
    )  # sha -> (name, workflow) -> (status, conclusion)
    required: dict[str, list[str]] = field(default_factory=dict)  # protected branch -> required contexts
    ruled: dict[str, list[str]] = field(default_factory=dict)  # branch -> contexts required by a ruleset
    reviewers: tuple[str, ...] = ("alice", "bob")
    teams: tuple[str, ...] = ("platform",)
    allow_auto_merge: bool = True

    def pull(self, number: str) -> Pull | None:
        return next((pull for pull in self.pulls if pull.number == int(number)), None)

    def head(self, pull: Pull) -> str:
        if pull.open:
            pull.head_sha = self.git.branch(pull.branch) or pull.head_sha
        return pull.head_sha

    def ready(self, pull: Pull) -> bool:
        sha = self.head(pull)
        ends = [*self.statuses.get(sha, {}).items()]
        ends += [(name, end or "pending") for (name, _), (_, end) in self.check_runs.get(sha, {}).items()]
        # "If you have a check and a status with the same name […] both the check and the status are required."
        red = {name for name, end in ends if end not in ("success", "neutral", "skipped")}
        return set(self.required.get(pull.base, []) + self.ruled.get(pull.base, [])) <= {name for name, _ in ends} - red

    def mergeable_state(self, pull: Pull, mergeable: bool) -> str:
        if not pull.open:
            return "unknown"
        if not mergeable:
            return "dirty"
        if pull.draft:
            return "draft"
        if not self.ready(pull):
            return "blocked"
        sha = self.head(pull)
        states = {*self.statuses.get(sha, {}).values(), *(end for _, end in self.check_runs.get(sha, {}).values())}
        return "clean" if states <= {"success", "neutral", "skipped"} else "unstable"

    def merge(self, pull: Pull, method: str, message: str) -> None:
        pull.merge_sha = self.git.merge(pull.base, self.head(pull), method, message)
        pull.open = False
        pull.merged_at = pull.closed_at = pull.updated_at = stamp()


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
