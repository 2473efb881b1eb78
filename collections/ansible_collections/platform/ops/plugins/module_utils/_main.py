# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The `main()` of every module: arguments in, `run()`, one place that turns errors into results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError


class Run(Protocol):
    def __call__(self, params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
        """Return the result; raise OpsError for what concerns the whole task."""


def main_of(spec: Mapping[str, Any], run: Run, libraries: Mapping[str, object] | None = None) -> None:
    """Run a module.

    Args:
        spec: the arguments of AnsibleModule.
        run: the module's work.
        libraries: the error that importing each needed library raised, None where it did not.
    """
    module = AnsibleModule(**spec)
    for library, error in (libraries or {}).items():
        if error is not None:
            module.fail_json(msg=missing_required_lib(library), exception=str(error))
    try:
        result = run(module.params, check_mode=module.check_mode, diff_mode=module._diff)
    except OpsError as error:
        module.fail_json(msg=error.message, reason=error.reason)
    if result.get("failed"):
        module.fail_json(**{"msg": result.get("message", "failed"), **result})
    module.exit_json(**result)
