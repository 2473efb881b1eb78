# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines of one GitLab project, through python-gitlab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._gitlab import MISSING, translate
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import (
    NoAnswerError,
    RefusalError,
    raise_refusal,
)
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import Answer, failed, pending
from ansible_collections.platform.ops.plugins.module_utils.machines._pipeline import (
    KEY,
    RESULT,
    Pipeline,
    Work,
    choose,
    judge,
    result,
)

try:
    import gitlab
    import requests
except ImportError:
    pass  # MISSING says so

GITLAB_IMPORT_ERROR = ImportError(MISSING) if MISSING else None
TIMEOUT_SECONDS = 30
PER_PAGE = 100
CLOCKS = timedelta(minutes=10)  # how far our clock may be ahead of the server's


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        found = error if isinstance(error, (RefusalError, NoAnswerError)) else translate(error)
        if isinstance(found, NoAnswerError):
            raise UnavailableError(f"Failed to {what}: {found}", reason="no_answer") from error
        if found is None:
            raise
        raise _refusal(what, found) from error


def _refusal(what: str, refusal: RefusalError) -> OpsError:
    status, said = refusal.status, refusal.data
    if isinstance(said, dict):
        said = said.get("message") or said.get("error_description") or said.get("error") or ""
    message = f"Failed to {what}: GitLab answered {status}: {str(said)[:300]}"
    if status in (401, 403):
        return AuthError(f"{message}; the token needs scope api and the right to run pipelines there.")
    if status == 404:
        return NotFoundError(f"{message}; check url and project, and that the token may see it.")
    if status == 429 or status >= 500:
        return UnavailableError(message)
    return InputError(message)


class Project:
    """Args: started: when the operation began; older pipelines are not its."""

    def __init__(self, url: str, name: str, token: str, *, ref: str, started: str, result_job: str) -> None:
        session = requests.Session()
        # python-gitlab would sleep as long as the server asks; a RefusalError raised here passes through it.
        session.hooks["response"].append(raise_refusal)
        self._gitlab = gitlab.Gitlab(
            url, oauth_token=token, timeout=TIMEOUT_SECONDS, per_page=PER_PAGE, session=session, keep_base_url=True
        )
        self._project = self._gitlab.projects.get(name, lazy=True)
        self._called = f"{url}/{name}"
        self._ref = ref
        self._since = datetime.fromisoformat(started) - CLOCKS
        self._result_job = result_job

    def pipelines(self, work: Work) -> list[Pipeline]:
        """Those of the operation."""
        with _told(f"list the pipelines of {self._called}"):
            query = {"ref": self._ref, "source": "api", "updated_after": self._since.isoformat()}
            rows = [item.attributes for item in self._project.pipelines.list(iterator=True, **query)]
            found = [_pipeline(row, self._key(row)) for row in rows]
        return [item for item in found if work.belongs(item.key)]

    def _key(self, row: dict[str, Any]) -> str:
        """By name where the project's `workflow: name` shows it; else by asking for each pipeline's variables."""
        name = str(row.get("name") or "")
        if name.startswith(f"{KEY}="):
            return name.removeprefix(f"{KEY}=")
        variables = self._project.pipelines.get(row["id"], lazy=True).variables.list(get_all=True)
        return next((str(item.value) for item in variables if item.key == KEY), "")

    def start(self, work: Work, variables: dict[str, Any]) -> Pipeline:
        with _told(f"run a pipeline of {self._called} on {self._ref}"):
            made = self._project.pipelines.create({"ref": self._ref, "variables": work.variables(variables)})
        return _pipeline(made.attributes, work.key)

    def stop(self, pipeline: Pipeline) -> None:
        with _told(f"cancel {pipeline.url}"):
            self._project.pipelines.get(pipeline.id, lazy=True).cancel()

    def told(self, pipeline: Pipeline) -> bytes | None:
        """The artifact of the job that writes the result; None when there is none."""
        with _told(f"read {RESULT} of {pipeline.url}"):
            jobs = self._project.pipelines.get(pipeline.id, lazy=True).jobs.list(iterator=True)
            ids = [item.id for item in jobs if item.name == self._result_job]
            if not ids:
                return None
            try:
                text = self._project.jobs.get(max(ids), lazy=True).artifact(RESULT)
            except RefusalError as refusal:
                if refusal.status == 404:
                    return None
                raise
        return bytes(text)


def _pipeline(row: dict[str, Any], key: str) -> Pipeline:
    return Pipeline(int(row["id"]), str(row["status"]), key, str(row["web_url"]))


def serve(project: Project, work: Work, variables: dict[str, Any], *, dry: bool) -> dict[str, Any]:
    """Find the job's pipeline or start it, and answer what it says now."""
    try:
        choice = choose(work, project.pipelines(work))
        for extra in choice.stop:
            if not dry:
                project.stop(extra)
        if choice.mine is None and choice.stop:
            urls = ", ".join(item.url for item in choice.stop)
            return pending(f"{urls} is stopped first").result(changed=True, pipeline={})
        if choice.mine is None:
            return _started(project, work, variables, dry=dry)
        text = project.told(choice.mine) if choice.mine.ended else None
        answer = judge(work, choice.mine, *result(text))
        return answer.result(changed=bool(choice.stop), pipeline=_shown(choice.mine))
    except UnavailableError as error:
        return pending(error.message).result(changed=False, pipeline={})
    except OpsError as error:
        return failed(error.message).result(changed=False, pipeline={})


def _started(project: Project, work: Work, variables: dict[str, Any], *, dry: bool) -> dict[str, Any]:
    if dry:
        return pending("a pipeline would be started").result(changed=True, pipeline={})
    try:
        made = project.start(work, variables)
    except UnavailableError as error:
        # It may run all the same. The next look finds it by its key, or starts it.
        return pending(f"{error.message}; looked for again").result(changed=True, pipeline={})
    answer: Answer = judge(work, made, {}, "")
    return answer.result(changed=True, pipeline=_shown(made))


def _shown(pipeline: Pipeline) -> dict[str, Any]:
    return {"id": pipeline.id, "status": pipeline.status, "url": pipeline.url}
