# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gitea and Forgejo, Codeberg among them, through their HTTP API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import RefusalError, raise_refusal
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
    import requests
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls

TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds of silence while reading
PER_PAGE = 50  # the servers' own maximum
LABEL_COLOUR = "#1d76db"
DRAFT = "WIP: "
# A warning blocks a merge like a failure: that is how Gitea itself combines statuses.
STATES: dict[str, CheckState] = {"success": "success", "skipped": "success", "pending": "pending"}


class GiteaHost(HttpHost):
    name = "gitea"
    PATTERNS = True

    def __init__(self, calls: Calls, api_url: str, repository: str, token: str) -> None:
        super().__init__(calls, repository)
        self._token = token
        self._api = api_url
        self._base = f"{api_url}/repos/{quote(repository)}"
        self._session = requests.Session()
        self._session.hooks["response"].append(raise_refusal)
        self._session.auth = self._authorise
        self._closed_ones: dict[int, dict[str, Any]] = {}

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As the session's auth it is dropped on redirects elsewhere and no .netrc takes its place.
        request.headers["Authorization"] = f"token {self._token}"
        return request

    def git_login(self) -> GitLogin:
        return GitLogin("x-access-token", self._token)

    def _call(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: dict[str, Any] | None = None
    ) -> Any:
        response = self._session.request(method, f"{self._base}{path}", params=query, json=body, timeout=TIMEOUT)
        return response.json() if response.content else None

    def _pages(self, path: str, **query: Any) -> Iterable[dict[str, Any]]:
        page = 1
        while True:
            rows = self._call("GET", path, {**query, "page": page, "limit": PER_PAGE})
            yield from rows
            # A server may be set to smaller pages than asked for, so only an empty one is surely the last.
            if not rows:
                return
            page += 1

    def _fetch(self, number: int) -> PullRequest:
        return _pull_request(self._call("GET", f"/pulls/{number}"))

    def _of_branch(self, branch: str) -> Iterable[PullRequest]:
        """The API has no filter by branch, so all are read; of the closed ones later calls read what is new."""
        fresh: dict[int, dict[str, Any]] = {}
        for row in self._pages("/pulls", state="closed", sort="recentclose"):
            known = self._closed_ones.get(row["number"])
            if known is not None and known["closed_at"] == row["closed_at"]:
                break
            fresh[row["number"]] = row
        self._closed_ones |= fresh  # only once all were read: a gap would never be filled
        still_open = {pull.number: pull for pull in self._open()}
        closed = (
            _pull_request(row) for row in self._closed_ones.values() if row["number"] not in still_open and _own(row)
        )
        return [pull for pull in [*still_open.values(), *closed] if pull.branch == branch]

    def _open(self) -> Iterable[PullRequest]:
        return [_pull_request(row) for row in self._pages("/pulls", state="open") if _own(row)]

    def _closed(self, since: datetime) -> Iterable[PullRequest]:
        for row in self._pages("/pulls", state="closed", sort="recentclose"):
            if datetime.fromisoformat(row["closed_at"]) < since:
                return
            if _own(row):
                yield _pull_request(row)

    def _post(self, new: NewPullRequest) -> PullRequest:
        body = {"head": new.branch, "base": new.base, "title": _title(new.title, new.draft), "body": new.body}
        return _pull_request(self._call("POST", "/pulls", body=body))

    def _edit(self, current: PullRequest, title: str, body: str, draft: bool) -> None:
        self._call("PATCH", f"/pulls/{current.number}", body={"title": _title(title, draft), "body": body})

    def _set_state(self, number: int, state: Literal["open", "closed"]) -> None:
        self._call("PATCH", f"/pulls/{number}", body={"state": state})

    def _labels(self) -> Iterable[tuple[str, int]]:
        return [(label["name"], label["id"]) for label in self._pages("/labels")]

    def _make_label(self, name: str) -> int:
        return int(self._call("POST", "/labels", body={"name": name, "color": LABEL_COLOUR})["id"])

    def _add_labels(self, number: int, labels: Mapping[str, int]) -> None:
        self._call("POST", f"/issues/{number}/labels", body={"labels": list(labels.values())})

    def _drop_label(self, number: int, name: str, id_: int) -> None:  # noqa: ARG002 - Gitea goes by the id
        self._call("DELETE", f"/issues/{number}/labels/{id_}")

    def _author(self, number: int) -> str:
        return str(self._call("GET", f"/pulls/{number}")["user"]["login"])

    def _comments(self, number: int) -> Iterable[Note]:
        # This list has no pages.
        for comment in self._call("GET", f"/issues/{number}/comments"):
            yield Note(comment["id"], (comment.get("user") or {}).get("login", ""), comment["body"])

    def _post_comment(self, number: int, text: str) -> None:
        self._call("POST", f"/issues/{number}/comments", body={"body": text})

    def _edit_comment(self, number: int, id_: int, text: str) -> None:  # noqa: ARG002 - Gitea goes by the comment
        self._call("PATCH", f"/issues/comments/{id_}", body={"body": text})

    def _merge(self, current: PullRequest, method: MergeMethod, message: str) -> None:
        title, text = split_message(message)
        self._accept(current, method, {"merge_title_field": title, "merge_message_field": text})

    def _auto_merge(self, current: PullRequest, method: MergeMethod) -> bool:
        try:
            self._accept(current, method, {"merge_when_checks_succeed": True})
        except RefusalError as refusal:
            # 409: it is scheduled already; 405: not allowed here, or not now.
            if refusal.status in (405, 409):
                return refusal.status == 409
            raise
        return True

    def _accept(self, current: PullRequest, method: MergeMethod, more: dict[str, Any]) -> None:
        body = {"Do": method, "head_commit_id": current.head_sha, **more}
        self._call("POST", f"/pulls/{current.number}/merge", body=body)

    def _runs(self, pull_request: PullRequest) -> Iterable[tuple[str, CheckState]]:
        page = 1
        while True:
            found = self._call("GET", f"/commits/{pull_request.head_sha}/status", {"page": page, "limit": PER_PAGE})
            rows = found["statuses"] or ()
            for row in rows:
                yield row["context"], STATES.get(row["status"], "failure")
            if not rows:
                return
            page += 1

    def _required(self, base: str) -> Sequence[str]:
        branch = self._call("GET", f"/branches/{quote(base)}")
        return tuple(branch["status_check_contexts"] or ()) if branch["enable_status_check"] else ()

    def _asked(self, number: int) -> tuple[set[str], set[str]]:
        row = self._call("GET", f"/pulls/{number}")
        teams = row.get("requested_reviewers_teams") or ()
        return {user["login"] for user in row.get("requested_reviewers") or ()}, {team["name"] for team in teams}

    def _ask(self, number: int, users: Sequence[str], teams: Sequence[str]) -> None:
        body = {"reviewers": list(users), "team_reviewers": list(teams)}
        self._call("POST", f"/pulls/{number}/requested_reviewers", body=body)
        if teams and not set(teams) <= self._asked(number)[1]:
            # A repository that belongs to no organisation takes teams without a word and asks nobody.
            raise RefusalError(404, {}, {"message": "no such team"})

    def _delete_branch(self, branch: str) -> None:
        self._call("DELETE", f"/branches/{quote(branch)}")


