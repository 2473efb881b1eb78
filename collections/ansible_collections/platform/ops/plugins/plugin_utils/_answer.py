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
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError, unforeseen
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Config, assign
from ansible_collections.platform.ops.plugins.module_utils.bump._flow import (
    bump_items,
    checkout_items,
    pull_request_items,
)
from ansible_collections.platform.ops.plugins.module_utils.bump._follow import conflicting_items
from ansible_collections.platform.ops.plugins.module_utils.bump._gate import Admitted, OpenGate
from ansible_collections.platform.ops.plugins.module_utils.bump._outcome import decisions
from ansible_collections.platform.ops.plugins.module_utils.bump._repositories import check_patterns
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import OBSERVED, api_of, prometheus_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._secret import token_of
from ansible_collections.platform.ops.plugins.module_utils.forge._options import HOST, WINDOW
from ansible_collections.platform.ops.plugins.modules import bump_limits, checkout, open_pr

_CONFIG = (
    *("repositories", "workloads", "policy", "overrides"),
    *("allow_namespaces", "deny_namespaces", "paused", "cluster", "allow_repositories"),
)
_OWN = ("base", "host", "api_url", "token", "app_id", "installation_id", "private_key")
_SHARED = ("cluster", "branch_prefix", "author_name", "author_email")
_PROPOSAL = ("labels", "reviewers", "team_reviewers", "draft", "sign", "limits", "merge")

_SECRET: dict[str, Any] = {
    "type": "dict",
    "no_log": False,  # it names one
    "options": {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "key": {"type": "str", "no_log": False},
    },
}

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
                "secret": _SECRET,
                **{name: HOST[name] for name in _OWN},
            },
        },
        "allow_repositories": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "match": {"type": "str", "required": True},
                "secret": _SECRET,
                **{name: HOST[name] for name in _OWN},
            },
        },
        **OBSERVED,
        "argocd_namespace": {"type": "str", "default": "argocd"},
        "gate": {
            "type": "dict",
            "options": {
                "memory_overcommit": {"type": "float", "default": 2.0},
                "dry_run": {"type": "bool", "default": True},
                "restart": {"type": "dict", "options": {"windows": WINDOW, "blackouts": WINDOW}},
            },
        },
        "usage": {
            "type": "dict",
            "options": {
                "window": {"type": "str", "default": "7d"},
                "history": {"type": "str", "default": "1h"},
                "percentile": {"type": "int", "default": 95},
                "rate": {"type": "str", "default": "5m"},
                "leak_after": {"type": "str", "default": "1h"},
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
    check_patterns(config.allow_repositories)
    gate = _gate(params)
    assigned = assign(params["remediations"], config, gate.owners(params["remediations"]), gate.sources)
    work = {one["repository"]: list(one["items"]) for one in assigned["repositories"]}
    for one in params["followed"]:
        if again := conflicting_items(one["results"], config, gate.sources):
            work.setdefault(one["repository"], []).extend(again)
    repositories = {repository["name"]: repository for repository in params["repositories"]} | assigned["found"]
    working = _Run(params, gate, check_mode=check_mode, diff_mode=diff_mode)
    answers = [working.answer(repositories[name], items) for name, items in work.items()]
    return {
        "changed": any(answer["changed"] for answer in answers),
        "failures": [answer["failure"] for answer in answers if answer["failure"]],
        "pull_requests": [pull for answer in answers for pull in answer["pull_requests"]],
        "decisions": [*assigned["decisions"], *(one for answer in answers for one in answer["decisions"])],
        **({"diff": [one for answer in answers for one in answer["diff"]]} if diff_mode else {}),
    }


def _gate(params: Mapping[str, Any]) -> OpenGate:
    api, prometheus = api_of(params), prometheus_of(params)
    if api is None and prometheus is None:
        return OpenGate()
    # Imported only here, see bump/_gate.py.
    from ansible_collections.platform.ops.plugins.module_utils.bump._gated import Gate  # noqa: PLC0415
    from ansible_collections.platform.ops.plugins.module_utils.gate._look import Look  # noqa: PLC0415

    return Gate(
        Look(api) if api else None,
        prometheus,
        gate=params["gate"],
        usage=params["usage"],
        argocd_namespace=params["argocd_namespace"],
    )


@dataclass(frozen=True, slots=True)
class _Run:
    params: Mapping[str, Any]
    gate: OpenGate
    check_mode: bool
    diff_mode: bool

    def answer(self, repository: Mapping[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
        """Work in one repository; never raises for what happens to it, so that the others get their turn."""
        started = time.monotonic()
        bumped: dict[str, Any] = {}
        opened: dict[str, Any] = {}
        failure = ""
        admitted = Admitted([], [], {}, {})
        try:
            admitted = self.gate.admit(items)
            if admitted.items:
                bumped = self._bump(repository, admitted)
                opened = self._propose(repository, admitted, bumped)
        except OpsError as error:
            failure = f"{repository['name']}: {error.message}"
        except Exception as error:
            # Without decisions the batch would come back, and end here again.
            failure = (
                f"{repository['name']}: {unforeseen(error)}, which nobody foresaw. That is a defect of platform.ops: "
                "please report it with this line."
            )
        seconds = time.monotonic() - started
        told = {**bumped, "results": [*bumped.get("results", ()), *admitted.stopped]}
        return {
            "changed": bool(opened.get("changed")),
            "failure": failure,
            "pull_requests": opened.get("results", []),
            "decisions": decisions(
                items, told, opened or None, act=not self.check_mode, failure=failure or None, seconds=seconds
            ),
            "diff": bumped.get("diff", []),
        }

    def _host(self, repository: Mapping[str, Any]) -> dict[str, Any]:
        host = {"repository": repository["url"], "declined_for": self.params["declined_for"]}
        host |= {name: repository.get(name) for name in _OWN} | {name: self.params[name] for name in _SHARED}
        if secret := repository.get("secret"):
            host["token"] = token_of(self.gate.look.api if self.gate.look else None, secret)
        return host

    def _bump(self, repository: Mapping[str, Any], admitted: Admitted) -> dict[str, Any]:
        items = admitted.items
        asked = {"clones": self.params["clones"], "items": checkout_items(items)}
        checked = _run(checkout, {**self._host(repository), **asked})
        # Writes into folders of its own only, which are thrown away; so also when nothing is to be proposed.
        bumped = _run(
            bump_limits,
            {"path": checked["path"], "items": bump_items(items, checked), "fleet_history": checked["history"]},
            diff_mode=self.diff_mode,
        )
        bumped["results"] = self.gate.judge(items, bumped["results"])
        for one in bumped["results"]:
            one["checked"] = [*admitted.checked.get(one["label"], ()), *one.get("checked", ())]
        return {**bumped, "checkout": checked}

    def _propose(self, repository: Mapping[str, Any], admitted: Admitted, bumped: Mapping[str, Any]) -> dict[str, Any]:
        params, checked = self.params, bumped["checkout"]
        proposed = pull_request_items(
            admitted.items,
            checked,
            bumped,
            cluster=params["cluster"],
            declined_for=params["declined_for"],
            usage=admitted.usage,
        )
        proposal = {name: params[name] for name in _PROPOSAL}
        return _run(
            open_pr,
            {**self._host(repository), **proposal, "path": checked["path"], "items": proposed},
            check_mode=self.check_mode,
        )


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
