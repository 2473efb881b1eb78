# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_pool_info
short_description: Show a node pool, what is under way in it, and what leaked
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Reads the pool's record and its Nodes, and finds what they and the provider do not agree on - a machine without
    record, a record without machine or Node, a Node without machine, an address without owner, a cordon of ours that
    no operation stands for.
extends_documentation_fragment: [platform.ops.cluster]
options:
  pool:
    description: The name of the NodePool.
    type: str
    required: true
  machines:
    description: The machines that the provider has, for comparison; leave it out when the provider cannot list them.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the machine, which is that of its Node.
        type: str
        required: true
      address:
        description: Its address.
        type: str
        default: ""
      provider_id:
        description: Its provider id.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: Look at the pool
  platform.ops.node_pool_info:
    pool: workers
  register: workers

- name: Be told of leaks
  ansible.builtin.assert:
    that: workers.leaks | length == 0
    fail_msg: "{{ workers.leaks | map(attribute='message') | join('; ') }}"
"""

RETURN = r"""
nodes:
  description: The pool's Nodes, each with C(name), C(ready) and C(schedulable).
  type: list
  elements: dict
  returned: success
record:
  description: The state of the pool as it is kept in the cluster.
  type: dict
  returned: success
leaks:
  description: What does not agree; each with C(kind), C(name) and C(message).
  type: list
  elements: dict
  returned: success
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity import _leaks, _parse, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import LIBRARIES, api_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import members
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Machine, state_json
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "pool": {"type": "str", "required": True},
        "machines": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "address": {"type": "str", "default": ""},
                "provider_id": {"type": "str", "default": ""},
            },
        },
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    api = api_of(params)
    pool = _store.read(api, params["pool"])
    nodes = members(pool, map(_parse.node, api.items(_paths.NODES)))
    listed = None
    if params["machines"] is not None:
        listed = [Machine(item["name"], Time(0), item["address"], item["provider_id"]) for item in params["machines"]]
    return {
        "changed": False,
        "nodes": [
            {"name": node.name, "ready": node.ready, "schedulable": not node.unschedulable and node.ready}
            for node in nodes
        ],
        "record": state_json(pool.state),
        "leaks": [asdict(leak) for leak in _leaks.find(pool, nodes, listed)],
    }


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
