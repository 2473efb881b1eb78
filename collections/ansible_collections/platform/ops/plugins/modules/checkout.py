#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: checkout
short_description: Check out a repository, and a light folder per workload that is to be changed
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Keeps one clone per repository, brings it up to date, and makes it anew if it is damaged. Runs at the same time do
    not disturb each other.
  - Checks out the base branch to read from, and for each workload a sparse worktree to write in. The worktree starts
    at the workload's open pull request if it is ours, else at the base branch.
  - Asks the git host once which pull requests there are, and tells for each workload whether one is open or was
    declined, and which bumps it has had.
attributes:
  check_mode:
    support: full
    description: The clone is brought up to date as well; nothing is written to the host.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
    description: A second run finds the same; worktrees are new on every run.
extends_documentation_fragment:
  - platform.ops.forge
options:
  clones:
    description: Folder in which clones are kept between runs. Safe to delete while nothing runs.
    type: path
    required: true
  depth:
    description: Number of commits to clone, for very long histories. More is fetched where a decision needs it.
    type: int
  declined_for:
    description: How long a pull request that was closed without a merge counts as a no.
    type: str
    default: 14d
  history_for:
    description: How far back bumps are listed.
    type: str
    default: 30d
  items:
    description: Workloads that are to be changed.
    type: list
    elements: dict
    default: []
    suboptions:
      label:
        description: Returned as it is.
        type: raw
      namespace:
        description: Namespace of the workload.
        type: str
      kind:
        description: Kind of the workload. If it is not known yet, that of an open pull request for this name is taken.
        type: str
      name:
        description: Name of the workload.
        type: str
        required: true
seealso:
  - module: platform.ops.bump_limits
  - module: platform.ops.open_pr
"""

EXAMPLES = r"""
- name: Check out the fleet and prepare a folder per workload
  platform.ops.checkout:
    repository: https://github.com/acme/fleet.git
    token: "{{ git_token }}"
    clones: /var/lib/platform-ops/clones
    items:
      - {namespace: shop, kind: Deployment, name: checkout}
      - {namespace: shop, kind: StatefulSet, name: search}
  register: fleet

- name: Raise the limits in the folder of the first
  platform.ops.bump_limits:
    path: "{{ fleet.path }}"
    worktree: "{{ fleet.results[0].worktree }}"
    start: "{{ fleet.results[0].start }}"
    kind: Deployment
    name: checkout
    namespace: shop
    memory: {factor: 1.5}
"""

RETURN = r"""
path:
  description: Folder with the base branch checked out, to read from.
  returned: always
  type: str
commit:
  description: The commit it is at.
  returned: always
  type: str
base:
  description: The base branch.
  returned: always
  type: str
repository:
  description: The address that was given.
  returned: always
  type: str
results:
  description: What is known of each workload, in the order of the items.
  returned: always
  type: list
  elements: dict
  contains:
    label:
      description: The label that was given.
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
    key:
      description: Identity of the workload's pull request.
      type: str
    branch:
      description: Branch of the workload's pull request.
      type: str
    start:
      description: Commit that the worktree starts from.
      type: str
    worktree:
      description: Folder to write in; items of the same workload share it.
      type: str
    state:
      description: V(open), V(declined) or V(none).
      type: str
    declined_until:
      description: Until when a no holds.
      type: str
    foreign:
      description: Whether the branch has commits that are not ours.
      type: bool
    rebuild:
      description:
        - Whether the open pull request conflicts with the base branch, so that its change is made anew from the base
          branch. C(described) then says what it had.
      type: bool
    pull_request:
      description: The open pull request, or the one that was closed as a no.
      type: dict
    described:
      description: The machine-readable block of the open pull request.
      type: dict
    history:
      description: Earlier bumps of the workload, for the C(history) of M(platform.ops.bump_limits).
      type: list
      elements: dict
history:
  description: Earlier bumps of all workloads, for the C(fleet_history) of M(platform.ops.bump_limits).
  returned: always
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.forge._checkout import Request, Wanted, check_out
from ansible_collections.platform.ops.plugins.module_utils.forge._git import logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST, host_of, remote_of
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import duration

SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "clones": {"type": "path", "required": True},
        "depth": {"type": "int"},
        "declined_for": {"type": "str", "default": "14d"},
        "history_for": {"type": "str", "default": "30d"},
        "items": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "label": {"type": "raw"},
                "namespace": {"type": "str"},
                "kind": {"type": "str"},
                "name": {"type": "str", "required": True},
            },
        },
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    if params["depth"] is not None and params["depth"] < 1:
        raise InputError(f"depth is {params['depth']}; give at least 1, or leave it out for the whole history.")
    host = host_of(params)
    request = Request(
        clones=Path(params["clones"]),
        cluster=params["cluster"],
        remote=remote_of(params),
        email=params["author_email"],
        declined_for=duration(params["declined_for"], "declined_for"),
        history_for=duration(params["history_for"], "history_for"),
        depth=params["depth"],
    )
    wanted = [Wanted(item["label"], item["namespace"], item["kind"], item["name"]) for item in params["items"]]
    request.clones.mkdir(parents=True, exist_ok=True)
    with logged_in(request.clones, host.git_login()) as git:
        return {"changed": False, **check_out(request, wanted, host, git, datetime.now(UTC))}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
