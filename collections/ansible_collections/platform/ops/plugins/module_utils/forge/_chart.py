# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of usage as text: in a code block every host shows it alike. Pure: the same numbers, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction

from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import Usage

ROWS = 8


def chart(usage: Usage, limit: int | None, after: int | None = None) -> list[str]:
    """Lines of a column chart, `-` at the limit. Columns without a measurement stay empty.

    Args:
        limit: the limit before, in the same unit.
        after: the new one.
    """
    top = max([1, usage.peak or 0, limit or 0])
    rows = [_row(usage.columns, top, row) for row in range(ROWS, 0, -1)]
    if limit:
        at = ROWS - min(ROWS, max(1, -(-limit * ROWS // top)))
        rows[at] = "".join("-" if sign == " " else sign for sign in rows[at])
    labels = {0: shown(usage.resource, top), ROWS - 1: shown(usage.resource, Fraction(top, ROWS))}
    width = max(map(len, labels.values()))
    body = [f"{labels.get(row, ''):>{width}} |{signs.rstrip()}" for row, signs in enumerate(rows)]
    end = usage.start + usage.step * len(usage.columns)
    axis = f"{'':>{width}} +{'-' * len(usage.columns)}"
    times = f"{'':>{width}}  {_time(usage.start)}{_time(end):>{len(usage.columns) - 16}}"
    told = [f"limit {shown(usage.resource, limit)}" if limit else "no limit"]
    told += [f"new limit {shown(usage.resource, after)}"] if after else []
    return [f"{usage.container} {usage.resource}, {', '.join(told)}", *body, axis, f"{times} UTC"]


def summary(usage: Usage) -> str:
    """What the numbers say in one line, the amount of history included."""
    if usage.peak is None or usage.percentile is None:
        return f"nothing measured in the last {span(usage.step * len(usage.columns))}"
    line = (
        f"peak {shown(usage.resource, usage.peak)}, {usage.percent}th percentile "
        f"{shown(usage.resource, usage.percentile)}, from {span(usage.history)} of measurements in the last "
        f"{span(usage.step * len(usage.columns))}"
    )
    if usage.resource == "memory":
        line += f", killed {usage.kills} times" if usage.kills != 1 else ", killed once"
    return line


def shown(resource: str, value: int | Fraction) -> str:
    if resource == "cpu":
        return f"{float(round(Fraction(value))):g}m"
    for unit, size in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if value >= size:
            return f"{float(round(Fraction(value) / size, 1)):g}{unit}"
    return f"{float(round(Fraction(value))):g}"


def span(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds} s"


def _row(columns: Sequence[int | None], top: int, row: int) -> str:
    return "".join("#" if value is not None and value * ROWS > (row - 1) * top else " " for value in columns)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
