# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes quantities: strict grammar, exact arithmetic, the author's notation kept.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
The Python client's own parser takes `1K`, `1_000` and ` 1Gi`, which the API server refuses; so it cannot serve here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NUMBER = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(?:([eE])([+-]?\d{1,4})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?))", re.ASCII)
_LONGEST = 64
_LARGEST_EXPONENT = 30
LARGEST = 2**63 - 1

# Below this many of the author's units a whole unit is too coarse a step to round up to.
_COARSE = 16


def _invalid(text: str, why: str) -> InputError:
    return InputError(f"{text!r} is no Kubernetes quantity: {why}", reason="invalid_quantity")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the notation it was written in."""

    value: Fraction
    text: str
    suffix: str  # "", "Mi", "m", … or "e9" for an exponent
    decimals: int  # digits after the point as written

    @property
    def binary(self) -> bool:
        return self.suffix in _BINARY

    @property
    def exponent(self) -> bool:
        return len(self.suffix) > 1 and self.suffix[0] in "eE"

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """
        Raises:
            InputError: (invalid_quantity) not in the grammar, or more than 2^63 - 1, which the API server would cap.
        """
        match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            hint = (
                "use k for thousands" if re.fullmatch(r"[\d.]+K", text) else "expected digits and a suffix such as Mi"
            )
            raise _invalid(text[:_LONGEST], f"{hint}.")
        sign, number, mark, power, suffix = match.groups()
        suffix = f"{mark}{power}" if mark else suffix
        if mark and abs(int(power)) > _LARGEST_EXPONENT:
            raise _invalid(text, "its exponent is out of range.")
        value = Fraction(number) * _scale(suffix)
        if value > LARGEST:
            raise _invalid(text, "it is larger than 2^63 - 1.")
        whole, _point, fraction = number.partition(".")
        return cls(-value if sign == "-" else value, text, suffix, len(fraction) if whole or fraction else 0)

    def __str__(self) -> str:
        return self.text


def _scale(suffix: str) -> Fraction:
    if suffix in _BINARY:
        return Fraction(2 ** _BINARY[suffix])
    if suffix in _DECIMAL:
        return Fraction(10) ** _DECIMAL[suffix]
    return Fraction(10) ** int(suffix[1:])


def _ladder(like: Quantity, resource: str) -> list[str]:
    """The author's unit and the smaller ones of the same family, largest first."""
    if like.binary:
        units = sorted(_BINARY, key=lambda unit: -_BINARY[unit])
        return units[units.index(like.suffix) :]
    if like.exponent:
        power = int(like.suffix[1:])
        return [f"{like.suffix[0]}{p}" for p in range(power, -1, -3)] or [like.suffix]
    units = sorted(_DECIMAL, key=lambda unit: -_DECIMAL[unit])
    smallest = "m" if resource == "cpu" else ""
    if _DECIMAL[like.suffix] < _DECIMAL[smallest]:
        return units[units.index(like.suffix) :]
    return units[units.index(like.suffix) : units.index(smallest) + 1]


def _decimal_text(value: Fraction, digits: int) -> str:
    scaled = ceil(value * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    fraction = f"{rest:0{digits}d}".rstrip("0") if digits else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def write(value: Fraction, like: Quantity, resource: str) -> Quantity:
    """At least `value`, rounded up to a readable number, in the notation of `like`.

    1Gi x 1.5 is 1536Mi, because the author wrote whole numbers; 1.5Gi x 1.5 is 2.25Gi, because the author did not.
    """
    unit = like.suffix
    if like.decimals:
        return Quantity.parse(_decimal_text(value / _scale(unit), max(2, min(3, like.decimals))) + unit)
    ladder = _ladder(like, resource)
    count = value / _scale(unit)
    if count.denominator != 1 and count < _COARSE and len(ladder) > 1:
        finer = ladder[1]
        count = value / _scale(finer)
        if count.denominator != 1:
            step = 64 if like.binary else 10
            count = Fraction(ceil(count / step) * step)
        unit = finer
    elif unit == "" and resource != "cpu":
        count = Fraction(_whole_bytes(ceil(count), like))
    return Quantity.parse(f"{ceil(count)}{unit}")


def _whole_bytes(count: int, like: Quantity) -> int:
    """A plain number of bytes stays a whole number of the largest unit in which the author's number is whole."""
    for unit in (2**30, 10**9, 2**20, 10**6, 2**10, 10**3):
        if like.value and like.value % unit == 0 and count >= _COARSE * unit:
            return ceil(count / unit) * unit
    return count


def write_exactly(value: Fraction, like: Quantity, resource: str) -> Quantity | None:
    """Exactly `value` in the family of `like`; None if that family cannot say it."""
    if like.decimals:
        for digits in range(4):
            shown = Quantity.parse(_decimal_text(value / _scale(like.suffix), digits) + like.suffix)
            if shown.value == value:
                return shown
    for unit in _ladder(like, resource):
        count = value / _scale(unit)
        if count.denominator == 1:
            return Quantity.parse(f"{count.numerator}{unit}")
    return None


def whole(value: Fraction) -> str:
    """A value as people check it with a calculator: an exact decimal number, or one rounded up to a thousandth."""
    return _decimal_text(value, 3)
