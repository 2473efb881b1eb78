# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scale_node
short_description: Bring nodes into a pool and take them out again
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Plans, reserves names and addresses, and drives all operations of the pool as far as they go now; never waits for
    minutes. Run it again to go on; the pool's record in the cluster remembers where things are.
  - What only the provider of machines can do comes back as RV(jobs). Role P(platform.ops.node_scale#role) does
    them and reports with M(platform.ops.node_operation).
  - A run that is killed at any step is completed, or taken back, by the next.
extends_documentation_fragment:
  - platform.ops.cluster
  - platform.ops.node_pool
options:
  state:
    description:
      - V(present) adds what pending pods, the pool's minimum and O(count) need. For each pending pod it says whether a
        node helps, and if not, why.
      - V(absent) removes O(name), or the best candidate when no name is given, and says for each node what blocks it.
      - V(kept) adds what the minimum in force asks for, whatever pods wait, and gets on with what is under way.
      - V(resumed) begins nothing and gets on with what is under way.
    type: str
    choices: [present, absent, kept, resumed]
    default: present
  count:
    description:
      - The number of nodes the pool shall have at least, those on their way included; so a second run adds nothing.
      - Never lowers what pending pods need. Only with O(state=present).
    type: int
  name:
    description:
      - The node to remove. How busy it is does not matter then; vetoes, budgets and room for its pods do.
      - Only with O(state=absent). One that is not there any more is no error.
    type: str
  wait:
    description: Seconds this run may spend in sum on waiting for things that take moments.
    type: int
    default: 20
  prometheus:
    description: Where to ask what the last weeks took, for pools with C(spec.predicted). Not asked without a C(url).
    type: dict
    suboptions:
      url:
        description: Its address, before C(/api/v1). Without credentials in it. Redirects are not followed.
        type: str
      token:
        description: Bearer token.
        type: str
      token_file:
        description: File with the bearer token, read for each question.
        type: path
      ca_file:
        description: Certificates of the authorities that its certificate may come from.
        type: path
      matchers:
        description: Labels that every series must have, such as the cluster's name where several share a Thanos.
        type: dict
        default: {}
      timeout:
        description: Seconds to wait for one answer.
        type: float
        default: 30.0
  service:
    description: This service itself; the node it runs on stays until another replica holds its Lease.
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
- name: Bring the nodes that pending pods need
  platform.ops.scale_node:
    pool: workers
    state: present

- name: Have at least four nodes before the peak
  platform.ops.scale_node:
    pool: workers
    count: 4

- name: Take one node out
  platform.ops.scale_node:
    pool: workers
    state: absent
    name: worker-7

- name: Show which node would go, where its pods would fit, and what blocks the others
  platform.ops.scale_node:
    pool: workers
    state: absent
  check_mode: true
"""

RETURN = r"""
plan:
  description:
    - Out - C(count) nodes to add of C(needed), a verdict for each pending pod in C(pods), and what holds the number
      down in C(limits).
    - In - the C(chosen) nodes, and each candidate with its C(blockers) and the C(moves) of its pods.
  type: dict
  returned: success
jobs:
  description:
    - What the provider is to do now; each with C(operation), C(action), C(node), C(address), C(provider_id),
      C(attempt), C(started), C(present).
  type: list
  elements: dict
  returned: success
provider:
  description: The role that makes machines, its variables and its traits.
  type: dict
  returned: success
waiting:
  description: What waits, for what, and until when it is worth looking again.
  type: list
  elements: dict
  returned: success
ended:
  description: Operations that came to their end in this run; C(ok) says whether they reached it or were taken back.
  type: list
  elements: dict
  returned: success
performed:
  description: What was done over the API in this run.
  type: list
  elements: str
  returned: success
operations:
  description: The journal after this run.
  type: list
  elements: dict
  returned: success
"""

import time
from functools import partial
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity import _history
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import (
    LIBRARIES,
    POOL_OPTIONS,
    SERVICE_OPTION,
    api_of,
    writer_of,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Operator
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Scaling, Service
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import OBSERVED, prometheus_of

SPEC: dict[str, Any] = {
    "argument_spec": {
        **POOL_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent", "kept", "resumed"], "default": "present"},
        "count": {"type": "int"},
        "name": {"type": "str"},
        "wait": {"type": "int", "default": 20},
        "prometheus": OBSERVED["prometheus"],
        "service": SERVICE_OPTION,
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    state, count, name = params["state"], params["count"], params["name"]
    for option, allowed in (("count", "present"), ("name", "absent")):
        if params[option] is not None and state != allowed:
            raise InputError(f"{option} goes with state {allowed}, not with {state}; leave one of them out.")
    writer = writer_of(params, api_of(params))
    operator = Operator(writer, sleep=time.sleep, patience=float(params["wait"]))
    server = prometheus_of(params)
    scaling = Scaling(writer, operator, dry=check_mode, foresee=partial(_history.ask, server))
    try:
        if state == "present":
            pool, result = scaling.present(count)
        elif state == "kept":
            pool, result = scaling.present(None, pods=False)
        elif state == "absent":
            pool, result = scaling.absent([name] if name else [], Service(**params["service"]))
        else:
            pool, result = scaling.resumed()
    finally:
        if not params["holder"]:
            writer.release()
    provider = pool.spec.provider
    answer = {
        **result.json(),
        "pool": pool.name,
        "provider": {"role": provider.role, "variables": dict(provider.variables), "joins": provider.joins},
    }
    return answer if diff_mode else {key: value for key, value in answer.items() if key != "diff"}


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
