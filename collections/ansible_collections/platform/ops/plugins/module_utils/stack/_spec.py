# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of the stack share: connection options, required libraries, main()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import KUBERNETES_IMPORT_ERROR
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import YAML_IMPORT_ERROR

CLUSTER_OPTIONS: dict[str, Any] = {
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG", "KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
}

Run = Callable[..., dict[str, Any]]


def main_of(spec: dict[str, Any], run: Run) -> None:
    module = AnsibleModule(**spec)
    for error, library in ((KUBERNETES_IMPORT_ERROR, "kubernetes"), (YAML_IMPORT_ERROR, "PyYAML")):
        if error:
            module.fail_json(msg=missing_required_lib(library), exception=str(error))
    try:
        result = run(module.params, check_mode=module.check_mode, diff_mode=module._diff)
    except OpsError as error:
        module.fail_json(msg=error.message, reason=error.reason)
    module.exit_json(**result)
