# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One bump as the user asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_sites import SharedBase
from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Rule
from ansible_collections.platform.ops.plugins.module_utils.manifests._policy import Past, Policy, history
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Target

NAMED_RESOURCES = ("memory", "cpu", "ephemeral_storage")
REQUESTS = ("keep", "scale", "match")
SHARED_BASE = ("patch", "edit", "refuse")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_KIND = re.compile(r"[A-Z][A-Za-z]{0,62}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z._/-]{0,250}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    target: Target
    rules: Mapping[str, Rule]
    requests: str = "keep"
    helm: Mapping[str, str] | None = None
    allow_shared: bool = False
    allow_qos_change: bool = False
    create_missing: bool = False
    shared_base: SharedBase = "patch"
    worktree: str | None = None
    start: str | None = None
    label: Any = None
    past: tuple[Past, ...] = ()
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def read(cls, given: Mapping[str, Any], policy: Mapping[str, Any] | None = None) -> Item:
        """`policy` is what holds for all items; the item's own policy goes over it.

        Raises:
            InputError: something in it cannot be used.
        """
        requests = given.get("requests") or "keep"
        if requests not in REQUESTS:
            raise InputError(f"requests must be one of {', '.join(REQUESTS)}, not {requests!r}.")
        shared_base: SharedBase = given.get("shared_base") or "patch"
        if shared_base not in SHARED_BASE:
            raise InputError(f"shared_base must be one of {', '.join(SHARED_BASE)}, not {shared_base!r}.")
        own = {key: value for key, value in (given.get("policy") or {}).items() if value is not None}
        return cls(
            target=_target(given),
            rules=_rules(given),
            requests=requests,
            helm=_helm(given.get("helm")),
            allow_shared=bool(given.get("allow_shared")),
            allow_qos_change=bool(given.get("allow_qos_change")),
            create_missing=bool(given.get("create_missing")),
            shared_base=shared_base,
            worktree=given.get("worktree"),
            start=_matching(_COMMIT, given.get("start"), "start"),
            label=given.get("label"),
            past=history(given.get("history") or ()),
            policy=Policy.read({**(policy or {}), **own}),
        )


def _target(given: Mapping[str, Any]) -> Target:
    if not given.get("name"):
        raise InputError("name is missing: say which workload to bump.")
    return Target(
        name=_matching(_NAME, given["name"], "name") or "",
        kind=_matching(_KIND, given.get("kind"), "kind"),
        namespace=_matching(_NAME, given.get("namespace"), "namespace"),
        container=_matching(_NAME, given.get("container"), "container"),
        source=given.get("source"),
    )


def _matching(grammar: re.Pattern[str], value: object, what: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise InputError(f"{what} {str(value)[:80]!r} does not have the form of a {what}.")
    return value


def _rules(given: Mapping[str, Any]) -> dict[str, Rule]:
    asked = {key.replace("_", "-"): given.get(key) for key in NAMED_RESOURCES}
    rules = {resource: Rule.read(rule, resource) for resource, rule in asked.items() if rule is not None}
    if not rules:
        raise InputError("nothing to raise: give memory, cpu or ephemeral_storage.")
    return rules


def _helm(given: Mapping[str, Any] | None) -> Mapping[str, str] | None:
    if not given:
        return None
    if not given.get("values_file") or not given.get("path"):
        raise InputError(
            "helm needs values_file and path, for example {values_file: values.yaml, path: server.resources}."
        )
    return {"values_file": str(given["values_file"]), "path": str(given["path"])}
