# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_api_machine
short_description: Take one Machine from a MachineDeployment of Cluster API, or give it back
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Serves role P(platform.ops.machine_cluster_api#role). Does what can be done now and answers; nothing is waited for.
  - The MachineDeployment is told how many replicas it shall have, never one more, and annotations on it and on its
    Machines tell which one was made for which operation. So a run may be killed anywhere and be repeated.
  - A chosen Machine gets the annotation C(cluster.x-k8s.io/delete-machine) before the number is made smaller.
extends_documentation_fragment:
  - platform.ops.cluster
  - platform.ops.machine
options:
  kubeconfig:
    description: That of the management cluster.
  namespace:
    description: Where the MachineDeployment is.
    type: str
    required: true
  deployment:
    description: Its name. One MachineDeployment serves one pool.
    type: str
    required: true
  node:
    description: With O(state=absent), the Node of the machine, for Machines that do not know their provider id.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Have a Machine for the operation
  platform.ops.cluster_api_machine:
    namespace: clusters
    deployment: workers-a
    pool: workers
    operation: 3f9c0e1d2b4a
  register: machine
"""

RETURN = r"""
outcome:
  description: V(done), V(pending) or V(failed).
  type: str
  returned: always
message:
  description: Why it is pending or failed.
  type: str
  returned: always
provider_id:
  description: The machine's C(spec.providerID).
  type: str
  returned: with outcome=done and state=present
name:
  description: The name of its Node.
  type: str
  returned: with outcome=done and state=present
address:
  description: Its internal address.
  type: str
  returned: with outcome=done and state=present
error_class:
  description: V(quota), V(stock_out) or V(other).
  type: str
  returned: with outcome=failed
steps:
  description: What was written, in order; in check mode what would be.
  type: list
  elements: str
  returned: success
machines:
  description: The group's machines, for RV(platform.ops.node_pool_info#module:leaks).
  type: list
  elements: dict
  returned: with state=listed
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import LIBRARIES, api_of
from ansible_collections.platform.ops.plugins.module_utils.machines._capi import MachineDeployment, Place
from ansible_collections.platform.ops.plugins.module_utils.machines._serve import MACHINE_OPTIONS, REQUIRED_IF, serve
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        **MACHINE_OPTIONS,
        "namespace": {"type": "str", "required": True},
        "deployment": {"type": "str", "required": True},
        "node": {"type": "str", "default": ""},
    },
    "required_if": REQUIRED_IF,
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    place = Place(params["namespace"], params["deployment"])
    group = MachineDeployment(api_of(params), place, params["pool"], params["node"])
    return serve(group, params, lambda: group.find(params["provider_id"]), dry=check_mode)


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
