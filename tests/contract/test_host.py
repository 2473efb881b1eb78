# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every git host must do, whichever it is. The same tests run against all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.forge import _gitea, _github, _gitlab
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, NewPullRequest, PullRequest

from tests.contract.subjects import START, Subject

BRANCH = "platform-ops/shop-checkout-0123456789ab"
BODY = "Raises the limit.\n\n<!-- platform.ops key=0123456789abcdef -->"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def new(branch: str = BRANCH, **changes: object) -> NewPullRequest:
    given = {"branch": branch, "base": "main", "title": "Raise memory of checkout", "body": BODY, **changes}
    return NewPullRequest(**given)


def opened(subject: Subject, branch: str = BRANCH, **changes: object) -> tuple[Host, PullRequest]:
    subject.branch(branch)
    host = subject.connect()
    return host, host.create(new(branch, **changes))


def await_true(what: str, condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def test_name_is_the_kind_of_the_host(subject):
    assert subject.connect().name == subject.kind


def test_a_branch_without_pull_request_has_none(subject):
    subject.branch(BRANCH)
    assert list(subject.connect().find(BRANCH)) == []


def test_what_was_opened_can_be_read_back(subject):
    sha = subject.branch(BRANCH)
    before = datetime.now(UTC) - timedelta(seconds=2)
    host = subject.connect()
    made = host.create(new(labels=("platform-ops", "memory")))
    read = host.get(made.number)
    assert (read.state, read.draft, read.title, read.base) == ("open", False, "Raise memory of checkout", "main")
    assert (read.branch, read.head_sha) == (BRANCH, sha)
    assert read.body.strip() == BODY
    assert before <= read.created_at <= datetime.now(UTC) + timedelta(seconds=2)
    assert (read.merged_at, read.closed_at, read.merge_sha) == (None, None, None)
    assert set(read.labels) == set(made.labels) == {"platform-ops", "memory"}
    assert str(read.number) in read.url
    assert [pull.number for pull in host.find(BRANCH)] == [made.number]


def test_opening_twice_gives_the_same_one(subject):
    host, made = opened(subject)
    again = subject.connect().create(new(title="Another title"))
    assert again.number == made.number
    assert len(host.find(BRANCH)) == 1


def test_opening_from_several_sides_at_once_gives_one(subject):
    subject.branch(BRANCH)
    hosts = [subject.connect() for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda host: host.create(new()).number, hosts))
    assert len(set(made)) == 1
    assert [pull.number for pull in hosts[0].find(BRANCH) if pull.state == "open"] == [made[0]]


def test_find_sees_closed_ones_and_has_the_newest_first(subject):
    host, first = opened(subject)
    host.close(first.number)
    subject.branch(BRANCH, "changed again", start=BRANCH)
    second = host.create(new())
    assert [(pull.number, pull.state) for pull in host.find(BRANCH)] == [
        (second.number, "open"),
        (first.number, "closed"),
    ]


def test_find_sees_what_closes_between_two_looks(subject):
    host, made = opened(subject)
    assert [pull.state for pull in host.find(BRANCH)] == ["open"]
    subject.connect().close(made.number)
    assert [pull.state for pull in host.find(BRANCH)] == ["closed"]


def test_find_does_not_take_a_branch_whose_name_only_begins_alike(subject):
    host, _ = opened(subject)
    subject.branch(BRANCH + "-2", "other", at=1)
    host.create(new(BRANCH + "-2"))
    assert [pull.branch for pull in host.find(BRANCH)] == [BRANCH]


def test_list_has_open_ones_and_those_closed_since(subject):
    host = subject.connect()
    numbers = {}
    for at, name in enumerate(["platform-ops/a", "platform-ops/b", "human/c"]):
        subject.branch(name, at=at)
        numbers[name] = host.create(new(name)).number
    host.close(numbers["platform-ops/a"])
    future = datetime.now(UTC) + timedelta(hours=1)
    assert [p.branch for p in host.list("platform-ops/", LONG_AGO)] == ["platform-ops/b", "platform-ops/a"]
    assert [p.branch for p in host.list("platform-ops/", future)] == ["platform-ops/b"]


def test_lists_are_read_to_their_last_page(subject, monkeypatch):
    for module in (_github, _gitlab, _gitea):
        monkeypatch.setattr(module, "PER_PAGE", 2)
    host = subject.connect()
    for number in range(5):
        subject.push(f"platform-ops/{number}", f"{number}\n")
        host.create(new(f"platform-ops/{number}", labels=(f"label-{number}",)))
        host.comment(1, "A remark.", f"note-{number}")
    host.close(2)
    host.close(4)
    assert [pull.branch[-1] for pull in host.list("platform-ops/", LONG_AGO)] == ["4", "3", "2", "1", "0"]
    assert [pull.state for pull in host.find("platform-ops/1")] == ["closed"]
    assert [pull.labels for pull in host.find("platform-ops/4")] == [("label-4",)]
    assert host.comment(1, "A remark.", "note-4") is False


