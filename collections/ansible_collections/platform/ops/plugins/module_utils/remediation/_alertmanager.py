# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager: the webhook's payload (version 4) and the alerts of its API (v2)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._parsed import Parsed, collect, refuse
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code, RefusedError
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

SOURCE = "alertmanager"

# Labels of kube-state-metrics that name a workload by its kind. `job` is not among them: it is the scrape job.
_KIND_LABELS = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "cronjob": "CronJob",
    "rollout": "Rollout",
    "job_name": "Job",
    "replicaset": "ReplicaSet",
}
# kube-prometheus' alert for other alerts, pending ones as well, with all labels of the other one.
_COPY = "InfoInhibitor"
_FINGERPRINT = re.compile(r"[0-9a-f]{16}", re.ASCII)


def _labels(alert: Mapping[str, object], name: str) -> dict[str, object]:
    labels = alert.get(name) or {}
    if not isinstance(labels, Mapping):
        raise RefusedError(Code.MALFORMED, name)
    return dict(labels)


def _fingerprint(alert: Mapping[str, object], labels: Mapping[str, object]) -> str:
    given = alert.get("fingerprint")
    if given is None:  # Alertmanager before 0.19 and hand-made payloads
        canonical = json.dumps(labels, sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    if isinstance(given, str) and _FINGERPRINT.fullmatch(given):
        return given
    raise RefusedError(Code.INVALID_ID, "fingerprint")


def _status(alert: Mapping[str, object]) -> object:
    status = alert.get("status")
    if isinstance(status, Mapping):
        if status.get("state") != "active":  # silenced or inhibited: somebody does not want it acted on
            raise RefusedError(Code.NOT_OURS, "status.state")
        return "firing"
    return status


def _workload(labels: Mapping[str, object]) -> dict[str, object]:
    if labels.get("workload"):
        kind = labels.get("workload_kind") or labels.get("workload_type")
        return {"workload": labels["workload"], "workload_kind": kind}
    for label, kind in _KIND_LABELS.items():
        if labels.get(label):
            return {"workload": labels[label], "workload_kind": kind}
    return {}


def _read(alert: Mapping[str, object], settings: Settings) -> list[dict[str, object]]:
    labels, annotations = _labels(alert, "labels"), _labels(alert, "annotations")

    def of(name: str) -> object:
        # The scraped object's own label is renamed to exported_… where the scrape target has one of that name.
        return labels.get(f"exported_{name}") or labels.get(name)

    name = labels.get("alertname")
    if name == _COPY:
        raise RefusedError(Code.NOT_OURS, "alertname")
    rule = settings.alerts.get(name) if isinstance(name, str) else None
    remediation = labels.get("remediation") or (rule and rule.kind)
    if not remediation:
        raise RefusedError(Code.NOT_OURS, "remediation")
    starts_at = grammar.timestamp(alert.get("startsAt"), "startsAt")
    return [
        {
            "id": f"{SOURCE}:{_fingerprint(alert, labels)}:{starts_at}",
            "status": _status(alert),
            "remediation": remediation,
            "cluster": labels.get("cluster") or settings.cluster,
            "namespace": of("namespace"),
            **_workload(labels),
            "pod": of("pod"),
            "app": labels.get("app_name"),
            "container": of("container"),
            "resource": labels.get("resource") or (rule and rule.resource),
            "node": of("node"),
            "pool": labels.get("pool"),
            "value": annotations.get("value") or labels.get("value"),
            "limit": annotations.get("limit") or labels.get("limit"),
            "starts_at": starts_at,
            "alertname": name,
        }
    ]


def parse(payload: object, settings: Settings) -> Parsed:
    """The webhook's payload, or the list that `GET /api/v2/alerts` answers."""
    alerts = payload.get("alerts") if isinstance(payload, Mapping) else payload
    if not isinstance(alerts, list):
        return Parsed(refusals=[refuse(RefusedError(Code.MALFORMED, "alerts"), SOURCE)])
    return collect(alerts, lambda alert: _read(alert, settings), SOURCE)
