# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release
short_description: Bring one Helm release to its state
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Compares chart, values and rendered objects with what is installed, and installs, upgrades, repairs or uninstalls.
  - Shows the difference of the manifests in check and diff mode without the helm-diff plugin.
  - Recovers a release that a dead Helm run left pending.
  - Does not wait for readiness, only for the chart's hooks; see M(platform.ops.wait_ready).
extends_documentation_fragment: [platform.ops.cluster]
options:
  name:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release; made when it is missing.
    type: str
    required: true
  state:
    description: Whether the release is to be there.
    type: str
    choices: [present, absent]
    default: present
  chart:
    description: OCI reference, name within O(repository), archive or folder. Needed for O(state=present).
    type: str
  repository:
    description: Address of the chart repository, for charts that are not in an OCI registry.
    type: str
  version:
    description: Version of the chart.
    type: str
  values:
    description: Values for the chart. They replace those of the last revision. Secrets do not belong here.
    type: dict
    default: {}
  check_values:
    description: Whether keys of O(values) that the chart does not declare are refused. Most charts ignore them.
    type: bool
    default: false
  undeclared_values:
    description: Beginnings of keys that may be set although the chart does not declare them.
    type: list
    elements: str
    default: []
  charts_dir:
    description: A folder with one sub-folder per chart; a chart found there is not fetched.
    type: path
  chart_folder:
    description: Name of the chart's sub-folder in O(charts_dir); the chart's name when empty.
    type: str
  cache:
    description: Where fetched charts are kept.
    type: path
    default: ~/.cache/platform-ops/charts
  binary_path:
    description: The helm program.
    type: str
    default: helm
  timeout:
    description: Seconds that hooks may take.
    type: int
    default: 600
  stuck_after:
    description: Seconds after which a pending revision counts as left behind by a Helm run that died.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Install metrics-server
  platform.ops.helm_release:
    name: metrics-server
    namespace: kube-system
    chart: metrics-server
    repository: https://kubernetes-sigs.github.io/metrics-server/
    version: 3.13.1
    values:
      replicas: 2
"""

RETURN = r"""
action:
  description: What was (or in check mode would be) done, one of install, upgrade, repair, uninstall, none.
  type: str
  returned: success
why:
  description: The reason for the action, or for doing nothing.
  type: str
  returned: success
notes:
  description: What else is worth knowing, such as a recovered revision.
  type: list
  elements: str
  returned: success
objects:
  description: The objects of the release whose readiness means that the release is ready.
  type: list
  elements: dict
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.stack._helm import Chart, Helm, Release
from ansible_collections.platform.ops.plugins.module_utils.stack._release import Wanted, ensure_absent, ensure_present
from ansible_collections.platform.ops.plugins.module_utils.stack._server import open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS, main_of
from ansible_collections.platform.ops.plugins.module_utils.stack._values import check_values

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "chart": {"type": "str"},
        "repository": {"type": "str"},
        "version": {"type": "str"},
        "values": {"type": "dict", "default": {}},
        "check_values": {"type": "bool", "default": False},
        "undeclared_values": {"type": "list", "elements": "str", "default": []},
        "charts_dir": {"type": "path"},
        "chart_folder": {"type": "str"},
        "cache": {"type": "path", "default": "~/.cache/platform-ops/charts"},
        "binary_path": {"type": "str", "default": "helm"},
        "timeout": {"type": "int", "default": 600},
        "stuck_after": {"type": "int", "default": 900},
    },
    "required_if": [("state", "present", ("chart",))],
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    helm = Helm(params["binary_path"], params["kubeconfig"], params["context"])
    release = Release(params["name"], params["namespace"])
    if params["state"] == "absent":
        result = ensure_absent(helm, release, timeout=params["timeout"], check_mode=check_mode)
    else:
        chart = Chart(params["chart"], params["version"] or "", params["repository"] or "")
        charts_dir = Path(params["charts_dir"]) if params["charts_dir"] else None
        path = helm.fetch(chart, Path(params["cache"]), charts_dir, params["chart_folder"] or chart.name)
        if params["check_values"]:
            label = f"{release.namespace}/{release.name}"
            check_values(params["values"], path, params["undeclared_values"], label)
        wanted = Wanted(release, path, params["values"], params["timeout"], params["stuck_after"])
        server = open_server(params["kubeconfig"], params["context"])
        result = ensure_present(helm, server, wanted, check_mode=check_mode)
    if not diff_mode:
        del result["diff"]
    return result


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
