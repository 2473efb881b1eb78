# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod asks the scheduler for: containers, init containers, sidecars, pod-level resources, overhead.

CPU in millicores, everything else in whole units (bytes, pieces), rounded up as the scheduler rounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

Amounts = dict[str, int]

# Pod-level requests replace the containers' sum for these alone.
POD_LEVEL = ("cpu", "memory")
POD_LEVEL_PREFIX = "hugepages-"


@lru_cache(maxsize=4096)
def amount(resource: str, text: str) -> int:
    value = Quantity.parse(text).value * (1000 if resource == "cpu" else 1)
    return -(-value.numerator // value.denominator)


def amounts(raw: Mapping[str, Any] | None) -> Amounts:
    return {resource: amount(resource, str(text)) for resource, text in (raw or {}).items()}


def add(target: Amounts, more: Mapping[str, int]) -> None:
    for resource, value in more.items():
        target[resource] = target.get(resource, 0) + value


def raise_to(target: Amounts, other: Mapping[str, int]) -> None:
    for resource, value in other.items():
        if value > target.get(resource, 0):
            target[resource] = value


def pod_requests(spec: Mapping[str, Any], status: Mapping[str, Any] | None = None) -> Amounts:
    """The effective requests. With a status, a container being resized in place counts with its larger number."""
    allocated = _allocated(status or {})
    total: Amounts = {}
    for container in spec.get("containers") or ():
        add(total, _container(container, allocated))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = _container(container, allocated)
        if container.get("restartPolicy") == "Always":
            add(total, asked)
            add(sidecars, asked)
            raise_to(peak, sidecars)
        else:
            starting = dict(sidecars)
            add(starting, asked)
            raise_to(peak, starting)
    raise_to(total, peak)
    for resource, value in amounts((spec.get("resources") or {}).get("requests")).items():
        if resource in POD_LEVEL or resource.startswith(POD_LEVEL_PREFIX):
            total[resource] = value
    add(total, amounts(spec.get("overhead")))
    return total


def _container(container: Mapping[str, Any], allocated: Mapping[str, Amounts]) -> Amounts:
    asked = amounts((container.get("resources") or {}).get("requests"))
    if container["name"] in allocated:
        raise_to(asked, allocated[container["name"]])
    return asked


def _allocated(status: Mapping[str, Any]) -> dict[str, Amounts]:
    found: dict[str, Amounts] = {}
    for container in _statuses(status):
        numbers = amounts(container.get("allocatedResources"))
        raise_to(numbers, amounts((container.get("resources") or {}).get("requests")))
        if numbers:
            found[container["name"]] = numbers
    return found


def _statuses(status: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from status.get("containerStatuses") or ()
    yield from status.get("initContainerStatuses") or ()
