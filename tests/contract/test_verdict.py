# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a merge to its verdict and back again, on every git host; what the cluster shows is said by the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote, common_folder
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git, logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Identity, Stamp
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, PullRequest
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Policy, Seen
from ansible_collections.platform.ops.plugins.module_utils.verdict._live import Obstacle
from ansible_collections.platform.ops.plugins.module_utils.verdict._look import Case
from ansible_collections.platform.ops.plugins.module_utils.verdict._take_back import Reverter
from ansible_collections.platform.ops.plugins.module_utils.verdict._watch import Watcher
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from tests.contract.subjects import FILE, Subject
from tests.contract.test_open_pr import WORKLOAD, User

BEFORE = "spec:\n  memory: 64Mi  # measured\n  cpu: 100m\n"
CHANGE = {
    "container": "server",
    "field": "limits",
    "resource": "memory",
    "before": "64Mi",
    "after": "164Mi",
    "file": FILE,
    "line": 2,
    "yaml_path": "spec.memory",
    "layout": "manifest",
}


@dataclass
class Tick:
    subject: Subject
    path: Path
    host: Host
    sights: Seen = field(default_factory=Seen)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def seen(self, case: Case) -> Seen:
        return self.sights

    def watch(self, sights: Seen, minutes: float = 0) -> list[dict[str, Any]]:
        self.sights, self.now = sights, self.now + timedelta(minutes=minutes)
        who = Identity("platform.ops", "platform-ops@localhost")
        remote = Remote(self.subject.url, "main", "platform-ops/")
        with logged_in(self.path, self.host.git_login()) as given:
            git: Git = given.at(common_folder(given).parent)
            settings = Settings(remote, Stamp(who, who, self.now), labels=("limits",))
            reverter = Reverter(git, self.host, settings, self.now, cluster="default", url=self.subject.url)
            watcher = Watcher(git, self.host, remote, self, reverter, Policy(), "default", self.now, {})
            return watcher.watch()


def is_not_now(error: BaseException) -> bool:
    return isinstance(error, ConflictError) and error.reason == "not_mergeable"


@retry(retry=retry_if_exception(is_not_now), stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True)
def merge(host: Host, pull: PullRequest, message: str) -> None:
    """On a later tick where the host still works out whether it merges."""
    host.merge(pull.number, expected_sha=pull.head_sha, method="merge", message=message)


@pytest.fixture
def tick(subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tick:
    """With one bump merged."""
    subject.push("main", BEFORE)
    user = User(subject, tmp_path / "clones", capsys)
    body = fenced({"target": {**WORKLOAD, "cluster": "default"}, "changes": [CHANGE]})
    made = user.propose(BEFORE.replace("64Mi", "164Mi"), body=body, changes=[CHANGE])
    host = subject.connect()
    pull = host.get(made["number"])
    merge(host, pull, "Raise memory")
    return Tick(subject, Path(user.checkout()["path"]), host)


def labels(tick: Tick, number: int) -> set[str]:
    return set(tick.subject.connect().get(number).labels)


def test_the_verdict_stands_on_the_merged_pull_request_once(tick: Tick) -> None:
    (watched,) = tick.watch(Seen(differing=("server limits.memory is 64Mi",), contained=False))
    number = watched["number"]
    assert [one["state"] for one in tick.watch(tick.sights, 61)] == ["stalled"]
    assert labels(tick, number) == {"limits", "verdict-stalled"}
    tick.watch(Seen(), 1)
    assert labels(tick, number) == {"limits"}
    assert [one["state"] for one in tick.watch(Seen(), 16)] == ["fixed"]
    assert labels(tick, number) == {"limits", "verdict-fixed"}
    (text,) = tick.subject.comments(number)
    assert text.startswith("### Verdict: fixed")
    assert tick.watch(Seen(), 60) == []
    assert not tick.host.warnings


def test_what_cannot_run_is_taken_back_and_what_others_did_stays(tick: Tick) -> None:
    tick.subject.push("main", tick.subject.read("main").replace("cpu: 100m", "cpu: 200m").replace("measured", "ours"))
    obstacle = Obstacle(tick.now, "0/3 nodes are available: 3 Insufficient memory.")
    (result,) = tick.watch(Seen(waiting="0 of 1", unschedulable=obstacle), 11)
    revert = tick.host.get(result["revert"]["number"])
    assert (revert.state, set(revert.labels)) == ("open", {"limits"})
    assert labels(tick, result["number"]) == {"limits", "verdict-not-fixed", "handed-over"}
    merge(tick.host, revert, "Take it back")
    assert tick.subject.read("main").strip() == "spec:\n  memory: 64Mi  # ours\n  cpu: 200m"
    assert tick.watch(Seen(), 5) == []
