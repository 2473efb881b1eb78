# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines of an emulated GitLab project. They do nothing; tests say how each gets on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.emulators.server import Request, Response, paged

ENDED = ("success", "failed", "canceled", "skipped")


@dataclass
class Pipeline:
    id: int
    ref: str
    sha: str
    created_at: str
    updated_at: str
    variables: dict[str, str]
    status: str = "created"
    name: str | None = None
    artifact: Any = None  # what its job keeps as platform-ops.json


@dataclass
class Pipelines:
    """Args: need: the project of an id; stamp: the time now, as GitLab writes it."""

    url: Callable[[], str]
    need: Callable[[str], Any]
    stamp: Callable[[], str]
    named: bool = False  # the project's .gitlab-ci.yml has workflow: name
    made: list[Pipeline] = field(default_factory=list)

    def routes(self, project: str) -> dict[tuple[str, str], Callable[..., Response]]:
        return {
            ("GET", f"{project}/pipelines"): self._list,
            ("POST", f"{project}/pipeline"): self._create,
            ("GET", f"{project}/pipelines/{{number}}/variables"): self._variables,
            ("GET", f"{project}/pipelines/{{number}}/jobs"): self._jobs,
            ("POST", f"{project}/pipelines/{{number}}/cancel"): self._cancel,
            ("GET", f"{project}/jobs/{{number}}/artifacts/{{path}}"): self._artifact,
        }

    def end(self, pipeline: Pipeline, status: str, artifact: Any = None) -> None:
        pipeline.status, pipeline.updated_at, pipeline.artifact = status, self.stamp(), artifact

    def _list(self, request: Request, id: str) -> Response:
        self.need(id)
        after = datetime.fromisoformat(request.query["updated_after"])
        found = [
            item
            for item in reversed(self.made)
            if request.query.get("ref", item.ref) == item.ref
            and request.query.get("source", "api") == "api"
            and datetime.fromisoformat(item.updated_at) >= after
        ]
        page, headers = paged([self._json(item) for item in found], request, f"{self.url()}/api/v4")
        return Response(200, page, headers)

    def _create(self, request: Request, id: str) -> Response:
        project, body = self.need(id), request.json
        sha = project.git.branch(body["ref"])
        if sha is None:
            return Response(400, {"message": {"base": ["Reference not found"]}})
        variables = {item["key"]: item["value"] for item in body.get("variables", [])}
        name = f"PLATFORM_OPS_JOB={variables.get('PLATFORM_OPS_JOB', '')}" if self.named else None
        now = self.stamp()
        self.made.append(Pipeline(len(self.made) + 1, body["ref"], sha, now, now, variables, name=name))
        return Response(201, self._json(self.made[-1]))

    def _variables(self, _: Request, id: str, number: str) -> Response:
        variables = self.made[int(number) - 1].variables
        return Response(200, [{"key": k, "value": v, "variable_type": "env_var"} for k, v in variables.items()])

    def _jobs(self, request: Request, id: str, number: str) -> Response:
        pipeline = self.made[int(number) - 1]
        job = {"id": 100 + pipeline.id, "name": "machine", "status": pipeline.status, "stage": "test"}
        page, headers = paged([job], request, f"{self.url()}/api/v4")
        return Response(200, page, headers)

    def _cancel(self, _: Request, id: str, number: str) -> Response:
        pipeline = self.made[int(number) - 1]
        if pipeline.status not in ENDED:
            self.end(pipeline, "canceled")
        return Response(200, self._json(pipeline))

    def _artifact(self, _: Request, id: str, number: str, path: str) -> Response:
        artifact = self.made[int(number) - 101].artifact
        if artifact is None or path != "platform-ops.json":
            return Response(404, {"message": "404 Not Found"})
        return Response(200, artifact)

    def _json(self, item: Pipeline) -> dict[str, Any]:
        return {
            "id": item.id,
            "iid": item.id,
            "project_id": 1,
            "status": item.status,
            "source": "api",
            "ref": item.ref,
            "sha": item.sha,
            "name": item.name,
            "web_url": f"{self.url()}/platform/machines/-/pipelines/{item.id}",
            "created_at": item.created_at,
            "updated_at": item.updated_at,
        }
