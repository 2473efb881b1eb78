# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What earlier bumps allow now: cool-down, bumps per day, what the fleet may grow in a day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity, whole

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier bump, as the git host and git remember it."""

    container: str
    resource: str
    field: str
    before: Quantity | None
    after: Quantity
    at: datetime
    state: str  # open | merged | closed
    replicas: int
    unmet: bool = False  # judged not to have been enough
    refused_until: datetime | None = None  # handed over to people

    @property
    def counts(self) -> bool:
        return self.state in ("open", "merged")

    def is_of(self, container: str, resource: str, state: str) -> bool:
        """Whether it was about this container's limit; the pod as a whole is "" or "pod"."""
        same = self.container == container or (not container and self.container == "pod")
        return same and (self.resource, self.field, self.state) == (resource, "limits", state)

    @property
    def added(self) -> Fraction:
        return (self.after.value - (self.before.value if self.before else 0)) * self.replicas


@dataclass(frozen=True, slots=True)
class Policy:
    cooldown: timedelta | None = None
    bumps_per_day: int | None = None
    memory_per_day: Quantity | None = None
    cpu_per_day: Quantity | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Policy:
        """
        Raises:
            InputError: unknown keys, or values that are none.
        """
        values = {key: value for key, value in given.items() if value is not None}
        known = ("cooldown", "bumps_per_day", "memory_per_day", "cpu_per_day")
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InputError(f"policy: unknown keys {', '.join(unknown)}; known are {', '.join(known)}.")
        numbers: dict[str, Any] = {}
        if "cooldown" in values:
            numbers["cooldown"] = duration(values["cooldown"])
        if "bumps_per_day" in values:
            numbers["bumps_per_day"] = int(values["bumps_per_day"])
        for key in ("memory_per_day", "cpu_per_day"):
            if key in values:
                numbers[key] = Quantity.parse(str(values[key]))
        return cls(**numbers)


def duration(given: object) -> timedelta:
    """`90`, `90s`, `30m`, `6h` or `2d`.

    Raises:
        InputError: none of these.
    """
    text = str(given).strip()
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise InputError(f"{given!r} is no duration; write seconds, or a number with s, m, h or d.")
    return timedelta(seconds=int(number) * unit)


def history(entries: Iterable[Mapping[str, Any]]) -> tuple[Past, ...]:
    """Earlier bumps, oldest first.

    Raises:
        InputError: an entry that cannot be read; guessing at the past could allow what it forbids.
    """
    return tuple(sorted((_past(entry) for entry in entries), key=lambda one: one.at))


def _past(entry: Mapping[str, Any]) -> Past:
    try:
        before = entry.get("before")
        return Past(
            container=str(entry.get("container") or ""),
            resource=str(entry["resource"]),
            field=str(entry.get("field") or "limits"),
            before=Quantity.parse(str(before)) if before is not None else None,
            after=Quantity.parse(str(entry["after"])),
            at=_aware(entry["at"]),
            state=str(entry.get("state") or "merged"),
            replicas=int(entry.get("replicas") or 1),
            unmet=bool(entry.get("unmet")),
            refused_until=_aware(entry["refused_until"]) if entry.get("refused_until") else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"history: the entry {dict(entry)!r} cannot be read: {error!r}.") from error


def _aware(value: object) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def first_value(past: Iterable[Past], container: str, resource: str) -> Quantity | None:
    """The limit before the first bump that was merged; the one that it wrote where there was none."""
    return next((one.before or one.after for one in past if one.is_of(container, resource, "merged")), None)


def cooling(policy: Policy, past: Iterable[Past], container: str, resource: str, now: datetime) -> str:
    """Why this container has to wait; empty if it need not. An open bump is raised, not waited for.

    One that was judged not to have been enough has been waited for already: its further step comes at once.
    """
    merged = [one for one in past if one.is_of(container, resource, "merged")]
    if policy.cooldown is None or not merged or merged[-1].unmet:
        return ""
    until = merged[-1].at + policy.cooldown
    if now >= until:
        return ""
    return (
        f"The {resource} limit was raised to {merged[-1].after} on {merged[-1].at:%Y-%m-%d %H:%M} UTC; "
        f"the cool-down lasts until {until:%Y-%m-%d %H:%M} UTC."
    )


def handed_over(past: Iterable[Past], now: datetime) -> str:
    """Why this workload is left to people; empty if it is not. The newest bump alone counts."""
    merged = [one for one in past if one.state == "merged"]
    until = merged[-1].refused_until if merged else None
    if until is None or now >= until:
        return ""
    return (
        f"The last bump of this workload did not help, and it was handed over to people until {until:%Y-%m-%d %H:%M} "
        "UTC. Take the label handed-over off its pull request to have alerts answered again before that."
    )


def too_often(policy: Policy, past: Iterable[Past], now: datetime) -> str:
    """Why this workload has had enough bumps for a day; empty if it has not."""
    recent = {one.at for one in past if one.state == "merged" and now - one.at < DAY}
    if policy.bumps_per_day is None or len(recent) < policy.bumps_per_day:
        return ""
    return f"The workload was bumped {len(recent)} times in the last day; {policy.bumps_per_day} are allowed."


class Budget:
    """What the whole fleet has grown today, and whether a policy lets it grow any more."""

    def __init__(self, fleet: Iterable[Past], now: datetime) -> None:
        self._spent: dict[str, Fraction] = {"memory": Fraction(0), "cpu": Fraction(0)}
        for one in fleet:
            if one.counts and one.field == "limits" and one.resource in self._spent and now - one.at < DAY:
                self._spent[one.resource] += max(Fraction(0), one.added)

    def refusal(self, policy: Policy, added: Mapping[str, Fraction]) -> str:
        """Why this much more is too much; empty if it is not."""
        allowances = {"memory": policy.memory_per_day, "cpu": policy.cpu_per_day}
        for resource, more in added.items():
            allowed = allowances.get(resource)
            if allowed is not None and more > 0 and self._spent[resource] + more > allowed.value:
                return (
                    f"{whole(more)} more {resource} would bring what the fleet was given in the last day from "
                    f"{whole(self._spent[resource])} above the budget of {allowed}."
                )
        return ""

    def spend(self, added: Mapping[str, Fraction]) -> None:
        for resource, more in added.items():
            if resource in self._spent:
                self._spent[resource] += max(Fraction(0), more)
