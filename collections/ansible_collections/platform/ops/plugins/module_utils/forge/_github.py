# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitHub, github.com and Enterprise, through PyGithub; with a token or as a GitHub App."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError
from ansible_collections.platform.ops.plugins.module_utils.forge._checks import worst_of_each
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import (
    MOVED,
    NOT_JSON,
    NoAnswerError,
    RefusalError,
    no_answer,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._http_host import HttpHost, split_message
from ansible_collections.platform.ops.plugins.module_utils.forge._http_verbs import Note
from ansible_collections.platform.ops.plugins.module_utils.forge._types import (
    CheckState,
    GitLogin,
    MergeMethod,
    NewPullRequest,
    PullRequest,
)

try:
    import github
    import jwt
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls
    from github.Auth import Auth
    from github.PullRequest import PullRequest as Pull

PER_PAGE = 100
TIMEOUT_SECONDS = 30
LABEL_COLOUR = "1d76db"
RUN_STATES: dict[str | None, CheckState] = {
    "success": "success",
    "neutral": "success",
    "skipped": "success",
    None: "pending",
}
STATUS_STATES: dict[str, CheckState] = {"success": "success", "pending": "pending"}


def translate(error: Exception) -> RefusalError | NoAnswerError | None:
    if isinstance(error, github.GithubException):
        return RefusalError(error.status, error.headers or {}, error.data)
    if isinstance(error, RuntimeError) and "redirected" in str(error):  # PyGithub has no class for it
        return RefusalError(301, {}, {"message": MOVED})
    return no_answer(error)


def _checked(request: Callable[..., tuple[int, dict[str, Any], str]]) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """PyGithub takes a redirect it does not follow, and any text, for an empty object."""

    def checked(*args: Any, **given: Any) -> tuple[int, dict[str, Any], str]:
        status, headers, output = request(*args, **given)
        if 300 <= status < 400:
            raise RefusalError(status, headers, {"message": MOVED})
        if status < 300 and output and output.lstrip()[:1] not in ("{", "["):
            raise NoAnswerError(NOT_JSON)
        return status, headers, output

    return checked


def token_auth(token: str) -> Auth:
    return github.Auth.Token(token)


def app_auth(app_id: str, installation_id: int, private_key: str) -> Auth:
    app = github.Auth.AppAuth(app_id, private_key)
    try:
        app.create_jwt()
    except (ValueError, TypeError, jwt.PyJWTError):
        # `from None`: the library's message may quote the key.
        raise AuthError(
            f"The private key of GitHub App {app_id} is not a PEM key that can sign. "
            "Download a new one from its settings.",
            reason="invalid_key",
        ) from None
    return app.get_installation_auth(installation_id)


class GitHubHost(HttpHost):
    name = "github"
    # The 422 of "already exists" is one of many; only the look-up tells.
    EXISTS = frozenset({422})
    BRANCH_GONE = frozenset({404, 422})

    def __init__(self, calls: Calls, api_url: str, repository: str, auth: Auth) -> None:
        super().__init__(calls, repository)
        self._owner = repository.partition("/")[0]
        self._auth = auth
        # Retries and pauses are ours (forge._http): PyGithub's own sleep without a bound.
        self._github = github.Github(
            auth=auth,
            base_url=api_url,
            timeout=TIMEOUT_SECONDS,
            per_page=PER_PAGE,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )
        requester = self._github.requester
        requester.requestJson = _checked(requester.requestJson)  # type: ignore[method-assign]
        self._repo = self._github.get_repo(repository)
        self._required_of: dict[str, tuple[str, ...]] = {}

    def git_login(self) -> GitLogin:
        token = self.calls.read("get a token for git", lambda: self._auth.token)
        self.calls.keep_secret(token)
        return GitLogin("x-access-token", token)

    def _fetch(self, number: int) -> PullRequest:
        pull = self._repo.get_pull(number)
        return _pull_request(pull, pull.mergeable if pull.state == "open" else None)

    def _of_branch(self, branch: str) -> Iterable[PullRequest]:
        # Without the owner GitHub ignores the filter and lists everything.
        return self._own(self._repo.get_pulls(state="all", head=f"{self._owner}:{branch}"))

    def _open(self) -> Iterable[PullRequest]:
        return self._own(self._repo.get_pulls(state="open"))

    def _closed(self, since: datetime) -> Iterable[PullRequest]:
        for pull in self._own(self._repo.get_pulls(state="closed", sort="updated", direction="desc")):
            if pull.updated_at < since:
                return
            yield pull

    def _own(self, pulls: Iterable[Pull]) -> Iterable[PullRequest]:
        for pull in pulls:
            # A fork may use our branch names; its pull requests are none of ours. A deleted fork is None.
            if pull.head.repo is not None and pull.head.repo.full_name.lower() == self.repository.lower():
                yield _pull_request(pull, None)

    def _post(self, new: NewPullRequest) -> PullRequest:
        head = f"{self._owner}:{new.branch}"
        return _pull_request(
            self._repo.create_pull(new.base, head, title=new.title, body=new.body, draft=new.draft), None
        )

    def _edit(self, current: PullRequest, title: str, body: str, draft: bool) -> None:
        pull = self._repo.get_pull(current.number)
        pull.edit(title=title, body=body)
        if pull.draft != draft:
            # Only GraphQL can change it.
            pull.convert_to_draft() if draft else pull.mark_ready_for_review()

    def _set_state(self, number: int, state: Literal["open", "closed"]) -> None:
        self._repo.get_pull(number).edit(state=state)

    def _labels(self) -> Iterable[tuple[str, int]]:
        return [(label.name, label.id) for label in self._repo.get_labels()]

    def _make_label(self, name: str) -> int:
        return self._repo.create_label(name, LABEL_COLOUR).id

    def _add_labels(self, number: int, labels: Mapping[str, int]) -> None:
        # PyGithub sends a bare list, which the published description does not have.
        self._send("POST", f"/issues/{number}/labels", {"labels": list(labels)})

    def _drop_label(self, number: int, name: str, id_: int) -> None:  # noqa: ARG002 - GitHub goes by the name
        self._send("DELETE", f"/issues/{number}/labels/{quote(name, safe='')}")

    def _author(self, number: int) -> str:
        opened_by = self._repo.get_pull(number).user
        return opened_by.login if opened_by else ""

    def _comments(self, number: int) -> Iterable[Note]:
        for comment in self._repo.get_pull(number).get_issue_comments():
            yield Note(comment.id, comment.user.login if comment.user else "", comment.body or "")

    def _post_comment(self, number: int, text: str) -> None:
        self._repo.get_pull(number).create_issue_comment(text)

    def _edit_comment(self, number: int, id_: int, text: str) -> None:  # noqa: ARG002 - GitHub goes by the comment
        self._send("PATCH", f"/issues/comments/{id_}", {"body": text})

    def _merge(self, current: PullRequest, method: MergeMethod, message: str) -> None:
        title, body = split_message(message)
        self._repo.get_pull(current.number).merge(body, title, merge_method=method, sha=current.head_sha)

    def _auto_merge(self, current: PullRequest, method: MergeMethod) -> bool:
        pull = self._repo.get_pull(current.number)
        if pull.auto_merge:
            return True
        if pull.mergeable_state == "clean":
            # GitHub has nothing to wait for and refuses to be asked; GitLab and Gitea merge at once in this case.
            pull.merge(merge_method=method, sha=current.head_sha)
            return True
        try:
            pull.enable_automerge(method.upper(), expected_head_oid=current.head_sha)
        except github.GithubException as error:
            if _graphql_refused(error.data):
                return False
            raise
        return True

    def _runs(self, pull_request: PullRequest) -> Iterable[tuple[str, CheckState]]:
        # Two workflows may have a job of the same name, and a status may have the name of a check run. Of what was run
        # again in its workflow the API lists the newest only.
        return worst_of_each(self._all_runs(pull_request.head_sha))

    def _all_runs(self, sha: str) -> Iterable[tuple[str, CheckState]]:
        for run in self._pages(f"/commits/{sha}/check-runs", "check_runs"):
            conclusion = run["conclusion"] if run["status"] == "completed" else None
            yield run["name"], RUN_STATES.get(conclusion, "failure")
        for status in self._pages(f"/commits/{sha}/status", "statuses"):
            yield status["context"], STATUS_STATES.get(status["state"], "failure")

    def _required(self, base: str) -> Sequence[str]:
        if base not in self._required_of:
            # Both can be read without administration rights: the branch shows its protection, the rules their checks.
            branch = self._get(f"/branches/{quote(base, safe='')}")
            checks = branch.get("protection", {}).get("required_status_checks") or {}
            names = list(checks.get("contexts", []))
            for rule in self._get(f"/rules/branches/{quote(base, safe='')}"):
                if rule["type"] == "required_status_checks":
                    names += [check["context"] for check in rule["parameters"]["required_status_checks"]]
            self._required_of[base] = tuple(dict.fromkeys(names))
        return self._required_of[base]

    def _asked(self, number: int) -> tuple[set[str], set[str]]:
        pull = self._repo.get_pull(number)
        return {user.login for user in pull.requested_reviewers or ()}, {
            team.slug for team in pull.requested_teams or ()
        }

    def _ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        pull = self._repo.get_pull(number)
        if users:
            pull.create_review_request(reviewers=list(users))
        if teams:
            pull.create_review_request(team_reviewers=list(teams))

    def _delete_branch(self, branch: str) -> None:
        self._send("DELETE", f"/git/refs/heads/{quote(branch)}")

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        self._repo.requester.requestJsonAndCheck(method, f"{self._repo.url}{path}", input=body)

    def _get(self, path: str, **query: Any) -> Any:
        return self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}{path}", parameters=query)[1]

    def _pages(self, path: str, rows: str) -> Iterable[dict[str, Any]]:
        page = 1
        while True:
            found = self._get(path, per_page=PER_PAGE, page=page)
            yield from found[rows]
            if page * PER_PAGE >= found["total_count"] or not found[rows]:
                return
            page += 1


def _pull_request(pull: Pull, mergeable: bool | None) -> PullRequest:
    # Only attributes that the rows of a list have too: PyGithub would fetch the whole object for any other.
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        state="merged" if pull.merged_at else "open" if pull.state == "open" else "closed",
        draft=bool(pull.draft),
        title=pull.title,
        body=pull.body or "",
        branch=pull.head.ref,
        head_sha=pull.head.sha,
        base=pull.base.ref,
        created_at=pull.created_at,
        updated_at=pull.updated_at or pull.created_at,
        merged_at=pull.merged_at,
        closed_at=pull.closed_at,
        merge_sha=pull.merge_commit_sha if pull.merged_at else None,
        labels=tuple(label.name for label in pull.labels),
        mergeable=mergeable,
    )


def _graphql_refused(data: Any) -> bool:
    """GraphQL answers 200 with errors: no auto-merge in this repository, or a check that is not required failed."""
    errors = data.get("errors") if isinstance(data, dict) else None
    return bool(errors) and all(error.get("type") in ("UNPROCESSABLE", "FORBIDDEN") for error in errors or ())
