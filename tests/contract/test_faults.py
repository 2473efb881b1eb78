# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold when a git host hesitates, forgets to answer, refuses, or acts without telling."""

from __future__ import annotations

import logging
import traceback

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials

from tests.contract.subjects import START, FakeClock, Subject
from tests.contract.test_host import BRANCH, new
from tests.emulators.github_answers import error, secondary_limit
from tests.emulators.server import Response

PULLS = r"/(pulls|merge_requests)$"
COMMENTS = r"/(comments|notes)$"
MERGE = r"/merge$"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def writes(subject: Subject) -> list[str]:
    return [f"{r.method} {r.path.rsplit('/', 1)[1]}" for r in subject.emulator.requests if r.method != "GET"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_repeated_after_a_server_error(emulated, clock, status):
    emulated.emulator.inject("GET", PULLS, response=Response(status, {"message": "oops"}), times=2)
    assert list(emulated.connect(clock=clock).find(BRANCH)) == []
    assert clock.slept == [0.5, 1.0]


def test_a_read_is_repeated_after_a_cut_connection(emulated, clock):
    emulated.emulator.inject("GET", PULLS, times=1)
    assert list(emulated.connect(clock=clock).find(BRANCH)) == []


def test_a_server_that_stays_down_is_unavailable_within_the_budget(emulated, clock):
    emulated.emulator.inject("GET", PULLS, response=Response(502, {"message": "oops"}), times=99)
    with pytest.raises(UnavailableError) as caught:
        emulated.connect(clock=clock).find(BRANCH)
    assert caught.value.reason == "host_error"
    assert sum(clock.slept) <= 20
    assert len(emulated.emulator.requests) == 4


def test_no_server_at_all_is_unavailable(emulated, clock):
    host = emulated.connect(clock=clock)
    emulated.emulator.inject("GET", PULLS, times=99)
    with pytest.raises(UnavailableError) as caught:
        host.find(BRANCH)
    assert caught.value.reason == "no_answer"
    assert "127.0.0.1" in caught.value.message


def test_a_login_page_instead_of_the_api_is_told_as_such(emulated, clock):
    page = Response(200, html="<html>Please sign in</html>")
    emulated.emulator.inject("GET", PULLS, response=page, times=9)
    with pytest.raises(UnavailableError) as caught:
        emulated.connect(clock=clock).find(BRANCH)
    assert "login page" in caught.value.message


@pytest.mark.parametrize("status", [301, 307])
def test_a_repository_that_moved_is_told_as_such(emulated, clock, status):
    emulated.branch(BRANCH)
    elsewhere = Response(status, {"message": "Moved Permanently"}, {"Location": "https://elsewhere.invalid/api"})
    emulated.emulator.inject("POST", PULLS, response=elsewhere, times=9)
    with pytest.raises(NotFoundError) as caught:
        emulated.connect(clock=clock).create(new())
    assert caught.value.reason == "moved"


def test_opening_is_not_repeated_when_it_happened_without_an_answer(emulated, clock):
    emulated.branch(BRANCH)
    emulated.emulator.inject("POST", PULLS, after_acting=True)
    made = emulated.connect(clock=clock).create(new())
    assert made.number == 1
    assert len([w for w in writes(emulated) if w in ("POST pulls", "POST merge_requests")]) == 1


def test_opening_is_not_repeated_when_it_happened_behind_a_502(emulated, clock):
    emulated.branch(BRANCH)
    emulated.emulator.inject("POST", PULLS, after_acting=True, response=Response(502, {"message": "bad gateway"}))
    host = emulated.connect(clock=clock)
    assert host.create(new()).number == 1
    assert len(host.find(BRANCH)) == 1
    assert len([w for w in writes(emulated) if w in ("POST pulls", "POST merge_requests")]) == 1


def test_opening_is_repeated_when_it_did_not_happen(emulated, clock):
    emulated.branch(BRANCH)
    emulated.emulator.inject("POST", PULLS)
    host = emulated.connect(clock=clock)
    assert host.create(new()).number == 1
    assert len(host.find(BRANCH)) == 1


def test_a_comment_is_not_repeated_when_it_happened_without_an_answer(emulated, clock):
    emulated.branch(BRANCH)
    host = emulated.connect(clock=clock)
    host.create(new())
    emulated.emulator.inject("POST", COMMENTS, after_acting=True)
    assert host.comment(1, "Once.", "m") is True
    assert len([w for w in writes(emulated) if w in ("POST comments", "POST notes")]) == 1


def test_a_merge_is_not_repeated_when_it_happened_without_an_answer(emulated, clock):
    sha = emulated.branch(BRANCH)
    host = emulated.connect(clock=clock)
    host.create(new())
    emulated.emulator.inject("PUT", MERGE, after_acting=True)
    assert host.merge(1, expected_sha=sha, method="squash", message="Raise memory").state == "merged"
    assert writes(emulated).count("PUT merge") == 1


def test_values_the_host_refuses_are_an_input_error_with_its_words(emulated, clock):
    with pytest.raises(InputError) as caught:
        emulated.connect(clock=clock).create(new("platform-ops/never-pushed"))
    assert "platform-ops/never-pushed" in caught.value.message
    assert len([w for w in writes(emulated) if w in ("POST pulls", "POST merge_requests")]) == 1


def test_an_unknown_repository_is_not_found(emulated, clock):
    emulated.emulator.inject("GET", PULLS, response=Response(404, {"message": "404 Project Not Found"}))
    with pytest.raises(NotFoundError):
        emulated.connect(clock=clock).find(BRANCH)
    assert clock.slept == []


def test_a_short_rate_limit_is_waited_for(emulated, clock):
    emulated.emulator.inject("GET", PULLS, response=Response(429, {"message": "slow"}, {"Retry-After": "7"}))
    assert list(emulated.connect(clock=clock).find(BRANCH)) == []
    assert clock.slept == [7.0]


def test_a_long_rate_limit_is_handed_on_instead_of_slept_through(emulated, clock):
    emulated.branch(BRANCH)
    limit = Response(429, {"message": "slow"}, {"Retry-After": "3600"})
    emulated.emulator.inject("POST", PULLS, response=limit, times=9)
    with pytest.raises(UnavailableError) as caught:
        emulated.connect(clock=clock).create(new())
    assert (caught.value.reason, caught.value.retry_after) == ("rate_limited", 3600)
    assert clock.slept == []
    assert len(writes(emulated)) == 1


def test_the_reset_time_counts_where_there_is_no_retry_after(github, clock):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now()) + 900)}
    github.emulator.inject("GET", PULLS, response=error(403, "API rate limit exceeded", headers), times=9)
    with pytest.raises(UnavailableError) as caught:
        github.connect(clock=clock).find(BRANCH)
    assert caught.value.retry_after == pytest.approx(900, abs=2)


