# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_machine
short_description: Take one machine from an Auto Scaling group, or give it back
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Serves role P(platform.ops.machine_aws_asg#role). Does what can be done now and answers; nothing is waited for.
  - The group is told how many instances it shall have, never one more, and marks on the group and its instances (tags)
    tell which instance was made for which operation. So a run may be killed anywhere and be repeated.
  - The group must protect new instances from scale-in, so that it never removes one that it chose itself.
extends_documentation_fragment: [platform.ops.machine]
options:
  group:
    description: The name of the Auto Scaling group. One group serves one pool.
    type: str
    required: true
  region:
    description: The region; that of the AWS configuration when left out.
    type: str
  profile:
    description: The profile of the AWS configuration.
    type: str
  endpoint_url:
    description: Another address of the APIs, as of a VPC endpoint.
    type: str
  node_name:
    description:
      - What the instance's Node is called - its private DNS name (as on EKS), the first label of it (kubeadm without
        cloud provider), or the instance's id.
    type: str
    choices: [private_dns_name, private_dns_label, instance_id]
    default: private_dns_name
"""

EXAMPLES = r"""
- name: Have an instance for the operation
  platform.ops.asg_machine:
    group: workers-a
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
  description: Its private address.
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
from ansible_collections.platform.ops.plugins.module_utils.machines._asg import (
    BOTO3_IMPORT_ERROR,
    AutoScalingGroup,
    Place,
    instance_of,
)
from ansible_collections.platform.ops.plugins.module_utils.machines._serve import MACHINE_OPTIONS, REQUIRED_IF, serve

SPEC: dict[str, Any] = {
    "argument_spec": {
        **MACHINE_OPTIONS,
        "group": {"type": "str", "required": True},
        "region": {"type": "str"},
        "profile": {"type": "str"},
        "endpoint_url": {"type": "str"},
        "node_name": {
            "type": "str",
            "choices": ["private_dns_name", "private_dns_label", "instance_id"],
            "default": "private_dns_name",
        },
    },
    "required_if": REQUIRED_IF,
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    place = Place(
        params["group"],
        params["region"] or None,
        params["profile"] or None,
        params["endpoint_url"] or None,
        params["node_name"],
    )
    group = AutoScalingGroup(place, params["pool"])
    return serve(group, params, lambda: instance_of(params["provider_id"]), dry=check_mode)


def main() -> None:
    main_of(SPEC, run, {"boto3": BOTO3_IMPORT_ERROR})


if __name__ == "__main__":
    main()
