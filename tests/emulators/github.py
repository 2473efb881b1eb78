# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stateful GitHub (Enterprise address scheme: /api/v3, /api/graphql) over real bare repositories.

Every request and response is held against GitHub's published OpenAPI description; departures gather in `problems`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.emulators import github_graphql
from tests.emulators.openapi import Description
from tests.emulators.repository import MergeConflictError, Repository
from tests.emulators.server import Emulator, Request, Response, paged, route

API = "/api/v3"
DOCS = "https://docs.github.com/rest"


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
    check_runs: dict[str, dict[str, tuple[str, str | None]]] = field(
        default_factory=dict
    )  # sha -> name -> (status, conclusion)
    required: dict[str, list[str]] = field(default_factory=dict)  # protected branch -> required contexts
    ruled: dict[str, list[str]] = field(default_factory=dict)  # branch -> contexts required by a ruleset
    reviewers: tuple[str, ...] = ("alice", "bob")
    teams: tuple[str, ...] = ("platform",)
    allow_auto_merge: bool = True

    def pull(self, number: str) -> Pull | None:
        return next((pull for pull in self.pulls if pull.number == int(number)), None)


class GitHub(Emulator):
    def __init__(self, root: Path, description: Description) -> None:
        super().__init__()
        self._root = root
        self._description = description
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, str] = {}  # token -> scopes
        self.installations: dict[str, str] = {}  # installation id -> the token it gives
        self._comment_id = 1000
        self._routes = {
            ("GET", "/repos/{owner}/{repo}"): self._get_repo,
            ("GET", "/repos/{owner}/{repo}/pulls"): self._list_pulls,
            ("POST", "/repos/{owner}/{repo}/pulls"): self._create_pull,
            ("GET", "/repos/{owner}/{repo}/pulls/{number}"): self._get_pull,
            ("PATCH", "/repos/{owner}/{repo}/pulls/{number}"): self._edit_pull,
            ("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge"): self._merge,
            ("POST", "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers"): self._request_reviewers,
            ("GET", "/repos/{owner}/{repo}/issues/{number}/comments"): self._list_comments,
            ("POST", "/repos/{owner}/{repo}/issues/{number}/comments"): self._create_comment,
            ("PATCH", "/repos/{owner}/{repo}/issues/comments/{id}"): self._edit_comment,
            ("POST", "/repos/{owner}/{repo}/issues/{number}/labels"): self._add_labels,
            ("GET", "/repos/{owner}/{repo}/labels"): self._list_labels,
            ("POST", "/repos/{owner}/{repo}/labels"): self._create_label,
            ("GET", "/repos/{owner}/{repo}/commits/{sha}/check-runs"): self._check_runs,
            ("GET", "/repos/{owner}/{repo}/commits/{sha}/status"): self._status,
            ("GET", "/repos/{owner}/{repo}/branches/{branch}"): self._branch,
            ("GET", "/repos/{owner}/{repo}/rules/branches/{branch}"): self._rules,
            ("DELETE", "/repos/{owner}/{repo}/git/refs/heads/{branch*}"): self._delete_branch,
            ("POST", "/app/installations/{id}/access_tokens"): self._installation_token,
        }

    # what tests do to it

    def add_repo(self, name: str, files: Mapping[str, str]) -> Repo:
        self.repos[name] = Repo(name, Repository.create(self._root / f"{name.replace('/', '_')}.git", files))
        return self.repos[name]

    def set_status(self, repo: Repo, sha: str, context: str, state: str) -> None:
        repo.statuses.setdefault(sha, {})[context] = state
        self._merge_what_waits(repo)

    def set_check_run(self, repo: Repo, sha: str, name: str, conclusion: str | None) -> None:
        repo.check_runs.setdefault(sha, {})[name] = ("completed" if conclusion else "in_progress", conclusion)
        self._merge_what_waits(repo)

    # Emulator

    def git_directory(self, name: str) -> Path | None:
        return self.repos[name].git.path if name in self.repos else None

    def git_allowed(self, request: Request, password: str) -> bool:
        return password in self.tokens

    def answer(self, request: Request) -> Response:
        if request.path == "/api/graphql":
            refused = self._unauthorised(request)
            return refused or github_graphql.answer(self, request)
        if not request.path.startswith(API + "/"):
            return error(404, "Not Found")
        stripped = Request(request.method, request.path[len(API) :], request.query, request.headers, request.body)
        self.problems += self._description.request_problems(
            stripped.method, stripped.path, stripped.query, stripped.json
        )
        response = self._unauthorised(stripped) or self._route(stripped)
        self.problems += self._description.response_problems(
            stripped.method, stripped.path, response.status, response.json
        )
        return response

    def _unauthorised(self, request: Request) -> Response | None:
        authorization = request.headers.get("authorization", "")
        token = authorization.partition(" ")[2]
        if request.path.startswith("/app/"):
            # the JWT's signature is checked by the test that holds the public key
            return None if token.count(".") == 2 else error(401, "Bad credentials")
        if token not in self.tokens:
            return error(401, "Bad credentials")
        if request.method != "GET" and "repo" not in self.tokens[token].split(","):
            headers = {"X-OAuth-Scopes": self.tokens[token], "X-Accepted-OAuth-Scopes": "repo"}
            return error(403, "Resource not accessible by personal access token", headers)
        return None

    def _route(self, request: Request) -> Response:
        return route(self._routes, request) or error(404, "Not Found")

    def repo(self, owner: str, repo: str) -> Repo | None:
        return self.repos.get(f"{owner}/{repo}")

    # handlers

    def _get_repo(self, _: Request, owner: str, repo: str) -> Response:
        state = self.repo(owner, repo)
        return Response(200, self._repo_json(state, "full-repository")) if state else error(404, "Not Found")

    def _list_pulls(self, request: Request, owner: str, repo: str) -> Response:
        state = self._need(owner, repo)
        wanted, head = request.query.get("state", "open"), request.query.get("head", "")
        found = [
            pull
            for pull in state.pulls
            if wanted in ("all", "open" if pull.open else "closed")
            and (
                ":" not in head or head == f"{(pull.fork or owner).partition('/')[0]}:{pull.branch}"
            )  # GitHub ignores a head without owner
            and request.query.get("base", pull.base) == pull.base
        ]
        key = "updated_at" if request.query.get("sort") == "updated" else "created_at"
        descending = request.query.get("direction", "desc") == "desc"
        found.sort(key=lambda pull: (getattr(pull, key), pull.number), reverse=descending)
        page, headers = paged(found, request, f"{self.url}{API}")
        return Response(200, [self.pull_json(state, pull, "pull-request-simple") for pull in page], headers)

    def _create_pull(self, request: Request, owner: str, repo: str) -> Response:
        state, body = self._need(owner, repo), request.json
        branch = body["head"].removeprefix(f"{owner}:")
        head, base = state.git.branch(branch), state.git.branch(body["base"])
        if head is None or base is None:
            return invalid("head" if head is None else "base", "invalid", "PullRequest")
        if any(
            pull.open and (pull.fork, pull.branch, pull.base) == (None, branch, body["base"]) for pull in state.pulls
        ):
            return invalid(None, "custom", "PullRequest", f"A pull request already exists for {owner}:{branch}.")
        if state.git.ahead(base, head) == 0:
            return invalid(None, "custom", "PullRequest", f"No commits between {body['base']} and {branch}")
        now, number = stamp(), len(state.pulls) + 1
        pull = Pull(
            number, body["title"], body.get("body"), branch, body["base"], body.get("draft", False), now, now, head
        )
        state.pulls.append(pull)
        return Response(201, self.pull_json(state, pull))

    def _get_pull(self, _: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        pull = state.pull(number)
        return Response(200, self.pull_json(state, pull)) if pull else error(404, "Not Found")

    def _edit_pull(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        changes = request.json
        pull.title, pull.body = changes.get("title", pull.title), changes.get("body", pull.body)
        pull.updated_at = stamp()
        if changes.get("state") == "closed" and pull.open:
            pull.head_sha, pull.open, pull.closed_at = self.head(state, pull), False, pull.updated_at
        if changes.get("state") == "open" and not pull.open:
            if pull.merged_at or state.git.branch(pull.branch) is None:
                return invalid("state", "invalid", "PullRequest", "state cannot be changed.")
            pull.open, pull.closed_at = True, None
        return Response(200, self.pull_json(state, pull))

    def _merge(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state, body = self._need(owner, repo), request.json
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        sha = self.head(state, pull)
        if body.get("sha", sha) != sha:
            return error(409, "Head branch was modified. Review and try the merge again.")
        if not pull.open or pull.draft:
            return error(405, "Pull Request is not mergeable")
        if not self.ready(state, pull):
            return error(405, f"Required status checks of {pull.base} are expected.")
        try:
            title = body.get("commit_title") or f"Merge pull request #{pull.number}"
            self.merge(state, pull, body.get("merge_method", "merge"), f"{title}\n\n{body.get('commit_message', '')}")
        except MergeConflictError:
            return error(405, "Pull Request is not mergeable")
        return Response(200, {"sha": pull.merge_sha, "merged": True, "message": "Pull Request successfully merged"})

    def _request_reviewers(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state, body = self._need(owner, repo), request.json
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        users, teams = body.get("reviewers", []), body.get("team_reviewers", [])
        if not set(users) <= set(state.reviewers) or not set(teams) <= set(state.teams):
            # The description has no body for this answer.
            return Response(422)
        pull.users += [name for name in users if name not in pull.users]
        pull.teams += [name for name in teams if name not in pull.teams]
        return Response(201, self.pull_json(state, pull, "pull-request-simple"))

    def _list_comments(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        comments = [comment for comment in state.comments if comment["number"] == int(number)]
        page, headers = paged(comments, request, f"{self.url}{API}")
        return Response(200, [self._comment_json(state, comment) for comment in page], headers)

    def _create_comment(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        self._comment_id += 1
        state.comments.append({"id": self._comment_id, "number": int(number), "body": request.json["body"]})
        return Response(201, self._comment_json(state, state.comments[-1]))

    def _edit_comment(self, request: Request, owner: str, repo: str, id: str) -> Response:
        state = self._need(owner, repo)
        comment = next(comment for comment in state.comments if comment["id"] == int(id))
        comment["body"] = request.json["body"]
        return Response(200, self._comment_json(state, comment))

    def _list_labels(self, request: Request, owner: str, repo: str) -> Response:
        page, headers = paged(self._need(owner, repo).labels, request, f"{self.url}{API}")
        return Response(200, [self._label_json(name) for name in page], headers)

    def _create_label(self, request: Request, owner: str, repo: str) -> Response:
        state, name = self._need(owner, repo), request.json["name"]
        if name in state.labels:
            return invalid("name", "already_exists", "Label")
        state.labels.append(name)
        return Response(201, self._label_json(name))

    def _add_labels(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state, names = self._need(owner, repo), request.json["labels"]
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        if not set(names) <= set(state.labels):
            return invalid("labels", "invalid", "Issue")
        pull.labels += [name for name in names if name not in pull.labels]
        return Response(200, [self._label_json(name) for name in pull.labels])

    def _check_runs(self, request: Request, owner: str, repo: str, sha: str) -> Response:
        runs = self._need(owner, repo).check_runs.get(sha, {})
        page, headers = paged(list(runs.items()), request, f"{self.url}{API}")
        rows = [
            self._description.sample("check-run", name=name, head_sha=sha, status=status, conclusion=conclusion)
            for name, (status, conclusion) in page
        ]
        return Response(200, {"total_count": len(runs), "check_runs": rows}, headers)

    def _status(self, request: Request, owner: str, repo: str, sha: str) -> Response:
        states = self._need(owner, repo).statuses.get(sha, {})
        page, headers = paged(list(states.items()), request, f"{self.url}{API}")
        rows = [self._description.sample("simple-commit-status", context=name, state=value) for name, value in page]
        total = "failure" if set(states.values()) & {"failure", "error"} else "pending"
        total = "success" if states and set(states.values()) == {"success"} else total
        body = self._description.sample(
            "combined-commit-status", sha=sha, state=total, statuses=rows, total_count=len(states)
        )
        return Response(200, body, headers)

    def _branch(self, _: Request, owner: str, repo: str, branch: str) -> Response:
        state, name = self._need(owner, repo), unquote(branch)
        sha = state.git.branch(name)
        if sha is None:
            return error(404, "Branch not found")
        contexts = state.required.get(name)
        protection: dict[str, Any] = {"enabled": contexts is not None}
        if contexts is not None:
            protection["required_status_checks"] = {"enforcement_level": "everyone", "contexts": contexts, "checks": []}
        body = self._description.sample(
            "branch-with-protection",
            name=name,
            commit={"sha": sha},
            protected=contexts is not None,
            protection=protection,
        )
        return Response(200, body)

    def _rules(self, _: Request, owner: str, repo: str, branch: str) -> Response:
        contexts = self._need(owner, repo).ruled.get(unquote(branch), [])
        rule = {
            "type": "required_status_checks",
            "parameters": {
                "required_status_checks": [{"context": context} for context in contexts],
                "strict_required_status_checks_policy": False,
            },
        }
        return Response(200, [rule] if contexts else [])

    def _delete_branch(self, _: Request, owner: str, repo: str, branch: str) -> Response:
        state, name = self._need(owner, repo), unquote(branch)
        if state.git.branch(name) is None:
            return Response(422)
        for pull in state.pulls:
            if pull.open and pull.branch == name:
                pull.head_sha, pull.open, pull.closed_at = self.head(state, pull), False, stamp()
        state.git.delete_branch(name)
        return Response(204)

    def _installation_token(self, _: Request, id: str) -> Response:
        if id not in self.installations:
            return error(404, "Not Found")
        token = self.installations[id]
        self.tokens[token] = "repo"
        return Response(201, {"token": token, "expires_at": "2099-01-01T00:00:00Z"})

    # state

    def _need(self, owner: str, repo: str) -> Repo:
        state = self.repo(owner, repo)
        if state is None:
            raise LookupError(f"{owner}/{repo} is not in the emulator")
        return state

    def head(self, state: Repo, pull: Pull) -> str:
        if pull.open:
            pull.head_sha = state.git.branch(pull.branch) or pull.head_sha
        return pull.head_sha

    def ready(self, state: Repo, pull: Pull) -> bool:
        sha = self.head(state, pull)
        green = {name for name, value in state.statuses.get(sha, {}).items() if value == "success"}
        green |= {
            name for name, (_, end) in state.check_runs.get(sha, {}).items() if end in ("success", "neutral", "skipped")
        }
        return set(state.required.get(pull.base, []) + state.ruled.get(pull.base, [])) <= green

    def _mergeable_state(self, state: Repo, pull: Pull, mergeable: bool) -> str:
        if not pull.open:
            return "unknown"
        if not mergeable:
            return "dirty"
        if pull.draft:
            return "draft"
        if not self.ready(state, pull):
            return "blocked"
        sha = self.head(state, pull)
        states = {*state.statuses.get(sha, {}).values(), *(end for _, end in state.check_runs.get(sha, {}).values())}
        return "clean" if states <= {"success", "neutral", "skipped"} else "unstable"

    def merge(self, state: Repo, pull: Pull, method: str, message: str) -> None:
        pull.merge_sha = state.git.merge(pull.base, self.head(state, pull), method, message)
        pull.open = False
        pull.merged_at = pull.closed_at = pull.updated_at = stamp()

    def _merge_what_waits(self, state: Repo) -> None:
        for pull in state.pulls:
            if pull.open and pull.auto_merge and self.ready(state, pull):
                self.merge(state, pull, pull.auto_merge, f"{pull.title} (#{pull.number})")

    # shapes

    def pull_json(self, state: Repo, pull: Pull, schema: str = "pull-request") -> dict[str, Any]:
        owner, api = state.name.partition("/")[0], f"{self.url}{API}/repos/{state.name}"
        sha, head_repo = self.head(state, pull), self._repo_json(state)
        if pull.fork:
            head_repo["full_name"] = pull.fork
        values: dict[str, Any] = {
            "number": pull.number,
            "node_id": pull.node_id,
            "url": f"{api}/pulls/{pull.number}",
            "html_url": f"{self.url}/{state.name}/pull/{pull.number}",
            "issue_url": f"{api}/issues/{pull.number}",
            "title": pull.title,
            "body": pull.body,
            "draft": pull.draft,
            "state": "open" if pull.open else "closed",
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_sha,
            "labels": [self._label_json(name) for name in pull.labels],
            "head": {"label": f"{owner}:{pull.branch}", "ref": pull.branch, "sha": sha, "repo": head_repo},
            "base": {"label": f"{owner}:{pull.base}", "ref": pull.base, "repo": self._repo_json(state)},
            "requested_reviewers": [self._description.sample("simple-user", login=name) for name in pull.users],
            "requested_teams": [self._description.sample("team-simple", slug=name) for name in pull.teams],
            "auto_merge": None,
        }
        if pull.auto_merge:
            user = self._description.sample("simple-user")
            values["auto_merge"] = {
                "enabled_by": user,
                "merge_method": pull.auto_merge,
                "commit_title": "",
                "commit_message": "",
            }
        if schema == "pull-request":
            base = state.git.branch(pull.base) or ""
            values["merged"] = pull.merged_at is not None
            values["mergeable"] = state.git.mergeable(base, sha) if pull.open else None
            values["mergeable_state"] = self._mergeable_state(state, pull, bool(values["mergeable"]))
        return self._description.sample(schema, **values)

    def _repo_json(self, state: Repo, schema: str = "repository") -> dict[str, Any]:
        owner, _, name = state.name.partition("/")
        values = {"name": name, "full_name": state.name, "owner": {"login": owner}, "default_branch": "main"}
        return self._description.sample(schema, **values, url=f"{self.url}{API}/repos/{state.name}")

    def _comment_json(self, state: Repo, comment: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self.url}{API}/repos/{state.name}/issues/comments/{comment['id']}"
        return self._description.sample("issue-comment", id=comment["id"], body=comment["body"], url=url)

    def _label_json(self, name: str) -> dict[str, Any]:
        return self._description.sample("label", name=name, description="")


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"message": message, "documentation_url": DOCS}
    return Response(status, body if status not in (404, 401, 403) else {**body, "status": str(status)}, headers or {})


def invalid(field: str | None, code: str, resource: str, message: str = "") -> Response:
    problem = {
        "resource": resource,
        "code": code,
        **({"field": field} if field else {}),
        **({"message": message} if message else {}),
    }
    return Response(422, {"message": "Validation Failed", "errors": [problem], "documentation_url": DOCS})


def secondary_limit(retry_after: int | None = None) -> Response:
    """GitHub's secondary rate limit, with or without the header that says for how long."""
    body = {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    }
    return Response(403, body, {"Retry-After": str(retry_after)} if retry_after is not None else {})


def number_of(node_id: str) -> int:
    found = re.fullmatch(r"PR_(\d+)", node_id)
    return int(found[1]) if found else 0
