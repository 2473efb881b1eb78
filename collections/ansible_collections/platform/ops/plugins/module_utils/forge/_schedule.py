# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations, and the times of the week at which something may or may not happen. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(value: str | float, option: str) -> timedelta:
    """Return what `90`, `15m`, `12h`, `14d` or `2w` says; a bare number is seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw]?)", str(value).strip())
    if not found:
        raise InputError(f"{option}: {value!r} is no duration; write for example 90, 15m, 12h or 14d.")
    try:
        return timedelta(seconds=float(found[1]) * _UNITS[found[2] or "s"])
    except OverflowError:
        raise InputError(f"{option}: {value!r} is longer than can be counted; write for example 365d.") from None


def aware(value: str, option: str) -> datetime:
    """Return the time an ISO 8601 text names; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise InputError(f"{option}: {value!r} is no time; write for example 2026-11-21T10:00:00Z.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Some hours of some days of the week, or one stretch of time from `start` to `end`."""

    days: frozenset[int] = frozenset(range(7))
    opens: time = time(0)
    closes: time = time(0)  # equal to `opens`: the whole day
    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], option: str) -> Window:
        """Read the option's form: days, from, to, timezone; or start and end."""
        if data.get("start") or data.get("end"):
            if not (data.get("start") and data.get("end")):
                raise InputError(f"{option}: a stretch of time needs both start and end.")
            return cls(start=aware(str(data["start"]), option), end=aware(str(data["end"]), option))
        days = [str(day).lower()[:3] for day in data.get("days") or DAYS]
        if unknown := sorted(set(days) - set(DAYS)):
            raise InputError(f"{option}: {', '.join(unknown)} is no day; use {', '.join(DAYS)}.")
        zone = str(data.get("timezone") or "UTC")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InputError(
                f"{option}: this machine knows no timezone {zone!r}; use one like Europe/Berlin."
            ) from None
        opens, closes = (_clock(str(data.get(name) or "00:00"), option) for name in ("from", "to"))
        return cls(frozenset(map(DAYS.index, days)), opens, closes, zone)

    def covers(self, now: datetime) -> bool:
        """Tell whether `now` lies inside; a window over midnight belongs to the day it opens on."""
        if self.start and self.end:
            return self.start <= now < self.end
        local = now.astimezone(ZoneInfo(self.zone))
        clock, today = local.time(), local.weekday()
        if self.opens == self.closes:
            return today in self.days
        if self.opens < self.closes:
            return today in self.days and self.opens <= clock < self.closes
        return (today in self.days and clock >= self.opens) or ((today - 1) % 7 in self.days and clock < self.closes)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something may happen: inside one of the windows (if there are any), and in no blackout."""

    windows: tuple[Window, ...] = ()
    blackouts: tuple[Window, ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], option: str) -> Schedule:
        def read(name: str) -> tuple[Window, ...]:
            entries: Sequence[Mapping[str, Any]] = data.get(name) or ()
            return tuple(Window.parse(entry, f"{option}.{name}") for entry in entries)

        return cls(read("windows"), read("blackouts"))

    def refusal(self, now: datetime) -> str | None:
        """Return why not now, None when now is fine."""
        if any(blackout.covers(now) for blackout in self.blackouts):
            return "a blackout is on"
        if self.windows and not any(window.covers(now) for window in self.windows):
            return "it is outside the allowed hours"
        return None


def _clock(text: str, option: str) -> time:
    try:
        return time(0) if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: {text!r} is no time of day; write for example 08:00 (in quotes).") from None
