# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the new numbers are: a pure decision from the numbers in force, the rule and the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import (
    Quantity,
    whole,
    write,
    write_exactly,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason

RULE_KEYS = ("factor", "add", "set", "floor", "max", "max_factor", "usage", "round")
_QUANTITIES = ("add", "set", "floor", "max", "usage", "round")


@dataclass(frozen=True, slots=True)
class Rule:
    """How far to raise one resource."""

    factor: Fraction | None = None
    add: Quantity | None = None
    set: Quantity | None = None
    floor: Quantity | None = None
    max: Quantity | None = None
    max_factor: Fraction | None = None
    usage: Quantity | None = None
    round: Quantity | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any], resource: str) -> Rule:
        """
        Raises:
            InputError: unknown keys, no step or more than one, or numbers that are none.
        """
        values = {key: value for key, value in given.items() if value is not None}
        unknown = sorted(set(values) - set(RULE_KEYS))
        if unknown:
            raise InputError(f"{resource}: unknown keys {', '.join(unknown)}; known are {', '.join(RULE_KEYS)}.")
        steps = [key for key in ("factor", "add", "set") if key in values]
        if len(steps) != 1:
            raise InputError(
                f"{resource}: give exactly one of factor, add and set, not {' and '.join(steps) or 'none'}."
            )
        if "floor" in values and "factor" not in values:
            raise InputError(f"{resource}: floor goes with factor.")
        numbers: dict[str, Any] = {key: Quantity.parse(str(values[key])) for key in _QUANTITIES if key in values}
        for key in ("factor", "max_factor"):
            if key in values:
                numbers[key] = _ratio(values[key], f"{resource}.{key}")
        for key, number in numbers.items():
            if (number if isinstance(number, Fraction) else number.value) <= 0:
                raise InputError(f"{resource}.{key} must be more than 0, not {given[key]}.")
        return cls(**numbers)

    def raw(self, base: Quantity) -> Fraction:
        if self.set is not None:
            return self.set.value
        if self.add is not None:
            return base.value + self.add.value
        if self.factor is None:
            raise AssertionError("read() leaves no rule without set, add and factor")
        raised = base.value * self.factor
        return max(base.value + self.floor.value, raised) if self.floor is not None else raised

    def __str__(self) -> str:
        if self.set is not None:
            return f"set {self.set}"
        if self.add is not None:
            return f"base + {self.add}"
        if self.factor is None:
            raise AssertionError("read() leaves no rule without set, add and factor")
        factor = f"base * {_plain(self.factor)}"
        return f"max(base + {self.floor}, {factor})" if self.floor is not None else factor


def _ratio(given: object, what: str) -> Fraction:
    try:
        ratio = Fraction(str(given))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{what} must be a number such as 1.5, not {given!r}.") from error
    if not 0 < ratio <= 1000:
        raise InputError(f"{what} must lie between 0 and 1000, not {given}.")
    return ratio


def _plain(ratio: Fraction) -> str:
    return f"{float(ratio):g}"


@dataclass(frozen=True, slots=True)
class Present:
    """The numbers in force for one resource of one container."""

    limit: Quantity | None
    request: Quantity | None
    keep_equal: bool = False  # request and limit are equal and have to stay so
    first: Quantity | None = None  # the limit before the first bump there was
    create_missing: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    resource: str
    before: Quantity | None
    after: Quantity


