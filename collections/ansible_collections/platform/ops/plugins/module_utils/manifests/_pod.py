# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers of the pod as a whole that have to grow with those of a container. Pure.

A container's limit may not exceed the pod's, and the containers' requests together may not exceed the pod's request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Change
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity, write, write_exactly
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number


@dataclass(frozen=True, slots=True)
class Around:
    """The pod's own numbers, and the sums of those of its containers before the change (None where one has none)."""

    own: Mapping[Number, Quantity]
    sums: Mapping[Number, Fraction | None]


def grown(changes: Iterable[Change], around: Around) -> tuple[Change, ...]:
    """What the pod needs so that the containers' new numbers are allowed and of use."""
    made: dict[Number, Change] = {}
    for change in changes:
        number = (change.field, change.resource)
        own = around.own.get(number)
        total = around.sums.get(number)
        if own is None:
            continue
        more = change.after.value - (change.before.value if change.before else 0)
        together = total + more if total is not None else change.after.value
        if together > own.value:
            raised = max(own.value + more, change.after.value)
            made[number] = Change(*number, own, _written(raised, own, change.resource))
    for resource in {resource for _field, resource in made}:
        _keep_request(resource, around, made)
    return tuple(made.values())


def _keep_request(resource: str, around: Around, made: dict[Number, Change]) -> None:
    """Equal stays equal, and a request never exceeds its limit."""
    limit, request = around.own.get(("limits", resource)), around.own.get(("requests", resource))
    if limit is None or request is None:
        return
    new_limit = made[("limits", resource)].after if ("limits", resource) in made else limit
    new_request = made[("requests", resource)].after if ("requests", resource) in made else request
    if limit.value == request.value or new_request.value > new_limit.value:
        top = max(new_limit.value, new_request.value)
        for number, own in ((("limits", resource), limit), (("requests", resource), request)):
            if top > own.value:
                made[number] = Change(*number, own, _written(top, own, resource))


def _written(value: Fraction, like: Quantity, resource: str) -> Quantity:
    return write_exactly(value, like, resource) or write(value, like, resource)
