# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster shows of a workload after a bump was merged, read from its objects. Pure.

Nothing here remembers anything: whether the numbers are in force, whether the pods run with them, what stands in their
way, and whether they were killed again follows from the objects as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import controller_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import label_selector
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity
from ansible_collections.platform.ops.plugins.module_utils.stack._ready import condition, readiness

Json = Mapping[str, Any]
Stage = Literal["waiting", "analysing", "promoted", "rolled_back"]

POD = "pod"  # how a block names the container of pod-level resources
_ANALYSING = frozenset({"Progressing", "Waiting", "WaitingPromotion", "Promoting", "Finalising"})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps pods from running, since when, in the words of the cluster."""

    since: datetime
    message: str


def pod_spec(workload: Json) -> Json:
    """Return the pod template of a workload of any kind, or the pod itself."""
    spec = workload.get("spec") or {}
    if "jobTemplate" in spec:
        spec = (spec["jobTemplate"] or {}).get("spec") or {}
    if "template" in spec:
        spec = (spec["template"] or {}).get("spec") or {}
    return dict(spec)


def differing(spec: Json, changes: Sequence[Json]) -> tuple[str, ...]:
    """Return what of the changes is not in force in a pod's specification, as people read it.

    A limit that is higher than ours has ours in it.
    """
    found = []
    for change in changes:
        container = change.get("container") or POD
        text = _number(spec, container, change["field"], change["resource"])
        if not _reaches(text, change["after"], change["field"]):
            found.append(f"{container} {change['field']}.{change['resource']} is {text or 'not set'}")
    return tuple(found)


def _number(spec: Json, container: str, field: str, resource: str) -> str | None:
    holders = [spec] if container == POD else []
    for section in ("containers", "initContainers"):
        holders += [one for one in spec.get(section) or () if one.get("name") == container]
    for holder in holders:
        value = ((holder.get("resources") or {}).get(field) or {}).get(resource)
        if value is not None:
            return str(value)
    return None


def _reaches(text: str | None, wanted: str, field: str) -> bool:
    try:
        there, asked = Quantity.parse(text or "").value, Quantity.parse(wanted).value
    except InputError:
        return False
    return there >= asked if field == "limits" else there == asked


def pods_of(workload: Json, pods: Iterable[Json]) -> list[Json]:
    """Return the pods of a workload among those of its namespace."""
    spec, meta = workload.get("spec") or {}, workload.get("metadata") or {}
    if workload.get("kind") == "CronJob":
        # The pods belong to Jobs, which are called after it and the minute they were due in.
        prefix = f"{meta.get('name')}-"
        owned = [(pod, controller_of(pod)) for pod in pods]
        return [pod for pod, owner in owned if owner and owner.kind == "Job" and _dated(owner.name, prefix)]
    if not spec.get("selector"):
        return []
    selector = label_selector(spec["selector"])
    return [pod for pod in pods if selector.matches((pod.get("metadata") or {}).get("labels") or {})]


def _dated(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name.removeprefix(prefix).isdigit()


def with_numbers(pods: Iterable[Json], changes: Sequence[Json]) -> list[Json]:
    """Return the pods that the numbers are in force in."""
    return [pod for pod in pods if not differing(pod.get("spec") or {}, changes)]


def waiting_for(workload: Json, pods: Sequence[Json], changes: Sequence[Json]) -> str:
    """Return what the rollout still waits for; empty when every pod that shall run does so with the new numbers."""
    kind, new = workload.get("kind"), with_numbers(pods, changes)
    if kind in ("Job", "CronJob"):
        return "" if new else "the next run has not begun"
    if kind == "Pod":
        return "the pod has to be created anew" if differing(pod_spec(workload), changes) else ""
    if why := _rolling(workload):
        return why
    old = [pod for pod in pods if pod not in new and not _ended(pod)]
    if old and kind in ("StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"):
        return f"{len(old)} pods still run with other numbers"
    if not new and (workload.get("spec") or {}).get("replicas", 1) != 0:
        return "no pod runs with the new numbers; something changes them at admission"
    return ""


def _rolling(workload: Json) -> str:
    if workload.get("kind") != "Rollout":
        return readiness(workload).why
    phase = (workload.get("status") or {}).get("phase")
    return "" if phase == "Healthy" else f"the Rollout is {phase or 'new'}"


def _ended(pod: Json) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed") or bool((pod.get("metadata") or {}).get("deletionTimestamp"))


def unschedulable(pods: Iterable[Json]) -> Obstacle | None:
    """Return what the scheduler says about the pod that waits longest."""
    found = []
    for pod in pods:
        entry = condition(pod, "PodScheduled") or {}
        pending = (pod.get("status") or {}).get("phase") == "Pending" and not _ended(pod)
        if pending and (entry.get("status"), entry.get("reason")) == ("False", "Unschedulable"):
            since = _time(entry.get("lastTransitionTime")) or _time(pod["metadata"].get("creationTimestamp"))
            if since:
                found.append(Obstacle(since, str(entry.get("message") or "")))
    return min(found, key=lambda one: one.since, default=None)


def denied(workload: Json, events: Iterable[Json], since: datetime) -> Obstacle | None:
    """Return why the API server refuses to create pods: a LimitRange, a quota, a webhook.

    A Deployment says so in its conditions; for the other kinds there are only events.
    """
    entry = condition(workload, "ReplicaFailure")
    if entry and (entry.get("status"), entry.get("reason")) == ("True", "FailedCreate"):
        at = _time(entry.get("lastTransitionTime"))
        return Obstacle(at, str(entry.get("message") or "")) if at else None
    uid = (workload.get("metadata") or {}).get("uid")
    found = []
    for event in events:
        about = event.get("involvedObject") or event.get("regarding") or {}
        if event.get("reason") == "FailedCreate" and about.get("uid") == uid and uid:
            first, last = _times(event)
            if first and last and last >= since:
                found.append(Obstacle(max(first, since), str(event.get("message") or event.get("note") or "")))
    return min(found, key=lambda one: one.since, default=None)


def _times(event: Json) -> tuple[datetime | None, datetime | None]:
    series = event.get("series") or {}
    first = _time(event.get("firstTimestamp")) or _time(event.get("eventTime"))
    last = _time(event.get("lastTimestamp")) or _time(series.get("lastObservedTime"))
    return first, last or first


def kills(pods: Iterable[Json], containers: frozenset[str]) -> dict[str, int]:
    """Return how often containers of these pods were killed for their memory, as far as the pods still tell.

    A pod keeps the last end of each container; where that one was a kill, all its restarts are taken for kills.
    """
    found: dict[str, int] = {}
    for pod in pods:
        status = pod.get("status") or {}
        for entry in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
            ends = [(entry.get(name) or {}).get("terminated") or {} for name in ("state", "lastState")]
            if entry.get("name") in containers and any(end.get("reason") == "OOMKilled" for end in ends):
                now = int(bool(ends[0]))
                found[entry["name"]] = found.get(entry["name"], 0) + max(1, int(entry.get("restartCount", 0)) + now)
    return found


def canary_of(workload: Json, canaries: Iterable[Json]) -> Json | None:
    """Return the Canary whose targetRef the workload is."""
    for canary in canaries:
        target = (canary.get("spec") or {}).get("targetRef") or {}
        if (target.get("kind"), target.get("name")) == (workload.get("kind"), workload["metadata"]["name"]):
            return canary
    return None


def primary_name(canary: Json) -> str:
    return f"{canary['spec']['targetRef']['name']}-primary"


def stage_of(canary: Json, *, promoted: bool, merged_at: datetime) -> Stage:
    """Return where Flagger's analysis of the new numbers stands.

    Args:
        promoted: the numbers are in force in the primary.
        merged_at: a failure before that is one of an earlier change.
    """
    status = canary.get("status") or {}
    phase = status.get("phase")
    if phase in _ANALYSING:
        return "analysing"
    if promoted:
        return "promoted"
    changed = _time(status.get("lastTransitionTime"))
    if phase == "Failed" and changed is not None and changed >= merged_at:
        return "rolled_back"
    return "waiting"


def last_change(canary: Json) -> datetime | None:
    return _time((canary.get("status") or {}).get("lastTransitionTime"))


def started(pod: Json) -> datetime | None:
    return _time((pod.get("metadata") or {}).get("creationTimestamp"))


def _time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read and read.tzinfo is None else read
