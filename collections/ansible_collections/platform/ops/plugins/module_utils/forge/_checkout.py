# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `checkout` finds out about the workloads that are to be changed, and the folders it prepares for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._branches import Branches, branches, bumps_on_base
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import (
    Clone,
    Remote,
    add_worktrees,
    base_tree,
    clone_folder,
    locked,
    new_run,
    refresh,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._decide import refusal_by_people
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._history import Bump, history
from ansible_collections.platform.ops.plugins.module_utils.forge._key import Subject, key_in_body, slug
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import merged_tree
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, PullRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A workload as the caller names it."""

    label: Any
    namespace: str | None
    kind: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    clones: Path
    cluster: str
    remote: Remote
    email: str  # who our commits are by
    declined_for: timedelta
    history_for: timedelta
    depth: int | None = None
    worktrees: bool = True


def check_out(request: Request, wanted: Sequence[Wanted], host: Host, git: Git, now: datetime) -> dict[str, Any]:
    """Bring the clone up to date and prepare a folder per workload."""
    since = now - max(request.declined_for, request.history_for)
    pull_requests = host.list(request.remote.prefix, since)
    folder = clone_folder(request.clones, request.remote.url)
    with locked(folder):
        clone = refresh(folder, git, request.remote, request.depth)
        path = base_tree(clone, now.timestamp())
        known = branches(clone.git, request.remote)
        past = history(pull_requests, bumps_on_base(clone.git, clone.base_sha, now - request.history_for))
        facts = _Facts(pull_requests, known, clone)
        items = [_item(request, one, facts, now) for one in wanted]
        if request.worktrees and items:
            run = new_run(clone, now.timestamp())
            homes = {item["key"]: run / f"{slug(item['name'])}-{item['key']}" for item in items}
            add_worktrees(clone, [(homes[key], start) for key, start in {i["key"]: i["start"] for i in items}.items()])
            for item in items:
                item["worktree"] = str(homes[item["key"]])
    for item in items:
        item["history"] = [bump.to_dict() for bump in past if _is_about(bump, item, request)]
    return {
        "path": str(path),
        "commit": clone.base_sha,
        "base": request.remote.base,
        "repository": request.remote.url,
        "results": items,
        "history": [bump.to_dict() for bump in past],
    }


@dataclass(frozen=True, slots=True)
class _Facts:
    pull_requests: Sequence[PullRequest]
    known: Branches
    clone: Clone


def _item(request: Request, wanted: Wanted, facts: _Facts, now: datetime) -> dict[str, Any]:
    known, clone = facts.known, facts.clone
    subject = Subject(
        request.cluster, request.remote.url, request.remote.base, wanted.namespace, wanted.kind, wanted.name
    )
    if wanted.kind is None:
        subject = _with_kind(subject, facts.pull_requests)
    branch = subject.branch(request.remote.prefix)
    own = [one for one in facts.pull_requests if one.branch == branch and one.base == request.remote.base]
    current = next((one for one in own if one.state == "open"), None)
    foreign = bool(known.foreign(branch, subject.key, request.email))
    start = clone.base_sha
    if current and not foreign and branch in known.tips:
        # The branch, so that what it has is kept; the base branch if the two cannot be merged any more.
        tip = known.tips[branch]
        if branch in known.current or merged_tree(clone.git, clone.base_sha, tip) is not None:
            start = tip
    no = None if current else refusal_by_people(own, request.declined_for, now)
    shown = current or (no.pull_request if no else None)
    return {
        "label": wanted.label,
        "namespace": subject.namespace,
        "kind": subject.kind,
        "name": subject.name,
        "key": subject.key,
        "branch": branch,
        "start": start,
        "worktree": None,
        "state": "open" if current else "declined" if no else "none",
        "declined_until": no.until.isoformat() if no and no.until else None,
        "foreign": foreign,
        "rebuild": bool(current and branch in known.tips and not foreign and start != known.tips[branch]),
        "pull_request": shown and summary(shown),
        "described": (shown and current and block_in_body(shown.body)) or None,
    }


def _is_about(bump: Bump, item: Mapping[str, Any], request: Request) -> bool:
    """Whether it was a bump of this workload.

    Pull requests are keyed with the kind that the manifest turned out to have. An alert that names only a pod does not
    know it, and has to find what was merged all the same.
    """
    if bump.key == item["key"]:
        return True
    same = (bump.namespace, bump.name) == (item["namespace"], item["name"])
    if item["kind"] is not None or bump.kind is None or not same:
        return False
    remote = request.remote
    return bump.key == Subject(request.cluster, remote.url, remote.base, item["namespace"], bump.kind, item["name"]).key


def _with_kind(subject: Subject, pull_requests: Sequence[PullRequest]) -> Subject:
    """The kind of the open pull request for a workload of this name, when the caller does not know it yet."""
    for one in pull_requests:
        block = block_in_body(one.body) if one.state == "open" else None
        if block and block["target"].get("name") == subject.name:
            same = replace(subject, kind=block["target"].get("kind"))
            if same.key == key_in_body(one.body):
                return same
    return subject


def summary(pull_request: PullRequest) -> Mapping[str, Any]:
    """Return a pull request as modules show it."""
    shown: dict[str, Any] = {
        name: getattr(pull_request, name)
        for name in ("number", "url", "state", "draft", "title", "body", "branch", "base", "mergeable")
    }
    shown |= {"head": pull_request.head_sha, "merge_commit": pull_request.merge_sha, "labels": [*pull_request.labels]}
    for name in ("created_at", "updated_at", "merged_at", "closed_at"):
        time = getattr(pull_request, name)
        shown[name] = time.isoformat() if time else None
    return shown
