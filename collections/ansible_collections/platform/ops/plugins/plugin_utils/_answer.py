# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check out, raise and propose in one task: the three modules, one after the other, in this process.

As three tasks the same took twice as long: each task costs a fork, templating of what the one before returned, and its
way through the callbacks.
"""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump._flow import (
    bump_items,
    checkout_items,
    pull_request_items,
)
from ansible_collections.platform.ops.plugins.module_utils.bump._outcome import decisions
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST
from ansible_collections.platform.ops.plugins.modules import bump_limits, checkout, open_pr

_PROPOSAL = ("labels", "reviewers", "team_reviewers", "draft", "sign", "limits", "merge")

SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        "clones": {"type": "path", "required": True},
        "declined_for": {"type": "str", "default": "14d"},
        "items": {"type": "list", "elements": "dict", "required": True},
        **{name: open_pr.SPEC["argument_spec"][name] for name in _PROPOSAL},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    """Does not raise for what happens to the repository: that stands in the decisions, one for each remediation."""
    started = time.monotonic()
    items = params["items"]
    host = {name: params[name] for name in HOST}
    bumped: dict[str, Any] = {}
    opened: dict[str, Any] = {}
    failure = ""
    try:
        checked = _run(
            checkout,
            {**host, "items": checkout_items(items)} | {name: params[name] for name in ("clones", "declined_for")},
        )
        # Writes into folders of its own only, which are thrown away; so also when nothing is to be proposed.
        bumped = _run(
            bump_limits,
            {"path": checked["path"], "items": bump_items(items, checked), "fleet_history": checked["history"]},
            diff_mode=diff_mode,
        )
        proposed = pull_request_items(
            items, checked, bumped, cluster=params["cluster"], declined_for=params["declined_for"]
        )
        opened = _run(
            open_pr,
            {**host, "path": checked["path"], "items": proposed, "declined_for": params["declined_for"]}
            | {name: params[name] for name in _PROPOSAL},
            check_mode=check_mode,
        )
    except OpsError as error:
        failure = error.message
    return {
        "changed": bool(opened.get("changed")),
        "failure": failure,
        "pull_requests": opened.get("results", []),
        "decisions": decisions(
            items,
            bumped or None,
            opened or None,
            act=not check_mode,
            failure=failure or None,
            seconds=time.monotonic() - started,
        ),
        **({"diff": bumped["diff"]} if diff_mode and bumped else {}),
    }


def _run(
    module: ModuleType, given: dict[str, Any], *, check_mode: bool = False, diff_mode: bool = False
) -> dict[str, Any]:
    """Run a module on arguments that are checked as those of a task would be."""
    spec = {key: value for key, value in module.SPEC.items() if key != "supports_check_mode"}
    checked = ArgumentSpecValidator(**spec).validate({k: v for k, v in given.items() if v is not None})
    if checked.error_messages:
        raise InputError(f"{module.__name__.rpartition('.')[2]}: {'; '.join(checked.error_messages)}.")
    result: dict[str, Any] = module.run(checked.validated_parameters, check_mode=check_mode, diff_mode=diff_mode)
    return result
