# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_ready
short_description: Wait until objects do their work
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Looks at the objects until each is ready by the rule of its kind, at most O(timeout) seconds.
  - When the deadline passes, says which object, which pod, in which state, and the newest warning event.
  - Changes nothing. In check mode it looks once and does not fail.
extends_documentation_fragment: [platform.ops.cluster]
options:
  objects:
    description:
      - What to wait for; each needs C(apiVersion), C(kind) and C(metadata.name).
      - Those that live in a namespace also need C(metadata.namespace).
    type: list
    elements: dict
    required: true
  timeout:
    description: Seconds until the deadline.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Wait for istiod
  platform.ops.wait_ready:
    objects:
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: istiod, namespace: istio-system}
"""

RETURN = r"""
seconds:
  description: How long it took.
  type: float
  returned: success
waiting:
  description: What is not ready yet, and why (check mode).
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import title
from ansible_collections.platform.ops.plugins.module_utils.stack._server import open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS, main_of
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import look, wait_ready

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "objects": {"type": "list", "elements": "dict", "required": True},
        "timeout": {"type": "int", "default": 600},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    for thing in params["objects"]:
        if not (thing.get("apiVersion") and thing.get("kind") and (thing.get("metadata") or {}).get("name")):
            raise InputError(f"Cannot wait for {thing}: it needs apiVersion, kind and metadata.name.")
    server = open_server(params["kubeconfig"], params["context"])
    if check_mode:
        waiting = look(server, params["objects"])
        found = [f"{title(thing)}: {state.why}" for thing, _live, state in waiting.pending]
        return {"changed": False, "seconds": 0.0, "waiting": found}
    seconds = wait_ready(server, params["objects"], timeout=params["timeout"])
    return {"changed": False, "seconds": round(seconds, 1), "waiting": []}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
