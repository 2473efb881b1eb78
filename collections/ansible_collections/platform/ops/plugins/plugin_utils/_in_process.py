# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module of this collection inside the task's worker process when its target is the controller itself.

Starting a module costs about a third of a second of CPU: building and unpacking its archive, a new interpreter,
importing the libraries. Between an alert and its pull request that was most of the time. Ansible has forked a worker
process for the task anyway; on a local connection, as the same user and with the same Python, the module's `run()` can
just as well be called there. Everywhere else the module is run in the usual way.

A module that takes part exports `SPEC`, the arguments of `AnsibleModule`, and
`run(params, *, check_mode, diff_mode) -> result`, which raises `OpsError`.
"""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError

# What Ansible and the libraries hold lives as long as this process. Each look of the garbage collector through it takes
# as long as a dozen calls of git, and copies memory that the workers share with their parent.
gc.freeze()


class InProcessAction(ActionBase):
    """Base of the action plugins; a subclass names the module in `module`."""

    module: Any
    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module would have returned."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._is_here(task_vars or {}):
            return result | self._execute_module(task_vars=task_vars)
        spec = {key: value for key, value in self.module.SPEC.items() if key != "supports_check_mode"}
        validated, params = self.validate_argument_spec(**spec)
        secrets = validated._no_log_values  # what AnsibleModule uses for the same purpose
        try:
            outcome = self.module.run(params, check_mode=self._task.check_mode, diff_mode=self._task.diff)
        except OpsError as error:
            outcome = {"failed": True, "msg": error.message, "reason": error.reason}
        # A module's result is JSON; through the same needle, so that both doors return the same types.
        return result | json.loads(json.dumps(remove_values(outcome, secrets)))

    def _is_here(self, task_vars: dict[str, Any]) -> bool:
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter", sys.executable))
        return (
            self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not any(self._task.environment or ())
            and interpreter in (sys.executable, "auto", "auto_silent", "auto_legacy", "auto_legacy_silent")
        )
