# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._history import bumps_in_message
from ansible_collections.platform.ops.plugins.module_utils.forge._key import Subject, key_in_message
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Item, Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._publish import Publisher
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Identity, Stamp

STEPS = ("committed", "pushed", "created", "reviewers asked", "labelled")
EXTRAS = {"labels": ["limits"], "reviewers": ["ann"]}


def test_a_change_becomes_one_pull_request_with_trailers_and_marker(fleet):
    result = fleet.propose("checkout", "384Mi", labels=["limits"])
    assert (result["state"], result["number"], result["failed"], result["changed"]) == ("created", 1, False, True)
    (one,) = fleet.pull_requests()
    assert (one.state, one.base, one.head_sha, one.labels) == ("open", "main", result["commit"], ("limits",))
    message = fleet.git("log", "-1", "--format=%B", one.head_sha)
    assert key_in_message(message) == result["key"]
    assert bumps_in_message(message)[0]["after"] == "384Mi"
    assert f"<!-- platform.ops key={result['key']} -->" in one.body
    assert fleet.git("diff", "--numstat", "main", one.head_sha) == "1\t1\tapps/checkout.yaml"


def test_the_same_again_changes_nothing(fleet):
    fleet.propose("checkout", "384Mi", **EXTRAS)
    before = fleet.refs()
    result = fleet.propose("checkout", "384Mi", **EXTRAS)
    assert (result["state"], result["changed"], result["number"]) == ("unchanged", False, 1)
    assert fleet.refs() == before


def test_a_higher_number_updates_the_same_pull_request(fleet):
    fleet.propose("checkout", "384Mi")
    result = fleet.propose("checkout", "512Mi")
    assert (result["state"], result["number"]) == ("updated", 1)
    (one,) = fleet.pull_requests()
    assert "512Mi" in one.title and "512Mi" in fleet.show(one.branch, "checkout")


@pytest.mark.parametrize(
    ("merge", "handed_over"),
    [
        ({"by": "us"}, []),
        ({"by": "host"}, [1]),
        ({"by": "host", "after": "1h"}, []),
        ({"by": "host", "require_checks": True}, []),  # none can have reported on what was pushed just now
    ],
)
def test_the_host_is_asked_to_merge_only_what_the_policy_lets_it(fleet, monkeypatch, merge, handed_over):
    asked: list[int] = []
    monkeypatch.setattr(LocalHost, "enable_auto_merge", lambda _self, number, *, method: bool(asked.append(number)))
    fleet.propose("checkout", "384Mi", merge=merge)
    fleet.propose("checkout", "512Mi", merge=merge)
    assert asked == handed_over


def test_a_host_that_refuses_a_label_does_not_make_every_run_a_change(fleet, monkeypatch):
    fleet.propose("checkout", "384Mi")
    real = LocalHost.update
    monkeypatch.setattr(LocalHost, "update", lambda self, number, labels=None, **more: real(self, number, **more))
    result = fleet.propose("checkout", "384Mi", labels=["refused"])
    assert (result["state"], result["changed"]) == ("unchanged", False)


def test_check_mode_says_the_same_and_writes_nothing(fleet):
    before = fleet.refs()
    planned = fleet.propose("checkout", "384Mi", check_mode=True)
    assert fleet.refs() == before
    assert (planned["state"], planned["changed"], planned["number"]) == ("created", True, None)
    fleet.propose("checkout", "384Mi")
    before = fleet.refs()
    assert fleet.propose("checkout", "512Mi", check_mode=True)["state"] == "updated"
    assert fleet.refs() == before


def test_the_same_date_makes_the_same_commit(fleet):
    commits = set()
    for _time in range(2):
        result = fleet.propose("checkout", "384Mi", date="2026-11-21T10:00:00+01:00")
        commits.add(result["commit"])
        fleet.host.delete_branch(result["branch"])
        fleet.settle(result["number"], "closed")
        fleet.git("update-ref", "-d", f"refs/platform-ops/pulls/{result['number']}")
    assert len(commits) == 1


