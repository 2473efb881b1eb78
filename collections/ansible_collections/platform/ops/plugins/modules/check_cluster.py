# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_cluster
short_description: Check that a cluster can take the components, all reasons against it at once
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Asks the API server for its version, our rights, storage, nodes, capacity, ports, and what others installed.
  - Fails with every reason it finds, before anything is changed. Changes nothing.
extends_documentation_fragment: [platform.ops.cluster]
options:
  components:
    description: What each component asks of the cluster.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      release:
        description: Its main Helm release as C(namespace/name); once that is there its capacity is not asked for again.
        type: str
        default: ""
      kubernetes:
        description: Versions of Kubernetes it runs on, such as V(>=1.32, <1.37).
        type: str
        default: ""
      storage_class:
        description: The StorageClass it needs; V("") is the default one. Left out, it stores nothing.
        type: str
      requests:
        description: CPU and memory that its pods request together.
        type: dict
        default: {}
      host_ports:
        description: Ports it takes on every node.
        type: list
        elements: int
        default: []
      api_service:
        description: The APIService it brings.
        type: str
        default: ""
      crds:
        description: CustomResourceDefinitions it brings that must not belong to another Helm release.
        type: list
        elements: str
        default: []
      load_balancer:
        description: Whether it asks for a load balancer.
        type: bool
        default: false
      pool:
        description: The nodes it is meant for, with C(selector), C(tolerations), and how many (C(nodes)) it needs.
        type: dict
        default: {}
"""

EXAMPLES = r"""
- name: Check that Loki can be installed
  platform.ops.check_cluster:
    components:
      - name: loki
        kubernetes: ">=1.25"
        storage_class: ""
        requests: {cpu: "1", memory: 2Gi}
"""

RETURN = r"""
version:
  description: The cluster's version.
  type: str
  returned: success
openshift:
  description: Whether it is OpenShift.
  type: bool
  returned: success
warning_list:
  description: What may become a problem.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._facts import gather
from ansible_collections.platform.ops.plugins.module_utils.stack._preflight import Need, problems, warnings
from ansible_collections.platform.ops.plugins.module_utils.stack._server import open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS, main_of

COMPONENT: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "release": {"type": "str", "default": ""},
    "kubernetes": {"type": "str", "default": ""},
    "storage_class": {"type": "str"},
    "requests": {"type": "dict", "default": {}},
    "host_ports": {"type": "list", "elements": "int", "default": []},
    "api_service": {"type": "str", "default": ""},
    "crds": {"type": "list", "elements": "str", "default": []},
    "load_balancer": {"type": "bool", "default": False},
    "pool": {"type": "dict", "default": {}},
}
SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "components": {"type": "list", "elements": "dict", "required": True, "options": COMPONENT},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    needs = [Need(**component) for component in params["components"]]
    facts = gather(open_server(params["kubeconfig"], params["context"]), needs)
    if found := problems(facts, needs):
        listed = "\n".join(f"- {problem}" for problem in found)
        raise InputError(
            f"The cluster cannot take these components yet; nothing was changed:\n{listed}", reason="preflight"
        )
    return {
        "changed": False,
        "version": facts.version,
        "openshift": facts.openshift,
        "warning_list": warnings(facts, needs),
    }


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
