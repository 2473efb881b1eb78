# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List the images that components start
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Renders the charts of the components in O(folder) and lists every image their objects name.
  - Adds those that only operators and the mesh know, Elasticsearch, Kibana and the proxy.
options:
  folder:
    description: Where the components were written with C(platform_state=rendered).
    type: path
    required: true
  elastic_registry:
    description: Where ECK takes its images from.
    type: str
    default: docker.elastic.co
  mesh_image:
    description: The image of Istio's proxy, which it puts into pods of the mesh and where a pod says C(auto).
    type: str
    required: true
  chart_mirror:
    description: Where all charts come from instead, as for P(platform.ops.mirrored_chart#filter).
    type: str
    default: ""
  charts_dir:
    description: A folder with one sub-folder per chart; a chart found there is not fetched.
    type: path
  cache:
    description: Where fetched charts are kept.
    type: path
    default: ~/.cache/platform-ops/charts
  binary_path:
    description: The helm program.
    type: str
    default: helm
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: List the images
  platform.ops.image_info:
    folder: /tmp/rendered
    mesh_image: registry.istio.io/release/proxyv2:1.30.3
"""

RETURN = r"""
images:
  description: The images, sorted.
  type: list
  elements: str
  returned: success
"""

import json
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.stack._helm import Chart, Helm, Release
from ansible_collections.platform.ops.plugins.module_utils.stack._images import images_of
from ansible_collections.platform.ops.plugins.module_utils.stack._source import mirrored_chart
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import main_of
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

SPEC: dict[str, Any] = {
    "argument_spec": {
        "folder": {"type": "path", "required": True},
        "elastic_registry": {"type": "str", "default": "docker.elastic.co"},
        "mesh_image": {"type": "str", "required": True},
        "chart_mirror": {"type": "str", "default": ""},
        "charts_dir": {"type": "path"},
        "cache": {"type": "path", "default": "~/.cache/platform-ops/charts"},
        "binary_path": {"type": "str", "default": "helm"},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    helm = Helm(params["binary_path"])
    charts_dir = Path(params["charts_dir"]) if params["charts_dir"] else None
    things: list[dict[str, Any]] = []
    mesh = False
    for file in sorted(Path(params["folder"]).glob("*.json")):
        component = json.loads(file.read_text())
        things += component["before"] + component["objects"]
        for release in component["releases"]:
            mesh = mesh or release["pin"].get("folder") == "istiod"
            pin = mirrored_chart(release["pin"], params["chart_mirror"])
            chart = Chart(pin["chart"], pin["version"], pin.get("repository") or "")
            path = helm.fetch(chart, Path(params["cache"]), charts_dir, pin.get("folder") or chart.name)
            where = Release(release["name"], release.get("namespace") or component["namespace"])
            things += read_objects(helm.template(where, path, release.get("values") or {}), chart.name)
    found = images_of(things, elastic_registry=params["elastic_registry"], mesh_image=params["mesh_image"])
    return {"changed": False, "images": sorted({*found, *([params["mesh_image"]] if mesh else [])})}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
