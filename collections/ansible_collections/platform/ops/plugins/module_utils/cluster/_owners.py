# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the workload a pod belongs to: pure over objects, with a small fetcher beside it.

A pod is owned by a ReplicaSet, that by a Deployment, that perhaps by a Canary. What people wrote in git is one link of
this chain: the topmost one that still holds a pod template, or what that one points to (a Canary's targetRef, a
Rollout's workloadRef).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json

# Longer chains than this are a loop or a mistake.
MAX_DEPTH = 8
TEMPLATE_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Rollout"}
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One object by name. `namespace` is None for what belongs to the whole cluster (a Node owns mirror pods)."""

    api_version: str
    kind: str
    name: str
    namespace: str | None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Ownership:
    """`chain` goes from the pod's owner upwards. `workload` is what people write in git; None for a bare pod.

    `manager` is a custom owner above the workload (an operator's record): edits to the workload would be undone by it.
    `canary` is the Canary that copies `workload` into the pods' real Deployment. `missing` is an owner that is named
    but not there: the chain ends below it.
    """

    chain: tuple[Reference, ...] = ()
    workload: Reference | None = None
    manager: Reference | None = None
    canary: Reference | None = None
    missing: Reference | None = None


# Gives the object, or None when it is not there.
Lookup = Callable[[Reference], "Mapping[str, Any] | None"]


def controller_of(obj: Mapping[str, Any]) -> Reference | None:
    """The owner that controls the object, by its ownerReferences."""
    metadata = obj.get("metadata") or {}
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            namespace = None if owner["kind"] == "Node" else metadata.get("namespace")
            return Reference(owner["apiVersion"], owner["kind"], owner["name"], namespace)
    return None


def ownership(pod: Mapping[str, Any], lookup: Lookup) -> Ownership:
    chain: list[Reference] = []
    objects: list[Mapping[str, Any]] = []
    missing = None
    owner = controller_of(pod)
    while owner is not None and len(chain) < MAX_DEPTH and owner not in chain:
        if owner.kind == "Node":  # a mirror pod: the kubelet runs it from a file
            return Ownership(chain=(owner,))
        obj = lookup(owner)
        if obj is None:
            missing = owner
            break
        chain.append(owner)
        objects.append(obj)
        owner = controller_of(obj)
    return _decide(chain, objects, missing)


def _decide(chain: list[Reference], objects: list[Mapping[str, Any]], missing: Reference | None) -> Ownership:
    top = max((i for i, reference in enumerate(chain) if holds_template(reference, objects[i])), default=None)
    if top is None:
        return Ownership(tuple(chain), missing=missing, manager=chain[0] if chain else None)
    workload = chain[top]
    manager = chain[top + 1] if top + 1 < len(chain) else None
    canary = None
    if manager is not None and manager.kind == "Canary":
        target = referred(objects[top + 1], "targetRef", manager.namespace)
        if target is not None:
            canary, manager, workload = manager, None, target
    elif workload.kind == "Rollout":
        workload = referred(objects[top], "workloadRef", workload.namespace) or workload
    return Ownership(tuple(chain), workload, manager, canary, missing)


def holds_template(reference: Reference, obj: Mapping[str, Any]) -> bool:
    """Whether people write a pod template in this kind; custom kinds count when they look like a Deployment."""
    spec = obj.get("spec") or {}
    if reference.kind in TEMPLATE_KINDS:
        return bool(spec)
    template = spec.get("template")
    pod = template.get("spec") if isinstance(template, Mapping) else None
    return isinstance(pod, Mapping) and bool(pod.get("containers"))


def referred(obj: Mapping[str, Any], field: str, namespace: str | None) -> Reference | None:
    target = (obj.get("spec") or {}).get(field) or {}
    if not target.get("kind") or not target.get("name"):
        return None
    return Reference(target.get("apiVersion") or "apps/v1", target["kind"], target["name"], namespace)


class OwnerFetcher:
    """A Lookup over the API; asks for each object and each kind's place once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen: dict[Reference, Json | None] = {}
        self._plurals: dict[str, dict[str, str]] = {}

    def __call__(self, reference: Reference) -> Json | None:
        if reference not in self._seen:
            self._seen[reference] = self._fetch(reference)
        return self._seen[reference]

    def _fetch(self, reference: Reference) -> Json | None:
        plural = self._plural(reference)
        if plural is None:
            return None
        collection = f"{_paths.group_version(reference.api_version)}/{plural}"
        if reference.namespace:
            collection = _paths.within(collection, reference.namespace)
        try:
            return self._api.get(_paths.named(collection, reference.name))
        except NotFoundError:
            return None

    def _plural(self, reference: Reference) -> str | None:
        if reference.api_version not in self._plurals:
            try:
                answer = self._api.get(_paths.group_version(reference.api_version))
            except NotFoundError:
                answer = {}
            self._plurals[reference.api_version] = {
                kind["kind"]: kind["name"] for kind in answer.get("resources") or () if "/" not in kind["name"]
            }
        return self._plurals[reference.api_version].get(reference.kind)
