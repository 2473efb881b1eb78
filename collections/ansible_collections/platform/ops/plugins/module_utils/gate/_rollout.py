# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a change of the template restarts a workload: how many pods more, how many fewer, at the same time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json


@dataclass(frozen=True, slots=True)
class Rollout:
    """`surge` pods may exist beyond `replicas`, `unavailable` of them may be missing. `how` is for people."""

    replicas: int
    surge: int
    unavailable: int
    how: str


def rollout_of(kind: str, workload: Json, running: int, *, canary: bool = False) -> Rollout:
    """
    Args:
        running: pods of it that exist now; an autoscaler may have made more than the spec says.
        canary: a Flagger Canary runs the new pods beside all of the old ones first.
    """
    spec = workload.get("spec") or {}
    replicas = max(_whole(spec.get("replicas"), 1), running)
    found = _by_kind(kind, spec, replicas, running)
    if canary:
        return Rollout(found.replicas, found.surge + found.replicas, found.unavailable, f"canary, then {found.how}")
    return found


def _by_kind(kind: str, spec: Json, replicas: int, running: int) -> Rollout:
    if kind == "Deployment":
        return _deployment(spec.get("strategy") or {}, replicas)
    if kind == "Rollout":
        return _argo(spec.get("strategy") or {}, replicas)
    if kind in ("StatefulSet", "DaemonSet"):
        return _ordered(kind, spec.get("updateStrategy") or {}, replicas if kind == "StatefulSet" else running)
    if kind in ("Job", "CronJob"):
        job = spec if kind == "Job" else (spec.get("jobTemplate") or {}).get("spec") or {}
        return Rollout(_whole(job.get("parallelism"), 1), 0, 0, "with its next run")
    return Rollout(max(running, 1), 0, max(running, 1), "replaced by hand")


def _argo(strategy: Json, replicas: int) -> Rollout:
    if "blueGreen" in strategy:
        return Rollout(replicas, replicas, 0, "blue-green")
    return _rolling(strategy.get("canary") or {}, replicas, "25%", "25%", "canary steps")


def _ordered(kind: str, strategy: Json, replicas: int) -> Rollout:
    if strategy.get("type") == "OnDelete":
        return Rollout(replicas, 0, 0, "OnDelete: only pods that people delete get the new numbers")
    rolling = strategy.get("rollingUpdate") or {}
    if kind == "StatefulSet":
        return _rolling({**rolling, "maxSurge": 0}, replicas, 0, 1, "one after the other")
    return _rolling(rolling, replicas, 0, 1, "node after node")


def _deployment(strategy: Json, replicas: int) -> Rollout:
    if strategy.get("type") == "Recreate":
        return Rollout(replicas, 0, replicas, "Recreate: all pods at once")
    return _rolling(strategy.get("rollingUpdate") or {}, replicas, "25%", "25%", "rolling update")


def _rolling(given: Json, replicas: int, surge: Any, unavailable: Any, how: str) -> Rollout:
    more = _share(given.get("maxSurge", surge), replicas, up=True)
    fewer = min(_share(given.get("maxUnavailable", unavailable), replicas, up=False), replicas)
    if not more and not fewer:  # the API refuses it written so; rounding may bring it about
        fewer = min(1, replicas)
    return Rollout(replicas, more, fewer, f"{how}, {more} more and {fewer} fewer pods at a time")


def _share(given: Any, whole: int, *, up: bool) -> int:
    text = str(given)
    if text.endswith("%"):
        share = _whole(text[:-1], 0) * whole
        return -(-share // 100) if up else share // 100
    return _whole(given, 0)


def _whole(given: Any, otherwise: int) -> int:
    try:
        return max(0, int(given))
    except (TypeError, ValueError):
        return otherwise
