#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pull_request_info
short_description: List pull requests, and what they raise
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Lists the pull requests of our branches, or of one branch, with the bumps that stand in their machine-readable
    blocks, and whether the numbers in them can be recomputed.
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Only reads.
  idempotent:
    support: full
    description: Only reads.
extends_documentation_fragment:
  - platform.ops.forge
options:
  number:
    description: Only this one.
    type: int
  branch:
    description: Only those of this branch.
    type: str
  state:
    description: Only those in this state.
    type: str
    choices: [open, closed, merged]
  since:
    description: How far back those that are closed or merged are listed.
    type: str
    default: 30d
seealso:
  - module: platform.ops.pull_request
"""

EXAMPLES = r"""
- name: List what is open
  platform.ops.pull_request_info:
    repository: /srv/git/fleet.git
    state: open
  register: found
"""

RETURN = r"""
pull_requests:
  description: What was found, newest first.
  returned: always
  type: list
  elements: dict
  contains:
    number:
      description: Its number.
      type: int
    url:
      description: Its address.
      type: str
    state:
      description: V(open), V(closed) or V(merged).
      type: str
    key:
      description: Identity of the workload it is about.
      type: str
    block:
      description: Its machine-readable block.
      type: dict
    differences:
      description: What cannot be recomputed from the block; empty if all numbers follow from it.
      type: list
      elements: str
history:
  description: The bumps in them, for the C(fleet_history) of M(platform.ops.bump_limits).
  returned: always
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._checkout import summary
from ansible_collections.platform.ops.plugins.module_utils.forge._history import history
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST, host_of, remote_of
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import duration
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest
from ansible_collections.platform.ops.plugins.module_utils.forge._verify import verify

SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "number": {"type": "int"},
        "branch": {"type": "str"},
        "state": {"type": "str", "choices": ["open", "closed", "merged"]},
        "since": {"type": "str", "default": "30d"},
    },
    "mutually_exclusive": [("number", "branch")],
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    remote = remote_of(params)
    host = host_of(params)
    if params["number"] is not None:
        found = [host.get(params["number"])]
    elif params["branch"]:
        found = [*host.find(params["branch"])]
    else:
        found = [*host.list(remote.prefix, datetime.now(UTC) - duration(params["since"], "since"))]
    wanted = [one for one in found if params["state"] in (None, one.state)]
    return {
        "changed": False,
        "pull_requests": [_shown(one) for one in wanted],
        "history": [bump.to_dict() for bump in history(wanted, ())],
    }


def _shown(one: PullRequest) -> dict[str, Any]:
    block = block_in_body(one.body)
    differences = verify(one.body) if block else []
    return {**summary(one), "key": key_in_body(one.body), "block": block, "differences": differences}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
