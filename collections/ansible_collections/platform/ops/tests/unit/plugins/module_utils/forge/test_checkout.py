# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced


def test_a_checkout_has_the_base_and_a_light_worktree_per_workload(fleet):
    fresh = fleet.checkout("checkout", "search")
    assert fresh["commit"] == fleet.git("rev-parse", "main")
    assert (Path(fresh["path"]) / "apps" / "cart.yaml").exists()
    folders = [Path(item["worktree"]) for item in fresh["results"]]
    assert len(set(folders)) == 2
    for folder in folders:
        assert not (folder / "apps").exists()
        assert fleet.git("status", "--porcelain", cwd=folder) == ""


def test_a_file_written_in_a_worktree_is_all_that_git_sees(fleet):
    item = fleet.checkout("checkout")["results"][0]
    fleet.bump(item, "384Mi")
    assert fleet.git("status", "--porcelain", cwd=Path(item["worktree"])) == "M apps/checkout.yaml"


def test_the_base_folder_is_used_again_until_the_base_moves(fleet):
    first = fleet.checkout()["path"]
    assert fleet.checkout()["path"] == first
    fleet.push({"apps/new.yaml": "x\n"})
    second = fleet.checkout()["path"]
    assert second != first
    assert (Path(second) / "apps" / "new.yaml").exists()
    assert not (Path(first) / "apps" / "new.yaml").exists(), "a run may still be reading it"


def test_a_base_folder_that_nobody_uses_is_moved_on(fleet):
    first = Path(fleet.checkout()["path"])
    (first / "left over").write_text("x")
    hour_ago = time.time() - 3600
    os.utime(first, (hour_ago, hour_ago))
    fleet.push({"apps/new.yaml": "x\n"})
    second = Path(fleet.checkout()["path"])
    assert not first.exists()
    assert sorted(path.name for path in second.iterdir()) == [".git", "apps"]
    assert (second / "apps" / "new.yaml").exists()


def test_worktrees_of_runs_long_gone_are_removed(fleet):
    old = Path(fleet.checkout("checkout")["results"][0]["worktree"])
    long_ago = time.time() - 86400
    os.utime(old.parent, (long_ago, long_ago))
    fleet.checkout("search")
    assert not old.parent.exists()


def test_state_and_start_follow_the_pull_request(fleet):
    assert fleet.checkout("checkout")["results"][0]["state"] == "none"
    opened = fleet.propose("checkout", "384Mi")
    item = fleet.checkout("checkout")["results"][0]
    assert (item["state"], item["start"], item["foreign"]) == ("open", opened["commit"], False)
    assert item["pull_request"]["number"] == opened["number"]
    fleet.push({"x": "y"}, opened["branch"])
    item = fleet.checkout("checkout")["results"][0]
    assert (item["foreign"], item["start"]) == (True, fleet.git("rev-parse", "main"))
    fleet.settle(opened["number"], "closed")
    item = fleet.checkout("checkout")["results"][0]
    assert item["state"] == "declined" and item["declined_until"]
    assert fleet.checkout("checkout", declined_for="0s")["results"][0]["state"] == "none"


def test_a_workload_of_unknown_kind_finds_its_open_pull_request(fleet):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "384Mi")
    target = {"namespace": "shop", "kind": "Deployment", "name": "checkout"}
    body = fenced({"target": target, "changes": item["changes"]})
    fleet.open_pr(fresh, [{**item, "body": body}])
    unknown = [{"label": 1, "namespace": "shop", "kind": None, "name": "checkout"}]
    found = fleet.checkout(items=unknown)["results"][0]
    assert (found["kind"], found["state"]) == ("Deployment", "open")
    other = [{"label": 1, "namespace": "other", "kind": None, "name": "checkout"}]
    assert fleet.checkout(items=other)["results"][0]["state"] == "none"


@pytest.mark.parametrize("damage", ["objects", "HEAD", "refs", "base"])
def test_a_damaged_clone_is_made_anew(fleet, damage):
    path = Path(fleet.checkout()["path"])
    repo = path.parents[1] / "repo" / ".git"
    if damage == "base":
        (path / ".git").unlink()
    elif damage == "HEAD":
        (repo / "HEAD").write_text("")
    else:
        shutil.rmtree(repo / damage)
    fresh = fleet.checkout("checkout")
    assert fresh["commit"] == fleet.git("rev-parse", "main")
    assert (Path(fresh["path"]) / "apps" / "cart.yaml").exists()
    assert fleet.open_pr(fresh, [fleet.bump(fresh["results"][0], "384Mi")])[0]["state"] == "created"


def test_a_clone_that_was_killed_half_way_does_no_harm(fleet):
    path = Path(fleet.checkout()["path"])
    folder = path.parents[1]
    shutil.rmtree(folder / "repo" / ".git" / "objects" / "pack", ignore_errors=True)
    (folder / "repo.12345678").mkdir()
    assert fleet.checkout()["commit"] == fleet.git("rev-parse", "main")


def test_a_missing_branch_or_repository_is_named(fleet):
    with pytest.raises(InputError, match="has no branch production"):
        fleet.checkout(base="production")
    with pytest.raises((InputError, NotFoundError), match=r"nothing\.git"):
        fleet.checkout(repository=str(fleet.folder / "nothing.git"))


def _many(fleet, queue):
    queue.put(fleet.checkout("checkout", "search")["commit"])


def test_runs_at_the_same_time_do_not_disturb_each_other(fleet):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_many, args=(fleet, queue)) for _child in range(4)]
    for child in children:
        child.start()
    assert {queue.get(timeout=60) for _child in children} == {fleet.git("rev-parse", "main")}
    for child in children:
        child.join(30)
        assert child.exitcode == 0


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_history_survives_every_way_of_merging(fleet, method, depth):
    fleet.common["repository"] = f"file://{fleet.bare}"  # a plain path would ignore the depth
    fleet.push({"apps/a.yaml": "1\n"})
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"apps/b.yaml": "1\n"})
    fleet.settle(first["number"], "merged", method=method)
    second = fleet.propose("checkout", "512Mi")
    assert second["state"] == "created"
    shutil.rmtree(fleet.clones)
    found = fleet.checkout("checkout", depth=depth)["results"][0]["history"]
    # Bodies without a block: what was merged is read from the trailers in git.
    assert [(bump["after"], bump["state"], bump["number"]) for bump in found] == [("384Mi", "merged", first["number"])]


def test_a_shallow_clone_sees_foreign_commits_behind_its_edge(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"x": "y"}, first["branch"])
    key = first["key"]
    who = "platform-ops@localhost"
    (fleet.work / "z").write_text("z")
    fleet.git("add", "-A", cwd=fleet.work)
    fleet.git("commit", "-qm", f"Ours\n\nPlatform-Ops-Key: {key}", cwd=fleet.work, email=who)
    fleet.git("push", "-q", "origin", first["branch"], cwd=fleet.work)
    shutil.rmtree(fleet.clones)
    fleet.common["repository"] = f"file://{fleet.bare}"
    assert fleet.checkout("checkout", depth=1)["results"][0]["foreign"] is True


def test_history_of_the_fleet_has_all_workloads(fleet):
    for name in ("checkout", "search"):
        fleet.settle(fleet.propose(name, "384Mi")["number"], "merged")
    fresh = fleet.checkout()
    assert len(fresh["history"]) == 2
    assert all(
        datetime.fromisoformat(bump["at"]) > datetime.now(UTC) - timedelta(minutes=5) for bump in fresh["history"]
    )
