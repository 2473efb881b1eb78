# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask Prometheus what a workload's containers used. Metric names are cAdvisor's, as every kubelet serves them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import (
    COLUMNS,
    Usage,
    columns_of,
    leak,
    lives_of,
)

FINEST = 700  # points per pod when looking for leaks
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
# What controllers put behind the name of the owner, in RE2; see bump/_pod_names.py.
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_SUFFIX = {
    "Deployment": f"-{_RANDOM}{{1,10}}-{_RANDOM}{{5}}",
    "Rollout": f"-{_RANDOM}{{1,10}}-{_RANDOM}{{5}}",
    "StatefulSet": "-[0-9]+",
    "CronJob": f"-[0-9]+-{_RANDOM}{{5}}",
    "Pod": "",
}
_OTHER = f"-{_RANDOM}{{5}}"
_METRICS = {
    "cpu": "container_cpu_usage_seconds_total",
    "memory": "container_memory_working_set_bytes",
    "ephemeral-storage": "container_fs_usage_bytes",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose usage: the maker of the pods (a Canary's -primary), and one of its containers."""

    namespace: str
    kind: str
    name: str
    container: str


@dataclass(frozen=True, slots=True)
class Window:
    """How far to look back, and by what: all in seconds but the percentile."""

    seconds: int
    percent: int = 95
    rate: int = 300

    @property
    def step(self) -> int:
        return max(1, self.seconds // COLUMNS)


def usage(prometheus: Prometheus, subject: Subject, resource: str, window: Window, now: float) -> Usage:
    step = window.step
    start = int(now) - step * COLUMNS
    expression = (
        f"max(max_over_time({_measured(prometheus, subject, resource, window)}[{step}s{_inner(resource, step)}]))"
    )
    series = prometheus.range(expression, start + step, start + step * COLUMNS, step)
    points = [point for one in series for point in one.points]
    columns = columns_of(points, start, step, resource)
    kills = _kills(prometheus, subject, window, now) if resource == "memory" else 0
    since = _since(prometheus, subject, resource, window, now)
    return Usage(subject.container, resource, start, step, columns, window.percent, kills, since)


def leak_rate(prometheus: Prometheus, subject: Subject, window: Window, shortest: float, now: float) -> float | None:
    """Bytes per second at which its memory grows in every life; None where it does not."""
    step = max(1, window.seconds // FINEST)
    metric = _selector(prometheus, "container_memory_working_set_bytes", subject)
    series = prometheus.range(f"max by (pod) ({metric})", now - window.seconds, now, step)
    rates = [leak(lives_of(one.points, step), shortest) for one in series]
    return max((rate for rate in rates if rate is not None), default=None)


def _measured(prometheus: Prometheus, subject: Subject, resource: str, window: Window) -> str:
    series = _selector(prometheus, _METRICS[resource], subject)
    return f"rate({series}[{min(window.rate, max(window.step, 1))}s])" if resource == "cpu" else series


def _since(prometheus: Prometheus, subject: Subject, resource: str, window: Window, now: float) -> int | None:
    """When the oldest measurement in the window was made, to a sixtieth of a column."""
    series = _selector(prometheus, _METRICS[resource], subject)
    resolution = max(1, window.step // 60)
    found = prometheus.query(f"min(min_over_time(timestamp({series})[{window.seconds}s:{resolution}s]))", now)
    return min((int(point[1]) for one in found for point in one.points), default=None)


def _inner(resource: str, step: int) -> str:
    """A rate is no series of its own, so it is sampled: a subquery."""
    return f":{max(1, step // 10)}s" if resource == "cpu" else ""


def _kills(prometheus: Prometheus, subject: Subject, window: Window, now: float) -> int:
    """Kernel kills in the window. A counter lives as long as its container, so each life counts by itself."""
    counter = _selector(prometheus, "container_oom_events_total", subject)
    found = prometheus.query(f"sum(max_over_time({counter}[{window.seconds}s]))", now)
    return int(sum(point[1] for one in found for point in one.points))


def _selector(prometheus: Prometheus, metric: str, subject: Subject) -> str:
    exact = prometheus.select(metric, namespace=subject.namespace, container=subject.container)
    return f'{exact[:-1]},pod=~"{pods_pattern(subject.kind, subject.name)}"}}'


def pods_pattern(kind: str, name: str) -> str:
    """A pattern for the names of a workload's pods, those that are gone included; anchored by Prometheus."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r:.80} is no name of a workload.")
    return name.replace(".", "[.]") + _SUFFIX.get(kind, _OTHER)