@pytest.mark.parametrize(("given", "expected"), [(None, 60), (120, 120)])
def test_a_secondary_limit_is_at_least_a_minute_unless_the_host_says_otherwise(github, clock, given, expected):
    github.branch(BRANCH)
    github.emulator.inject("POST", PULLS, response=secondary_limit(given), times=9)
    with pytest.raises(UnavailableError) as caught:
        github.connect(clock=clock).create(new())
    assert (caught.value.reason, caught.value.retry_after) == ("rate_limited", expected)


def test_a_label_that_cannot_be_made_is_a_warning_and_the_pull_request_stands(emulated, clock):
    emulated.branch(BRANCH)
    emulated.emulator.inject("POST", r"/labels$", response=Response(422, {"message": "Validation Failed"}), times=9)
    host = emulated.connect(clock=clock)
    made = host.create(new(labels=("platform-ops",)))
    assert (made.state, made.labels) == ("open", ())
    assert "label" in host.warnings[0]


def test_reviewers_who_cannot_be_asked_are_a_warning_and_the_pull_request_stands(emulated, clock):
    emulated.branch(BRANCH)
    host = emulated.connect(clock=clock)
    host.create(new())
    refused = Response(403, {"message": "no", "documentation_url": "", "status": "403"})
    for method, path in (("POST", r"/requested_reviewers$"), ("PUT", r"/merge_requests/1$")):
        emulated.emulator.inject(method, path, response=refused, times=9)
    host.request_reviewers(1, users=["alice"], teams=[])
    assert "request reviews" in host.warnings[0]
    assert host.get(1).state == "open"


def test_an_auto_merge_the_repository_does_not_allow_is_no_error(github, clock):
    github.repo.allow_auto_merge = False
    github.require("ci/build")
    github.branch(BRANCH)
    host = github.connect(clock=clock)
    host.create(new())
    assert host.enable_auto_merge(1, method="squash") is False


def test_a_base_protected_against_us_is_named_and_nothing_merged(gitlab, clock):
    sha = gitlab.branch(BRANCH)
    host = gitlab.connect(clock=clock)
    host.create(new())
    gitlab.project.protected.add("main")
    with pytest.raises(AuthError) as caught:
        host.merge(1, expected_sha=sha, method="merge", message="x")
    assert caught.value.reason == "forbidden"
    assert gitlab.read("main") == START


def test_a_check_required_by_a_ruleset_counts_like_one_of_the_branch_protection(github, clock):
    github.repo.ruled["main"] = ["ci/ruled"]
    github.branch(BRANCH)
    host = github.connect(clock=clock)
    made = host.create(new())
    assert host.checks(made).missing == ("ci/ruled",)
    github.github.set_check_run(github.repo, made.head_sha, "ci/ruled", None)
    assert host.checks(made).state == "pending"
    github.github.set_check_run(github.repo, made.head_sha, "ci/ruled", "timed_out")
    assert host.checks(made).state == "failure"
    github.github.set_check_run(github.repo, made.head_sha, "ci/ruled", "success")
    github.github.set_check_run(github.repo, made.head_sha, "optional", "failure")
    assert host.checks(made).state == "success"


