# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_operation
short_description: Report what a provider of machines did for one operation of a node pool
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Before a provider does a job of M(platform.ops.scale_node) it claims it, so that no other run acts meanwhile;
    afterwards it reports how the job went. Role P(platform.ops.node_scale#role) does both.
  - A report on an operation that has gone on since changes nothing.
extends_documentation_fragment:
  - platform.ops.cluster
  - platform.ops.node_pool
options:
  operation:
    description: The operation, as RV(platform.ops.scale_node#module:jobs) names it.
    type: str
    required: true
  action:
    description: What the provider was asked to do.
    type: str
    choices: [add, join, reset, remove, prove]
    required: true
  outcome:
    description:
      - V(claimed) renews the Lease and answers in RV(go) whether the job is still to be done.
      - V(done), V(pending) (under way, ask again) and V(failed) are written into the journal.
    type: str
    choices: [claimed, done, pending, failed]
    required: true
  provider_id:
    description: The machine's C(spec.providerID), after O(action=add).
    type: str
    default: ""
  name:
    description: The name of the machine's Node, where the provider gives it and not the pool.
    type: str
    default: ""
  address:
    description: The machine's address, where the provider gives it and not the pool.
    type: str
    default: ""
  error_class:
    description: Why it failed; each class backs off on its own clock.
    type: str
    choices: [quota, stock_out, other]
    default: other
  error:
    description: What the provider said when it failed.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say that the machine is there
  platform.ops.node_operation:
    pool: workers
    holder: "{{ run_id }}"
    operation: 3f9c0e1d2b4a
    action: add
    outcome: done
    provider_id: libvirt:///worker-7
"""

RETURN = r"""
go:
  description: Whether the provider is to do the job now.
  type: bool
  returned: with outcome=claimed
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import (
    LIBRARIES,
    POOL_OPTIONS,
    api_of,
    writer_of,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Answer, Outcome
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import claim, report
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Failure

SPEC: dict[str, Any] = {
    "argument_spec": {
        **POOL_OPTIONS,
        "operation": {"type": "str", "required": True},
        "action": {"type": "str", "choices": ["add", "join", "reset", "remove", "prove"], "required": True},
        "outcome": {"type": "str", "choices": ["claimed", "done", "pending", "failed"], "required": True},
        "provider_id": {"type": "str", "default": ""},
        "name": {"type": "str", "default": ""},
        "address": {"type": "str", "default": ""},
        "error_class": {"type": "str", "choices": ["quota", "stock_out", "other"], "default": "other"},
        "error": {"type": "str", "default": ""},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    if check_mode:
        return {"changed": params["outcome"] != "claimed", "go": False}
    writer = writer_of(params, api_of(params))
    action = Action(params["action"])
    try:
        if params["outcome"] == "claimed":
            return {"changed": False, "go": claim(writer, params["operation"], action)}
        failure = None
        if params["outcome"] == "failed":
            failure = Failure(params["error_class"], params["error"] or f"the provider failed to {action.value} it")
        said = Answer(params["provider_id"], params["name"], params["address"], failure)
        report(writer, params["operation"], action, Outcome(params["outcome"]), said)
        return {"changed": True}
    finally:
        if not params["holder"]:
            writer.release()


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
