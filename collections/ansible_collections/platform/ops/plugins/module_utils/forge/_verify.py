# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the numbers in a pull request follow from what its machine-readable block says they came from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amount
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import Usage
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Present, Rule, decide
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity


def verify(body: str) -> list[str]:
    """Recompute every limit from the block of a body; return what differs, one sentence each."""
    block = block_in_body(body)
    if block is None:
        return ["The body has no machine-readable block of platform.ops, or it was edited so that it cannot be read."]
    if block.get("reverts"):
        return []  # its numbers are those of the pull request that it takes back; nothing was computed
    found: list[str] = []
    sums = {(one.get("container"), one.get("resource")): one for one in block.get("arithmetic", ())}
    for change in block["changes"]:
        what = f"{change.get('container') or 'pod'} {change['field']}.{change['resource']}"
        one = sums.get((change.get("container"), change["resource"]))
        if one is None:
            found.append(f"{what}: the block does not say where {change['after']} comes from.")
        elif change["field"] == "limits":
            found += _limit(what, change, one)
    return found + _used(block, sums)


def _used(block: Mapping[str, Any], sums: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    """Whether peak and percentile follow from the columns, and the observed use from the peak or an alert."""
    found: list[str] = []
    for one in block.get("usage") or ():
        what = f"{one.get('container')} {one.get('resource')} usage" if isinstance(one, Mapping) else "usage"
        try:
            usage = Usage.from_dict(one)
            again = usage.as_dict()
            found += [
                f"{what}: {name} is {one.get(name)} in the block, recomputed it is {again[name]}."
                for name in ("peak", "percentile", "history", "unit")
                if one.get(name) != again[name]
            ]
            observed = (sums.get((usage.container, usage.resource)) or {}).get("usage")
            if usage.peak and amount(usage.resource, observed or "0") < usage.peak:
                found.append(f"{what}: the arithmetic stands on {observed}, below the peak of {usage.peak}.")
        except (OpsError, KeyError, TypeError, ValueError) as error:
            found.append(f"{what}: it cannot be read: {error}")
    return found


def _limit(what: str, change: Mapping[str, Any], one: Mapping[str, Any]) -> list[str]:
    try:
        rule = _rule(one)
        present = Present(
            limit=Quantity.parse(one["limit"]) if one.get("limit") else None,
            request=None if one.get("limit") else Quantity.parse(one.get("request") or one["base"]),
            create_missing=True,
        )
        decision = decide(change["resource"], rule, present, "keep")
    except (OpsError, KeyError, TypeError) as error:
        return [f"{what}: its arithmetic cannot be read: {error}"]
    if not decision.changes:
        return [f"{what}: recomputed, it would not be changed: {decision.message}"]
    after = decision.changes[0].after.text
    shown = decision.arithmetic[0]
    different = [
        f"{what}: {name} is {one.get(name)} in the block, recomputed it is {shown[name]}."
        for name in ("base", "raw")
        if one.get(name) != shown[name]
    ]
    if change["after"] != after:
        different.append(f"{what}: {change['after']} in the block, recomputed it is {after}.")
    if (change.get("before") or None) != (one.get("limit") or None):
        different.append(
            f"{what}: from {change.get('before')} in the change, from {one.get('limit')} in the arithmetic."
        )
    return different


def _rule(one: Mapping[str, Any]) -> Rule:
    """The rule as it was given, with the cap that came of it."""
    given = {name: value for name, value in one["given"].items() if name not in {"max", "max_factor"}}
    return Rule.read({**given, "max": one.get("cap")}, str(one["resource"]))
