# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three GraphQL mutations of GitHub that have no REST counterpart; their inputs are held against the reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.emulators.server import Request, Response

if TYPE_CHECKING:
    from tests.emulators.github import GitHub
    from tests.emulators.github_state import Pull, Repo

METHODS = {"MERGE", "SQUASH", "REBASE"}
# https://docs.github.com/en/graphql/reference/input-objects#enablepullrequestautomergeinput
# https://docs.github.com/en/graphql/reference/input-objects#convertpullrequesttodraftinput
# https://docs.github.com/en/graphql/reference/input-objects#markpullrequestreadyforreviewinput
INPUTS = {
    "enablePullRequestAutoMerge": {
        "pullRequestId",
        "authorEmail",
        "clientMutationId",
        "commitBody",
        "commitHeadline",
        "expectedHeadOid",
        "mergeMethod",
    },
    "convertPullRequestToDraft": {"pullRequestId", "clientMutationId"},
    "markPullRequestReadyForReview": {"pullRequestId", "clientMutationId"},
}


def answer(github: GitHub, request: Request) -> Response:
    body = request.json
    found = re.search(r"\{\s*(\w+)\s*\(input:\s*\$(\w+)\)", body["query"])
    if found is None or found[1] not in INPUTS:
        github.problems.append(f"GraphQL: not a mutation of the emulator: {body['query'][:80]}")
        return Response(400, {"message": "Problems parsing JSON"})
    name, given = found[1], body["variables"][found[2]]
    github.problems += [f"GraphQL {name}: unknown input {key}" for key in set(given) - INPUTS[name]]
    if f": {name[0].upper()}{name[1:]}Input!" not in body["query"]:
        github.problems.append(f"GraphQL {name}: wrong input type in {body['query'][:120]}")
    state, pull = _pull(github, str(given.get("pullRequestId")))
    if state is None or pull is None:
        return _failed(
            name, "NOT_FOUND", f"Could not resolve to a node with the global id of '{given.get('pullRequestId')}'"
        )
    if name == "enablePullRequestAutoMerge":
        return _enable(github, state, pull, given)
    pull.draft = name == "convertPullRequestToDraft"
    return Response(200, {"data": {name: {"clientMutationId": None, "pullRequest": {"isDraft": pull.draft}}}})


def _pull(github: GitHub, node_id: str) -> tuple[Repo, Pull] | tuple[None, None]:
    for state in github.repos.values():
        for pull in state.pulls:
            if pull.node_id == node_id:
                return state, pull
    return None, None


def _enable(github: GitHub, state: Repo, pull: Pull, given: dict[str, Any]) -> Response:
    name = "enablePullRequestAutoMerge"
    if given.get("mergeMethod", "MERGE") not in METHODS:
        github.problems.append(f"GraphQL {name}: unknown mergeMethod {given['mergeMethod']}")
    if not state.allow_auto_merge:
        return _failed(name, "UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository")
    if given.get("expectedHeadOid") not in (None, state.head(pull)):
        return _failed(name, "UNPROCESSABLE", "Head sha didn't match expected value")
    if state.ready(pull):
        return _failed(name, "UNPROCESSABLE", "Pull request Pull request is in clean or unstable status")
    pull.auto_merge = given.get("mergeMethod", "MERGE").lower()
    return Response(200, {"data": {name: {"clientMutationId": None, "actor": {"login": "octocat"}}}})


def _failed(name: str, kind: str, message: str) -> Response:
    error = {"type": kind, "path": [name], "locations": [{"line": 1, "column": 1}], "message": message}
    return Response(200, {"data": {name: None}, "errors": [error]})