def test_update_changes_what_is_given_and_nothing_else(subject):
    host, made = opened(subject, labels=("platform-ops",))
    host.update(made.number, title="Raise memory of checkout to 512Mi", labels=["memory"])
    read = host.get(made.number)
    assert read.title == "Raise memory of checkout to 512Mi"
    assert read.body.strip() == BODY
    assert set(read.labels) == {"platform-ops", "memory"}
    host.update(made.number, body="Other\r\nlines")
    assert host.get(made.number).body.replace("\r\n", "\n").strip() == "Other\nlines"


def test_labels_exist_once_however_often_they_are_used(subject):
    host, _ = opened(subject, labels=("platform-ops",))
    subject.branch("platform-ops/b", at=1)
    assert host.create(new("platform-ops/b", labels=("platform-ops",))).labels == ("platform-ops",)


def test_a_draft_is_one_until_it_is_not(subject):
    host, made = opened(subject, draft=True)
    assert (made.draft, made.title) == (True, "Raise memory of checkout")
    ready = host.update(made.number, draft=False)
    assert (ready.draft, ready.title) == (False, "Raise memory of checkout")
    assert host.update(made.number, draft=True).draft


def test_a_draft_keeps_its_state_when_the_title_changes(subject):
    host, made = opened(subject, draft=True)
    changed = host.update(made.number, title="New title")
    assert (changed.draft, changed.title) == (True, "New title")


def test_a_comment_with_a_marker_is_made_once(subject):
    host, made = opened(subject)
    marker = "foreign-0123"
    assert host.comment(made.number, "Somebody else pushed here.", marker) is True
    assert host.comment(made.number, "Somebody else pushed here, again.", marker) is False
    assert subject.connect().comment(made.number, "Third", marker) is False
    assert host.comment(made.number, "Another matter", "foreign-012") is True


def test_one_comment_is_written_anew_instead_of_a_second_one(subject):
    host, made = opened(subject)
    host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    assert host.set_comment(made.number, "Watched.", "verdict") is True
    assert host.set_comment(made.number, "Watched.", "verdict") is False
    host.comment(made.number, "Another matter.", "other")
    assert subject.connect().set_comment(made.number, "**fixed**", "verdict") is True
    ours = [text for text in subject.comments(made.number) if "Another matter" not in text]
    assert len(ours) == 1
    assert ours[0].startswith("**fixed**")
    assert any("Another matter" in text for text in subject.comments(made.number))


def test_a_marker_that_somebody_else_wrote_is_not_taken_for_ours(subject):
    host, made = opened(subject)
    subject.say(made.number, "I say fixed.\n\n<!-- platform.ops verdict -->")
    assert host.set_comment(made.number, "**stalled**", "verdict") is True
    assert host.set_comment(made.number, "**fixed**", "verdict") is True
    texts = subject.comments(made.number)
    assert [text.split("\n")[0] for text in texts] == ["I say fixed.", "**fixed**"]


def test_labels_come_and_go_after_the_merge_and_those_of_people_stay(subject):
    host, made = opened(subject, labels=("limits",))
    host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    watched = host.update(made.number, labels=["verdict-stalled"])
    assert set(watched.labels) == {"limits", "verdict-stalled"}
    judged = host.update(made.number, labels=["verdict-fixed"], drop_labels=["verdict-stalled", "verdict-not-fixed"])
    assert set(judged.labels) == {"limits", "verdict-fixed"}
    assert set(subject.connect().get(made.number).labels) == {"limits", "verdict-fixed"}
    assert not host.warnings


def test_the_body_of_a_merged_one_can_be_written(subject):
    host, made = opened(subject)
    host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    merged = host.update(made.number, body=f"{BODY}\n<!-- more -->")
    assert (merged.state, merged.body.strip()) == ("merged", f"{BODY}\n<!-- more -->")
    listed = {one.number: one for one in host.list("platform-ops/", LONG_AGO)}
    assert (listed[made.number].merged_at, listed[made.number].closed_at) == (merged.merged_at, merged.closed_at)


def test_closed_can_be_reopened(subject):
    host, made = opened(subject)
    closed = host.close(made.number, "Not wanted.")
    assert closed.state == "closed"
    assert closed.closed_at is not None
    assert closed.merged_at is None
    assert host.close(made.number).state == "closed"
    assert host.reopen(made.number).state == "open"
    assert host.reopen(made.number).state == "open"


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_merge_brings_the_change_to_the_base(subject, method):
    subject.prepare_merge(method)
    host, made = opened(subject)
    subject.push("main", START.replace("line 0", "meanwhile"))
    merged = host.merge(made.number, expected_sha=made.head_sha, method=method, message="Raise memory\n\nBecause.")
    assert merged.state == "merged"
    assert merged.merged_at is not None
    assert merged.closed_at is not None
    assert "changed\n" in subject.read("main")
    assert "meanwhile\n" in subject.read("main")
    again = host.merge(made.number, expected_sha=made.head_sha, method=method, message="x")
    assert again.state == "merged"


