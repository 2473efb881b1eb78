# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of the stack share: connection options, required libraries, main()."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.platform.ops.plugins.module_utils import _main
from ansible_collections.platform.ops.plugins.module_utils._main import Run
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import KUBERNETES_IMPORT_ERROR
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import YAML_IMPORT_ERROR

CLUSTER_OPTIONS: dict[str, Any] = {
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG", "KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
}


def main_of(spec: dict[str, Any], run: Run) -> None:
    """Run a module that needs the libraries of the stack."""
    _main.main_of(spec, run, {"kubernetes": KUBERNETES_IMPORT_ERROR, "PyYAML": YAML_IMPORT_ERROR})
