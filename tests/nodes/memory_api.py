# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API server in memory: versions, conflicts, status, preconditions, evictions against budgets; with faults.

Stand-in `memory-api`. It answers as the real one does for the calls the collection makes; tests/nodes/test_real_api.py
runs the same calls against a real API server.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import timestamp
from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import label_selector

Json = dict[str, Any]
# Called before ("before") and after ("after") each call takes effect; raising there is a fault.
Hook = Callable[[str, str, str], None]


def merge(target: Json, patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            inner = target.setdefault(key, {})
            merge(inner, value)
        else:
            target[key] = copy.deepcopy(value)


class MemoryApi:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.objects: dict[str, Json] = {}
        self.hook: Hook = lambda when, verb, path: None
        self.evicted: list[str] = []
        self._version = 0

    def put(self, collection: str, body: Json) -> Json:
        """Create without faults, for the world's own doing."""
        name = body["metadata"]["name"]
        path = f"{collection}/{name}"
        if path in self.objects:
            raise ConflictError(f"{path} exists", reason="already_exists")
        made = copy.deepcopy(body)
        self._version += 1
        made["metadata"].setdefault("uid", f"uid-{self._version}")
        made["metadata"].update(
            resourceVersion=str(self._version), creationTimestamp=timestamp(self.clock()), generation=1
        )
        self.objects[path] = made
        return copy.deepcopy(made)

    def touch(self, path: str, change: Mapping[str, Any]) -> None:
        """Merge without faults, for the world's own doing."""
        merge(self.objects[path], change)
        self._version += 1
        self.objects[path]["metadata"]["resourceVersion"] = str(self._version)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        with _Call(self, "GET", path):
            return copy.deepcopy(self._there(path))

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Json]:
        with _Call(self, "LIST", path):
            found = self.listed(path)
            field, _, wanted = (query or {}).get("fieldSelector", "").partition("=")
            if field:
                assert field == "spec.nodeName"
                found = [item for item in found if item["spec"].get("nodeName", "") == wanted]
            label, _, wanted = (query or {}).get("labelSelector", "").partition("=")
            if label:
                found = [item for item in found if item["metadata"].get("labels", {}).get(label) == wanted]
        yield from copy.deepcopy(found)

    def listed(self, collection: str) -> list[Json]:
        base, _, plural = collection.rpartition("/")
        return [
            item
            for path, item in sorted(self.objects.items())
            if path.rpartition("/")[0] == collection
            or (path.startswith(f"{base}/namespaces/") and path.split("/")[-2] == plural)
        ]

    def create(self, path: str, body: Json) -> Json:
        with _Call(self, "POST", path):
            if path.endswith("/eviction"):
                self._evict(path.removesuffix("/eviction"), body)
                return {}
            return self.put(path, body)

    def replace(self, path: str, body: Json) -> Json:
        with _Call(self, "PUT", path):
            status_only = path.endswith("/status")
            path = path.removesuffix("/status")
            current = self._there(path)
            self._same_version(current, body)
            made = copy.deepcopy(current if status_only else body)
            if status_only:
                made["status"] = copy.deepcopy(body.get("status", {}))
            elif "status" in current:
                made["status"] = current["status"]
            self._version += 1
            made["metadata"]["resourceVersion"] = str(self._version)
            self.objects[path] = made
            return copy.deepcopy(made)

    def patch(self, path: str, body: Json) -> Json:
        with _Call(self, "PATCH", path):
            self._same_version(self._there(path), body)
            self.touch(path, {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": "set below"}})
            return copy.deepcopy(self.objects[path])

    def delete(self, path: str, body: Json | None = None) -> None:
        with _Call(self, "DELETE", path):
            uid = ((body or {}).get("preconditions") or {}).get("uid")
            if uid is not None and self._there(path)["metadata"]["uid"] != uid:
                raise ConflictError(f"{path} has another uid")
            self._there(path)
            del self.objects[path]

    def _there(self, path: str) -> Json:
        if path not in self.objects:
            raise NotFoundError(f"no {path}")
        return self.objects[path]

    @staticmethod
    def _same_version(current: Json, body: Json) -> None:
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version is not None and version != current["metadata"]["resourceVersion"]:
            raise ConflictError("the object has been modified")

    def _evict(self, path: str, body: Json) -> None:
        pod = self._there(path)
        if pod["metadata"]["uid"] != body["deleteOptions"]["preconditions"]["uid"]:
            raise ConflictError(f"{path} has another uid")
        labels, namespace = pod["metadata"].get("labels") or {}, pod["metadata"]["namespace"]
        covering = [
            item
            for item in self.listed("/apis/policy/v1/poddisruptionbudgets")
            if item["metadata"]["namespace"] == namespace
            and label_selector(item["spec"].get("selector")).matches(labels)
        ]
        if len(covering) > 1:
            raise UnavailableError("This pod has more than one PodDisruptionBudget", reason="internal_error")
        if covering and pod["status"].get("phase") == "Running":
            status = self.budget_status(covering[0])
            spare = not is_ready(pod) and status["currentHealthy"] >= status["desiredHealthy"] > 0
            if status["disruptionsAllowed"] < 1 and not spare:
                raise UnavailableError(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    reason="too_many_requests",
                    retry_after=10.0,
                )
        self.evicted.append(path)
        pod["metadata"]["deletionTimestamp"] = timestamp(self.clock())

    def budget_status(self, budget: Json) -> Json:
        selector = label_selector(budget["spec"].get("selector"))
        namespace = budget["metadata"]["namespace"]
        pods = [
            pod
            for pod in self.listed("/api/v1/pods")
            if pod["metadata"]["namespace"] == namespace and selector.matches(pod["metadata"].get("labels") or {})
        ]
        sets = {pod["metadata"]["ownerReferences"][0]["name"] for pod in pods if pod["metadata"].get("ownerReferences")}
        expected = sum(
            item["spec"]["replicas"]
            for item in self.listed("/apis/apps/v1/replicasets")
            if item["metadata"]["namespace"] == namespace and item["metadata"]["name"] in sets
        )
        healthy = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
        if "minAvailable" in budget["spec"]:
            desired = budget["spec"]["minAvailable"]
        else:
            desired = max(0, expected - budget["spec"]["maxUnavailable"])
        return {
            "expectedPods": expected,
            "currentHealthy": healthy,
            "desiredHealthy": math.ceil(desired),
            "disruptionsAllowed": max(0, healthy - desired) if expected else 0,
            "observedGeneration": budget["metadata"].get("generation", 1),
        }


def is_ready(pod: Mapping[str, Any]) -> bool:
    return any(
        item["type"] == "Ready" and item["status"] == "True" for item in pod.get("status", {}).get("conditions", ())
    )


class _Call:
    def __init__(self, api: MemoryApi, verb: str, path: str) -> None:
        self._api, self._verb, self._path = api, verb, path

    def __enter__(self) -> None:
        self._api.hook("before", self._verb, self._path)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._api.hook("after", self._verb, self._path)
