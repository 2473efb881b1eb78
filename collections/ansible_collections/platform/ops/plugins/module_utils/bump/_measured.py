# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Usage as Prometheus remembers it, for one bump item: what it adds to the numbers, and when it forbids them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import Usage, quantity
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage_queries import (
    Subject,
    Window,
    leak_rate,
    usage,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._chart import shown, span
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import duration
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason, Verdict, refused
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

Data = Mapping[str, Any]

# The container's writable layer is measured by few runtimes, so no history of it is asked for.
NEEDS_HISTORY = ("memory", "cpu")


@dataclass(frozen=True, slots=True)
class Settings:
    """`history` is the least that a number may stand on, `leak_after` how long a life must be to tell of a leak."""

    window: Window = field(default_factory=lambda: Window(7 * 86400))
    history: int = 3600
    leak_after: int = 3600

    @classmethod
    def read(cls, given: Data) -> Settings:
        """
        Raises:
            InputError: a value that is none, or a history longer than the window.
        """

        def seconds(name: str, otherwise: str) -> int:
            return int(duration(given.get(name) or otherwise, f"usage.{name}").total_seconds())

        percent = int(given.get("percentile") or 95)
        if not 0 < percent <= 100:
            raise InputError(f"usage.percentile is {percent}; give a number from 1 to 100.")
        window, history = seconds("window", "7d"), seconds("history", "1h")
        if not 60 <= window <= 90 * 86400 or history > window:
            raise InputError("usage.window must lie between 1m and 90d, and usage.history may not be longer.")
        return cls(Window(window, percent, max(1, seconds("rate", "5m"))), history, seconds("leak_after", "1h"))


def measure(
    prometheus: Prometheus, subject: Subject, resources: Sequence[str], settings: Settings, now: float
) -> list[Usage]:
    return [usage(prometheus, subject, resource, settings.window, now) for resource in resources]


def judge(found: Sequence[Usage], settings: Settings, *, killed: bool) -> Verdict:
    """Whether there is enough history for the numbers to stand on.

    Args:
        killed: the kernel is known to have killed the container for its memory. That is a fact, not a measurement
            that more history would make better, so it needs none.
    """
    verdict = Verdict()
    for one in found:
        if one.resource not in NEEDS_HISTORY or (one.resource == "memory" and (killed or one.kills)):
            continue
        if one.history < settings.history:
            verdict += refused(
                Reason.HISTORY,
                f"Prometheus has {span(one.history)} of {one.resource} measurements of {one.container} in the last "
                f"{span(settings.window.seconds)}; {span(settings.history)} are needed. It is looked at again.",
            )
    return verdict


def judge_leak(prometheus: Prometheus, subject: Subject, settings: Settings, now: float) -> Verdict:
    rate = leak_rate(prometheus, subject, settings.window, settings.leak_after, now)
    if rate is None:
        return Verdict()
    return refused(
        Reason.LEAK,
        f"The memory of {subject.container} grows by {shown('memory', int(rate * 3600))} an hour in a straight line "
        "and starts again after each restart: a leak. A larger limit only puts the next kill off; people have to look.",
    )


def with_peaks(bump: Data, options: Mapping[str, str], found: Sequence[Usage]) -> dict[str, Any]:
    """The item with the larger of the alert's value and the peak as what was observed.

    Args:
        options: name of the option of each resource.
    """
    made = dict(bump)
    for one in found:
        option = options[one.resource]
        if not made.get(option) or not one.peak:
            continue
        rule = dict(made[option])
        peak = quantity(one.resource, one.peak)
        if not rule.get("usage") or Quantity.parse(str(rule["usage"])).value < Quantity.parse(peak).value:
            rule["usage"] = peak
        made[option] = rule
    return made
