# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ensure_secret
short_description: Make a Secret once and keep it
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Fills keys that are missing with random text; what was generated once is never changed.
  - Keys in O(given) follow the value given.
extends_documentation_fragment: [platform.ops.cluster]
options:
  name:
    description: Name of the Secret.
    type: str
    required: true
  namespace:
    description: Its namespace, which must exist.
    type: str
    required: true
  generate:
    description: Keys to generate where they are missing, with the length of their text.
    type: dict
    default: {}
  given:
    description: Keys with a known value.
    type: dict
    default: {}
  labels:
    description: Labels of the Secret when it is made.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make the administrator of Grafana
  platform.ops.ensure_secret:
    namespace: monitoring
    name: grafana-admin
    given: {admin-user: admin}
    generate: {admin-password: 32}
"""

RETURN = r"""
created:
  description: Whether the Secret was made.
  type: bool
  returned: success
touched:
  description: The keys that were added or changed.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.stack._secret import ensure_secret
from ansible_collections.platform.ops.plugins.module_utils.stack._server import open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS, main_of

SPEC: dict[str, Any] = {
    "argument_spec": {
        **CLUSTER_OPTIONS,
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "generate": {"type": "dict", "default": {}},
        "given": {"type": "dict", "default": {}, "no_log": True},
        "labels": {"type": "dict", "default": {}},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    result = ensure_secret(
        open_server(params["kubeconfig"], params["context"]),
        params["namespace"],
        params["name"],
        generate={key: int(length) for key, length in params["generate"].items()},
        given={key: str(value) for key, value in params["given"].items()},
        labels=params["labels"],
        check_mode=check_mode,
    )
    if diff_mode:
        # Names of keys only: a Secret's difference shows nothing else.
        after = "".join(f"{params['namespace']}/{params['name']}: {key}\n" for key in result["touched"])
        result["diff"] = {"before": "", "after": after}
    return result


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
