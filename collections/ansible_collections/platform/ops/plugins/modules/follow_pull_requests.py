#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: follow_pull_requests
short_description: Merge our open pull requests when the policy allows it, close those that became pointless
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Meant to run at intervals. Each run does what can be done now and waits for nothing.
  - A pull request with commits of other people is left to people. One that conflicts with the base branch is returned
    with its machine-readable block, so that its change can be planned again.
attributes:
  check_mode:
    support: full
    description: Returns what would be done. Writes nothing to the host.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
    description: A second run changes nothing until something else has changed.
extends_documentation_fragment:
  - platform.ops.forge
  - platform.ops.merge
options:
  path:
    description: A checkout of the repository, such as the C(path) that M(platform.ops.checkout) returns.
    type: path
    required: true
  delete_branches:
    description: Delete a branch after its pull request was merged.
    type: bool
    default: true
seealso:
  - module: platform.ops.open_pr
  - module: platform.ops.pull_request
"""

EXAMPLES = r"""
- name: Merge what is green, in working hours
  platform.ops.follow_pull_requests:
    repository: https://github.com/acme/fleet.git
    token: "{{ git_token }}"
    path: "{{ fleet.path }}"
    merge:
      by: us
      method: squash
      largest_factor: 2
      require_checks: true
      windows:
        - {days: [mon, tue, wed, thu], from: "08:00", to: "17:00", timezone: Europe/Berlin}
"""

RETURN = r"""
results:
  description:
    - For each open pull request its C(number), C(url), C(branch), C(title), C(reason), C(message), C(changed),
      C(failed), C(merge_commit), and its C(state), which is V(merged), V(handed_over) to the host, V(wait), V(blocked),
      V(people), V(obsolete), V(conflict) or V(failed).
  returned: always
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.forge._follow import Follower
from ansible_collections.platform.ops.plugins.module_utils.forge._git import logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._options import (
    HOST,
    MERGE,
    host_of,
    merge_policy_of,
    remote_of,
)

SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "path": {"type": "path", "required": True},
        "delete_branches": {"type": "bool", "default": True},
        "merge": MERGE,
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    host = host_of(params)
    with logged_in(Path(params["path"]), host.git_login()) as git:
        follower = Follower(
            git,
            host,
            remote_of(params),
            params["author_email"],
            merge_policy_of(params["merge"]),
            delete_branches=params["delete_branches"],
        )
        results = follower.follow(datetime.now(UTC), check_mode=check_mode)
    return {"changed": any(result["changed"] for result in results), "results": results}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
