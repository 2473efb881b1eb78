# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn the API's JSON into slim records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity._records import (
    CORDONED_BY,
    NO_ANNOTATIONS,
    Controller,
    Node,
    Pod,
    PodTerm,
    Shape,
    Spread,
    Taint,
    Toleration,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._volumes import Volumes
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amounts, pod_requests
from ansible_collections.platform.ops.plugins.module_utils.cluster._selectors import (
    Requirement,
    Selector,
    label_selector,
    node_terms,
)

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
SAFE_LOCAL_VOLUMES = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
SCALE_DOWN_DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
PREFER_NO_EVICTION = "descheduler.alpha.kubernetes.io/prefer-no-eviction"
MIRROR = "kubernetes.io/config.mirror"
ANNOTATIONS = frozenset(
    {SAFE_TO_EVICT, SAFE_LOCAL_VOLUMES, SCALE_DOWN_DISABLED, DO_NOT_DISRUPT, PREFER_NO_EVICTION, CORDONED_BY}
)


@lru_cache(maxsize=4096)
def seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _kept(annotations: Mapping[str, str] | None) -> Mapping[str, str]:
    if not annotations:
        return NO_ANNOTATIONS
    return {key: value for key, value in annotations.items() if key in ANNOTATIONS} or NO_ANNOTATIONS


class Parser:
    """Remembers shapes and labels, so that equal ones are stored once."""

    def __init__(self, volumes: Volumes | None = None) -> None:
        self._volumes = volumes or Volumes()
        self._shapes: dict[tuple[Any, ...], Shape] = {}
        self._labels: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
        self._controllers: dict[Controller, Controller] = {}

    def pods(self, raw: Iterable[Mapping[str, Any]]) -> list[Pod]:
        return [self.pod(item) for item in raw]

    def pod(self, raw: Mapping[str, Any]) -> Pod:
        metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
        annotations = metadata.get("annotations") or {}
        terms, problem = self._volumes.of(metadata, spec)
        ready, unschedulable_since = _conditions(status)
        gates = spec.get("schedulingGates") or ()
        waiting = f"scheduling gate {gates[0]['name']}" if gates else ""
        if status.get("nominatedNodeName"):
            waiting = f"preemption on node {status['nominatedNodeName']}"
        return Pod(
            namespace=metadata["namespace"],
            name=metadata["name"],
            shape=self.shape(metadata, spec, status),
            uid=metadata.get("uid", ""),
            node=spec.get("nodeName", ""),
            labels=self.labels(metadata.get("labels")),
            controller=self._controller(metadata),
            phase=status.get("phase", "Pending"),
            ready=ready,
            deleting="deletionTimestamp" in metadata,
            mirror=MIRROR in annotations,
            priority=spec.get("priority") or 0,
            created=seconds(metadata["creationTimestamp"]) if metadata.get("creationTimestamp") else 0.0,
            unschedulable_since=unschedulable_since,
            waiting=waiting,
            annotations=_kept(annotations),
            volume_terms=terms,
            volume_problem=problem,
            local_storage=_local_storage(spec),
            grace=float(spec.get("terminationGracePeriodSeconds", 30)),
        )

    def labels(self, raw: Mapping[str, str] | None) -> Mapping[str, str]:
        if not raw:
            return NO_ANNOTATIONS
        return self._labels.setdefault(tuple(sorted(raw.items())), raw)

    def _controller(self, metadata: Mapping[str, Any]) -> Controller | None:
        for owner in metadata.get("ownerReferences") or ():
            if owner.get("controller"):
                found = Controller(owner["kind"], owner["name"], owner.get("uid", ""))
                return self._controllers.setdefault(found, found)
        return None

    def shape(
        self, metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any] | None = None
    ) -> Shape:
        affinity = spec.get("affinity") or {}
        namespace, labels = metadata["namespace"], metadata.get("labels") or {}
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        key = (
            (*sorted(pod_requests(spec, status).items()), ("pods", 1)),
            tuple(
                Requirement(name, "In", (value,)) for name, value in sorted((spec.get("nodeSelector") or {}).items())
            ),
            node_terms((affinity.get("nodeAffinity") or {}).get(required)),
            _tolerations(spec),
            tuple(_pod_term(t, namespace, labels) for t in (affinity.get("podAffinity") or {}).get(required) or ()),
            tuple(_pod_term(t, namespace, labels) for t in (affinity.get("podAntiAffinity") or {}).get(required) or ()),
            tuple(
                _spread(item, labels)
                for item in spec.get("topologySpreadConstraints") or ()
                if item.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
            ),
            tuple(
                (port.get("protocol", "TCP"), port.get("hostIP", "0.0.0.0"), port["hostPort"])  # noqa: S104 as in the API
                for container in spec.get("containers") or ()
                for port in container.get("ports") or ()
                if port.get("hostPort")
            ),
            spec.get("schedulerName", "default-scheduler"),
        )
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = Shape(*key)
        return shape