def test_of_checks_with_one_name_each_has_to_pass(github, clock):
    github.branch(BRANCH)
    host = github.connect(clock=clock)
    made = host.create(new())
    github.github.set_check_run(github.repo, made.head_sha, "build", "failure", "pull_request.yml")
    github.github.set_check_run(github.repo, made.head_sha, "build", "success", "release.yml")
    assert host.checks(made).state == "failure"
    github.github.set_check_run(github.repo, made.head_sha, "build", "success", "pull_request.yml")  # run again
    assert host.checks(made).state == "success"
    github.github.set_status(github.repo, made.head_sha, "build", "pending")
    assert [(check.name, check.state) for check in host.checks(made).runs] == [("build", "pending")]


def test_rebase_is_refused_where_the_project_makes_merge_commits(gitlab, clock):
    sha = gitlab.branch(BRANCH)
    host = gitlab.connect(clock=clock)
    host.create(new())
    with pytest.raises(InputError) as caught:
        host.merge(1, expected_sha=sha, method="rebase", message="x")
    assert caught.value.reason == "merge_method"


def test_reopening_without_a_branch_is_a_conflict(emulated, clock):
    emulated.branch(BRANCH)
    host = emulated.connect(clock=clock)
    host.create(new())
    host.close(1)
    host.delete_branch(BRANCH)
    with pytest.raises(ConflictError) as caught:
        host.reopen(1)
    assert caught.value.reason == "not_reopened"


def test_an_update_without_a_difference_writes_nothing(emulated, clock):
    emulated.branch(BRANCH)
    host = emulated.connect(clock=clock)
    made = host.create(new(labels=("platform-ops",)))
    before = len(writes(emulated))
    host.update(1, title=made.title, body=made.body + "\n", labels=["platform-ops"], draft=False)
    assert len(writes(emulated)) == before


class TestToken:
    """A rejected token is named as such and never shown."""

    SECRET = "secret-token-0123456789"

    def refusal(self, subject: Subject, caplog: pytest.LogCaptureFixture) -> AuthError:
        with caplog.at_level(logging.DEBUG), pytest.raises(AuthError) as caught:
            subject.connect(credentials=Credentials(token=self.SECRET)).create(new())
        shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
        assert self.SECRET not in shown
        return caught.value

    def test_an_expired_token_is_an_auth_error_on_every_host(self, subject, caplog):
        if subject.kind == "local":
            pytest.skip("this host has no tokens")
        subject.branch(BRANCH)
        refusal = self.refusal(subject, caplog)
        assert refusal.reason == "token_rejected"
        assert "expired" in refusal.message

    def test_a_token_without_the_scope_is_told_which(self, emulated, caplog):
        scopes = {"github": "public_repo", "gitlab": "read_api"}
        emulated.emulator.tokens[self.SECRET] = scopes[emulated.kind]
        emulated.branch(BRANCH)
        refusal = self.refusal(emulated, caplog)
        assert refusal.reason == "missing_scope"
        assert {"github": "right repo", "gitlab": "right api"}[emulated.kind] in refusal.message

    def test_a_gitea_token_without_the_scope_is_told_which(self, gitea):
        token = gitea.server.scoped_token("read:repository")
        gitea.branch(BRANCH)
        with pytest.raises(AuthError) as caught:
            gitea.connect(credentials=Credentials(token=token)).create(new())
        assert caught.value.reason == "missing_scope"
        assert "write:repository" in caught.value.message

    def test_an_expired_gitlab_token_is_told_in_the_hosts_words(self, gitlab, caplog):
        gitlab.gitlab.tokens[self.SECRET] = "api"
        gitlab.gitlab.expired.add(self.SECRET)
        gitlab.branch(BRANCH)
        assert "Token is expired" in self.refusal(gitlab, caplog).message

    def test_a_host_that_repeats_the_token_does_not_get_it_into_our_message(self, emulated, caplog):
        emulated.emulator.tokens[self.SECRET] = "repo" if emulated.kind == "github" else "api"
        emulated.branch(BRANCH)
        body = {"message": f"token {self.SECRET} is bad", "documentation_url": "", "status": "401"}
        emulated.emulator.inject("POST", PULLS, response=Response(401, body))
        assert "***" in self.refusal(emulated, caplog).message

    def test_the_host_object_does_not_show_it(self, emulated):
        host = emulated.connect()
        assert emulated.token not in repr(host) + str(vars(host).get("calls")) + repr(host.git_login())
