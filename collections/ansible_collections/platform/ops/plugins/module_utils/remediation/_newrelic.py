# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New Relic: the JSON of a limit alert (app_name, max_memory, max_cpu) and the issue that a workflow sends.

One payload can ask for memory and cpu: two remediations with the ids `<id>/memory` and `<id>/cpu`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._parsed import Candidate, Parsed, collect
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import (
    CPU_UNITS,
    MEMORY_UNITS,
    Settings,
)

SOURCE = "newrelic"
_STATES = {"CREATED": "firing", "ACTIVATED": "firing", "ACKNOWLEDGED": "firing", "CLOSED": "resolved"}


def _state(payload: Mapping[str, object]) -> str:
    state = payload.get("state")
    if state is None:
        return "firing"
    if isinstance(state, str) and state.upper() in _STATES:
        return _STATES[state.upper()]
    raise RefusedError(Code.UNKNOWN_STATUS, "state")


def _app(payload: Mapping[str, object]) -> object:
    """`app_name`, or the one entity that a workflow's issue is about."""
    if payload.get("app_name"):
        return payload["app_name"]
    entities = payload.get("impactedEntities") or payload.get("entitiesData.names")
    if isinstance(entities, list) and len(entities) == 1:
        return entities[0]
    return None


def _peaks(payload: Mapping[str, object], settings: Settings) -> dict[str, str | RefusedError]:
    """Resource → observed peak as a quantity; numbers take the configured unit, strings say their own."""
    units = {
        "memory": ("max_memory", MEMORY_UNITS[settings.newrelic.memory_unit]),
        "cpu": ("max_cpu", CPU_UNITS[settings.newrelic.cpu_unit]),
    }
    peaks: dict[str, str | RefusedError] = {}
    for resource, (field, unit) in units.items():
        if payload.get(field) in (None, "", 0):
            continue
        try:
            value = grammar.quantity(payload[field], field)
        except RefusedError as error:
            peaks[resource] = error
        else:
            peaks[resource] = value + unit if value[-1].isdigit() else value
    return peaks


def _conditions(payload: Mapping[str, object], settings: Settings) -> set[str]:
    """Resources that the issue's conditions stand for, by remediation_alerts."""
    names = payload.get("alertConditionNames")
    rules = [settings.alerts.get(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return {rule.resource for rule in rules if rule and rule.resource and rule.kind == "bump_limits"}


def _starts_at(payload: Mapping[str, object]) -> str | None:
    created = payload.get("createdAt")
    if isinstance(created, bool) or not isinstance(created, int) or not 0 < created < 10**13:
        return None
    return datetime.fromtimestamp(created / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(payload: Mapping[str, object], app: object, peaks: Mapping[str, object]) -> str:
    issue = payload.get("issueId") or payload.get("id")
    if issue is not None:
        if not isinstance(issue, str):
            raise RefusedError(Code.INVALID_ID, "issueId")
        return f"{SOURCE}:{issue}"
    # Nothing identifies the plain form but what it says: the same numbers again are the same alert.
    digest = hashlib.sha256(json.dumps([app, peaks], sort_keys=True, default=str).encode()).hexdigest()
    return f"{SOURCE}:app/{digest[:16]}"


def _read(payload: Mapping[str, object], settings: Settings) -> list[Candidate]:
    status, app, peaks = _state(payload), _app(payload), _peaks(payload, settings)
    identity = _identity(payload, app, peaks)
    resources = set(peaks) | _conditions(payload, settings)
    if not resources and payload.get("resource"):
        resources = {str(payload["resource"])}
    if not resources and status == "resolved":
        resources = {"memory", "cpu"}  # a closed issue no longer says what it was about
    common = {
        "status": status,
        "remediation": "bump_limits",
        "cluster": payload.get("cluster") or settings.cluster,
        "app": app,
        "namespace": payload.get("namespace"),
        "workload": payload.get("workload"),
        "workload_kind": payload.get("workload_kind"),
        "container": payload.get("container"),
        "starts_at": _starts_at(payload),
    }
    candidates: list[Candidate] = []
    for resource in sorted(resources):
        peak = peaks.get(resource)
        if isinstance(peak, RefusedError):
            candidates.append(peak)
        else:
            candidates.append({**common, "id": f"{identity}/{resource}", "resource": resource, "value": peak})
    return candidates or [{**common, "id": identity}]


def parse(payload: object, settings: Settings) -> Parsed:
    return collect(payload if isinstance(payload, list) else [payload], lambda item: _read(item, settings), SOURCE)
