# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One writer at a time, by a coordination.k8s.io Lease; each change of holder gets a larger term.

The clocks of holders are compared, as every Lease does; GRACE covers what they may differ by. A holder that sleeps past
its time is caught by its term: whoever took over wrote a larger one into the record, and smaller ones may not write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json

GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Held:
    namespace: str
    name: str
    holder: str
    term: int


def micro_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def acquire(
    api: Api,
    namespace: str,
    name: str,
    holder: str,
    *,
    duration: int,
    floor: int = 0,
    clock: Callable[[], float],
) -> Held:
    """Take, renew or take over the Lease.

    Args:
        floor: the largest term known from elsewhere, so that a Lease that somebody deleted does not start anew at 1.

    Raises:
        ConflictError: (busy) another holder has it.
    """
    path = _paths.lease(namespace, name)
    now = clock()
    try:
        lease = api.get(path)
    except NotFoundError:
        term = floor + 1
        body = _lease(namespace, name, _spec(holder, duration, term, now, now))
        api.create(_paths.leases(namespace), body)  # already_exists is a ConflictError: somebody was faster
        return Held(namespace, name, holder, term)
    spec = lease.get("spec") or {}
    term = int(spec.get("leaseTransitions") or 0)
    current = spec.get("holderIdentity") or ""
    if current == holder and term >= floor:
        spec.update(renewTime=micro_time(now), leaseDurationSeconds=duration)
    else:
        ends = _ends(spec)
        if current and now < ends + GRACE:
            raise ConflictError(
                f"Lease {namespace}/{name} is held by {current} for another {ends + GRACE - now:.0f} s; "
                "try again then, or see docs/runbooks/stuck-lease.md.",
                reason="busy",
            )
        term = max(term, floor) + 1
        spec = _spec(holder, duration, term, now, now)
    lease["spec"] = spec
    api.replace(path, lease)
    return Held(namespace, name, holder, term)


def release(api: Api, namespace: str, name: str, holder: str, clock: Callable[[], float]) -> None:
    """Give it back, if it is still ours; the term stays."""
    path = _paths.lease(namespace, name)
    try:
        lease = api.get(path)
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") == holder:
            spec.update(holderIdentity="", leaseDurationSeconds=1, renewTime=micro_time(clock()))
            api.replace(path, lease)
    except (ConflictError, NotFoundError):
        return  # somebody took it over or away meanwhile: it is not ours to give


def holder(api: Api, namespace: str, name: str, now: float) -> str:
    """Who holds the Lease now; "" when nobody does."""
    try:
        spec = api.get(_paths.lease(namespace, name)).get("spec") or {}
    except NotFoundError:
        return ""
    return (spec.get("holderIdentity") or "") if now < _ends(spec) else ""


def _ends(spec: Json) -> float:
    renewed = spec.get("renewTime") or spec.get("acquireTime")
    if not renewed:
        return 0.0
    return datetime.fromisoformat(renewed).timestamp() + float(spec.get("leaseDurationSeconds") or 0)


def _spec(holder: str, duration: int, term: int, acquired: float, renewed: float) -> Json:
    return {
        "holderIdentity": holder,
        "leaseDurationSeconds": duration,
        "leaseTransitions": term,
        "acquireTime": micro_time(acquired),
        "renewTime": micro_time(renewed),
    }


def _lease(namespace: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
