# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects GitHub answers with: the least that the description allows, with the emulator's state laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.emulators.github_state import Pull, Repo
from tests.emulators.openapi import Description

OPERATOR = "operator"  # whose token our client uses


class Shapes:
    def __init__(self, description: Description, web: str, api: str) -> None:
        self._description = description
        self.web = web
        self.api = api

    def pull(self, repo: Repo, pull: Pull, schema: str = "pull-request") -> dict[str, Any]:
        owner, api = repo.name.partition("/")[0], f"{self.api}/repos/{repo.name}"
        sha, head_repo = repo.head(pull), self.repo(repo)
        if pull.fork:
            head_repo["full_name"] = pull.fork
        values: dict[str, Any] = {
            "number": pull.number,
            "node_id": pull.node_id,
            "url": f"{api}/pulls/{pull.number}",
            "html_url": f"{self.web}/{repo.name}/pull/{pull.number}",
            "issue_url": f"{api}/issues/{pull.number}",
            "title": pull.title,
            "body": pull.body,
            "user": self._description.sample("simple-user", login=OPERATOR),
            "draft": pull.draft,
            "state": "open" if pull.open else "closed",
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_sha,
            "labels": [self.label(name) for name in pull.labels],
            "head": {"label": f"{owner}:{pull.branch}", "ref": pull.branch, "sha": sha, "repo": head_repo},
            "base": {"label": f"{owner}:{pull.base}", "ref": pull.base, "repo": self.repo(repo)},
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
            base = repo.git.branch(pull.base) or ""
            values["merged"] = pull.merged_at is not None
            values["mergeable"] = repo.git.mergeable(base, sha) if pull.open else None
            values["mergeable_state"] = repo.mergeable_state(pull, bool(values["mergeable"]))
        return self._description.sample(schema, **values)

    def repo(self, repo: Repo, schema: str = "repository") -> dict[str, Any]:
        owner, _, name = repo.name.partition("/")
        values = {"name": name, "full_name": repo.name, "owner": {"login": owner}, "default_branch": "main"}
        return self._description.sample(schema, **values, url=f"{self.api}/repos/{repo.name}")

    def comment(self, repo: Repo, comment: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self.api}/repos/{repo.name}/issues/comments/{comment['id']}"
        user = self._description.sample("simple-user", login=comment.get("who", OPERATOR))
        return self._description.sample("issue-comment", id=comment["id"], body=comment["body"], url=url, user=user)

    def label(self, name: str) -> dict[str, Any]:
        return self._description.sample("label", name=name, description="")
