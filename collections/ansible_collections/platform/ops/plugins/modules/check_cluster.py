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
      deployment:
        description: The same of its main Deployment, for what comes without a release.
        type: str
        default: ""
      kubernetes:
        description: Versions of Kubernetes its pinned version runs on, such as V(>=1.32, <1.37).
        type: str
        default: ""
      version_input:
        description: Name of the input by which another version is chosen.
        type: str
        default: ""
      pinned:
        description: Whether the pinned version is chosen. For another one O(components[].kubernetes) is a warning only.
        type: bool
        default: true
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
      selector:
        description: Labels of the nodes that its pods run on; O(node_selector) when left out.
        type: dict
      tolerations:
        description: Tolerations of its pods; O(tolerations) when left out.
        type: list
        elements: dict
      pool:
        description: The nodes it is meant for, with C(selector), C(tolerations), and how many (C(nodes)) it needs.
        type: dict
        default: {}
  node_selector:
    description: Labels of the nodes that components run on that say nothing else.
    type: dict
    default: {}
  tolerations:
    description: Tolerations of components that say nothing else.
    type: list
    elements: dict
    default: []
  check_capacity:
    description: Whether too little free CPU or memory is a reason to fail; a warning otherwise.
    type: bool
    default: true
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
    "deployment": {"type": "str", "default": ""},
    "kubernetes": {"type": "str", "default": ""},
    "version_input": {"type": "str", "default": ""},
    "pinned": {"type": "bool", "default": True},
    "storage_class": {"type": "str"},
    "requests": {"type": "dict", "default": {}},
    "host_ports": {"type": "list", "elements": "int", "default": []},
    "api_service": {"type": "str", "default": ""},
    "crds": {"type": "list", "elements": "str", "default": []},
    "load_balancer": {"type": "bool", "default": False},
    "selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "pool": {"type": "dict", "default": {}},
}
SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "components": {"type": "list", "elements": "dict", "required": True, "options": COMPONENT},
        "node_selector": {"type": "dict", "default": {}},
        "tolerations": {"type": "list", "elements": "dict", "default": []},
        "check_capacity": {"type": "bool", "default": True},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    usual = {"selector": params["node_selector"], "tolerations": params["tolerations"]}
    needs = [
        Need(**{key: usual.get(key) if value is None else value for key, value in component.items()})
        for component in params["components"]
    ]
    checks = {"check_capacity": params["check_capacity"]}
    facts = gather(open_server(params["kubeconfig"], params["context"]), needs)
    if found := problems(facts, needs, **checks):
        listed = "\n".join(f"- {problem}" for problem in found)
        raise InputError(
            f"The cluster cannot take these components yet; nothing was changed:\n{listed}", reason="preflight"
        )
    return {
        "changed": False,
        "version": facts.version,
        "openshift": facts.openshift,
        "warning_list": warnings(facts, needs, **checks),
    }


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
