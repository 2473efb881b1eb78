# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stateful GitLab (/api/v4) over real bare repositories, held against gitlab_schema.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import yaml

from tests.emulators.gitlab_pipelines import Pipelines
from tests.emulators.repository import MergeConflictError, Repository
from tests.emulators.server import Emulator, Request, Response, paged, route

API = "/api/v4"
SCHEMA = yaml.safe_load((Path(__file__).parent / "gitlab_schema.yml").read_text())
DRAFT = re.compile(r"\s*(\[draft\]|\(draft\)|draft:)\s*", re.IGNORECASE)


@dataclass
class MergeRequest:
    iid: int
    title: str
    description: str | None
    source: str
    target: str
    created_at: str
    updated_at: str
    sha: str
    state: str = "opened"
    closed_at: str | None = None
    merged_at: str | None = None
    merge_sha: str | None = None
    squash_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    reviewer_ids: list[int] = field(default_factory=list)
    auto_merge: dict[str, Any] | None = None

    @property
    def draft(self) -> bool:
        return DRAFT.match(self.title) is not None


@dataclass
class Project:
    id: int
    name: str  # group/subgroup/name
    git: Repository
    merge_requests: list[MergeRequest] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)  # {id, iid, body}
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)  # sha -> job -> status
    pipeline_must_succeed: bool = False
    merge_method: str = "merge"
    protected: set[str] = field(default_factory=set)  # branches that the token may not merge into


