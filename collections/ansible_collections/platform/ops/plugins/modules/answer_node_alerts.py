#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: answer_node_alerts
short_description: Answer alerts about pods without a node and about idle nodes
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Asks the pools, the preferred one first, what they would do for pods that fit nowhere, and for idle nodes, and
    begins what their plans say. What was begun is in the pools' records; the tick goes on with it.
  - Never waits for machines. Every remediation has a decision in RV(decisions), in the form that
    M(platform.ops.record_decisions) takes, also when the cluster does not answer.
  - Role P(platform.ops.node_scale#role) documents the inputs in full.
extends_documentation_fragment: [platform.ops.cluster]
attributes:
  check_mode:
    support: full
    description: Works out the same and begins nothing; what would be begun is decided as C(would_start).
  diff_mode:
    support: full
    description: Returns what changes in the pools' records.
  idempotent:
    support: full
    description: A second run begins nothing, since it counts what is on its way.
options:
  remediations:
    description: What to answer, in the form in which the event source C(platform.ops.lane) hands it over.
    type: list
    elements: dict
    required: true
  cluster:
    description: Name of this cluster. An alert that names another is refused, unless this is V(default).
    type: str
    default: default
  paused:
    description: Whether the pause switch is on. Nothing is begun then, and every alert is looked at again.
    type: bool
    default: false
  retry_seconds:
    description: After how many seconds an alert that still fires is looked at again.
    type: float
    default: 60
  lease_namespace:
    description: Where the Leases of the pools live.
    type: str
    default: platform-ops
  lease_duration:
    description: After this many seconds without a sign of life another writer may take over.
    type: int
    default: 300
  service:
    description: This service itself, as O(platform.ops.scale_node#module:service).
    type: dict
    default: {}
    suboptions:
      namespace:
        description: Namespace of pod and Lease.
        type: str
        default: ""
      pod:
        description: Name of the pod this runs in; empty when it runs outside the cluster.
        type: str
        default: ""
      lease:
        description: The Lease by which its replicas take turns.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: Begin what alerts ask for
  platform.ops.answer_node_alerts:
    remediations:
      - id: alertmanager:3f1d9c0b7a5e4d21:2026-01-31T07:00:00.000Z
        source: alertmanager
        kind: scale_out
        status: firing
        pod: {namespace: shop, name: cart-6d4cf56db6-x2x7k}
  register: answered

- name: Put it on record
  platform.ops.record_decisions:
    state_dir: "{{ remediation_state_dir }}"
    decisions: "{{ answered.decisions }}"
"""

RETURN = r"""
decisions:
  description: One for each remediation.
  type: list
  elements: dict
  returned: success
plans:
  description: By pool, what was planned; as RV(platform.ops.scale_node#module:plan).
  type: dict
  returned: success
begun:
  description: Names of the pools in which something was begun.
  type: list
  elements: str
  returned: success
"""

import time
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._answer import Answering, Policy
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import (
    LIBRARIES,
    POOL_OPTIONS,
    SERVICE_OPTION,
    api_of,
    writer_of,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Service
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "lease_namespace": POOL_OPTIONS["lease_namespace"],
        "lease_duration": POOL_OPTIONS["lease_duration"],
        "remediations": {"type": "list", "elements": "dict", "required": True},
        "cluster": {"type": "str", "default": "default"},
        "paused": {"type": "bool", "default": False},
        "retry_seconds": {"type": "float", "default": 60.0},
        "service": SERVICE_OPTION,
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    api = api_of(params)
    policy = Policy(
        act=not check_mode,
        paused=params["paused"],
        pause=params["retry_seconds"],
        service=Service(**params["service"]),
        cluster=params["cluster"],
    )
    answering = Answering(
        api, lambda pool: writer_of({**params, "pool": pool, "holder": ""}, api), policy, clock=time.time
    )
    answer = answering.answer(params["remediations"])
    results = {pool: result.json() for pool, result in answer.pools.items()}
    begun = [pool for pool, result in results.items() if result["changed"]]
    found = {
        "changed": bool(begun),
        "decisions": answer.decisions,
        "plans": {pool: result["plan"] for pool, result in results.items()},
        "begun": begun,
    }
    if diff_mode:
        found["diff"] = [
            {**result["diff"], "before_header": pool, "after_header": pool} for pool, result in results.items()
        ]
    return found


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
