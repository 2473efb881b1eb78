# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stateful GitHub (Enterprise address scheme: /api/v3, /api/graphql) over real bare repositories.

Every request and response is held against GitHub's published OpenAPI description; departures gather in `problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.emulators import github_graphql
from tests.emulators.github_answers import error, invalid
from tests.emulators.github_shapes import Shapes
from tests.emulators.github_state import Pull, Repo, stamp
from tests.emulators.openapi import Description
from tests.emulators.repository import MergeConflictError, Repository
from tests.emulators.server import Emulator, Request, Response, paged, route

API = "/api/v3"


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
            ("DELETE", "/repos/{owner}/{repo}/issues/{number}/labels/{name}"): self._remove_label,
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

    def set_check_run(self, repo: Repo, sha: str, name: str, conclusion: str | None, workflow: str = "ci") -> None:
        """The newest run of this name in this workflow: the API leaves out those it took the place of."""
        status = "completed" if conclusion else "in_progress"
        repo.check_runs.setdefault(sha, {})[name, workflow] = (status, conclusion)
        self._merge_what_waits(repo)

    def say(self, repo: Repo, number: int, text: str, who: str) -> None:
        """A comment of somebody else."""
        self._comment_id += 1
        repo.comments.append({"id": self._comment_id, "number": number, "body": text, "who": who})

    # Emulator

    @property
    def _shapes(self) -> Shapes:
        return Shapes(self._description, self.url, f"{self.url}{API}")

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
        return Response(200, self._shapes.repo(state, "full-repository")) if state else error(404, "Not Found")

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
        return Response(200, [self._shapes.pull(state, pull, "pull-request-simple") for pull in page], headers)

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
        return Response(201, self._shapes.pull(state, pull))

    def _get_pull(self, _: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        pull = state.pull(number)
        return Response(200, self._shapes.pull(state, pull)) if pull else error(404, "Not Found")

    def _edit_pull(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        changes = request.json
        pull.title, pull.body = changes.get("title", pull.title), changes.get("body", pull.body)
        pull.updated_at = stamp()
        if changes.get("state") == "closed" and pull.open:
            pull.head_sha, pull.open, pull.closed_at = state.head(pull), False, pull.updated_at
        if changes.get("state") == "open" and not pull.open:
            if pull.merged_at or state.git.branch(pull.branch) is None:
                return invalid("state", "invalid", "PullRequest", "state cannot be changed.")
            pull.open, pull.closed_at = True, None
        return Response(200, self._shapes.pull(state, pull))

    def _merge(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state, body = self._need(owner, repo), request.json
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        sha = state.head(pull)
        if body.get("sha", sha) != sha:
            return error(409, "Head branch was modified. Review and try the merge again.")
        if not pull.open or pull.draft:
            return error(405, "Pull Request is not mergeable")
        if not state.ready(pull):
            return error(405, f"Required status checks of {pull.base} are expected.")
        try:
            title = body.get("commit_title") or f"Merge pull request #{pull.number}"
            state.merge(pull, body.get("merge_method", "merge"), f"{title}\n\n{body.get('commit_message', '')}")
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
        return Response(201, self._shapes.pull(state, pull, "pull-request-simple"))

    def _list_comments(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        comments = [comment for comment in state.comments if comment["number"] == int(number)]
        page, headers = paged(comments, request, f"{self.url}{API}")
        return Response(200, [self._shapes.comment(state, comment) for comment in page], headers)

    def _create_comment(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state = self._need(owner, repo)
        self._comment_id += 1
        state.comments.append({"id": self._comment_id, "number": int(number), "body": request.json["body"]})
        return Response(201, self._shapes.comment(state, state.comments[-1]))

    def _edit_comment(self, request: Request, owner: str, repo: str, id: str) -> Response:
        state = self._need(owner, repo)
        comment = next(comment for comment in state.comments if comment["id"] == int(id))
        comment["body"] = request.json["body"]
        return Response(200, self._shapes.comment(state, comment))

    def _list_labels(self, request: Request, owner: str, repo: str) -> Response:
        page, headers = paged(self._need(owner, repo).labels, request, f"{self.url}{API}")
        return Response(200, [self._shapes.label(name) for name in page], headers)

    def _create_label(self, request: Request, owner: str, repo: str) -> Response:
        state, name = self._need(owner, repo), request.json["name"]
        if name in state.labels:
            return invalid("name", "already_exists", "Label")
        state.labels.append(name)
        return Response(201, self._shapes.label(name))

    def _add_labels(self, request: Request, owner: str, repo: str, number: str) -> Response:
        state, names = self._need(owner, repo), request.json["labels"]
        pull = state.pull(number)
        if pull is None:
            return error(404, "Not Found")
        if not set(names) <= set(state.labels):
            return invalid("labels", "invalid", "Issue")
        pull.labels += [name for name in names if name not in pull.labels]
        return Response(200, [self._shapes.label(name) for name in pull.labels])

    def _remove_label(self, _: Request, owner: str, repo: str, number: str, name: str) -> Response:
        pull = self._need(owner, repo).pull(number)
        if pull is None or unquote(name) not in pull.labels:
            return error(404, "Label does not exist")
        pull.labels.remove(unquote(name))
        return Response(200, [self._shapes.label(label) for label in pull.labels])

    def _check_runs(self, request: Request, owner: str, repo: str, sha: str) -> Response:
        runs = self._need(owner, repo).check_runs.get(sha, {})
        page, headers = paged(list(runs.items()), request, f"{self.url}{API}")
        rows = [
            self._description.sample("check-run", name=name, head_sha=sha, status=status, conclusion=conclusion)
            for (name, _), (status, conclusion) in page
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
                pull.head_sha, pull.open, pull.closed_at = state.head(pull), False, stamp()
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

    def _merge_what_waits(self, state: Repo) -> None:
        for pull in state.pulls:
            if pull.open and pull.auto_merge and state.ready(pull):
                state.merge(pull, pull.auto_merge, f"{pull.title} (#{pull.number})")
