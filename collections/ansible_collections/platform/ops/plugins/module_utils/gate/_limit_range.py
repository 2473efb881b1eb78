# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LimitRanges: whether the API server would admit the new pod, by min, max and maxLimitRequestRatio. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.gate._pod import (
    bare,
    containers,
    limit_sum,
    numbers,
    request_sum,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json, Reason, Verdict, judged
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

Values = Mapping[str, Fraction]


def check(pod: Json, limit_ranges: Iterable[Json]) -> Verdict:
    """Judge the whole new pod: the API server does, whatever number was moved."""
    ranges = list(limit_ranges)
    problems = [problem for one in ranges for problem in _problems(pod, one)]
    names = ", ".join(sorted(one["metadata"]["name"] for one in ranges)) or "none in the namespace"
    return judged(Reason.LIMIT_RANGE, problems, f"LimitRange: {names}")


def _problems(pod: Json, limit_range: Json) -> Iterator[str]:
    name = f"{limit_range['metadata']['namespace']}/{limit_range['metadata']['name']}"
    for item in (limit_range.get("spec") or {}).get("limits") or ():
        if item.get("type") == "Container":
            for container in containers(pod):
                what = f"container {container['name']}"
                limits, requests = (_read(numbers(container, field)) for field in ("limits", "requests"))
                yield from _item(f"LimitRange {name}", item, what, limits, requests)
        elif item.get("type") == "Pod":
            limits, requests = _sum(limit_sum(pod)), _sum(request_sum(bare(pod)))
            yield from _item(f"LimitRange {name}", item, "the pod", limits, requests)


def _item(name: str, item: Json, what: str, limits: Values, requests: Values) -> Iterator[str]:
    for resource, text in sorted((item.get("max") or {}).items()):
        largest = Quantity.parse(str(text)).value
        for field, values in (("limit", limits), ("request", requests)):
            if values.get(resource, Fraction(0)) > largest:
                yield (
                    f"{name} allows {what} at most {text} of {resource}; its {field} would be "
                    f"{shown(resource, values[resource])}. Raise max there or let people decide."
                )
                break
    for resource, text in sorted((item.get("min") or {}).items()):
        least = Quantity.parse(str(text)).value
        for field, values in (("request", requests), ("limit", limits)):
            if resource in values and values[resource] < least:
                yield (
                    f"{name} wants {what} to have at least {text} of {resource}; its {field} would be "
                    f"{shown(resource, values[resource])}. Put the {field} right first."
                )
                break
    for resource, text in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        limit, request = limits.get(resource, Fraction(0)), requests.get(resource, Fraction(0))
        if limit and request and limit / request > Quantity.parse(str(text)).value:
            yield (
                f"{name} allows {what} a {resource} limit of at most {text} times its request; it would be "
                f"{shown(resource, limit)} over {shown(resource, request)}. Set requests: scale in the policy, "
                "so that the request follows."
            )


def _read(raw: Mapping[str, Any]) -> dict[str, Fraction]:
    return {resource: Quantity.parse(str(value)).value for resource, value in raw.items()}


def _sum(amounts: Mapping[str, int]) -> dict[str, Fraction]:
    return {resource: Fraction(value, 1000 if resource == "cpu" else 1) for resource, value in amounts.items()}


def shown(resource: str, value: Fraction) -> str:
    """A number for people, in the unit they would write."""
    if resource == "cpu":
        return f"{float(value * 1000):g}m"
    for unit, size in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if value >= size and (value % size == 0 or unit == "Mi"):
            return f"{float(round(value / size, 1)):g}{unit}"
    return f"{float(value):g}"
