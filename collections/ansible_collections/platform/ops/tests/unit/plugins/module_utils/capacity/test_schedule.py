# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._schedule import least_at, windows

WORK = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:30", "until": "19:00", "min": 4}
NIGHT = {"days": ["fri"], "from": "22:00", "until": "06:00", "min": 3}


def least(text: str, *raw: dict[str, Any], zone: str = "UTC", most: int = 10) -> int:
    now = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()
    return least_at(1, most, windows("p", raw), now)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-20T07:29", 1),  # a Friday
        ("2026-11-20T07:30", 4),
        ("2026-11-20T18:59", 4),
        ("2026-11-20T19:00", 1),
        ("2026-11-21T12:00", 1),
    ],
)
def test_a_window_raises_the_minimum_on_its_days_between_its_times(when: str, expected: int) -> None:
    assert least(when, WORK) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-20T21:59", 1),
        ("2026-11-20T22:00", 3),
        ("2026-11-21T05:59", 3),
        ("2026-11-21T06:00", 1),
        ("2026-11-21T22:30", 1),
        ("2026-11-20T05:00", 1),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(when: str, expected: int) -> None:
    assert least(when, NIGHT) == expected


def test_a_window_follows_the_clock_of_its_zone_through_the_year() -> None:
    paris = {**WORK, "timezone": "Europe/Paris"}
    assert least("2026-07-01T07:30", paris, zone="Europe/Paris") == 4
    assert least("2026-07-01T05:30", paris) == 4
    assert least("2026-12-01T05:30", paris) == 1
    assert least("2026-12-01T06:30", paris) == 4


def test_of_several_open_windows_the_largest_counts_and_max_is_never_exceeded() -> None:
    more = {"from": "00:00", "until": "23:59", "min": 7}
    assert least("2026-11-20T12:00", WORK, more) == 7
    assert least("2026-11-20T12:00", WORK, more, most=5) == 5


def test_a_window_never_lowers_the_minimum() -> None:
    assert least("2026-11-20T12:00", {**WORK, "min": 0}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": ["monday"]}, "days are mon"),
        ({"from": "7:30"}, "like 07:30"),
        ({"until": "24:00"}, "like 07:30"),
        ({"until": "07:30"}, "empty"),
        ({"timezone": "Europe/Nowhere"}, "not known here"),
        ({"timezone": "../../etc/passwd"}, "not known here"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        windows("p", [{**WORK, **change}])
