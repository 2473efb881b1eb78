#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: open_pr
short_description: Bring about exactly one pull request for what changed in a checkout
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Commits what differs in a checkout or worktree, pushes it to a branch that belongs to one workload, and opens or
    updates the one pull request of that workload. The identity of a workload is its cluster, repository, base branch,
    namespace, kind and name; all its containers and resources share a pull request.
  - There is no state but the git host. A run that was killed at any point is completed by the next one.
  - Commits of other people on the branch are never overwritten; a comment says what was wanted.
    A pull request that was closed without a merge is a no for a time. One whose change is in the base branch by now is
    closed.
attributes:
  check_mode:
    support: full
    description: Returns what would be done. Writes nothing to the host.
  diff_mode:
    support: full
    description: Returns the commit of each item as a diff.
  idempotent:
    support: full
    description: A second run with the same folders changes nothing.
extends_documentation_fragment:
  - platform.ops.merge
  - platform.ops.forge
options:
  path:
    description: A checkout or worktree of the repository. Where an item gives no worktree, its change is here.
    type: path
    required: true
  items:
    description:
      - Workloads with a change, worked off in one call. Each takes the options of a single workload.
    type: list
    elements: dict
    suboptions: &item
      label:
        description: Returned as it is.
        type: raw
      namespace:
        description: Namespace of the workload.
        type: str
      kind:
        description: Kind of the workload.
        type: str
      name:
        description: Name of the workload.
        type: str
      worktree:
        description: Folder with the change, if it is not O(path).
        type: path
      start:
        description: Commit that the folder started from. Its C(HEAD) if it is not given.
        type: str
      files:
        description: Files to commit, relative to the folder. All that differ from O(start), if not given.
        type: list
        elements: str
      title:
        description: Title of the pull request.
        type: str
      commit_message:
        description: Message of the commit, without the trailers, which are added. The title if it is not given.
        type: str
      body:
        description:
          - Body of the pull request. The body of an open one is only replaced when the commit or the numbers in its
            machine-readable block change.
        type: str
      changes:
        description: The numbers that change, as M(platform.ops.bump_limits) returns them; they become commit trailers.
        type: list
        elements: dict
  labels:
    description: Labels of the pull request. Those that people set stay.
    type: list
    elements: str
    default: []
  reviewers:
    description: Users who are asked for a review.
    type: list
    elements: str
    default: []
  team_reviewers:
    description: Teams that are asked for a review.
    type: list
    elements: str
    default: []
  draft:
    description: Open pull requests as drafts.
    type: bool
    default: false
  date:
    description:
      - Date of the commits, in the form of ISO 8601. Now if it is not given. With the same date, the same change makes
        the same commit.
    type: str
  sign:
    description: How commits are signed. They are not if it is not given.
    type: dict
    suboptions:
      format:
        description: Kind of signature.
        type: str
        choices: [openpgp, ssh]
        default: openpgp
      key:
        description: Identifier of the OpenPGP key, or path of the private or public SSH key.
        type: str
        required: true
  declined_for:
    description: How long a pull request that was closed without a merge counts as a no.
    type: str
    default: 14d
  limits:
    description: How many pull requests are opened, and when. Those that are open already can always be updated.
    type: dict
    suboptions:
      open:
        description: How many may be open at a time.
        type: int
      per_hour:
        description: How many may be opened in an hour.
        type: int
      windows:
        description: Hours in which it may happen; any time if there are none.
        type: list
        elements: dict
        suboptions: &window
          days:
            description: Days of the week, V(mon) to V(sun). All if not given.
            type: list
            elements: str
          from:
            description: Time of day at which it begins.
            type: str
          to:
            description: Time of day at which it ends; may be on the next day.
            type: str
          timezone:
            description: Name of the timezone, such as V(Europe/Berlin). UTC if not given.
            type: str
          start:
            description: With C(end), a stretch of time instead of hours of the week.
            type: str
          end:
            description: End of the stretch of time.
            type: str
      blackouts:
        description: Hours in which it may not happen.
        type: list
        elements: dict
        suboptions: *window
  <<: *item
seealso:
  - module: platform.ops.checkout
  - module: platform.ops.bump_limits
  - module: platform.ops.pull_request
"""

EXAMPLES = r"""
- name: Propose what changed in a checkout
  platform.ops.open_pr:
    repository: https://github.com/acme/fleet.git
    token: "{{ git_token }}"
    path: "{{ checkout }}"
    namespace: shop
    kind: Deployment
    name: checkout
    title: Raise the memory limit of shop/checkout
    body: It was killed three times today.
    labels: [limits]
    merge: {by: host, method: squash}

- name: Propose what was bumped, each workload in its own worktree
  platform.ops.open_pr:
    repository: /srv/git/fleet.git
    path: "{{ fleet.path }}"
    limits: {open: 20, per_hour: 10}
    items:
      - namespace: shop
        kind: Deployment
        name: checkout
        worktree: "{{ fleet.results[0].worktree }}"
        start: "{{ fleet.results[0].start }}"
        files: "{{ bump.results[0].files }}"
        changes: "{{ bump.results[0].changes }}"
        title: Raise limits of shop/checkout
