# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remediation: the only thing of an alert that goes further than the receiver. An instance is valid by construction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError

BUMP_LIMITS, SCALE_OUT, SCALE_IN = KINDS = ("bump_limits", "scale_out", "scale_in")
FIRING, RESOLVED = STATUSES = ("firing", "resolved")
UNNAMED_CLUSTER = "default"  # what the cluster is called until somebody names it
LANES = {BUMP_LIMITS: "bump_limits", SCALE_OUT: "nodes", SCALE_IN: "nodes"}

_Check = Callable[[object, str], str]


def _kind(value: object, field: str) -> str:
    if isinstance(value, str) and value in KINDS:
        return value
    raise RefusedError(Code.UNKNOWN_KIND, field)


def _status(value: object, field: str) -> str:
    if isinstance(value, str) and value in STATUSES:
        return value
    raise RefusedError(Code.UNKNOWN_STATUS, field)


def _check(record: object, required: Mapping[str, _Check], optional: Mapping[str, _Check], prefix: str = "") -> None:
    """Replaces each field by its checked form."""
    for name, check in {**required, **optional}.items():
        value = getattr(record, name)
        if value is None and name in optional:
            continue
        object.__setattr__(record, name, check(value, prefix + name))


def _known(data: object, record: type, prefix: str, aliases: Mapping[str, str] | None = None) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise RefusedError(Code.MALFORMED, prefix or "remediation")
    names = {f.name for f in fields(record)}
    renamed = {(aliases or {}).get(key, key): value for key, value in data.items()}
    if not names.issuperset(renamed):
        raise RefusedError(Code.UNKNOWN_FIELD, prefix or "remediation")
    return renamed


def _set(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Workload:
    namespace: str
    kind: str
    name: str
    container: str | None = None

    def __post_init__(self) -> None:
        _check(
            self,
            {"namespace": grammar.label, "kind": grammar.workload_kind, "name": grammar.subdomain},
            {"container": grammar.label},
            "workload.",
        )


@dataclass(frozen=True, slots=True)
class Pod:
    namespace: str
    name: str
    container: str | None = None

    def __post_init__(self) -> None:
        _check(self, {"namespace": grammar.label, "name": grammar.subdomain}, {"container": grammar.label}, "pod.")


@dataclass(frozen=True, slots=True)
class Evidence:
    value: str | None = None
    limit: str | None = None
    starts_at: str | None = None
    alertname: str | None = None

    def __post_init__(self) -> None:
        optional = {
            "value": grammar.quantity,
            "limit": grammar.quantity,
            "starts_at": grammar.timestamp,
            "alertname": grammar.alertname,
        }
        _check(self, {}, optional, "evidence.")


@dataclass(frozen=True, slots=True)
class Remediation:
    kind: str
    id: str
    source: str
    status: str
    cluster: str | None = None
    workload: Workload | None = None
    pod: Pod | None = None
    app: str | None = None
    resource: str | None = None
    evidence: Evidence = field(default_factory=Evidence)
    node: str | None = None
    pool: str | None = None

    def __post_init__(self) -> None:
        _check(
            self,
            {"kind": _kind, "id": grammar.identity, "source": grammar.source, "status": _status},
            {
                "cluster": grammar.cluster,
                "app": grammar.app,
                "resource": grammar.resource,
                "node": grammar.subdomain,
                "pool": grammar.label,
            },
        )
        targets = [target for target in (self.workload, self.pod, self.app) if target is not None]
        if len(targets) > 1:
            raise RefusedError(Code.SEVERAL_TARGETS, "workload, pod, app")
        needed = {BUMP_LIMITS: bool(targets), SCALE_OUT: bool(self.pod or self.pool), SCALE_IN: bool(self.node)}
        if not needed[self.kind]:
            raise RefusedError(Code.NO_TARGET, "node" if self.kind == SCALE_IN else "workload, pod, app")
        if self.kind == BUMP_LIMITS and self.resource is None:
            raise RefusedError(Code.NO_RESOURCE, "resource")

    @property
    def lane(self) -> str:
        return LANES[self.kind]

    def is_elsewhere(self, cluster: str) -> bool:
        """Whether it names another cluster than this one. One that was never given a name takes what comes."""
        return self.cluster not in (None, cluster) and cluster not in ("", UNNAMED_CLUSTER)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; what is not known is left out."""
        evidence = self.evidence
        return _set(
            kind=self.kind,
            id=self.id,
            source=self.source,
            status=self.status,
            cluster=self.cluster,
            workload=self.workload and _set(**{f.name: getattr(self.workload, f.name) for f in fields(Workload)}),
            pod=self.pod and _set(**{f.name: getattr(self.pod, f.name) for f in fields(Pod)}),
            app=self.app,
            resource=self.resource,
            evidence=_set(
                value=evidence.value, limit=evidence.limit, startsAt=evidence.starts_at, alertname=evidence.alertname
            ),
            node=self.node,
            pool=self.pool,
        )

    @classmethod
    def from_dict(cls, data: object) -> Remediation:
        values = _known(data, cls, "")
        for name in ("kind", "id", "source", "status"):
            values.setdefault(name, None)
        for name, record in (("workload", Workload), ("pod", Pod)):
            if values.get(name) is not None:
                part = _known(values[name], record, name)
                required = {f.name: None for f in fields(record)}
                values[name] = record(**{**required, **part})
        if values.get("evidence") is None:
            values.pop("evidence", None)
        else:
            values["evidence"] = Evidence(**_known(values["evidence"], Evidence, "evidence", {"startsAt": "starts_at"}))
        return cls(**values)
