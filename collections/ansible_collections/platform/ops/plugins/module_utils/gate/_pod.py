# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pod as it will be after the merge, and its sums. Pure.

Built from a pod that runs now, where there is one: it has what admission put in (sidecars, defaults of LimitRanges).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import Amounts, amounts, pod_requests
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json
from ansible_collections.platform.ops.plugins.module_utils.manifests._qos import qos_class
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

FIELDS = ("limits", "requests")
POD = ("", "pod", None)  # how changes name the pod as a whole


def containers(spec: Json) -> Iterator[Json]:
    """Those of both kinds, as they are written."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def numbers(container: Json, field: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (container.get("resources") or {}).get(field) or {}
    return found


def named(spec: Json, name: str | None) -> Json | None:
    """A container by name; the spec itself for the pod as a whole."""
    if name in POD:
        return spec
    return next((one for one in containers(spec) if one.get("name") == name), None)


def defaulted(spec: Json, limit_ranges: Iterable[Json] = ()) -> dict[str, Any]:
    """A pod of this template as the API server would make it: a request follows its limit, LimitRanges fill in."""
    made: dict[str, Any] = deepcopy(dict(spec))
    defaults = [
        item
        for one in limit_ranges
        for item in (one.get("spec") or {}).get("limits") or ()
        if item.get("type") == "Container"
    ]
    for container in containers(made):
        _follow(container)
        for item in defaults:
            resources = container.setdefault("resources", {})  # type: ignore[attr-defined]
            for field, source in (("limits", "default"), ("requests", "defaultRequest")):
                for resource, value in (item.get(source) or {}).items():
                    resources.setdefault(field, {}).setdefault(resource, value)
    return made


def _follow(container: Any) -> None:
    resources = container.get("resources") or {}
    for resource, value in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(resource, value)


def renewed(pod: Json, template: Json, changes: Iterable[Json]) -> dict[str, Any]:
    """The pod with the new numbers. A request that the template does not write follows its limit.

    Args:
        pod: spec of a pod that runs, or what `defaulted` makes of the template.
        template: the pod spec that people write, where a number may be left out.
        changes: container, field, resource and after of each number.
    """
    made: dict[str, Any] = deepcopy(dict(pod))
    listed = list(changes)
    written = {(one.get("container"), one["field"], one["resource"]) for one in listed}
    for one in listed:
        name, resource = one.get("container"), one["resource"]
        container = named(made, name)
        if container is None:
            continue
        resources: dict[str, Any] = container.setdefault("resources", {})  # type: ignore[attr-defined]
        resources.setdefault(one["field"], {})[resource] = one["after"]
        source = named(template, name)
        unwritten = source is not None and resource not in numbers(source, "requests")
        if one["field"] == "limits" and unwritten and (name, "requests", resource) not in written:
            resources.setdefault("requests", {})[resource] = one["after"]
    return made


def claimed(spec: Json, maker: Json) -> dict[str, Any]:
    """With the volumes of the maker's claims, as the StatefulSet controller puts them into its first pod."""
    templates = (maker.get("spec") or {}).get("volumeClaimTemplates") or ()
    names = [str(one["metadata"]["name"]) for one in templates]
    if not names:
        return dict(spec)
    owner = maker["metadata"]["name"]
    volumes = [one for one in spec.get("volumes") or () if one.get("name") not in names]
    volumes += [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{owner}-0"}} for name in names]
    return {**spec, "volumes": volumes}


def request_sum(spec: Json) -> Amounts:
    return pod_requests(spec)


def limit_sum(spec: Json) -> Amounts:
    """The effective limits, summed as the requests are."""
    swapped = {
        **spec,
        **{
            kind: [_limits_as_requests(one) for one in spec.get(kind) or ()]
            for kind in ("containers", "initContainers")
        },
        "overhead": None,
    }
    whole = (spec.get("resources") or {}).get("limits")
    swapped["resources"] = {"requests": whole} if whole else {}
    return pod_requests(swapped)


def _limits_as_requests(container: Json) -> dict[str, Any]:
    return {**container, "resources": {"requests": numbers(container, "limits")}}


def bare(spec: Json) -> dict[str, Any]:
    """Without what the runtime class adds."""
    return {**spec, "overhead": None}


def qos(spec: Json) -> str:
    def read(container: Json) -> dict[tuple[str, str], Fraction]:
        return {
            (field, resource): Quantity.parse(str(value)).value
            for field in FIELDS
            for resource, value in numbers(container, field).items()
            if resource in ("cpu", "memory")
        }

    return qos_class([read(one) for one in containers(spec)], read(spec) if spec.get("resources") else None)


def memory_bound(spec: Json) -> int:
    """The most memory the pod is meant to take: its limits; what it requests where a container has no limit."""
    whole = numbers(spec, "limits").get("memory")
    if whole:
        return amounts({"memory": whole})["memory"]
    filled = deepcopy(dict(spec))
    for container in containers(filled):
        limits = (container.get("resources") or {}).get("limits") or {}
        if "memory" not in limits and "memory" in numbers(container, "requests"):
            container["resources"] = {"limits": {"memory": numbers(container, "requests")["memory"]}}  # type: ignore[index]
    return limit_sum(filled).get("memory", 0)
