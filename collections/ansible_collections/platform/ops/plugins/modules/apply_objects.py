# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apply_objects
short_description: Apply objects server-side, or remove them
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Applies objects with server-side apply, so that CRDs of any size pass.
  - Writes only what a dry run says would change.
  - Reads YAML as Kubernetes does; an enum member C(=), as in the AlertmanagerConfig CRD, survives.
  - Does not take over what a Helm release owns, and does not replace what is newer, unless told to.
extends_documentation_fragment: [platform.ops.cluster]
options:
  state:
    description: Whether the objects are to be there.
    type: str
    choices: [present, absent]
    default: present
  objects:
    description: The objects themselves.
    type: list
    elements: dict
    default: []
  files:
    description: Files on the controller with objects, YAML streams or JSON lists.
    type: list
    elements: path
    default: []
  chart:
    description: A chart (archive, folder or OCI reference) of which the CustomResourceDefinitions are taken.
    type: str
  chart_version:
    description: Version of O(chart).
    type: str
  repository:
    description: Address of the chart repository, for charts that are not in an OCI registry.
    type: str
  chart_values:
    description: Values with which O(chart) renders its CustomResourceDefinitions.
    type: dict
    default: {}
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
    description: The helm program, needed for O(chart).
    type: str
    default: helm
  instances:
    description:
      - With O(state=absent), removes every object of the kinds that the given CustomResourceDefinitions define.
      - The definitions themselves stay.
      - To be done while the controllers still run that clear the objects' finalizers.
    type: bool
    default: false
  keep:
    description: Annotates the objects so that Helm keeps them on uninstall.
    type: bool
    default: false
  take_ownership:
    description: Also applies objects that a Helm release owns.
    type: bool
    default: false
  owned_by:
    description: The Helm release whose objects may be changed, such as a component's own.
    type: str
    default: ""
  version_annotation:
    description: An annotation that holds a version; an object that is newer by it is left alone.
    type: str
    default: ""
  create_only:
    description:
      - Makes what is missing and leaves alone what is there, whoever made it.
      - For a namespace that another component owns and labels. To apply it without its labels would take these away.
    type: bool
    default: false
  wait:
    description: Wait until the objects are ready, or gone.
    type: bool
    default: true
  timeout:
    description: Seconds to wait.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Apply the CRDs of a chart
  platform.ops.apply_objects:
    chart: oci://ghcr.io/prometheus-community/charts/prometheus-operator-crds
    chart_version: 31.0.1
    keep: true
    version_annotation: operator.prometheus.io/version
"""

RETURN = r"""
applied:
  description: The objects that are now as given, by reference.
  type: list
  elements: str
  returned: success
notes:
  description: What was left alone, and why.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import difference, title
from ansible_collections.platform.ops.plugins.module_utils.stack._helm import Chart, Helm, Release
from ansible_collections.platform.ops.plugins.module_utils.stack._objects import (
    Guards,
    apply_objects,
    delete_objects,
    instances_of,
    keep_on_uninstall,
)
from ansible_collections.platform.ops.plugins.module_utils.stack._server import open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS, main_of
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import wait_gone, wait_ready
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "objects": {"type": "list", "elements": "dict", "default": []},
        "files": {"type": "list", "elements": "path", "default": []},
        "chart": {"type": "str"},
        "chart_version": {"type": "str"},
        "repository": {"type": "str"},
        "chart_values": {"type": "dict", "default": {}},
        "charts_dir": {"type": "path"},
        "chart_folder": {"type": "str"},
        "cache": {"type": "path", "default": "~/.cache/platform-ops/charts"},
        "binary_path": {"type": "str", "default": "helm"},
        "instances": {"type": "bool", "default": False},
        "keep": {"type": "bool", "default": False},
        "take_ownership": {"type": "bool", "default": False},
        "owned_by": {"type": "str", "default": ""},
        "version_annotation": {"type": "str", "default": ""},
        "create_only": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 120},
    },
    "supports_check_mode": True,
}


def gather(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything given, in the order objects, files, chart."""
    found = list(params["objects"])
    for name in params["files"]:
        try:
            found += read_objects(Path(name).read_text(), name)
        except OSError as error:
            raise InputError(f"Failed to read {name}: {error}") from error
    if params["chart"]:
        helm = Helm(params["binary_path"], params["kubeconfig"], params["context"])
        chart = Chart(params["chart"], params["chart_version"] or "", params["repository"] or "")
        charts_dir = Path(params["charts_dir"]) if params["charts_dir"] else None
        path = helm.fetch(chart, Path(params["cache"]), charts_dir, params["chart_folder"] or chart.name)
        rendered = helm.template(Release("crds", "default"), path, params["chart_values"], crds=True)
        crds = [o for o in read_objects(rendered, chart.name) if o["kind"] == "CustomResourceDefinition"]
        if not crds:
            raise InputError(f"Chart {path} renders no CustomResourceDefinition with these values.")
        found += crds
    return [keep_on_uninstall(thing) for thing in found] if params["keep"] else found


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    things = gather(params)
    server = open_server(params["kubeconfig"], params["context"])
    if params["state"] == "absent":
        if params["instances"]:
            things = instances_of(server, things)
        outcome = delete_objects(server, reversed(things), dry_run=check_mode)
        if params["wait"] and not check_mode:
            wait_gone(server, outcome.applied, timeout=params["timeout"])
    else:
        names = ("take_ownership", "version_annotation", "owned_by", "create_only")
        guards = Guards(**{name: params[name] for name in names})
        outcome = apply_objects(server, things, guards, dry_run=check_mode)
        if params["wait"] and not check_mode:
            wait_ready(server, outcome.applied, timeout=params["timeout"])
    result = {
        "changed": outcome.changed,
        "applied": [title(thing) for thing in outcome.applied],
        "notes": outcome.notes,
    }
    if diff_mode:
        result["diff"] = difference(outcome.before, outcome.after)
    return result


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
