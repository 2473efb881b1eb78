# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firing alerts about a workload, from the series that every Prometheus keeps of its rules. Pure, with one reader."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump._pod_names import owner_by_name
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus, Series
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Alert

_NAMES = ("deployment", "statefulset", "daemonset", "cronjob", "rollout", "job_name", "workload", "app_name")
_ALERTNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_STATE = "alertstate"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose alerts. `names` are the workload's and, under Flagger, its primary's; `pods` when each pod with the new
    numbers began; `alertnames` those that had asked for the bump."""

    names: frozenset[str]
    pods: Mapping[str, datetime | None]
    containers: frozenset[str]
    resources: frozenset[str]
    alertnames: frozenset[str]


def firing(prometheus: Prometheus, namespace: str, now: datetime) -> tuple[list[Series], list[Series]]:
    """Return the firing alerts of a namespace, and since when each alert is active."""
    found: tuple[list[Series], list[Series]] = ([], [])
    # The scraped object's own label is renamed to exported_… where the scrape target has one of that name.
    for label in ("namespace", "exported_namespace"):
        for metric, state, into in (
            ("ALERTS", {_STATE: "firing"}, found[0]),
            ("ALERTS_FOR_STATE", {}, found[1]),
        ):
            into.extend(prometheus.query(prometheus.select(metric, **{label: namespace}, **state), now.timestamp()))
    return found


def alerts_about(subject: Subject, alerts: Sequence[Series], active: Sequence[Series]) -> tuple[Alert, ...]:
    since = {_key(one.labels): one.points[-1][1] for one in active if one.points}
    found = {_alert(subject, one.labels, since.get(_key(one.labels))) for one in alerts}
    return tuple(sorted((one for one in found if one), key=str))


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if name not in ("__name__", _STATE)))


def _alert(subject: Subject, labels: Mapping[str, str], since: float | None) -> Alert | None:
    def of(name: str) -> str | None:
        return labels.get(f"exported_{name}") or labels.get(name)

    name, container, resource, pod = labels.get("alertname", ""), of("container"), labels.get("resource"), of("pod")
    ours = name in subject.alertnames or (labels.get("remediation") == "bump_limits" and resource is not None)
    if not ours or not _ALERTNAME.fullmatch(name):
        return None
    if container is not None and container not in subject.containers:
        return None
    if resource is not None and resource not in subject.resources:
        return None
    if pod is None:
        about = any(labels.get(label) in subject.names for label in _NAMES)
        return Alert(name, "all", container, resource) if about else None
    if pod in subject.pods:
        return Alert(name, "new" if _since(since, subject.pods[pod]) else "old", container, resource)
    return Alert(name, "old", container, resource) if owner_by_name(pod).name in subject.names else None


def _since(active: float | None, began: datetime | None) -> bool:
    """Whether an alert about a pod of this name is about this pod: a StatefulSet gives the name again."""
    return active is None or began is None or datetime.fromtimestamp(active, UTC) >= began


def out_of_memory(
    prometheus: Prometheus, namespace: str, container: str, pods: Mapping[str, Any], window: tuple[datetime, datetime]
) -> int:
    """Return how often the kernel killed in this container of these pods, also what the container survived."""
    counter = prometheus.select("container_oom_events_total", namespace=namespace, container=container)
    since, now = window
    seconds = max(60, int((now - since).total_seconds()))
    # A counter lives as long as its container, so each life counts by itself.
    series = prometheus.query(f"sum by (pod) (max_over_time({counter}[{seconds}s]))", now.timestamp())
    return int(sum(one.points[-1][1] for one in series if one.points and one.labels.get("pod") in pods))