def _conditions(status: Mapping[str, Any]) -> tuple[bool, float | None]:
    ready, since = False, None
    for condition in status.get("conditions") or ():
        if condition["type"] == "Ready":
            ready = condition["status"] == "True"
        elif (
            condition["type"] == "PodScheduled"
            and condition["status"] == "False"
            and condition.get("reason") == "Unschedulable"
        ):
            since = seconds(condition["lastTransitionTime"]) if condition.get("lastTransitionTime") else 0.0
    return ready, since


def _tolerations(spec: Mapping[str, Any]) -> tuple[Toleration, ...]:
    return tuple(
        Toleration(
            item.get("key", ""), item.get("operator") or "Equal", item.get("value", ""), item.get("effect") or ""
        )
        for item in spec.get("tolerations") or ()
    )


def _with_label_keys(selector: Selector, raw: Mapping[str, Any], labels: Mapping[str, str]) -> Selector:
    """matchLabelKeys and mismatchLabelKeys: the pod's own values, compared as part of the selector."""
    more = [Requirement(key, "In", (labels[key],)) for key in raw.get("matchLabelKeys") or () if key in labels]
    more += [Requirement(key, "NotIn", (labels[key],)) for key in raw.get("mismatchLabelKeys") or () if key in labels]
    return Selector((*selector.requirements, *more), selector.nothing) if more else selector


def _pod_term(raw: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> PodTerm:
    named = frozenset(raw.get("namespaces") or ())
    everywhere: frozenset[str] | None = named or frozenset({namespace})
    if raw.get("namespaceSelector") is not None:
        # Which namespaces match is not known here. All of them is the careful answer for anti-affinity; for
        # affinity it may promise too much, and then the pod stays pending and is judged again.
        everywhere = None
    selector = _with_label_keys(label_selector(raw.get("labelSelector")), raw, labels)
    return PodTerm(selector, raw["topologyKey"], everywhere)


def _spread(raw: Mapping[str, Any], labels: Mapping[str, str]) -> Spread:
    return Spread(
        selector=_with_label_keys(label_selector(raw.get("labelSelector")), raw, labels),
        topology_key=raw["topologyKey"],
        max_skew=raw["maxSkew"],
        min_domains=raw.get("minDomains") or 1,
        honour_affinity=raw.get("nodeAffinityPolicy", "Honor") == "Honor",
        honour_taints=raw.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )


def _local_storage(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Volumes whose content is lost with the node. An emptyDir in memory is lost with the pod anyway."""
    return tuple(
        volume["name"]
        for volume in spec.get("volumes") or ()
        if "hostPath" in volume or ("emptyDir" in volume and (volume["emptyDir"] or {}).get("medium") != "Memory")
    )


def taints(raw: Iterable[Mapping[str, Any]] | None) -> tuple[Taint, ...]:
    return tuple(Taint(item["key"], item.get("value", ""), item["effect"]) for item in raw or ())


def node(raw: Mapping[str, Any]) -> Node:
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    return Node(
        name=metadata["name"],
        allocatable=amounts(status.get("allocatable")),
        uid=metadata.get("uid", ""),
        labels=metadata.get("labels") or {},
        taints=taints(spec.get("taints")),
        unschedulable=bool(spec.get("unschedulable")),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()),
        provider_id=spec.get("providerID", ""),
        created=seconds(metadata["creationTimestamp"]) if metadata.get("creationTimestamp") else 0.0,
        deleting="deletionTimestamp" in metadata,
        annotations=_kept(metadata.get("annotations")),
    )