def test_closed_without_merge_is_a_no_until_it_expires(fleet):
    number = fleet.propose("checkout", "384Mi")["number"]
    fleet.settle(number, "closed")
    declined = fleet.propose("checkout", "384Mi")
    assert (declined["state"], declined["reason"], declined["number"]) == ("declined", "closed_unmerged", number)
    assert declined["until"] > datetime.now(UTC).isoformat()
    again = fleet.propose("checkout", "384Mi", declined_for="0s")
    assert (again["state"], again["number"]) == ("created", number + 1)


def test_a_reopened_pull_request_is_used_again(fleet):
    number = fleet.propose("checkout", "384Mi")["number"]
    fleet.settle(number, "closed")
    fleet.settle(number, "open")
    assert fleet.propose("checkout", "512Mi")["number"] == number


def test_commits_of_people_are_never_overwritten_and_one_comment_is_made(fleet):
    first = fleet.propose("checkout", "384Mi")
    theirs = fleet.push({"apps/checkout.yaml": "mine\n"}, first["branch"])
    results = [fleet.propose("checkout", "512Mi") for _time in range(2)]
    assert [result["state"] for result in results] == ["foreign", "foreign"]
    assert [result["changed"] for result in results] == [True, False]
    assert fleet.git("rev-parse", first["branch"]) == theirs
    (comment,) = fleet.host.comments(first["number"])
    assert "512Mi" in comment


def test_a_strange_branch_of_our_name_without_pull_request_is_left_alone(fleet):
    item = fleet.checkout("checkout")["results"][0]
    fleet.git("branch", item["branch"], "main")
    theirs = fleet.push({"x": "y"}, item["branch"])
    result = fleet.propose("checkout", "384Mi")
    assert (result["state"], result["reason"]) == ("foreign", "foreign_branch")
    assert fleet.git("rev-parse", item["branch"]) == theirs
    assert fleet.pull_requests() == []


def test_what_the_base_has_by_now_is_closed(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"apps/checkout.yaml": fleet.show(first["commit"], "checkout") + "\n"})
    fresh = fleet.checkout("checkout")
    item = {**fleet.bump(fresh["results"][0], "384Mi")}
    result = fleet.open_pr(fresh, [item])[0]
    assert (result["state"], result["changed"]) == ("obsolete", True)
    assert fleet.host.get(first["number"]).state == "closed"


def test_a_change_that_conflicts_with_the_base_is_made_anew_on_it(fleet):
    first = fleet.propose("checkout", "384Mi")
    tip = fleet.push({"apps/checkout.yaml": fleet.show("main", "checkout").replace("256Mi", "320Mi")})
    fresh = fleet.checkout("checkout")
    item = fresh["results"][0]
    assert (item["rebuild"], item["start"]) == (True, tip)
    result = fleet.open_pr(fresh, [fleet.bump(item, "512Mi", before="320Mi")])[0]
    assert (result["state"], result["number"]) == ("updated", first["number"])
    assert fleet.git("rev-parse", f"{result['commit']}^") == tip
    assert fleet.host.get(first["number"]).mergeable is True


def test_a_branch_that_is_only_behind_keeps_its_commits(fleet):
    first = fleet.propose("checkout", "384Mi")
    fleet.push({"apps/other.yaml": "x\n"})
    result = fleet.propose("checkout", "512Mi")
    assert fleet.git("rev-parse", f"{result['commit']}^") == first["commit"]


def test_a_change_from_the_base_joins_what_the_branch_got_meanwhile(fleet):
    stale = fleet.checkout("checkout")
    fleet.propose("checkout", "384Mi")
    item = fleet.bump(stale["results"][0], "256Mi")
    path = Path(item["worktree"], "apps/extra.yaml")
    path.write_text("more\n")
    result = fleet.open_pr(stale, [{**item, "files": ["apps/extra.yaml"]}])[0]
    assert result["state"] == "updated"
    assert "384Mi" in fleet.show(result["branch"], "checkout")
    assert fleet.git("show", f"{result['branch']}:apps/extra.yaml") == "more"


