# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes the same time of the week took in the last weeks. Pure.

The method: of each of the last `weeks` weeks, the peak of what pods on the pool's nodes requested within `ahead` from
the same weekday and time of day on; of these peaks the median, so that one bad week neither raises nor lowers it; plus
`margin`; over what a node of the pool offers; rounded up. The larger of cpu and memory counts. Fewer than two weeks
with enough points give no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median_high
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import duration

WEEK = 7 * 24 * 3600.0
STEP = 60.0
LEAST_WEEKS = 2
COVERED = 0.8  # of the points that a week should have
RENEWED = 300.0  # how often the history is asked
VALID = 900.0  # how long an answer holds when the history cannot be asked any more
RESOURCES = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Trend:
    """What the pool's record asks for under `predicted`."""

    weeks: int = 4
    ahead: float = 1800.0
    margin: float = 0.1
    nodes: str = ""  # regular expression of the names of its nodes, where neither names nor hosts tell

    @property
    def points(self) -> int:
        return int(self.ahead // STEP) + 1


def trend(pool: str, raw: Mapping[str, Any] | None) -> Trend | None:
    if raw is None:
        return None
    if unknown := set(raw) - {"weeks", "ahead", "margin", "nodes"}:
        raise InputError(f"NodePool {pool}: predicted has no setting {', '.join(sorted(unknown))}.")
    given = {**raw, "ahead": duration(raw["ahead"])} if "ahead" in raw else dict(raw)
    found = Trend(**given)
    if not (found.weeks >= LEAST_WEEKS and STEP <= found.ahead <= 24 * 3600 and 0 <= found.margin <= 10):
        raise InputError(
            f"NodePool {pool}: predicted takes weeks from {LEAST_WEEKS}, ahead from 1m to 24h, and margin from 0 to 10."
        )
    return found


@dataclass(frozen=True, slots=True)
class Prediction:
    """Kept in the pool's record, so that whoever plans next knows it."""

    at: Time
    until: Time
    least: int = 0
    message: str = ""

    def least_at(self, now: float) -> int:
        return self.least if now < self.until else 0


# Of each resource, of each week, the values.
History = Mapping[str, Sequence[Sequence[float]]]


def predict(asked: Trend, history: History, allocatable: Mapping[str, int], now: float) -> Prediction:
    """
    Args:
        history: requests in cores and bytes.
        allocatable: what a node of the pool offers, in thousandths of cores and bytes.
    """
    wanted: list[tuple[int, str]] = []
    for resource in RESOURCES:
        offered = allocatable.get(resource, 0) / (1000 if resource == "cpu" else 1)
        peaks = [max(week) for week in history.get(resource, ()) if len(week) >= COVERED * asked.points]
        if len(peaks) < LEAST_WEEKS:
            return _nothing(
                f"too little history: {len(peaks)} of the last {asked.weeks} weeks have enough points of {resource} "
                f"requests, at least {LEAST_WEEKS} are needed",
                now,
            )
        if offered > 0:
            expected = median_high(peaks) * (1 + asked.margin)
            wanted.append((ceil(expected / offered - 1e-9), f"{resource} of {len(peaks)} weeks"))
    if not wanted:
        return _nothing("the template offers neither cpu nor memory", now)
    least, why = max(wanted)
    return Prediction(Time(now), Time(now + VALID), least, f"{least} nodes, by the requested {why}")


def _nothing(why: str, now: float) -> Prediction:
    return Prediction(Time(now), Time(now), message=why)


def outdated(asked: Trend | None, known: Prediction | None, now: float) -> bool:
    return asked is not None and (known is None or now - known.at >= RENEWED)


def unanswered(known: Prediction | None, why: str, now: float) -> Prediction:
    """What was known holds until its time is over."""
    if known is None:
        return _nothing(why, now)
    return Prediction(Time(now), known.until, known.least, why)
