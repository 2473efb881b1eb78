# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container used over a window: peak, percentile, how much history there is, and whether it leaks. Pure.

Amounts are whole bytes or millicores. The window is cut into columns of equal length, each the largest value of any
pod in it; peak and percentile follow from the columns alone, so that they can be computed again from a pull request.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amount

COLUMNS = 48


@dataclass(frozen=True, slots=True)
class Usage:
    """`columns` are oldest first, None where nothing was measured; `since` is the time of the oldest measurement.

    `history` is how many seconds were covered: columns in which something was measured, the oldest from `since` on. A
    column is hours long, and one measurement does not cover them.
    """

    container: str
    resource: str
    start: int
    step: int
    columns: tuple[int | None, ...]
    percent: int
    kills: int = 0
    since: int | None = None

    @property
    def known(self) -> list[int]:
        return [value for value in self.columns if value is not None]

    @property
    def peak(self) -> int | None:
        return max(self.known, default=None)

    @property
    def percentile(self) -> int | None:
        return percentile(self.known, self.percent)

    @property
    def history(self) -> int:
        covered = len(self.known) * self.step
        if self.since is None:
            return covered
        return max(0, min(covered, self.start + len(self.columns) * self.step - self.since))

    def as_dict(self) -> dict[str, Any]:
        return {
            "container": self.container,
            "resource": self.resource,
            "unit": unit_of(self.resource),
            "start": self.start,
            "step": self.step,
            "columns": list(self.columns),
            "peak": self.peak,
            "percent": self.percent,
            "percentile": self.percentile,
            "since": self.since,
            "history": self.history,
            "kills": self.kills,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Usage:
        """
        Raises:
            KeyError, TypeError, ValueError: somebody edited it into something else.
        """
        columns = tuple(None if value is None else int(value) for value in data["columns"])
        if len(columns) > COLUMNS or not 0 < int(data["percent"]) <= 100:
            raise ValueError("no usage of ours")
        since = data.get("since")
        return cls(
            str(data["container"]),
            str(data["resource"]),
            int(data["start"]),
            int(data["step"]),
            columns,
            int(data["percent"]),
            int(data["kills"]),
            None if since is None else int(since),
        )


def unit_of(resource: str) -> str:
    return "millicores" if resource == "cpu" else "bytes"


def quantity(resource: str, value: int) -> str:
    """As a rule takes it: `152m` of CPU, bytes of anything else."""
    return f"{value}m" if resource == "cpu" else str(value)


def amount_of(resource: str, text: str | None) -> int | None:
    """A quantity in the unit of the columns."""
    return amount(resource, text) if text else None


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def columns_of(points: Iterable[tuple[float, float]], start: int, step: int, resource: str) -> tuple[int | None, ...]:
    """Points of a range query, each the maximum of the `step` seconds before it, in their columns."""
    found: list[int | None] = [None] * COLUMNS
    for at, value in points:
        column = round((at - start) / step) - 1
        if 0 <= column < COLUMNS and value >= 0:
            scaled = math.ceil(value * 1000 - 1e-9) if resource == "cpu" else math.ceil(value)
            found[column] = max(found[column] or 0, scaled)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Growth:
    """One life of a container between two restarts: how fast it grew, and how straight."""

    seconds: float
    per_second: float
    straightness: float  # coefficient of determination
    rise: float


def leak(lives: Iterable[Sequence[tuple[float, float]]], shortest: float) -> float | None:
    """Bytes per second, where memory grows in a straight line in every life and starts again at each restart.

    One straight life may be a cache that fills. Two with the same slope, each a rise of half or more, are a leak: a
    larger limit only puts the next kill off.

    Args:
        lives: points of each life, oldest first.
        shortest: lives of fewer seconds are left out: every program grows while it starts.
    """
    grown = [growth for life in lives if len(life) >= 6 and (growth := _growth(life)) and growth.seconds >= shortest]
    if len(grown) < 2:
        return None
    straight = all(one.per_second > 0 and one.straightness >= 0.9 and one.rise >= 0.5 for one in grown)
    slopes = [one.per_second for one in grown]
    alike = max(slopes) <= 2 * min(slopes) if straight else False
    return sum(slopes) / len(slopes) if alike else None


def lives_of(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    """Cut one pod's series where it falls by a third or stands still for a while: the container began anew."""
    found: list[list[tuple[float, float]]] = [[]]
    for point in points:
        last = found[-1][-1] if found[-1] else None
        if last is not None and (point[1] < last[1] * 2 / 3 or point[0] - last[0] > 3 * step):
            found.append([])
        found[-1].append(point)
    return [life for life in found if life]


def _growth(life: Sequence[tuple[float, float]]) -> Growth | None:
    count = len(life)
    times, values = [at - life[0][0] for at, _value in life], [value for _at, value in life]
    mean_time, mean = sum(times) / count, sum(values) / count
    spread = sum((at - mean_time) ** 2 for at in times)
    total = sum((value - mean) ** 2 for value in values)
    if not spread or not total or not values[0]:
        return None
    slope = sum((at - mean_time) * (value - mean) for at, value in zip(times, values, strict=True)) / spread
    left = sum((value - mean - slope * (at - mean_time)) ** 2 for at, value in zip(times, values, strict=True))
    return Growth(times[-1], slope, 1 - left / total, (values[-1] - values[0]) / values[0])
