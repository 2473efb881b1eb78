# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitLab, gitlab.com and self-managed, through python-gitlab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import (
    MOVED,
    NOT_JSON,
    NoAnswerError,
    RefusalError,
    no_answer,
    raise_refusal,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._http_host import HttpHost
from ansible_collections.platform.ops.plugins.module_utils.forge._http_verbs import Note
from ansible_collections.platform.ops.plugins.module_utils.forge._types import (
    CheckState,
    GitLogin,
    MergeMethod,
    NewPullRequest,
    PullRequest,
)

try:
    import gitlab
    import requests
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls

PER_PAGE = 100
TIMEOUT_SECONDS = 30
LABEL_COLOUR = "#1d76db"
DRAFT = "Draft: "
# https://docs.gitlab.com/api/merge_requests/#merge-status: those in which GitLab has not decided yet
UNDECIDED = frozenset({"unchecked", "checking", "preparing", "approvals_syncing"})
# https://docs.gitlab.com/api/commits/#list-commit-statuses
JOB_STATES: dict[str, CheckState] = {
    "success": "success",
    "skipped": "success",
    "failed": "failure",
    "canceled": "failure",
}
PIPELINE = "pipeline"


def translate(error: Exception) -> RefusalError | NoAnswerError | None:
    if isinstance(error, gitlab.RedirectError):
        return RefusalError(301, {}, {"message": MOVED})
    if isinstance(error, gitlab.GitlabParsingError):
        return NoAnswerError(NOT_JSON)
    return no_answer(error)


class GitLabHost(HttpHost):
    name = "gitlab"

    def __init__(self, calls: Calls, server: str, repository: str, token: str) -> None:
        super().__init__(calls, repository)
        session = requests.Session()
        # python-gitlab would sleep as long as the server asks; a RefusalError raised here passes through it.
        session.hooks["response"].append(raise_refusal)
        # As a bearer token it is dropped when the server redirects elsewhere; the header PRIVATE-TOKEN would go along.
        self._token = token
        self._gitlab = gitlab.Gitlab(
            server,
            oauth_token=token,
            timeout=TIMEOUT_SECONDS,
            per_page=PER_PAGE,
            session=session,
            keep_base_url=True,
        )
        self._project = self._gitlab.projects.get(repository, lazy=True)
        self._settings: dict[str, Any] = {}

    def git_login(self) -> GitLogin:
        return GitLogin("oauth2", self._token)

    def _fetch(self, number: int) -> PullRequest:
        return _pull_request(self._project.mergerequests.get(number).attributes)

    def _of_branch(self, branch: str) -> Iterable[PullRequest]:
        return self._list(source_branch=branch, state="all")

    def _open(self) -> Iterable[PullRequest]:
        return self._list(state="opened")

    def _closed(self, since: datetime) -> Iterable[PullRequest]:
        for state in ("merged", "closed"):
            yield from self._list(state=state, updated_after=since.isoformat())

    def _list(self, **query: Any) -> Iterable[PullRequest]:
        for found in self._project.mergerequests.list(iterator=True, per_page=PER_PAGE, **query):
            row = found.attributes
            # A fork may use our branch names; its merge requests are none of ours.
            if row["source_project_id"] == row["target_project_id"]:
                yield _pull_request(row)

    def _post(self, new: NewPullRequest) -> PullRequest:
        made = self._project.mergerequests.create(
            {
                "source_branch": new.branch,
                "target_branch": new.base,
                "title": _title(new.title, new.draft),
                "description": new.body,
            }
        )
        return _pull_request(made.attributes)

    def _edit(self, current: PullRequest, title: str, body: str, draft: bool) -> None:
        self._project.mergerequests.update(current.number, {"title": _title(title, draft), "description": body})

    def _set_state(self, number: int, state: Literal["open", "closed"]) -> None:
        self._project.mergerequests.update(number, {"state_event": "close" if state == "closed" else "reopen"})

    def _labels(self) -> Iterable[tuple[str, int]]:
        return [(label.name, label.id) for label in self._project.labels.list(iterator=True)]

    def _make_label(self, name: str) -> int:
        return int(self._project.labels.create({"name": name, "color": LABEL_COLOUR}).id)

    def _add_labels(self, number: int, labels: Mapping[str, int]) -> None:
        self._project.mergerequests.update(number, {"add_labels": ",".join(labels)})

    def _drop_label(self, number: int, name: str, id_: int) -> None:  # noqa: ARG002 - GitLab goes by the name
        self._project.mergerequests.update(number, {"remove_labels": name})

    def _author(self, number: int) -> str:
        return str(self._project.mergerequests.get(number).attributes["author"]["username"])

    def _comments(self, number: int) -> Iterable[Note]:
        merge_request = self._project.mergerequests.get(number, lazy=True)
        for note in merge_request.notes.list(iterator=True, sort="asc", order_by="created_at"):
            yield Note(note.id, note.author["username"], note.body)

    def _post_comment(self, number: int, text: str) -> None:
        self._project.mergerequests.get(number, lazy=True).notes.create({"body": text})

    def _edit_comment(self, number: int, id_: int, text: str) -> None:
        self._project.mergerequests.get(number, lazy=True).notes.update(id_, {"body": text})

    def _merge(self, current: PullRequest, method: MergeMethod, message: str) -> None:
        self._accept(
            current, method, {"squash_commit_message" if method == "squash" else "merge_commit_message": message}
        )

    def _auto_merge(self, current: PullRequest, method: MergeMethod) -> bool:
        try:
            # The second name is that of servers before 17.11.
            self._accept(current, method, {"auto_merge": True, "merge_when_pipeline_succeeds": True})
        except RefusalError as refusal:
            if refusal.status in (405, 422):
                return False
            raise
        return True

    def _accept(self, current: PullRequest, method: MergeMethod, more: dict[str, Any]) -> None:
        if method == "rebase" and self._setting("merge_method") not in ("ff", "rebase_merge"):
            raise InputError(
                f"Could not merge {self._called(current.number)} by rebase: GitLab takes the method from the project, "
                f"and {self.repository} is set to merge commits. "
                "Set its merge method to fast-forward, or use merge or squash.",
                reason="merge_method",
            )
        body = {"sha": current.head_sha, "squash": method == "squash", **more}
        try:
            self._gitlab.http_put(f"{self._path()}/merge_requests/{current.number}/merge", post_data=body)
        except RefusalError as refusal:
            if refusal.status != 401:
                raise
            # Here 401 means: this user may not merge into that branch. The token itself has just been good for a read.
            raise RefusalError(403, refusal.headers, {"message": f"may not merge into {current.base}"}) from None

    def _runs(self, pull_request: PullRequest) -> Iterable[tuple[str, CheckState]]:
        commit = self._project.commits.get(pull_request.head_sha, lazy=True)
        worst: CheckState | None = None
        for found in commit.statuses.list(iterator=True):
            row = found.attributes
            state = JOB_STATES.get(row["status"], "pending")
            if row.get("allow_failure") and (state == "failure" or row["status"] == "manual"):
                state = "success"
            worst = state if worst is None or _graver(state, worst) else worst
            yield row["name"], state
        if worst is not None:
            yield PIPELINE, worst

    def _required(self, base: str) -> Sequence[str]:  # noqa: ARG002 - the same for all branches
        """GitLab requires the pipeline as a whole, or nothing."""
        return (PIPELINE,) if self._setting("only_allow_merge_if_pipeline_succeeds") else ()

    def _asked(self, number: int) -> tuple[set[str], set[str]]:
        row = self._project.mergerequests.get(number).attributes
        return {user["username"] for user in row.get("reviewers") or ()}, set()

    def _ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        row = self._project.mergerequests.get(number).attributes
        ids = [user["id"] for user in row.get("reviewers") or ()]
        for name in users:
            found = self._gitlab.users.list(username=name, get_all=False)
            if not found:
                raise RefusalError(404, {}, {"message": f"no user {name}"})
            ids.append(found[0].id)
        if teams:
            raise RefusalError(404, {}, {"message": "GitLab asks users, not groups, for a review"})
        self._project.mergerequests.update(number, {"reviewer_ids": ids})

    def _delete_branch(self, branch: str) -> None:
        self._gitlab.http_delete(f"{self._path()}/repository/branches/{quote(branch, safe='')}")

    def _setting(self, name: str) -> Any:
        if not self._settings:
            self._settings = dict(self._gitlab.projects.get(self.repository).attributes)
        return self._settings.get(name)

    def _path(self) -> str:
        return f"/projects/{quote(self.repository, safe='')}"


