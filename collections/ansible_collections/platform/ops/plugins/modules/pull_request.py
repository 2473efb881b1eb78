#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pull_request
short_description: Merge, close or open again a pull request
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Brings one pull request into a state, on any git host, the embedded one included.
attributes:
  check_mode:
    support: full
    description: Returns whether something would change.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
    description: A second run changes nothing.
extends_documentation_fragment:
  - platform.ops.forge
options:
  number:
    description: Number of the pull request.
    type: int
  branch:
    description: Branch of the pull request; the open one is meant, else the newest.
    type: str
  state:
    description: State it shall have. A merged one cannot be closed or opened again.
    type: str
    choices: [open, closed, merged]
    required: true
  method:
    description: How it is merged.
    type: str
    choices: [merge, squash, rebase]
    default: merge
  comment:
    description: What to say with it.
    type: str
  delete_branch:
    description: Delete the branch after it was merged or closed.
    type: bool
    default: false
seealso:
  - module: platform.ops.pull_request_info
  - module: platform.ops.follow_pull_requests
"""

EXAMPLES = r"""
- name: Merge a pull request of the embedded host
  platform.ops.pull_request:
    repository: /srv/git/fleet.git
    number: 3
    state: merged
    method: squash
    delete_branch: true

- name: Say no
  platform.ops.pull_request:
    repository: https://gitlab.example.org/acme/fleet.git
    token: "{{ git_token }}"
    number: 3
    state: closed
    comment: The leak is being fixed instead.
"""

RETURN = r"""
pull_request:
  description: The pull request; number, url, state, branch, base, head, title, body, labels and times.
  returned: always
  type: dict
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.forge._checkout import summary
from ansible_collections.platform.ops.plugins.module_utils.forge._follow import newest, set_state
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST, host_of, remote_of

SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "number": {"type": "int"},
        "branch": {"type": "str"},
        "state": {"type": "str", "choices": ["open", "closed", "merged"], "required": True},
        "method": {"type": "str", "choices": ["merge", "squash", "rebase"], "default": "merge"},
        "comment": {"type": "str"},
        "delete_branch": {"type": "bool", "default": False},
    },
    "required_one_of": [("number", "branch")],
    "mutually_exclusive": [("number", "branch")],
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    remote_of(params)
    host = host_of(params)
    current = newest(host.find(params["branch"])) if params["branch"] else host.get(params["number"])
    if current is None:
        raise NotFoundError(f"There is no pull request from branch {params['branch']} in {params['repository']}.")
    changed, done = set_state(
        host,
        current,
        params["state"],
        method=params["method"],
        comment=params["comment"],
        check_mode=check_mode,
    )
    if changed and params["delete_branch"] and params["state"] != "open" and not check_mode:
        host.delete_branch(done.branch)
    return {"changed": changed, "pull_request": summary(done)}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
