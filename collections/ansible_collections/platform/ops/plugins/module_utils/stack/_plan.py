# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what a Helm release needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import title

PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


@dataclass(frozen=True, slots=True)
class Found:
    """A release as Helm records it, compared with what we want of it."""

    status: str
    chart: str  # name-version
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    action: str  # install | upgrade | repair | none
    why: str


def plan_release(
    found: Found | None,
    *,
    chart: str,
    values: Mapping[str, Any],
    manifest_differs: bool,
    missing: Sequence[Mapping[str, Any]],
) -> Plan:
    if found is None:
        return Plan("install", "there is no such release")
    if found.status == "uninstalling":
        raise ConflictError(
            "The release is being uninstalled; wait until that has ended, or finish it with state=absent.",
            reason="uninstalling",
        )
    for applies, why in (
        (found.status != "deployed", f"its newest revision is {found.status}"),
        (found.chart != chart, f"chart {found.chart} becomes {chart}"),
        (dict(found.values) != dict(values), "its values changed"),
        (manifest_differs, "the chart renders other objects than those installed"),
    ):
        if applies:
            return Plan("upgrade", why)
    if missing:
        names = ", ".join(title(thing) for thing in missing[:5])
        return Plan("repair", f"{len(missing)} of its objects are gone from the cluster: {names}")
    return Plan("none", "chart, values and objects are as wanted")


def is_stuck(status: Mapping[str, Any], *, now: datetime, stuck_after: int) -> bool:
    """Whether a Helm run died half way; raises while one may still be at work."""
    if status.get("status") not in PENDING:
        return False
    age = (now - parse_updated(str(status["updated"]))).total_seconds()
    if age < stuck_after:
        raise ConflictError(
            f"Release {status.get('namespace')}/{status.get('name')} is {status['status']} since {age:.0f} s: "
            f"another Helm run seems to be at work. Wait for it; "
            f"after {stuck_after} s it counts as dead and is recovered.",
            reason="helm_at_work",
        )
    return True


def parse_updated(text: str) -> datetime:
    """Go's time format, as `helm list` prints it: 2026-11-21 10:24:16.123456789 +0000 UTC."""
    day, clock, zone = text.split()[:3]
    seconds, _point, fraction = clock.partition(".")
    return datetime.strptime(f"{day} {seconds}.{(fraction or '0')[:6]} {zone}", "%Y-%m-%d %H:%M:%S.%f %z")