def _title(title: str, draft: bool) -> str:
    return f"{DRAFT}{title}" if draft else title


def _graver(left: CheckState, right: CheckState) -> bool:
    order = ("success", "pending", "failure")
    return order.index(left) > order.index(right)


def _pull_request(row: dict[str, Any]) -> PullRequest:
    state = row["state"]
    draft = bool(row.get("draft", row.get("work_in_progress", False)))
    mergeable: bool | None = None
    if state == "opened" and row.get("detailed_merge_status") not in UNDECIDED | {None}:
        # Drafts, missing approvals or a red pipeline are not what `mergeable` means; only a conflict is.
        mergeable = not row.get("has_conflicts", False)
    closed = row.get("merged_at") or row.get("closed_at")
    return PullRequest(
        number=row["iid"],
        url=row["web_url"],
        state="merged" if state == "merged" else "closed" if state == "closed" else "open",
        draft=draft,
        title=row["title"].removeprefix(DRAFT) if draft else row["title"],
        body=row.get("description") or "",
        branch=row["source_branch"],
        head_sha=row.get("sha") or "",
        base=row["target_branch"],
        created_at=_time(row["created_at"]),
        updated_at=_time(row["updated_at"]),
        merged_at=_time(row["merged_at"]) if row.get("merged_at") else None,
        closed_at=_time(closed) if closed else None,
        merge_sha=(row.get("merge_commit_sha") or row.get("squash_commit_sha") or row.get("sha"))
        if state == "merged"
        else None,
        labels=tuple(row.get("labels") or ()),
        mergeable=mergeable,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
