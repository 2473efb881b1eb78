# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last word on something that did not become ready: which pod, in which state, and what the cluster said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.cluster._paths import PODS, within

Object = Mapping[str, Any]
EVENTS = "/api/v1/events"


def pod_trouble(pod: Object) -> str:
    """One clause on why this pod is not ready, or nothing when it is."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            state = container.get("state") or {}
            waiting, ended = state.get("waiting"), state.get("terminated")
            last = (container.get("lastState") or {}).get("terminated") or {}
            if waiting and waiting.get("reason") not in ("PodInitializing", "ContainerCreating"):
                ending = f", last exit {last.get('exitCode')} ({last.get('reason')})" if last else ""
                said = f": {waiting['message']}" if waiting.get("message") else ""
                return f"container {container['name']} is {waiting.get('reason')}{said}{ending}"
            if ended and ended.get("exitCode"):
                return f"container {container['name']} ended with {ended['exitCode']} ({ended.get('reason')})"
    for entry in status.get("conditions") or ():
        if entry.get("type") == "PodScheduled" and entry.get("status") == "False":
            return f"not scheduled: {entry.get('message') or entry.get('reason')}"
    if status.get("phase") in ("Pending", "Failed", "Unknown"):
        return f"phase {status['phase']}" + (f": {status['message']}" if status.get("message") else "")
    for container in status.get("containerStatuses") or ():
        if not container.get("ready"):
            return f"container {container['name']} runs but does not pass its readiness probe"
    return ""


def newest_warning(events: Iterable[Object]) -> str:
    warnings = [event for event in events if event.get("type") == "Warning"]
    if not warnings:
        return ""
    newest = max(warnings, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return f"{newest.get('reason')}: {str(newest.get('message', '')).strip()}"


def explain(api: Api, thing: Object) -> str:
    """As much as can be said of this object; never fails because of what cannot be read."""
    try:
        words = list(_clauses(api, thing))
    except OpsError as error:
        words = [f"(nothing more could be read: {error.message})"]
    return "; ".join(words)


def _clauses(api: Api, thing: Object) -> Iterator[str]:
    metadata = thing.get("metadata") or {}
    namespace = str(metadata.get("namespace") or "")
    selector = (thing.get("spec") or {}).get("selector") or {}
    labels = selector.get("matchLabels") if thing.get("kind") != "Service" else None
    if namespace and labels:
        wanted = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        pods = list(api.items(within(PODS, namespace), {"labelSelector": wanted}))
        troubled = [(pod, trouble) for pod in pods if (trouble := pod_trouble(pod))]
        for pod, trouble in troubled[:1]:
            more = f" (and {len(troubled) - 1} more pods like it)" if len(troubled) > 1 else ""
            yield f"pod {pod['metadata']['name']}{more}: {trouble}"
            if said := _warning(api, namespace, "Pod", str(pod["metadata"]["name"])):
                yield f"event on the pod: {said}"
        if not pods:
            yield "it has no pod"
    if namespace and (said := _warning(api, namespace, str(thing.get("kind")), str(metadata.get("name")))):
        yield f"event: {said}"


def _warning(api: Api, namespace: str, kind: str, name: str) -> str:
    query = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"}
    return newest_warning(api.items(within(EVENTS, namespace), query))
