# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How alerts of this installation are read: which alert means what. Comes from the rulebook's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._assemble import FIELDS
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import KINDS

# Both are suffixes of a Kubernetes quantity; `cores` and `bytes` stand for none.
MEMORY_UNITS = {"bytes": "", "k": "k", "M": "M", "G": "G", "Ki": "Ki", "Mi": "Mi", "Gi": "Gi"}
CPU_UNITS = {"cores": "", "millicores": "m"}


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f"{name} must be a mapping of names to settings, not {type(value).__name__}.")
    return value


def _only(data: Mapping[str, Any], allowed: frozenset[str], name: str) -> None:
    if unknown := sorted(set(data) - allowed):
        raise InputError(f"{name} does not know {', '.join(unknown)}. It takes: {', '.join(sorted(allowed))}.")


def _path(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be a path as in event.tags.0.name, in quotes where it is a number.")
    return value


def _words(value: object, default: str, name: str) -> tuple[str, ...]:
    """What a sender calls a state; true and numbers are words of some as well."""
    if value is None:
        return (default,)
    if not isinstance(value, list) or not all(isinstance(word, (str, int, float)) for word in value):
        raise InputError(f"{name} must be a list of the sender's words, as in [{default}].")
    return tuple(value)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """What an alert of one name asks for, when its labels do not say it."""

    kind: str
    resource: str | None = None

    @classmethod
    def parse(cls, data: object, name: str) -> AlertRule:
        values = _mapping(data, name)
        _only(values, frozenset({"kind", "resource"}), name)
        if values.get("kind", "bump_limits") not in KINDS:
            raise InputError(f"{name}.kind must be one of {', '.join(KINDS)}.")
        try:
            resource = values.get("resource") and grammar.resource(values["resource"], name)
        except RefusedError:
            raise InputError(f"{name}.resource must be one of {', '.join(grammar.RESOURCES)}.") from None
        return cls(values.get("kind", "bump_limits"), resource)


@dataclass(frozen=True, slots=True)
class NewRelicRule:
    memory_unit: str = "Mi"
    cpu_unit: str = "cores"

    @classmethod
    def parse(cls, data: object) -> NewRelicRule:
        values = _mapping(data, "remediation_newrelic")
        _only(values, frozenset({"memory_unit", "cpu_unit"}), "remediation_newrelic")
        rule = cls(**values)
        for name, units in (("memory_unit", MEMORY_UNITS), ("cpu_unit", CPU_UNITS)):
            if getattr(rule, name) not in tuple(units):
                raise InputError(f"remediation_newrelic.{name} must be one of {', '.join(units)}.")
        return rule


@dataclass(frozen=True, slots=True)
class GenericRule:
    """Where the fields of a remediation stand in the JSON of one sender.

    `fields` are dotted paths (`event.tags.0.name`), `values` constants for what the sender does not say.
    """

    fields: Mapping[str, str]
    values: Mapping[str, str]
    items: str | None = None
    firing: tuple[str, ...] = ("firing",)
    resolved: tuple[str, ...] = ("resolved",)

    @classmethod
    def parse(cls, data: object, name: str) -> GenericRule:
        values = _mapping(data, name)
        _only(values, frozenset({"fields", "values", "items", "firing", "resolved"}), name)
        rule = cls(
            fields=_mapping(values.get("fields"), f"{name}.fields"),
            values=_mapping(values.get("values"), f"{name}.values"),
            items=None if values.get("items") in (None, "") else _path(values["items"], f"{name}.items"),
            firing=_words(values.get("firing"), "firing", f"{name}.firing"),
            resolved=_words(values.get("resolved"), "resolved", f"{name}.resolved"),
        )
        allowed = FIELDS - {"source"}
        _only(rule.fields, allowed, f"{name}.fields")
        _only(rule.values, allowed, f"{name}.values")
        for field_name, path in rule.fields.items():
            _path(path, f"{name}.fields.{field_name}")
        for field_name, value in rule.values.items():
            if not isinstance(value, (str, int, float)):
                raise InputError(f"{name}.values.{field_name} must be a text or a number.")
        if "id" not in rule.fields:
            raise InputError(f"{name}.fields must say where the id of an alert stands: repetitions are known by it.")
        return rule


@dataclass(frozen=True, slots=True)
class Settings:
    cluster: str | None = None
    alerts: Mapping[str, AlertRule] = field(default_factory=dict)
    newrelic: NewRelicRule = field(default_factory=NewRelicRule)
    generic: Mapping[str, GenericRule] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, *, cluster: object = None, alerts: object = None, newrelic: object = None, generic: object = None
    ) -> Settings:
        """Raises InputError naming the variable that is wrong."""
        try:
            named = grammar.cluster(cluster, "cluster") if cluster else None
        except RefusedError:
            raise InputError("remediation_cluster may hold letters, digits, '.', '_' and '-'.") from None
        senders = _mapping(generic, "remediation_generic")
        for sender in senders:
            try:
                grammar.source(sender, sender)
            except RefusedError:
                raise InputError(
                    f"remediation_generic: {sender!r} cannot be the name of a sender; "
                    "lower-case letters, digits, '_' and '-' can."
                ) from None
        return cls(
            cluster=named,
            alerts={
                name: AlertRule.parse(rule, f"remediation_alerts.{name}")
                for name, rule in _mapping(alerts, "remediation_alerts").items()
            },
            newrelic=NewRelicRule.parse(newrelic),
            generic={name: GenericRule.parse(rule, f"remediation_generic.{name}") for name, rule in senders.items()},
        )
