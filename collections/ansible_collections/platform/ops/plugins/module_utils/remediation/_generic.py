# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any sender of JSON, read through configured paths."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.platform.ops.plugins.module_utils.remediation._parsed import Parsed, collect, refuse
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import GenericRule, Settings


def _at(data: object, path: str) -> object:
    """`event.tags.0.name`: keys of objects and indexes of lists. None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isascii() and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _status(said: object, rule: GenericRule) -> str:
    if "status" not in rule.fields or said in rule.firing:
        return "firing"
    if said in rule.resolved:
        return "resolved"
    raise RefusedError(Code.UNKNOWN_STATUS, "status")


def _read(alert: Mapping[str, object], name: str, rule: GenericRule, settings: Settings) -> list[dict[str, object]]:
    said = {field: _at(alert, path) for field, path in rule.fields.items()}
    fields: dict[str, object] = {"cluster": settings.cluster, **rule.values}
    fields |= {field: value for field, value in said.items() if value is not None}
    identity = fields.get("id")
    if isinstance(identity, bool) or not isinstance(identity, (str, int)):
        raise RefusedError(Code.NO_ID, "id")
    resource = fields.get("resource")
    suffix = f"/{resource}" if resource else ""
    return [{**fields, "id": f"{name}:{identity}{suffix}", "status": _status(said.get("status"), rule)}]


def parse(payload: object, name: str, rule: GenericRule, settings: Settings) -> Parsed:
    items = _at(payload, rule.items) if rule.items else payload
    alerts = items if isinstance(items, list) else [items]
    if rule.items and not isinstance(items, list):
        return Parsed(refusals=[refuse(RefusedError(Code.MALFORMED, "items"), name)])
    return collect(alerts, lambda alert: _read(alert, name, rule, settings), name)
