# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a real out-of-memory kill to a resolved alert, by a merged pull request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import git_host, gitops
from lab.place import Lab
from tests.support.loop import REPOSITORY, Loop, closed_loop, deployment, watched

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
]


@pytest.fixture
def measured_loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    """In a window of days a container of seconds has no measurement of CPU; in a short one it soon has some."""
    usage = {"window": "10m", "history": "10s", "rate": "20s"}
    settings = watched(lab, limit_bump_usage=usage, limit_bump_retry_seconds=5)
    with closed_loop(lab, tmp_path, settings) as running:
        yield running


def test_a_container_killed_for_its_memory_is_healed_by_a_merged_pull_request(watched_loop: Loop) -> None:
    loop = watched_loop
    manifest = deployment("cart", "-memory=90", limits={"memory": "64Mi", "cpu": "500m"})
    git_host.commit(loop.lab, REPOSITORY, {"apps/cart.yaml": manifest}, "Add the cart")
    loop.until("the kernel kills the container", lambda: loop.killed("cart"))
    loop.until("the alert fires", lambda: loop.alerts("cart"))
    loop.until("a pull request is open", loop.pulls)
    pull = loop.until("it is merged", lambda: next((p for p in loop.pulls() if p["merged"]), None))
    gitops.wait_applied(loop.lab, REPOSITORY, git_host.head(loop.lab, REPOSITORY))
    assert loop.limits("cart") == {"memory": "164Mi", "cpu": "500m"}  # max(64Mi + 100Mi, 64Mi * 1.2)
    loop.until("one pod is left, and stays up", lambda: loop.well("cart"))
    loop.until("the alert resolves", lambda: not loop.alerts("cart"), seconds=180)
    assert [p["number"] for p in loop.pulls()] == [pull["number"]]
    helped(loop, pull["number"])
    text = git_host.text(loop.lab, REPOSITORY, "apps/cart.yaml")
    assert text == manifest.replace("memory: 64Mi", "memory: 164Mi")


def test_a_container_that_is_throttled_gets_the_cores_it_uses(measured_loop: Loop) -> None:
    loop = measured_loop
    manifest = deployment("search", "-cpu=0.15", limits={"memory": "64Mi", "cpu": "100m"})
    git_host.commit(loop.lab, REPOSITORY, {"apps/search.yaml": manifest}, "Add the search")
    loop.until("the alert fires", lambda: loop.alerts("search"), seconds=180)
    loop.until("a pull request is merged", lambda: any(p["merged"] for p in loop.pulls()), seconds=180)
    gitops.wait_applied(loop.lab, REPOSITORY, git_host.head(loop.lab, REPOSITORY))
    limits = loop.limits("search")
    assert limits["memory"] == "64Mi"
    assert int(limits["cpu"].removesuffix("m")) in range(200, 400)  # 100m more than limit or measured peak
    loop.until("the alert resolves", lambda: not loop.alerts("search"), seconds=180)
    (pull,) = loop.pulls()
    helped(loop, pull["number"])
    text = git_host.text(loop.lab, REPOSITORY, "apps/search.yaml")
    assert text == manifest.replace("cpu: 100m", f"cpu: {limits['cpu']}")


def helped(loop: Loop, number: int) -> None:
    """The pull request says so, and so does the record."""
    verdict = loop.until("the pull request gets its verdict", lambda: loop.verdict(number), seconds=180)
    assert verdict["labels"] == {"limits", "verdict-fixed"}
    assert len(verdict["texts"]) == 1
    decided = loop.until("it is on record", lambda: [d for d in loop.decisions() if d["decision"] == "fixed"])
    assert [list(one["stages"]) for one in decided] == [["opened", "merged", "applied", "rolled_out", "resolved"]]
