# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes may come or go now: size, budgets, cool-downs, and backoff after failures by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules, OutRules

HOUR = 3600.0


class ErrorClass(StrEnum):
    """What kind of failure a provider met. Each class backs off on its own clock."""

    QUOTA = "quota"
    STOCK_OUT = "stock_out"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Backoff:
    failures: int
    until: float
    last: float
    message: str


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that holds the number down. `until` is when to ask again; None when only people can change it."""

    reason: str
    message: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Room:
    count: int
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """When operations of one direction were started, and what went wrong; from the pool's record."""

    outs: Sequence[float] = ()
    ins: Sequence[float] = ()
    last_out: float | None = None  # a node was added
    last_in_failure: float | None = None
    backoff: Mapping[str, Backoff] | None = None


def after_failure(before: Backoff | None, message: str, rules: OutRules, now: float) -> Backoff:
    failures = 1 if before is None or now - before.last > rules.backoff_forget else before.failures + 1
    pause = min(rules.backoff_first * 2 ** min(failures - 1, 30), rules.backoff_most)
    return Backoff(failures, now + pause, now, message)


def forgotten(backoff: Mapping[str, Backoff], rules: OutRules, now: float) -> dict[str, Backoff]:
    return {name: item for name, item in backoff.items() if now - item.last <= rules.backoff_forget}


def _budget(starts: Sequence[float], per_hour: int, now: float) -> tuple[int, float]:
    """What is left of an hourly budget, and when the next piece of it comes back."""
    recent = sorted(start for start in starts if now - start < HOUR)
    if len(recent) < per_hour:
        return per_hour - len(recent), now
    return 0, (recent[len(recent) - per_hour] + HOUR if per_hour else now + HOUR)


def room_out(rules: OutRules, *, most: int, size: int, in_flight: int, past: Past, now: float) -> Room:
    """`size` counts the pool's nodes and those on their way; `in_flight` only the latter."""
    room, limits = most - size, []
    if room <= 0:
        limits.append(Limit("max", f"the pool has {size} of at most {most} nodes; raise max to allow more"))
    for name, item in sorted((past.backoff or {}).items()):
        if now < item.until:
            limits.append(
                Limit("backoff", f"{item.failures} failures of class {name}, the last: {item.message}", item.until)
            )
            room = 0
    if rules.max_in_flight - in_flight < room:
        room = rules.max_in_flight - in_flight
        limits.append(Limit("in_flight", f"{in_flight} nodes are on their way, at most {rules.max_in_flight} at once"))
    left, back = _budget(past.outs, rules.per_hour, now)
    if left < room:
        room = left
        limits.append(Limit("budget", f"the budget of {rules.per_hour} new nodes per hour has {left} left", back))
    return Room(max(0, room), tuple(limits))


def room_in(rules: InRules, *, least: int, size: int, in_flight: int, past: Past, now: float) -> Room:
    """`size` counts the pool's nodes without those that already leave."""
    room, limits = size - least, []
    if room <= 0:
        limits.append(Limit("min", f"the pool has {size} nodes and keeps at least {least}; lower min to allow fewer"))
    if rules.max_in_flight - in_flight < room:
        room = rules.max_in_flight - in_flight
        limits.append(Limit("in_flight", f"{in_flight} nodes are leaving, at most {rules.max_in_flight} at once"))
    left, back = _budget(past.ins, rules.per_hour, now)
    if left < room:
        room = left
        limits.append(Limit("budget", f"the budget of {rules.per_hour} removals per hour has {left} left", back))
    for reason, since, pause, what in (
        ("cooldown", past.last_out, rules.after_out, "a node was added"),
        ("cooldown", past.last_in_failure, rules.after_failure, "a removal failed"),
    ):
        if since is not None and now < since + pause:
            room = 0
            limits.append(Limit(reason, f"{what} {now - since:.0f} s ago; waiting {pause:.0f} s", since + pause))
    return Room(max(0, room), tuple(limits))