def _title(title: str, draft: bool) -> str:
    return f"{DRAFT}{title}" if draft else title


def _own(row: dict[str, Any]) -> bool:
    """A fork may use our branch names; its pull requests are none of ours."""
    return bool(row["head"]["repo_id"] == row["base"]["repo_id"])


def _pull_request(row: dict[str, Any]) -> PullRequest:
    draft = bool(row.get("draft"))
    closed = row["merged_at"] or row["closed_at"]
    return PullRequest(
        number=row["number"],
        url=row["html_url"],
        state="merged" if row["merged"] else "open" if row["state"] == "open" else "closed",
        draft=draft,
        title=row["title"].removeprefix(DRAFT) if draft else row["title"],
        body=row["body"],
        # `ref` turns into refs/pull/N/head once the branch is deleted; `label` stays.
        branch=row["head"]["label"] or row["head"]["ref"],
        head_sha=row["head"]["sha"],
        base=row["base"]["ref"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        merged_at=datetime.fromisoformat(row["merged_at"]) if row["merged_at"] else None,
        closed_at=datetime.fromisoformat(closed) if closed else None,
        merge_sha=row["merge_commit_sha"] if row["merged"] else None,
        labels=tuple(label["name"] for label in row["labels"] or ()),
        # False may also mean that Gitea is still looking.
        mergeable=True if row["mergeable"] else None,
    )