def test_a_change_that_does_not_fit_on_the_branch_fails_alone(fleet):
    stale = fleet.checkout("checkout", "search")
    fleet.propose("checkout", "384Mi")
    items = [fleet.bump(stale["results"][0], "512Mi"), fleet.bump(stale["results"][1], "384Mi")]
    failed, done = fleet.open_pr(stale, items)
    assert (failed["state"], failed["reason"]) == ("failed", "diverged")
    assert done["state"] == "created"


def test_limits_count_what_the_host_lists_and_what_this_run_opened(fleet):
    fresh = fleet.checkout("checkout", "search", "payment")
    items = [fleet.bump(item, "384Mi") for item in fresh["results"]]
    states = [result["state"] for result in fleet.open_pr(fresh, items, limits={"open": 2})]
    assert states == ["created", "created", "limited"]
    assert fleet.open_pr(fresh, items[2:], limits={"per_hour": 2})[0]["reason"] == "per_hour"
    assert fleet.propose("checkout", "512Mi", limits={"open": 0})["state"] == "updated"
    year = datetime.now(UTC) + timedelta(days=365)
    blackout = {"blackouts": [{"start": "2020-01-01", "end": year.isoformat()}]}
    assert fleet.open_pr(fresh, items[2:], limits=blackout)[0]["reason"] == "schedule"


def test_a_bad_item_fails_alone(fleet):
    fresh = fleet.checkout("checkout", "search", "payment")
    items = [fleet.bump(item, "384Mi") for item in fresh["results"]]
    outside = Path(items[0]["worktree"], "outside")
    outside.symlink_to(fleet.folder)
    items[0]["files"] = ["../secret"]
    items[1]["files"] = ["apps/none.yaml"]
    bad, missing, good = fleet.open_pr(fresh, items)
    assert bad["failed"] and missing["failed"] and good["state"] == "created"
    items[0]["files"] = ["outside/secret"]
    (fleet.folder / "secret").write_text("secret")
    assert "symbolic link" in fleet.open_pr(fresh, items[:1])[0]["message"]


def test_a_workload_twice_in_the_list_is_refused(fleet):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "384Mi")
    first, second = fleet.open_pr(fresh, [item, item])
    assert (first["state"], second["reason"]) == ("created", "duplicate_item")


def test_an_executable_file_stays_one(fleet):
    path = fleet.folder / "x"
    path.write_text("")
    fleet.push({"apps/checkout.yaml": fleet.show("main", "checkout") + "# more\n"})
    fleet.git("update-index", "--chmod=+x", "apps/checkout.yaml", cwd=fleet.work)
    fleet.git("commit", "-qm", "x", cwd=fleet.work)
    fleet.git("push", "-q", "origin", "main", cwd=fleet.work)
    result = fleet.propose("checkout", "384Mi")
    assert fleet.git("ls-tree", result["commit"], "apps/checkout.yaml").startswith("100755")


def test_ssh_signed_commits_verify_and_a_second_run_changes_nothing(fleet):
    key = fleet.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30)
    sign = {"format": "ssh", "key": str(key)}
    result = fleet.propose("checkout", "384Mi", sign=sign)
    allowed = fleet.folder / "allowed"
    allowed.write_text(f"platform-ops@localhost {key.with_suffix('.pub').read_text()}")
    fleet.git("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", result["commit"])
    assert fleet.propose("checkout", "384Mi", sign=sign)["state"] == "unchanged"


# Crashes and races