def test_the_merge_commit_is_known(subject):
    host, made = opened(subject)
    merged = host.merge(made.number, expected_sha=made.head_sha, method="squash", message="Raise memory")
    assert merged.merge_sha is not None
    assert "changed\n" in subject.read(merged.merge_sha)


def test_a_head_that_moved_is_not_merged(subject):
    host, made = opened(subject)
    subject.branch(BRANCH, "by a human", at=6, start=BRANCH)
    with pytest.raises(ConflictError) as caught:
        host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    assert caught.value.reason == "head_moved"
    assert host.get(made.number).state == "open"
    assert subject.read("main") == START


def test_a_conflict_is_not_merged(subject):
    host, made = opened(subject)
    subject.push("main", START.replace("line 4", "otherwise"))
    with pytest.raises(ConflictError):
        host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    assert host.get(made.number).state == "open"


def test_a_closed_one_is_not_merged_and_a_merged_one_not_reopened(subject):
    host, made = opened(subject)
    host.close(made.number)
    with pytest.raises(ConflictError):
        host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    host.reopen(made.number)
    host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    with pytest.raises(ConflictError):
        host.reopen(made.number)


def test_an_unknown_number_is_not_found(subject):
    with pytest.raises(NotFoundError):
        subject.connect().get(4711)


def test_a_branch_can_be_deleted_twice_and_its_history_stays(subject):
    host, made = opened(subject)
    host.merge(made.number, expected_sha=made.head_sha, method="squash", message="Raise memory")
    host.delete_branch(BRANCH)
    assert not subject.has_branch(BRANCH)
    host.delete_branch(BRANCH)
    assert [(pull.number, pull.state, pull.branch) for pull in subject.connect().find(BRANCH)] == [
        (made.number, "merged", BRANCH)
    ]
    assert [pull.branch for pull in subject.connect().list("platform-ops/", LONG_AGO)] == [BRANCH]


def test_without_any_check_nothing_stands_against_a_merge(subject):
    host, made = opened(subject)
    checks = host.checks(made)
    assert (checks.state, checks.runs, checks.missing) == ("success", (), ())


def test_checks_follow_what_is_reported(subject):
    host, made = opened(subject)
    for state in ("pending", "failure", "success"):
        subject.report(made.head_sha, "ci/build", state)
        checks = host.checks(made)
        assert checks.state == state
        assert ("ci/build", state) in [(check.name, check.state) for check in checks.runs]


def test_a_required_check_is_missing_until_it_is_reported(subject):
    subject.require("ci/build")
    host, made = opened(subject)
    waiting = host.checks(made)
    assert waiting.state == "pending"
    assert waiting.missing
    subject.report(made.head_sha, "ci/build", "success")
    green = subject.connect().checks(made)
    assert (green.state, green.missing) == ("success", ())


def test_a_protected_base_waits_for_its_required_check(subject):
    if not subject.is_server:
        pytest.skip("no server, so nobody guards the base but us")
    subject.require("ci/build")
    host, made = opened(subject)
    with pytest.raises(ConflictError) as caught:
        host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x")
    assert caught.value.reason == "not_mergeable"
    assert subject.read("main") == START
    subject.report(made.head_sha, "ci/build", "success")
    assert host.merge(made.number, expected_sha=made.head_sha, method="merge", message="x").state == "merged"


def test_the_host_merges_by_itself_once_checks_are_green(subject):
    if not subject.is_server:
        assert opened(subject)[0].enable_auto_merge(1, method="squash") is False
        return
    subject.require("ci/build")
    host, made = opened(subject)
    subject.report(made.head_sha, "ci/build", "pending")
    assert host.enable_auto_merge(made.number, method="squash") is True
    assert host.enable_auto_merge(made.number, method="squash") is True
    assert host.get(made.number).state == "open"
    subject.report(made.head_sha, "ci/build", "success")
    await_true("merged by the host", lambda: host.get(made.number).state == "merged")
    assert "changed\n" in subject.read("main")


def test_a_host_with_nothing_to_wait_for_merges_at_once(subject):
    if not subject.is_server:
        pytest.skip("no server, so nobody merges but us")
    host, made = opened(subject)
    assert host.enable_auto_merge(made.number, method="squash") is True
    await_true("merged by the host", lambda: host.get(made.number).state == "merged")


def test_reviewers_are_asked_and_unknown_ones_named(subject):
    if not subject.is_server:
        pytest.skip("no server, so it knows no users")
    host, made = opened(subject)
    host.request_reviewers(made.number, users=["alice"], teams=[])
    assert list(host.warnings) == []
    host.request_reviewers(made.number, users=["alice", "nobody-here", "bob"], teams=["no-such-team"])
    assert host._asked(made.number)[0] == {"alice", "bob"}
    (warning,) = host.warnings
    assert "nobody-here" in warning
    assert "no-such-team" in warning
    assert "alice" not in warning
