# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read from the API server what the gate judges by; each list and object once per run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import (
    OwnerFetcher,
    Reference,
    controller_of,
    referred,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import label_selector
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json

API_VERSIONS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), "apps/v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    **dict.fromkeys(("Pod", "ReplicationController"), "v1"),
    "Rollout": "argoproj.io/v1alpha1",
}
_LISTS = {
    "limit_ranges": "/api/v1/limitranges",
    "quotas": "/api/v1/resourcequotas",
    "budgets": _paths.DISRUPTION_BUDGETS,
    "hpas": "/apis/autoscaling/v2/horizontalpodautoscalers",
    "vpas": "/apis/autoscaling.k8s.io/v1/verticalpodautoscalers",
    "canaries": "/apis/flagger.app/v1beta1/canaries",
    "rollouts": "/apis/argoproj.io/v1alpha1/rollouts",
    "pods": _paths.PODS,
}


@dataclass(frozen=True, slots=True)
class Live:
    """A workload as it runs. `maker` is the object that makes its pods; a Canary's copy where there is one.

    `targets` are all names by which autoscalers may refer to it.
    """

    namespace: str
    kind: str
    maker: Json
    template: Json
    pods: tuple[Json, ...]
    targets: frozenset[tuple[str, str]]
    canary: str = ""

    @property
    def spec(self) -> Json:
        found: Json = self.template.get("spec") or {}
        return found


class Look:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.fetch = OwnerFetcher(api)
        self._lists: dict[tuple[str, str], list[Json]] = {}
        self._pools: list[Pool] | None = None

    def of(self, what: str, namespace: str) -> list[Json]:
        """One of the lists of a namespace; empty where the cluster does not know the kind."""
        return self._listed(_paths.within(_LISTS[what], namespace))

    def nodes(self) -> list[Json]:
        return self._listed(_paths.NODES)

    def daemon_sets(self) -> list[Json]:
        return self._listed(_paths.DAEMON_SETS)

    def pools(self) -> list[Pool]:
        if self._pools is None:
            self._pools = _store.every(self.api)
        return self._pools

    def pods_on(self, node: str) -> list[Json]:
        return [pod for pod in self._listed(_paths.PODS, f"spec.nodeName={node}") if not finished(pod)]

    def _listed(self, path: str, field_selector: str = "") -> list[Json]:
        key = (path, field_selector)
        if key not in self._lists:
            query = {"fieldSelector": field_selector} if field_selector else {}
            try:
                self._lists[key] = list(self.api.items(path, query))
            except NotFoundError:
                self._lists[key] = []
        return self._lists[key]

    def object(self, namespace: str, kind: str, name: str) -> Json | None:
        version = API_VERSIONS.get(kind)
        return self.fetch(Reference(version, kind, name, namespace)) if version else None

    def live(self, namespace: str, kind: str, name: str) -> Live | None:
        """What runs for the workload that git has under this name; None when there is no such object."""
        written = self.object(namespace, kind, name)
        if written is None:
            return None
        maker, made_by, canary = written, (kind, name), ""
        if kind in ("Deployment", "DaemonSet"):
            for one in self.of("canaries", namespace):
                if _names(referred(one, "targetRef", namespace)) == (kind, name):
                    primary = self.object(namespace, kind, f"{name}-primary")
                    if primary is not None:
                        maker, made_by, canary = primary, (kind, f"{name}-primary"), one["metadata"]["name"]
        if kind == "Deployment" and not canary:
            for one in self.of("rollouts", namespace):
                if _names(referred(one, "workloadRef", namespace)) == (kind, name):
                    maker, made_by = one, ("Rollout", one["metadata"]["name"])
        template = template_of(made_by[0], maker) or template_of(kind, written) or {}
        targets = frozenset({(kind, name), made_by, *([("Canary", canary)] if canary else [])})
        pods = tuple(self._pods(namespace, made_by, maker))
        return Live(namespace, made_by[0], maker, template, pods, targets, canary)

    def _pods(self, namespace: str, made_by: tuple[str, str], maker: Json) -> Iterable[Json]:
        kind, name = made_by
        pods = [pod for pod in self.of("pods", namespace) if not finished(pod)]
        if kind == "Pod":
            return [pod for pod in pods if pod["metadata"]["name"] == name]
        if kind in ("Job", "CronJob"):
            return [pod for pod in pods if self._runs(pod, kind, name)]
        selector = (maker.get("spec") or {}).get("selector")
        if kind == "ReplicationController":
            selector = {"matchLabels": selector}
        matcher = label_selector(selector)
        return [pod for pod in pods if matcher.matches(pod["metadata"].get("labels") or {})]

    def _runs(self, pod: Json, kind: str, name: str) -> bool:
        job = controller_of(pod)
        if job is None or job.kind != "Job":
            return False
        if kind == "Job":
            return job.name == name
        owner = controller_of(self.fetch(job) or {})
        return owner is not None and (owner.kind, owner.name) == (kind, name)


def template_of(kind: str, obj: Json) -> Json | None:
    """Metadata and spec of the pods that the object makes; None where it only refers to them."""
    if kind == "Pod":
        return {"metadata": {"labels": obj["metadata"].get("labels") or {}}, "spec": obj["spec"]}
    spec: Mapping[str, Any] = obj.get("spec") or {}
    if kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Json | None = spec.get("template")
    return template if template and template.get("spec") else None


def finished(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _names(reference: Reference | None) -> tuple[str, str] | None:
    return (reference.kind, reference.name) if reference else None
