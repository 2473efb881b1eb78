# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows of the week in which a pool keeps more nodes than its minimum: ahead of a known peak. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Window:
    """Times are minutes since midnight of the zone's clock. One that ends before it begins ends the next day."""

    days: frozenset[int]
    begins: int
    ends: int
    zone: ZoneInfo
    least: int

    def open(self, now: float) -> bool:
        local = datetime.fromtimestamp(now, self.zone)
        minute = local.hour * 60 + local.minute
        if self.begins < self.ends:
            return local.weekday() in self.days and self.begins <= minute < self.ends
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and minute >= self.begins) or (
            yesterday in self.days and minute < self.ends
        )


def windows(pool: str, raw: Iterable[Mapping[str, Any]] | None) -> tuple[Window, ...]:
    return tuple(_window(pool, item) for item in raw or ())


def _window(pool: str, raw: Mapping[str, Any]) -> Window:
    days = raw.get("days") or DAYS
    if unknown := set(days) - set(DAYS):
        raise InputError(f"NodePool {pool} has a window on {', '.join(sorted(unknown))}; days are {', '.join(DAYS)}.")
    begins, ends = (_minutes(pool, raw[key]) for key in ("from", "until"))
    if begins == ends:
        raise InputError(f"NodePool {pool} has a window from {raw['from']} until {raw['until']}, which is empty.")
    name = raw.get("timezone", "UTC")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"NodePool {pool} has a window in time zone {name!r}, which is not known here.") from error
    return Window(frozenset(map(DAYS.index, days)), begins, ends, zone, raw["min"])


def _minutes(pool: str, text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise InputError(f"NodePool {pool} has a window at {text!r}; write times like 07:30.")
    return int(match[1]) * 60 + int(match[2])


def least_at(least: int, most: int, scheduled: Iterable[Window], now: float) -> int:
    """The minimum in force: the largest of the pool's own and those of open windows, never above max."""
    return min(most, max([least, *(window.least for window in scheduled if window.open(now))]))