class GitLab(Emulator):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self.projects: list[Project] = []
        self.tokens: dict[str, str] = {}  # token -> scope: api or read_api
        self.expired: set[str] = set()
        self.users = {"operator": 1, "alice": 2, "bob": 3}
        project, request = "/projects/{id}", "/projects/{id}/merge_requests/{iid}"
        self._routes = {
            ("GET", project): self._get_project,
            ("GET", f"{project}/merge_requests"): self._list,
            ("POST", f"{project}/merge_requests"): self._create,
            ("GET", request): self._get,
            ("PUT", request): self._edit,
            ("PUT", f"{request}/merge"): self._accept,
            ("GET", f"{request}/notes"): self._notes,
            ("POST", f"{request}/notes"): self._create_note,
            ("PUT", f"{request}/notes/{{note}}"): self._edit_note,
            ("GET", f"{project}/labels"): self._labels,
            ("POST", f"{project}/labels"): self._create_label,
            ("GET", f"{project}/repository/commits/{{sha}}/statuses"): self._statuses,
            ("DELETE", f"{project}/repository/branches/{{branch}}"): self._delete_branch,
            ("GET", "/users"): self._users,
            ("GET", "/version"): lambda _: Response(200, {"version": "18.4.0", "revision": "0123456"}),
        }
        self.pipelines = Pipelines(lambda: self.url, self._need, stamp)
        self._routes |= self.pipelines.routes(project)

    # what tests do to it

    def add_project(self, name: str, files: Mapping[str, str]) -> Project:
        repository = Repository.create(self._root / f"{name.replace('/', '_')}.git", files)
        self.projects.append(Project(len(self.projects) + 1, name, repository))
        return self.projects[-1]

    def set_status(self, project: Project, sha: str, job: str, status: str) -> None:
        project.statuses.setdefault(sha, {})[job] = status
        for mr in project.merge_requests:
            if mr.state == "opened" and mr.auto_merge is not None and self._pipeline(project, self._head(project, mr)):
                self._merge(project, mr, mr.auto_merge)

    def say(self, project: Project, number: int, text: str, who: str) -> None:
        """A note of somebody else."""
        project.notes.append({"id": len(project.notes) + 1, "iid": number, "body": text, "who": who})

    # Emulator

    def git_directory(self, name: str) -> Path | None:
        return next((project.git.path for project in self.projects if project.name == name), None)

    def git_allowed(self, request: Request, password: str) -> bool:
        return password in self.tokens and password not in self.expired

    def answer(self, request: Request) -> Response:
        if not request.path.startswith(API + "/"):
            return Response(404, {"error": "404 Not Found"})
        stripped = Request(request.method, request.path[len(API) :], request.query, request.headers, request.body)
        operation, problem = _operation(stripped)
        self.problems += [problem] if problem else _request_problems(stripped, operation)
        response = self._refused(stripped) or route(self._routes, stripped) or not_found()
        if not problem:
            self.problems += _response_problems(stripped, operation, response)
        return response

    def _refused(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.expired:
            return Response(401, {"error": "invalid_token", "error_description": "Token is expired."})
        if token not in self.tokens:
            return Response(401, {"message": "401 Unauthorized"})
        if request.method != "GET" and self.tokens[token] != "api":
            body = {"error": "insufficient_scope", "error_description": "higher privileges needed", "scope": "api"}
            return Response(403, body)
        return None

    # handlers

    def _get_project(self, _: Request, id: str) -> Response:
        project = self._project(id)
        if project is None:
            return not_found("Project")
        values = {
            "id": project.id,
            "path_with_namespace": project.name,
            "default_branch": "main",
            "merge_method": project.merge_method,
            "only_allow_merge_if_pipeline_succeeds": project.pipeline_must_succeed,
            "web_url": f"{self.url}/{project.name}",
        }
        return Response(200, values)

    def _list(self, request: Request, id: str) -> Response:
        project = self._need(id)
        state, after = request.query.get("state", "all"), request.query.get("updated_after", "")
        since = datetime.fromisoformat(after) if after else datetime.min.replace(tzinfo=UTC)
        found = [
            mr
            for mr in reversed(project.merge_requests)
            if state in ("all", mr.state)
            and request.query.get("source_branch", mr.source) == mr.source
            and datetime.fromisoformat(mr.updated_at) >= since
        ]
        page, headers = paged(found, request, f"{self.url}{API}")
        return Response(200, [self._json(project, mr) for mr in page], headers)

    def _create(self, request: Request, id: str) -> Response:
        project, body = self._need(id), request.json
        sha = project.git.branch(body["source_branch"])
        if sha is None or project.git.branch(body["target_branch"]) is None:
            return Response(400, {"message": {"source_branch": ["does not exist"]}})
        same = (body["source_branch"], body["target_branch"])
        for mr in project.merge_requests:
            if mr.state == "opened" and (mr.source, mr.target) == same:
                text = f"Another open merge request already exists for this source branch: !{mr.iid}"
                return Response(409, {"message": [text]})
        now = stamp()
        mr = MergeRequest(len(project.merge_requests) + 1, body["title"], body.get("description"), *same, now, now, sha)
        project.merge_requests.append(mr)
        return Response(201, self._json(project, mr))

    def _get(self, _: Request, id: str, iid: str) -> Response:
        project = self._need(id)
        mr = self._mr(project, iid)
        return Response(200, self._json(project, mr)) if mr else not_found("Merge Request")

    def _edit(self, request: Request, id: str, iid: str) -> Response:
        project, body = self._need(id), request.json
        mr = self._mr(project, iid)
        if mr is None:
            return not_found("Merge Request")
        mr.title, mr.description = body.get("title", mr.title), body.get("description", mr.description)
        for name in filter(None, body.get("add_labels", "").split(",")):
            if name not in mr.labels:
                mr.labels.append(name)
        mr.labels = [name for name in mr.labels if name not in body.get("remove_labels", "").split(",")]
        mr.reviewer_ids = body.get("reviewer_ids", mr.reviewer_ids)
        mr.updated_at = stamp()
        event = body.get("state_event")
        if event == "close" and mr.state == "opened":
            mr.sha, mr.state, mr.closed_at = self._head(project, mr), "closed", stamp()
        elif event == "reopen":
            if mr.state != "closed" or project.git.branch(mr.source) is None:
                return Response(422, {"message": {"state": ["cannot be reopened"]}})
            mr.state, mr.closed_at = "opened", None
        return Response(200, self._json(project, mr))

    def _accept(self, request: Request, id: str, iid: str) -> Response:
        project, body = self._need(id), request.json or {}
        mr = self._mr(project, iid)
        if mr is None:
            return not_found("Merge Request")
        if body.get("sha", self._head(project, mr)) != self._head(project, mr):
            return Response(409, {"message": "SHA does not match HEAD of source branch"})
        if mr.target in project.protected:
            return Response(401, {"message": "401 Unauthorized"})
        if mr.state != "opened" or mr.draft:
            return Response(405, {"message": "405 Method Not Allowed"})
        green = self._pipeline(project, mr.sha)
        if body.get("auto_merge") and project.statuses.get(mr.sha) and not green:
            mr.auto_merge = body
            return Response(200, self._json(project, mr))
        if project.pipeline_must_succeed and not green:
            return Response(405, {"message": "405 Method Not Allowed"})
        try:
            self._merge(project, mr, body)
        except MergeConflictError:
            return Response(422, {"message": "Branch cannot be merged"})
        return Response(200, self._json(project, mr))

    def _notes(self, request: Request, id: str, iid: str) -> Response:
        rows = [self._note_json(note) for note in self._need(id).notes if note["iid"] == int(iid)]
        if request.query.get("sort", "desc") == "desc":
            rows.reverse()
        page, headers = paged(rows, request, f"{self.url}{API}")
        return Response(200, page, headers)

    def _create_note(self, request: Request, id: str, iid: str) -> Response:
        notes = self._need(id).notes
        notes.append({"id": len(notes) + 1, "iid": int(iid), "body": request.json["body"]})
        return Response(201, self._note_json(notes[-1]))

    def _edit_note(self, request: Request, id: str, iid: str, note: str) -> Response:
        for known in self._need(id).notes:
            if (known["id"], known["iid"]) == (int(note), int(iid)):
                known["body"] = request.json["body"]
                return Response(200, self._note_json(known))
        return not_found("Note")

    def _labels(self, request: Request, id: str) -> Response:
        labels = self._need(id).labels
        page, headers = paged(
            [_label_json(number, name) for number, name in enumerate(labels)], request, f"{self.url}{API}"
        )
        return Response(200, page, headers)

    def _create_label(self, request: Request, id: str) -> Response:
        labels, name = self._need(id).labels, request.json["name"]
        if name in labels:
            return Response(409, {"message": "Label already exists"})
        labels.append(name)
        return Response(201, _label_json(len(labels) - 1, name))

    def _statuses(self, request: Request, id: str, sha: str) -> Response:
        rows = [
            {
                "id": n,
                "sha": sha,
                "ref": "",
                "status": state,
                "name": job,
                "allow_failure": False,
                "created_at": stamp(),
            }
            for n, (job, state) in enumerate(self._need(id).statuses.get(sha, {}).items())
        ]
        page, headers = paged(rows, request, f"{self.url}{API}")
        return Response(200, page, headers)

    def _delete_branch(self, _: Request, id: str, branch: str) -> Response:
        project, name = self._need(id), unquote(branch)
        if project.git.branch(name) is None:
            return not_found("Branch")
        for mr in project.merge_requests:
            mr.sha = self._head(project, mr)
        project.git.delete_branch(name)
        return Response(204)

    def _users(self, request: Request) -> Response:
        name = request.query.get("username", "")
        return Response(200, [self._user_json(name)] if name in self.users else [])

    # state

    def _project(self, id: str) -> Project | None:
        return next((project for project in self.projects if unquote(id) in (project.name, str(project.id))), None)

    def _need(self, id: str) -> Project:
        project = self._project(id)
        if project is None:
            raise LookupError(f"{id} is not in the emulator")
        return project

    def _mr(self, project: Project, iid: str) -> MergeRequest | None:
        return next((mr for mr in project.merge_requests if mr.iid == int(iid)), None)

    def _head(self, project: Project, mr: MergeRequest) -> str:
        if mr.state == "opened":
            mr.sha = project.git.branch(mr.source) or mr.sha
        return mr.sha

    def _pipeline(self, project: Project, sha: str) -> bool:
        states = set(project.statuses.get(sha, {}).values())
        return bool(states) and states <= {"success", "skipped"}

    def _merge(self, project: Project, mr: MergeRequest, body: Mapping[str, Any]) -> None:
        method = "squash" if body.get("squash") else "rebase" if project.merge_method == "ff" else "merge"
        message = body.get("squash_commit_message") or body.get("merge_commit_message") or f"Merge !{mr.iid}"
        tip = project.git.merge(mr.target, self._head(project, mr), method, message)
        mr.state, mr.merged_at, mr.updated_at = "merged", stamp(), stamp()
        mr.squash_sha = tip if method == "squash" else None
        mr.merge_sha = tip if method == "merge" else None

    # shapes

    def _json(self, project: Project, mr: MergeRequest) -> dict[str, Any]:
        sha, target = self._head(project, mr), project.git.branch(mr.target) or ""
        conflict = mr.state == "opened" and not project.git.mergeable(target, sha)
        status = "conflict" if conflict else "draft_status" if mr.draft else "mergeable"
        names = {number: name for name, number in self.users.items()}
        return {
            "id": 1000 + mr.iid,
            "iid": mr.iid,
            "project_id": project.id,
            "title": mr.title,
            "description": mr.description,
            "state": mr.state,
            "created_at": mr.created_at,
            "updated_at": mr.updated_at,
            "merged_at": mr.merged_at,
            "closed_at": mr.closed_at,
            "target_branch": mr.target,
            "source_branch": mr.source,
            "author": self._user_json("operator"),
            "reviewers": [self._user_json(names[number]) for number in mr.reviewer_ids],
            "source_project_id": project.id,
            "target_project_id": project.id,
            "labels": mr.labels,
            "draft": mr.draft,
            "merge_when_pipeline_succeeds": mr.auto_merge is not None,
            "detailed_merge_status": status if mr.state == "opened" else "not_open",
            "sha": sha,
            "merge_commit_sha": mr.merge_sha,
            "squash_commit_sha": mr.squash_sha,
            "web_url": f"{self.url}/{project.name}/-/merge_requests/{mr.iid}",
            "has_conflicts": conflict,
        }

    def _user_json(self, name: str) -> dict[str, Any]:
        user = {"id": self.users[name], "username": name, "name": name.title(), "state": "active"}
        return {**user, "web_url": f"{self.url}/{name}"}

    def _note_json(self, note: Mapping[str, Any]) -> dict[str, Any]:
        author = self._user_json(note.get("who", "operator"))
        times = {"created_at": stamp(), "system": False, "noteable_iid": note["iid"]}
        return {"id": note["id"], "body": note["body"], "author": author, **times}


def _label_json(number: int, name: str) -> dict[str, Any]:
    return {"id": number + 1, "name": name, "color": "#1d76db"}


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def not_found(what: str = "") -> Response:
    return Response(404, {"message": f"404 {what} Not Found".replace("  ", " ")})


def _operation(request: Request) -> tuple[dict[str, Any], str]:
    for entry in SCHEMA["operations"]:
        if request.method in entry and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", entry["path"]), request.path):
            return entry[request.method], ""
    return {}, f"{request.method} {request.path}: not in gitlab_schema.yml"


def _request_problems(request: Request, operation: Mapping[str, Any]) -> list[str]:
    where = f"{request.method} {request.path}"
    problems = [f"{where}: unknown query {name}" for name in request.query if name not in operation.get("query", ())]
    if request.method in ("POST", "PUT"):
        problems += _schema_problems(where, operation["body"], request.json)
    return problems


def _response_problems(request: Request, operation: Mapping[str, Any], response: Response) -> list[str]:
    where = f"{request.method} {request.path} -> {response.status}"
    if response.status in (401, 403, 404):
        return _schema_problems(where, "error", response.json)
    if response.status not in operation["responses"]:
        return [f"{where}: undocumented status"]
    return _schema_problems(where, operation["responses"][response.status], response.json)


def _schema_problems(where: str, name: str, value: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/schemas/{name}", "schemas": SCHEMA["schemas"]})
    return [f"{where}: {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(value)]
