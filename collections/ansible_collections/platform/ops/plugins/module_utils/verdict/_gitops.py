# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which GitOps record applies a workload, and which revision it has applied. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ansible_collections.platform.ops.plugins.module_utils.stack._ready import condition

Json = Mapping[str, Any]

KUSTOMIZE, HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
KINDS = {KUSTOMIZE: "Kustomization", HELM: "HelmRelease"}
ARGO_GROUP = "argoproj.io"
_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCES = ("argocd.argoproj.io/instance", "app.kubernetes.io/instance")
_SHA = re.compile(r"(?:^|[:/@])([0-9a-f]{40}|[0-9a-f]{64})$", re.ASCII)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kustomization, HelmRelease or Application. `namespace` is None where the object does not say it."""

    group: str
    kind: str
    name: str
    namespace: str | None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Revision:
    """What a record says of itself.

    Attributes:
        applied: commits that it has applied completely.
        attempted: commits that it is applying or failed to apply completely.
        trouble: why it does not get on, in its own words; empty if it does not say.
    """

    applied: tuple[str, ...] = ()
    attempted: tuple[str, ...] = ()
    trouble: str = ""


def records_of(thing: Json) -> Iterator[Record]:
    """Yield the records that may apply an object, by its labels and annotations, the surest first."""
    meta = thing.get("metadata") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    for group, kind in KINDS.items():
        name, namespace = labels.get(f"{group}/name"), labels.get(f"{group}/namespace")
        if _is_name(name) and _is_name(namespace):
            yield Record(group, kind, name, namespace)
    tracked = str(annotations.get(_TRACKING) or "").partition(":")[0]
    for name in (tracked, *(str(labels.get(label) or "") for label in _INSTANCES)):
        namespace, _underscore, short = name.rpartition("_")  # an Application outside Argo CD's own namespace
        if _is_name(short) and (not namespace or _is_name(namespace)):
            yield Record(ARGO_GROUP, "Application", short, namespace or None)


def lists(application: Json, thing: Json) -> bool:
    """Tell whether an Application counts an object among its own; others carry a label with its name as well."""
    meta = thing.get("metadata") or {}
    wanted = (thing.get("kind"), meta.get("name"), meta.get("namespace"))
    listed = (application.get("status") or {}).get("resources") or ()
    return any(
        (one.get("kind"), one.get("name"), one.get("namespace") or meta.get("namespace")) == wanted for one in listed
    )


def revision_of(record: Json) -> Revision:
    status, spec = record.get("status") or {}, record.get("spec") or {}
    if record.get("kind") == "Application":
        return _application(status)
    ready = condition(record, "Ready") or {}
    trouble = "it is suspended" if spec.get("suspend") else ""
    if not trouble and ready.get("status") == "False":
        trouble = str(ready.get("message") or ready.get("reason") or "")
    return Revision(_commits(status.get("lastAppliedRevision")), _commits(status.get("lastAttemptedRevision")), trouble)


def _application(status: Json) -> Revision:
    sync, operation = status.get("sync") or {}, status.get("operationState") or {}
    synced = sync.get("status") == "Synced"
    commits = _commits(sync.get("revision"), *(sync.get("revisions") or ()))
    done = (operation.get("syncResult") or {}) if operation.get("phase") == "Succeeded" else {}
    trouble = str(operation.get("message") or "") if operation.get("phase") in ("Failed", "Error") else ""
    if not trouble and not synced:
        trouble = f"it is {sync.get('status') or 'not synced'}"
    applied = commits if synced else _commits(done.get("revision"), *(done.get("revisions") or ()))
    return Revision(applied, commits, trouble)


def _commits(*revisions: object) -> tuple[str, ...]:
    """The commits in `main@sha1:…`, `main/…` or a bare id; the version of a chart is none."""
    found = (_SHA.search(str(revision or "")) for revision in revisions)
    return tuple(match[1] for match in found if match)


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