@dataclass(frozen=True, slots=True)
class Decision:
    reason: Reason
    message: str
    changes: tuple[Change, ...] = ()
    arithmetic: tuple[Mapping[str, str | None], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sum:
    """The arithmetic as it is shown to people."""

    resource: str
    rule: Rule
    limit: Quantity | None
    request: Quantity | None  # where there is no limit
    base: Quantity
    cap: Quantity | None = None
    raw: Fraction = field(default_factory=Fraction)
    rounded: Quantity | None = None

    def shown(self) -> Mapping[str, str | None]:
        return {
            "resource": self.resource,
            "field": "limits",
            "limit": self.limit.text if self.limit else None,
            # What a new limit starts from where it is above what is used, and whose notation it takes.
            **({"request": self.request.text} if self.request else {}),
            "usage": self.rule.usage.text if self.rule.usage else None,
            "base": self.base.text,
            "rule": str(self.rule),
            "raw": whole(self.raw),
            "cap": self.cap.text if self.cap else None,
            "rounded": self.rounded.text if self.rounded else None,
        }


def decide(resource: str, rule: Rule, present: Present, requests: str) -> Decision:
    """The new limit, and the request that goes with it (`requests`: keep, scale or match)."""
    base = _base(present, rule)
    if base is None or (present.limit is None and not present.create_missing):
        return _nothing_to_raise(resource, base)
    odd = _suspicious(resource, present.limit, rule)
    if odd:
        return Decision(Reason.SUSPICIOUS_QUANTITY, odd)
    request = None if present.limit else present.request
    work = _Sum(resource, rule, present.limit, request, base, _cap(present, rule, resource))
    work.raw = rule.raw(base)
    refused = _too_little(work, present)
    if refused:
        return refused
    limit, notes = _rounded(work, present)
    work.rounded = limit
    if present.limit is not None and limit.value <= present.limit.value:
        return Decision(
            Reason.SUFFICIENT,
            f"The {resource} limit is {present.limit} already; {work.rule} of {base} asks for no more.",
            arithmetic=(work.shown(),),
        )
    if present.request is not None and present.request.value > limit.value:
        return Decision(
            Reason.REQUEST_ABOVE_LIMIT,
            f"The {resource} request {present.request} is above the new limit {limit}, which Kubernetes refuses. "
            "Put the request right first.",
            arithmetic=(work.shown(),),
        )
    request, more = _request(resource, present, limit, requests)
    changes = [Change("limits", resource, present.limit, limit)]
    if request is not None:
        changes.append(Change("requests", resource, present.request, request))
    said = f"{resource} limit {present.limit or 'none'} -> {limit}"
    return Decision(Reason.BUMPED, said, tuple(changes), (work.shown(),), (*notes, *more))


def _nothing_to_raise(resource: str, base: Quantity | None) -> Decision:
    if base is None:
        why = "and no request, and no usage was given: nothing to start from. Use set."
    else:
        why = "to raise. Without one the container may use what its node has; set create_missing to write a limit."
    return Decision(Reason.NO_RESOURCES, f"There is no {resource} limit {why}")


def _suspicious(resource: str, limit: Quantity | None, rule: Rule) -> str:
    if limit is None or rule.set is not None:
        return ""
    if limit.value <= 0:
        return f"The {resource} limit is {limit}, which is no limit at all; give the number with set."
    if resource != "cpu" and limit.value < 1024:
        meant = f"; {limit.text[:-1]}Mi was probably meant" if limit.suffix == "m" else ""
        return f"The {resource} limit {limit} is {whole(limit.value)} bytes{meant}. Give the number with set."
    return ""


def _base(present: Present, rule: Rule) -> Quantity | None:
    known = [one for one in (present.limit or present.request, rule.usage) if one is not None]
    return max(known, key=lambda one: one.value) if known else rule.set


def _cap(present: Present, rule: Rule, resource: str) -> Quantity | None:
    caps = [rule.max] if rule.max is not None else []
    first = present.first or present.limit
    if rule.max_factor is not None and first is not None:
        times = first.value * rule.max_factor
        caps.append(write_exactly(times, first, resource) or write(times, first, resource))
    return min(caps, key=lambda one: one.value) if caps else None


def _too_little(work: _Sum, present: Present) -> Decision | None:
    """Nothing to raise, or nothing that would help below the cap."""
    limit, cap, usage = present.limit, work.cap, work.rule.usage
    if limit is not None and work.raw <= limit.value:
        return Decision(
            Reason.SUFFICIENT,
            f"The {work.resource} limit is {limit} already; {work.rule} asks for no more.",
            arithmetic=(work.shown(),),
        )
    if cap is None:
        return None
    if limit is not None and limit.value >= cap.value:
        why = f"The {work.resource} limit {limit} has reached the cap {cap}."
    elif usage is not None and usage.value >= cap.value:
        why = f"The observed use of {work.resource}, {usage}, is not below the cap {cap}: a bump would not help."
    else:
        return None
    return Decision(Reason.CAPPED, f"{why} People have to decide.", arithmetic=(work.shown(),))


def _rounded(work: _Sum, present: Present) -> tuple[Quantity, tuple[str, ...]]:
    like = present.limit or present.request or work.rule.set or work.base
    raw = work.raw
    step = work.rule.round
    if step is not None and work.rule.set is None:
        raw = -(-raw // step.value) * step.value
    if work.rule.set is not None:
        readable = None if _suspicious(work.resource, like, replace(work.rule, set=None)) else like
        rounded = (readable and write_exactly(raw, readable, work.resource)) or work.rule.set
    else:
        rounded = (write_exactly(raw, like, work.resource) if step is not None else None) or write(
            raw, like, work.resource
        )
    if work.cap is None or rounded.value <= work.cap.value:
        return rounded, ()
    capped = write_exactly(work.cap.value, like, work.resource) or work.cap
    return capped, (f"The step asked for {rounded}; the cap of {work.cap} was applied.",)


def _request(resource: str, present: Present, limit: Quantity, mode: str) -> tuple[Quantity | None, tuple[str, ...]]:
    """The new request, or None if it stays. A request that is not written follows the limit by itself."""
    request = present.request
    if request is None:
        return None, ()
    if present.keep_equal or mode == "match":
        if request.value == limit.value:
            return None, ()
        note = ("The pod is Guaranteed; the request follows the limit so that it stays so.",)
        equal = write_exactly(limit.value, request, resource) or limit
        return equal, note if present.keep_equal and mode != "match" else ()
    if mode == "scale" and present.limit is not None and present.limit.value > 0:
        scaled = write(request.value * limit.value / present.limit.value, request, resource)
        if scaled.value > limit.value:
            scaled = write_exactly(limit.value, request, resource) or limit
        return (scaled, ()) if scaled.value > request.value else (None, ())
    return None, ()