"""

RETURN = r"""
state:
  description:
    - V(created), V(updated), V(unchanged), V(declined), V(limited), V(foreign), V(obsolete) or V(failed).
  returned: with a single workload
  type: str
reason:
  description: Stable code that says why.
  returned: with a single workload
  type: str
message:
  description: The reason in words.
  returned: with a single workload
  type: str
number:
  description: Number of the pull request.
  returned: with a single workload
  type: int
url:
  description: Address of the pull request.
  returned: with a single workload
  type: str
branch:
  description: Branch of the workload's pull request.
  returned: with a single workload
  type: str
commit:
  description: Commit that the pull request is at.
  returned: with a single workload
  type: str
key:
  description: Identity of the workload's pull request.
  returned: with a single workload
  type: str
until:
  description: Until when a no holds.
  returned: with a single workload
  type: str
label:
  description: The label that was given.
  returned: with a single workload
  type: raw
results:
  description: For each item what a single workload returns, with C(changed) and C(failed), in the order of the items.
  returned: with O(items)
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git, logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._key import Subject
from ansible_collections.platform.ops.plugins.module_utils.forge._options import (
    HOST,
    LIMITS,
    MERGE,
    host_of,
    identity_of,
    merge_policy_of,
    policy_of,
    remote_of,
    signing_of,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Item, Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._publish import Publisher
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import aware
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Stamp

ITEM: dict[str, Any] = {
    "label": {"type": "raw"},
    "namespace": {"type": "str"},
    "kind": {"type": "str"},
    "name": {"type": "str"},
    "worktree": {"type": "path"},
    "start": {"type": "str"},
    "files": {"type": "list", "elements": "str"},
    "title": {"type": "str"},
    "commit_message": {"type": "str"},
    "body": {"type": "str"},
    "changes": {"type": "list", "elements": "dict"},
}
SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "path": {"type": "path", "required": True},
        "items": {"type": "list", "elements": "dict", "options": ITEM},
        "labels": {"type": "list", "elements": "str", "default": []},
        "reviewers": {"type": "list", "elements": "str", "default": []},
        "team_reviewers": {"type": "list", "elements": "str", "default": []},
        "draft": {"type": "bool", "default": False},
        "date": {"type": "str"},
        "sign": {
            "type": "dict",
            "options": {
                "format": {"type": "str", "choices": ["openpgp", "ssh"], "default": "openpgp"},
                "key": {"type": "str", "required": True, "no_log": False},
            },
        },
        "declined_for": {"type": "str", "default": "14d"},
        "limits": LIMITS,
        "merge": MERGE,
        **ITEM,
    },
    "required_one_of": [("items", "name")],
    "mutually_exclusive": [("items", "name")],
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    host = host_of(params)
    settings = _settings(params)
    single = params["items"] is None
    with logged_in(Path(params["path"]), host.git_login()) as git:
        items = [_item(item, params, git) for item in ([params] if single else params["items"])]
        publisher = Publisher(git, host, settings, datetime.now(UTC))
        results = publisher.publish(items, check_mode=check_mode)
        more: dict[str, Any] = {"diff": publisher.diffs(results)} if diff_mode else {}
        if host.warnings:
            more["warnings"] = [*host.warnings]
    if single:
        return {**results[0], **more, "msg": results[0]["message"]}
    return {"changed": any(result["changed"] for result in results), "results": results, **more}


def _settings(params: dict[str, Any]) -> Settings:
    who = identity_of(params)
    date = aware(params["date"], "date") if params["date"] else datetime.now(UTC)
    return Settings(
        remote=remote_of(params),
        stamp=Stamp(who, who, date),
        signing=signing_of(params["sign"]),
        policy=policy_of(params["declined_for"], params["limits"]),
        merge=merge_policy_of(params["merge"]),
        labels=tuple(params["labels"]),
        reviewers=tuple(params["reviewers"]),
        team_reviewers=tuple(params["team_reviewers"]),
        draft=params["draft"],
    )


def _item(given: dict[str, Any], params: dict[str, Any], git: Git) -> Item:
    if not given.get("name"):
        raise InputError("An item has no name: say whose pull request it is.")
    folder = Path(given.get("worktree") or params["path"])
    start = given.get("start") or git.at(folder).text("rev-parse", "HEAD")
    subject = Subject(
        cluster=params["cluster"],
        repository=params["repository"],
        base=params["base"],
        namespace=given.get("namespace"),
        kind=given.get("kind"),
        name=given["name"],
    )
    title = given.get("title") or f"Change {subject}"
    return Item(
        label=given.get("label"),
        subject=subject,
        folder=folder,
        start=start,
        title=title,
        message=given.get("commit_message") or title,
        body=given.get("body"),
        files=None if given.get("files") is None else tuple(given["files"]),
        changes=tuple(given.get("changes") or ()),
    )


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
