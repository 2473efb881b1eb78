# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: opentofu_machine
short_description: Have one machine made or destroyed by OpenTofu or Terraform
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Serves role P(platform.ops.machine_opentofu#role). Wraps a module that makes one machine into a root module of its
    own, with a state of its own (a workspace named after pool and machine), so that nothing that fails touches
    another machine.
  - Values reach OpenTofu in a file that only its owner can read and that is gone afterwards, secrets in its
    environment; none stands on a command line, in the root module or in a message.
  - A run that is killed takes OpenTofu along by the signal on which it saves its state. What was made and could not be
    written down any more is found by the module's C(lookup/) and imported.
options:
  source:
    description:
      - The module, as a path on the controller or any other source of modules. It takes the variables C(name),
        C(address), C(pool) and C(operation), and has the outputs C(provider_id) and, when it gives them, C(node_name)
        and C(address).
      - A path may have a subfolder C(lookup), a module that takes C(name), C(pool) and C(variables) and has the output
        C(found), a map from addresses of resources in the module to the ids of those that exist. Destruction succeeds
        when it is empty.
    type: str
    required: true
  name:
    description: The name of the machine.
    type: str
    required: true
  address:
    description: The address that it is to have.
    type: str
    default: ""
  pool:
    description: The NodePool.
    type: str
    required: true
  operation:
    description: The operation that it is done for.
    type: str
    required: true
  state:
    description: Whether the machine is to be there.
    type: str
    choices: [present, absent]
    default: present
  binary:
    description: The program, by name or path. C(terraform) will do.
    type: str
    default: tofu
  backend:
    description: The backend that keeps the states. It needs workspaces.
    type: str
    default: kubernetes
  backend_config:
    description: Its settings, without secrets; these come from O(environment).
    type: dict
    default: {}
  variables:
    description: Variables of the module. No secrets.
    type: dict
    default: {}
  secrets:
    description: Variables of the module that nobody may read; strings.
    type: dict
    default: {}
  environment:
    description: Environment of OpenTofu, as credentials and C(TF_ENCRYPTION).
    type: dict
    default: {}
  timeout:
    description: After this many seconds OpenTofu is told to stop; less than the pool's Lease.
    type: int
    default: 240
  lock_stale_after:
    description: A lock on the state that is older than this many seconds is broken; more than the pool's Lease.
    type: int
    default: 900
attributes:
  check_mode:
    description: Plans.
    support: full
  diff_mode:
    description: The planned changes are told in RV(changes) instead.
    support: none
  idempotent:
    description: A machine that is as the module wants it stays untouched.
    support: full
"""

EXAMPLES = r"""
- name: Have a machine
  platform.ops.opentofu_machine:
    source: "{{ playbook_dir }}/tofu/modules/aws_worker"
    name: workers-7
    pool: workers
    operation: 3f9c0e1d2b4a
    variables: {subnet_id: subnet-0abc, instance_type: m5.large}
    backend: s3
    backend_config: {bucket: states, key: workers, region: eu-west-1}
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
changes:
  description: What was done to resources, or in check mode would be.
  type: list
  elements: str
  returned: always
provider_id:
  description: The machine's C(spec.providerID).
  type: str
  returned: with outcome=done and state=present
name:
  description: The name of its Node, when the module gives it.
  type: str
  returned: with outcome=done and state=present
address:
  description: Its address, when the module gives it.
  type: str
  returned: with outcome=done and state=present
error_class:
  description: V(quota), V(stock_out) or V(other).
  type: str
  returned: with outcome=failed
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.machines._tofu import Settings, serve
from ansible_collections.platform.ops.plugins.module_utils.machines._tofu_root import Root

SPEC: dict[str, Any] = {
    "argument_spec": {
        "source": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "default": ""},
        "pool": {"type": "str", "required": True},
        "operation": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "binary": {"type": "str", "default": "tofu"},
        "backend": {"type": "str", "default": "kubernetes"},
        "backend_config": {"type": "dict", "default": {}},
        "variables": {"type": "dict", "default": {}},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "environment": {"type": "dict", "default": {}, "no_log": True},
        "timeout": {"type": "int", "default": 240},
        "lock_stale_after": {"type": "int", "default": 900},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    texts = {name: {key: str(value) for key, value in params[name].items()} for name in ("secrets", "environment")}
    settings = Settings(params["binary"], texts["environment"], params["timeout"], params["lock_stale_after"])
    root = Root(
        source=params["source"],
        name=params["name"],
        address=params["address"],
        pool=params["pool"],
        operation=params["operation"],
        backend=params["backend"],
        backend_config=params["backend_config"],
        variables=params["variables"],
        secrets=texts["secrets"],
    )
    return serve(settings, root, absent=params["state"] == "absent", dry=check_mode)


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
