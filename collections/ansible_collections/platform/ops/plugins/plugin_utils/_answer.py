# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From remediations to pull requests in one task: assign, check out, raise and propose, in this process.

As several tasks the same took twice as long: each task costs a fork, templating of what the one before returned, and
its way through the callbacks.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, assign
from ansible_collections.platform.ops.plugins.module_utils.bump._flow import (
    bump_items,
    checkout_items,
    pull_request_items,
)
from ansible_collections.platform.ops.plugins.module_utils.bump._follow import conflicting_items
from ansible_collections.platform.ops.plugins.module_utils.bump._outcome import decisions
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST
from ansible_collections.platform.ops.plugins.modules import bump_limits, checkout, open_pr

_CONFIG = (
    *("repositories", "workloads", "policy", "overrides"),
    *("allow_namespaces", "deny_namespaces", "paused"),
)
_OWN = ("base", "host", "api_url", "token", "app_id", "installation_id", "private_key")
_SHARED = ("cluster", "branch_prefix", "author_name", "author_email")
_PROPOSAL = ("labels", "reviewers", "team_reviewers", "draft", "sign", "limits", "merge")

SPEC: dict[str, Any] = {
    "argument_spec": {
        "remediations": {"type": "list", "elements": "dict", "default": []},
        "followed": {"type": "list", "elements": "dict", "default": []},
        "repositories": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "url": {"type": "str", "required": True},
                "namespaces": {"type": "list", "elements": "str"},
                **{name: HOST[name] for name in _OWN},
            },
        },
        "workloads": {"type": "list", "elements": "dict", "default": []},
        "policy": {"type": "dict", "default": {}},
        "overrides": {"type": "list", "elements": "dict", "default": []},
        "allow_namespaces": {"type": "list", "elements": "str", "default": ["*"]},
        "deny_namespaces": {"type": "list", "elements": "str", "default": []},
        "paused": {"type": "bool", "default": False},
        "clones": {"type": "path", "required": True},
        "declined_for": {"type": "str", "default": "14d"},
        **{name: HOST[name] for name in _SHARED},
        **{name: open_pr.SPEC["argument_spec"][name] for name in _PROPOSAL},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    """
    Raises:
        OpsError: a remediation is malformed. What happens to a repository stands in the decisions instead.
    """
    config = Config(**{name: params[name] for name in _CONFIG})
    assigned = assign(params["remediations"], config)
    work = {one["repository"]: list(one["items"]) for one in assigned["repositories"]}
    for one in params["followed"]:
        if again := conflicting_items(one["results"], config):
            work.setdefault(one["repository"], []).extend(again)
    repositories = {repository["name"]: repository for repository in params["repositories"]}
    answers = [
        _answer(repositories[name], items, params, check_mode=check_mode, diff_mode=diff_mode)
        for name, items in work.items()
    ]
    return {
        "changed": any(answer["changed"] for answer in answers),
        "failures": [answer["failure"] for answer in answers if answer["failure"]],
        "pull_requests": [pull for answer in answers for pull in answer["pull_requests"]],
        "decisions": [*assigned["decisions"], *(one for answer in answers for one in answer["decisions"])],
        **({"diff": [one for answer in answers for one in answer["diff"]]} if diff_mode else {}),
    }


def _answer(
    repository: Mapping[str, Any],
    items: list[dict[str, Any]],
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    diff_mode: bool,
) -> dict[str, Any]:
    """Work in one repository; never raises for what happens to it, so that the others get their turn."""
    started = time.monotonic()
    host = {"repository": repository["url"]}
    host |= {name: repository[name] for name in _OWN} | {name: params[name] for name in _SHARED}
    both = {"declined_for": params["declined_for"]}
    bumped: dict[str, Any] = {}
    opened: dict[str, Any] = {}
    failure = ""
    try:
        checked = _run(checkout, {**host, **both, "clones": params["clones"], "items": checkout_items(items)})
        # Writes into folders of its own only, which are thrown away; so also when nothing is to be proposed.
        bumped = _run(
            bump_limits,
            {"path": checked["path"], "items": bump_items(items, checked), "fleet_history": checked["history"]},
            diff_mode=diff_mode,
        )
        proposed = pull_request_items(items, checked, bumped, cluster=params["cluster"], **both)
        proposal = {name: params[name] for name in _PROPOSAL}
        opened = _run(
            open_pr, {**host, **both, **proposal, "path": checked["path"], "items": proposed}, check_mode=check_mode
        )
    except OpsError as error:
        failure = f"{repository['name']}: {error.message}"
    seconds = time.monotonic() - started
    return {
        "changed": bool(opened.get("changed")),
        "failure": failure,
        "pull_requests": opened.get("results", []),
        "decisions": decisions(
            items, bumped or None, opened or None, act=not check_mode, failure=failure or None, seconds=seconds
        ),
        "diff": bumped.get("diff", []),
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
