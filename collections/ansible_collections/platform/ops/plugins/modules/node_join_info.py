# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_join_info
short_description: Read what a new machine needs to join the cluster
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - The bootstrap token that M(platform.ops.scale_node) made for one operation, the API server's address, and the hash
    by which the machine knows the cluster's CA. The token is valid for minutes and deleted when the node has joined.
  - Use it with C(no_log), in the task right before joining.
extends_documentation_fragment: [platform.ops.cluster]
options:
  operation:
    description: The operation, as RV(platform.ops.scale_node#module:jobs) names it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Read how the machine joins
  platform.ops.node_join_info:
    operation: "{{ node_scale_job.operation }}"
  register: __machine_hosts_join
  no_log: true
"""

RETURN = r"""
endpoint:
  description: Host and port of the API server, as kubeadm published them.
  type: str
  returned: success
ca_cert_hash:
  description: For C(kubeadm join --discovery-token-ca-cert-hash).
  type: str
  returned: success
token:
  description: For C(kubeadm join --token).
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity import _tokens
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import LIBRARIES, api_of
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

SPEC: dict[str, Any] = {
    "argument_spec": {**CLUSTER_OPTIONS, "operation": {"type": "str", "required": True}},
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    found = _tokens.join(api_of(params), params["operation"])
    return {
        "changed": False,
        "endpoint": found.endpoint,
        "ca_cert_hash": found.ca_cert_hash,
        "token": found.token,
    }


def main() -> None:
    main_of(SPEC, run, {**LIBRARIES, "cryptography": _tokens.CRYPTOGRAPHY_IMPORT_ERROR})


if __name__ == "__main__":
    main()
