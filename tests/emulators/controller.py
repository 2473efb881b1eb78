# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An automation controller (AWX, Automation Platform) by its documented API v2, as far as launching job templates goes.

A launched job is the real playbook, run by ansible-runner as the controller does, with artifacts from set_stats. One
difference makes it the harder case: a controller marks variables given at launch as unsafe, here they are templates.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.emulators.server import Emulator, Request, Response, route
from tests.support.rulebook import ROOT, environment

TOKEN = "controller-token-0123456789"
ORGANIZATION = {"id": 1, "name": "Default"}
# What a launch may carry; the controller ignores what the template does not prompt for, and so does this.
LAUNCH_FIELDS = {"extra_vars", "limit", "labels", "inventory", "job_tags", "skip_tags", "verbosity", "credentials"}

Work = Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]


@dataclass
class Job:
    id: int
    template: int
    extra_vars: dict[str, Any]
    labels: list[int]
    status: str = "pending"
    artifacts: dict[str, Any] = field(default_factory=dict)
    thread: threading.Thread | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "job",
            "url": f"/api/v2/jobs/{self.id}/",
            "status": self.status,
            "created": "2026-11-26T10:00:00.000000Z",
            "job_template": self.template,
            "artifacts": self.artifacts,
            "summary_fields": {"labels": {"results": [{"id": label} for label in self.labels]}},
        }


class Controller(Emulator):
    """`work` does a job: from its variables to its status and artifacts."""

    def __init__(self, work: Work, *, templates: tuple[str, ...] = ("Remediation",)) -> None:
        super().__init__()
        self.work = work
        self.templates = dict(enumerate(templates, 7))
        self.labels: dict[int, str] = {}
        self.jobs: list[Job] = []
        self._routes = {
            ("GET", "/api/v2/config/"): lambda _request: Response(200, {"version": "24.6.1"}),
            ("GET", "/api/v2/organizations/"): self._organizations,
            ("GET", "/api/v2/unified_job_templates/"): self._templates,
            ("POST", "/api/v2/job_templates/{number}/launch/"): self._launch,
            ("GET", "/api/v2/job_templates/{number}/jobs/"): self._jobs_of,
            ("GET", "/api/v2/jobs/"): self._jobs,
            ("GET", "/api/v2/labels/"): self._labels,
            ("POST", "/api/v2/labels/"): self._new_label,
        }

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(401, {"detail": "Authentication credentials were not provided."})
        return route(self._routes, request) or Response(404, {"detail": "The requested resource could not be found."})

    def finish(self) -> None:
        for job in self.jobs:
            if job.thread:
                job.thread.join(120)

    def _organizations(self, request: Request) -> Response:
        return listed([ORGANIZATION] if request.query.get("name", "Default") == "Default" else [])

    def _templates(self, request: Request) -> Response:
        wanted = request.query.get("name")
        return listed(
            [
                {
                    "id": number,
                    "type": "job_template",
                    "name": name,
                    "related": {"launch": f"/api/v2/job_templates/{number}/launch/"},
                    "summary_fields": {"organization": ORGANIZATION},
                    "ask_limit_on_launch": False,
                    "ask_labels_on_launch": True,
                    "ask_inventory_on_launch": False,
                    "ask_variables_on_launch": True,
                }
                for number, name in self.templates.items()
                if wanted in (None, name)
            ]
        )

    def _launch(self, request: Request, number: str) -> Response:
        body = request.json or {}
        if unknown := set(body) - LAUNCH_FIELDS:
            self.problems.append(f"a launch has no {', '.join(sorted(unknown))}")
        if not isinstance(body.get("extra_vars", {}), dict):
            return Response(400, {"variables_needed_to_start": ["extra_vars must be a mapping"]})
        job = Job(len(self.jobs) + 1, int(number), body.get("extra_vars") or {}, body.get("labels") or [])
        self.jobs.append(job)
        job.thread = threading.Thread(target=self._run, args=(job,), daemon=True)
        job.thread.start()
        ignored = {"limit": body["limit"]} if "limit" in body else {}
        return Response(201, {"job": job.id, "ignored_fields": ignored, **job.shown()})

    def _run(self, job: Job) -> None:
        job.status = "running"
        job.status, job.artifacts = self.work(job.extra_vars)

    def _jobs(self, request: Request) -> Response:
        wanted = request.query.get("id__in", "").split(",")
        return listed([job.shown() for job in self.jobs if str(job.id) in wanted])

    def _jobs_of(self, request: Request, number: str) -> Response:
        wanted = request.query.get("labels__name")
        ids = {label for label, name in self.labels.items() if name == wanted}
        return listed([j.shown() for j in self.jobs if j.template == int(number) and ids & set(j.labels)])

    def _labels(self, request: Request) -> Response:
        wanted = request.query.get("name")
        return listed([{"id": number, "name": name} for number, name in self.labels.items() if name == wanted])

    def _new_label(self, request: Request) -> Response:
        body = request.json
        number = len(self.labels) + 1
        self.labels[number] = body["name"]
        return Response(201, {"id": number, "name": body["name"], "organization": body["organization"]})


def listed(results: list[dict[str, Any]]) -> Response:
    return Response(200, {"count": len(results), "next": None, "previous": None, "results": results})


def playbook(inventory: Path) -> Work:
    """The job template's playbook, with an inventory that the controller has."""

    def work(variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="job-") as name:
            folder = Path(name)
            (folder / "env").mkdir()
            (folder / "env/extravars").write_text(json.dumps(dict(variables)))
            program = str(Path(sys.executable).parent / "ansible-runner")
            words = [program, "run", name, "-p", "playbooks/controller_job.yml", "--inventory", str(inventory)]
            words += ["--project-dir", str(ROOT), "--ident", "job", "--quiet"]
            done = subprocess.run(words, env=environment(), capture_output=True, timeout=200, check=False)
            return ("failed" if done.returncode else "successful"), artifacts(folder / "artifacts/job/job_events")

    return work


def artifacts(events: Path) -> dict[str, Any]:
    """What set_stats left, from the event with which a run ends."""
    for path in sorted(events.glob("*.json")):
        event = json.loads(path.read_text())
        if event.get("event") == "playbook_on_stats":
            return dict(event["event_data"].get("artifact_data") or {})
    return {}
