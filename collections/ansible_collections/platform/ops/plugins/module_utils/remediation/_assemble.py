# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the flat fields that a parser took out of a payload to one Remediation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import (
    BUMP_LIMITS,
    SCALE_IN,
    Evidence,
    Pod,
    Remediation,
    Workload,
)

FIELDS = frozenset(
    (
        *("source", "id", "status", "remediation", "cluster", "namespace", "workload_kind", "workload", "pod", "app"),
        *("container", "resource", "node", "pool", "value", "limit", "starts_at", "alertname"),
    )
)

# What a rule says of an alert that we shall hear of, count and put on record, and that only people can answer.
FOR_PEOPLE = "none"


def _optional(fields: Mapping[str, object], name: str, check: Callable[[object, str], str]) -> str | None:
    """Evidence helps people; it is dropped where it does not match, never a reason to refuse."""
    try:
        return check(fields[name], name) if fields.get(name) is not None else None
    except RefusedError:
        return None


def _namespace(fields: Mapping[str, object]) -> str:
    if not fields.get("namespace"):
        raise RefusedError(Code.NO_NAMESPACE, "namespace")
    return grammar.label(fields["namespace"], "namespace")


def _target(fields: Mapping[str, object]) -> tuple[Workload | None, Pod | None, str | None]:
    """The most precise of workload, pod and app that the alert names."""
    container = fields.get("container") or None
    if fields.get("workload"):
        return (
            Workload(_namespace(fields), fields.get("workload_kind"), fields["workload"], container),  # type: ignore[arg-type]
            None,
            None,
        )
    if fields.get("pod"):
        return None, Pod(_namespace(fields), fields["pod"], container), None  # type: ignore[arg-type]
    if fields.get("app"):
        return None, None, grammar.app(fields["app"], "app")
    return None, None, None


def assemble(fields: Mapping[str, object]) -> Remediation:
    """Raises RefusedError where a field that is needed is missing or does not match its grammar."""
    if not fields.get("remediation"):
        raise RefusedError(Code.NOT_OURS, "remediation")
    if fields["remediation"] == FOR_PEOPLE:
        raise RefusedError(Code.FOR_PEOPLE, "remediation")
    if not fields.get("id"):
        raise RefusedError(Code.NO_ID, "id")
    bump = fields["remediation"] == BUMP_LIMITS
    # A node is removed for its own sake: the pod in such an alert is the exporter that measured it.
    workload, pod, app = (None, None, None) if fields["remediation"] == SCALE_IN else _target(fields)
    return Remediation(
        kind=fields["remediation"],  # type: ignore[arg-type]
        id=fields["id"],  # type: ignore[arg-type]
        source=fields.get("source"),  # type: ignore[arg-type]
        status=fields.get("status"),  # type: ignore[arg-type]
        cluster=fields.get("cluster") or None,  # type: ignore[arg-type]
        workload=workload,
        pod=pod,
        app=app,
        resource=fields.get("resource") or None if bump else None,  # type: ignore[arg-type]
        evidence=Evidence(
            value=_optional(fields, "value", grammar.quantity),
            limit=_optional(fields, "limit", grammar.quantity),
            starts_at=_optional(fields, "starts_at", grammar.timestamp),
            alertname=_optional(fields, "alertname", grammar.alertname),
        ),
        node=None if bump else fields.get("node") or None,  # type: ignore[arg-type]
        pool=None if bump else fields.get("pool") or None,  # type: ignore[arg-type]
    )
