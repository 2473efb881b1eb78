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
  - Reads the pool's record, or those of all pools, and its Nodes, and finds what they and the provider do not agree
    on - a machine without record, a record without machine or Node, a Node without machine, an address without owner,
    a cordon of ours that no operation stands for.
extends_documentation_fragment: [platform.ops.cluster]
options:
  pool:
    description: The name of the NodePool; all pools when left out.
    type: str
  machines:
    description:
      - The machines that the provider of O(pool) has, for comparison.
      - Leave it out when the provider cannot list them.
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
  returned: with O(pool)
record:
  description: The state of the pool as it is kept in the cluster.
  type: dict
  returned: with O(pool)
leaks:
  description: What does not agree; each with C(kind), C(name) and C(message).
  type: list
  elements: dict
  returned: with O(pool)
pools:
  description:
    - Each pool with its C(name), C(nodes), C(record) and C(leaks), the C(minimum) in force, its C(provider), its
      C(hosts) or what its C(names) begin with, and in C(due) why a run now has something to do, C(under_way),
      C(below_minimum) or C(prediction); empty when there is nothing.
  type: list
  elements: dict
  returned: success
"""

import time
from dataclasses import asdict
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse, _store, _watch
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import LIBRARIES, api_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Machine, state_json
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "pool": {"type": "str"},
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
    "required_by": {"machines": ["pool"]},
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    api, now = api_of(params), time.time()
    pools = [_store.read(api, params["pool"])] if params["pool"] else _store.every(api)
    nodes = [_parse.node(raw) for raw in api.items(_paths.NODES)] if pools else []
    listed = None
    if params["machines"] is not None:
        listed = [Machine(item["name"], Time(0), item["address"], item["provider_id"]) for item in params["machines"]]
    found = [_shown(_watch.view(pool, nodes, listed, now)) for pool in pools]
    alone = {key: found[0][key] for key in ("nodes", "record", "leaks")} if params["pool"] else {}
    return {"changed": False, "pools": found, **alone}


def _shown(view: _watch.View) -> dict[str, Any]:
    provider, slots = view.pool.spec.provider, view.pool.spec.slots
    return {
        "name": view.pool.name,
        "nodes": [
            {"name": node.name, "ready": node.ready, "schedulable": not node.unschedulable and node.ready}
            for node in view.nodes
        ],
        "record": state_json(view.pool.state),
        "leaks": [asdict(leak) for leak in view.leaks],
        "minimum": view.least,
        "provider": {"role": provider.role, "variables": dict(provider.variables), "lists": provider.lists},
        "names": slots.prefix,
        "hosts": [{"name": name, "address": address} for name, address in slots.hosts],
        "due": str(view.due),
    }


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