def _publish_and_die(fleet, fresh, item, step):
    """In a child process: open the pull request, and be killed right after `step`."""

    def die(done):
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    who = Identity("platform.ops", "platform-ops@localhost")
    remote = Remote(str(fleet.bare), "main", "platform-ops/")
    settings = Settings(remote, Stamp(who, who, datetime.now(UTC)), labels=("limits",), reviewers=("ann",))
    publisher = Publisher(Git(Path(fresh["path"])), fleet.host, settings, datetime.now(UTC), die)
    publisher.publish(
        [
            Item(
                label=item["label"],
                subject=Subject("default", str(fleet.bare), "main", "shop", "Deployment", item["name"]),
                folder=Path(item["worktree"]),
                start=item["start"],
                title=item["title"],
                message=item["title"],
                body=item["body"],
                files=tuple(item["files"]),
                changes=tuple(item["changes"]),
            )
        ]
    )


@pytest.mark.parametrize("memory", ["384Mi", "512Mi"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_the_next_run_completes_the_one_pull_request(fleet, step, memory):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "384Mi")
    child = multiprocessing.get_context("fork").Process(target=_publish_and_die, args=(fleet, fresh, item, step))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    result = fleet.propose("checkout", memory, **EXTRAS)
    (one,) = fleet.pull_requests()
    assert (one.state, one.number, one.labels) == ("open", result["number"], ("limits",))
    assert memory in fleet.show(one.branch, "checkout")
    assert memory in one.title
    assert len(fleet.git("rev-list", f"main..{one.branch}").split()) in (1, 2)
    assert fleet.propose("checkout", memory, **EXTRAS)["state"] == "unchanged"


@pytest.mark.parametrize("step", ["pushed", "described"])
def test_killed_during_an_update_the_next_run_completes_it(fleet, step):
    fleet.propose("checkout", "384Mi", **EXTRAS)
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], "512Mi")
    child = multiprocessing.get_context("fork").Process(target=_publish_and_die, args=(fleet, fresh, item, step))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    fleet.propose("checkout", "512Mi", **EXTRAS)
    (one,) = fleet.pull_requests()
    assert "512Mi" in one.title and "512Mi" in fleet.show(one.branch, "checkout")


def _race(fleet, barrier, queue, memory):
    fresh = fleet.checkout("checkout")
    item = fleet.bump(fresh["results"][0], memory)
    barrier.wait(30)
    queue.put(fleet.open_pr(fresh, [item])[0])


@pytest.mark.parametrize("attempt", range(3))
def test_two_processes_at_once_make_one_pull_request(fleet, attempt):
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(3), context.Queue()
    children = [context.Process(target=_race, args=(fleet, barrier, queue, "384Mi")) for _child in range(3)]
    for child in children:
        child.start()
    results = [queue.get(timeout=60) for _child in children]
    for child in children:
        child.join(30)
    assert not any(result["failed"] for result in results), results
    assert {result["number"] for result in results} == {1}
    (one,) = fleet.pull_requests()
    assert len(fleet.git("rev-list", f"main..{one.branch}").split()) == 1


def test_a_push_race_is_lost_without_harm(fleet):
    """Somebody pushes the same branch between our look and our push."""
    stale = fleet.checkout("checkout")
    item = fleet.bump(stale["results"][0], "384Mi")
    other = fleet.propose("checkout", "384Mi")
    result = fleet.open_pr(stale, [item])[0]
    assert (result["state"], result["number"]) == ("unchanged", other["number"])


def test_a_branch_that_the_host_refuses_fails_with_what_it_said(fleet):
    hook = fleet.bare / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $1 in *search*) echo no such luck >&2; exit 1;; esac\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    fresh = fleet.checkout("checkout", "search")
    done, refused = fleet.open_pr(fresh, [fleet.bump(item, "384Mi") for item in fresh["results"]])
    assert (done["state"], refused["state"], refused["reason"]) == ("created", "failed", "push_refused")
    assert len(fleet.pull_requests()) == 1
