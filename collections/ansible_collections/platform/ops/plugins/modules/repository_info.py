#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_info
short_description: List the git repositories that the cluster's GitOps objects name and the operator allows
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Lists Flux GitRepositories and Argo CD Applications and returns the repositories that match a pattern, so that pull
    requests in them are followed as well as those in repositories that are listed by hand.
  - Returns nothing secret. Without O(cluster_access) or without O(allow_repositories) it returns nothing.
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
  - platform.ops.observed
options:
  repositories:
    description: Addresses of repositories that are listed by hand; they are not returned again.
    type: list
    elements: str
    default: []
  allow_repositories:
    description: Patterns of host and path in lower case, such as V(github.com/acme/*). The host has no wildcards.
    type: list
    elements: str
    default: []
seealso:
  - module: platform.ops.answer_remediations
"""

EXAMPLES = r"""
- name: Find the repositories of a team
  platform.ops.repository_info:
    cluster_access: {in_cluster: true}
    allow_repositories: ["github.com/acme/*"]
  register: found
"""

RETURN = r"""
repositories:
  description: What was found, by name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Host and path, which is the name of the repository for M(platform.ops.answer_remediations) too.
      type: str
    url:
      description: Its address, without a login.
      type: str
    allowed:
      description: Which of the patterns allows it, counted from 0.
      type: int
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.bump._repositories import check_patterns, named_in
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import OBSERVED, api_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import addresses

SPEC: dict[str, Any] = {
    "argument_spec": {
        **OBSERVED,
        "repositories": {"type": "list", "elements": "str", "default": []},
        "allow_repositories": {"type": "list", "elements": "str", "default": []},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    """
    Raises:
        OpsError: a pattern is none, or the cluster cannot be asked.
    """
    patterns = params["allow_repositories"]
    check_patterns([{"match": pattern} for pattern in patterns])
    api = api_of(params)
    found = named_in(addresses(api), params["repositories"], patterns) if api and patterns else []
    return {"changed": False, "repositories": found}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
