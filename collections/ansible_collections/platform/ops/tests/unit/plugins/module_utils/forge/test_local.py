# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, InputError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._types import NewPullRequest


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_each_way_of_merging_brings_the_change_and_what_the_base_had(fleet, method):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"apps/new.yaml": "x\n"})
    done = fleet.settle(first["number"], "merged", method=method)["pull_request"]
    assert done["state"] == "merged"
    assert "384Mi" in fleet.show("main", "checkout")
    assert fleet.git("show", "main:apps/new.yaml") == "x"
    assert fleet.git("rev-parse", "main") == done["merge_commit"]
    parents = fleet.git("rev-list", "--parents", "-1", "main").split()[1:]
    assert len(parents) == (2 if method == "merge" else 1)
    assert f"Platform-Ops-Key: {first['key']}" in fleet.git("log", "--format=%B", "main")
    assert fleet.settle(first["number"], "merged")["changed"] is False


def test_an_ordinary_git_merge_and_push_is_a_merge(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"apps/new.yaml": "x\n"})
    fleet.git("merge", "-q", "--no-ff", "-m", "Merge", f"origin/{first['branch']}", cwd=fleet.work)
    fleet.git("push", "-q", "origin", "main", cwd=fleet.work)
    one = fleet.host.get(first["number"])
    assert (one.state, one.merge_sha) == ("merged", fleet.git("rev-parse", "main"))
    assert "Merged by hand" in fleet.git("log", f"refs/platform-ops/pulls/{one.number}")


def test_a_fast_forward_is_a_merge_also_after_the_branch_is_deleted(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.git("push", "-q", "origin", f"{first['commit']}:main", f":{first['branch']}", cwd=_clone(fleet))
    assert fleet.host.get(first["number"]).state == "merged"


def test_a_squash_by_hand_is_a_merge_by_its_key(fleet):
    first = fleet.propose("checkout", "384Mi")
    work = _clone(fleet)
    fleet.git("merge", "-q", "--squash", f"origin/{first['branch']}", cwd=work)
    message = fleet.git("log", "-1", "--format=%B", first["commit"])
    fleet.git("commit", "-qm", f"Squashed\n\n    {message}", cwd=work)
    fleet.git("push", "-q", "origin", "main", cwd=work)
    assert fleet.host.get(first["number"]).state == "merged"
    again = fleet.propose("checkout", "512Mi")
    assert again["state"] == "created", "the squash that the new branch starts from is not its own merge"
    assert fleet.host.get(again["number"]).state == "open"


def test_a_deleted_branch_closes_and_stays_closed_at_the_same_time(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.host.delete_branch(first["branch"])
    one = fleet.host.get(first["number"])
    assert one.state == "closed"
    assert fleet.host.get(first["number"]).closed_at == one.closed_at


def test_a_merge_needs_the_head_that_was_looked_at(fleet):
    first = fleet.propose("checkout", "384Mi")
    with pytest.raises(ConflictError, match="Look at it again"):
        fleet.host.merge(first["number"], expected_sha="0" * 40, method="merge", message="x")


def test_a_conflict_is_named_and_nothing_is_merged(fleet):
    first = fleet.propose("checkout", "384Mi")
    tip = fleet.push({"apps/checkout.yaml": fleet.show("main", "checkout").replace("256Mi", "1Gi")})
    assert fleet.host.get(first["number"]).mergeable is False
    for method in ("merge", "squash", "rebase"):
        with pytest.raises(ConflictError, match="conflicts with main"):
            fleet.settle(first["number"], "merged", method=method)
    assert fleet.git("rev-parse", "main") == tip


def test_creating_twice_returns_the_same(fleet):
    first = fleet.propose("checkout", "384Mi")
    new = NewPullRequest(first["branch"], "main", "other", "other")
    assert fleet.host.create(new).number == first["number"]


def test_a_branch_without_commits_of_its_own_is_refused(fleet):
    fleet.git("branch", "platform-ops/empty", "main")
    with pytest.raises(InputError, match="has all of its commits already"):
        fleet.host.create(NewPullRequest("platform-ops/empty", "main", "t", "b"))
    with pytest.raises(NotFoundError, match="no branch nowhere"):
        fleet.host.create(NewPullRequest("nowhere", "main", "t", "b"))


def test_a_mark_that_a_killed_process_left_does_not_block(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.git("update-ref", "-d", f"refs/platform-ops/pulls/{first['number']}")
    assert fleet.propose("checkout", "384Mi")["state"] == "created"


def test_comments_are_made_once_per_marker(fleet):
    number = fleet.propose("checkout", "384Mi")["number"]
    assert [fleet.host.comment(number, "hello", "m") for _time in range(2)] == [True, False]
    assert list(fleet.host.comments(number)) == ["hello"]
    assert "hello" in fleet.git("log", f"refs/platform-ops/pulls/{number}")


def test_list_has_open_ones_and_those_closed_since(fleet):
    clock = [datetime.now(UTC) - timedelta(days=10)]
    host = LocalHost(fleet.bare, now=lambda: clock[0])
    numbers = [fleet.propose(name, "384Mi")["number"] for name in ("checkout", "search", "payment")]
    host.close(numbers[0])
    clock[0] = datetime.now(UTC)
    host.close(numbers[1])
    listed = host.list("platform-ops/", datetime.now(UTC) - timedelta(days=1))
    assert [one.number for one in listed] == [numbers[2], numbers[1]]
    assert host.list("other/", datetime.now(UTC)) == []


def test_labels_are_added_and_reviewers_asked_once(fleet):
    number = fleet.propose("checkout", "384Mi", labels=["a"])["number"]
    host = fleet.host
    assert host.update(number, labels=["b", "a"]).labels == ("a", "b")
    host.request_reviewers(number, users=["ann"], teams=["sre"])
    before = fleet.refs()
    host.request_reviewers(number, users=["ann"], teams=[])
    assert fleet.refs() == before


def test_checks_are_read_from_notes_and_required_ones_from_the_configuration(fleet):
    number = fleet.propose("checkout", "384Mi")["number"]
    host = fleet.host
    one = host.get(number)
    assert host.checks(one).state == "success"
    fleet.git("config", "--add", "platform-ops.requiredCheck", "ci")
    assert (host.checks(one).state, host.checks(one).missing) == ("pending", ("ci",))
    fleet.git("notes", "--ref=checks", "add", "-m", "ci: success\nother: failure", one.head_sha)
    assert host.checks(one).state == "success"
    fleet.git("notes", "--ref=checks", "add", "-f", "-m", "ci: failure", one.head_sha)
    assert host.checks(one).state == "failure"


def test_a_folder_that_is_no_bare_repository_is_named(tmp_path):
    with pytest.raises(InputError, match="git init --bare"):
        LocalHost(tmp_path)


def test_any_title_and_body_come_back_as_they_were(fleet):
    nasty = "a\n--- as data ---\n{}\n\n```\n<!-- x -->\x07 \u2028 é 🚀 $(touch x) {{ 7 * 7 }}"
    number = fleet.propose("checkout", "384Mi")["number"]
    done = fleet.host.update(number, title=nasty, body=nasty)
    again = fleet.host.get(number)
    assert (again.title, again.body) == (done.title, done.body) == (nasty, nasty)


def _clone(fleet):
    work = fleet.folder / "other"
    subprocess.run(["git", "clone", "-q", str(fleet.bare), str(work)], check=True, timeout=60)
    return work
