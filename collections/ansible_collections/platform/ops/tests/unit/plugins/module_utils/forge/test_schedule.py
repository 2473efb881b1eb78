# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule, Window, aware, duration

FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)


def at(hours: float) -> datetime:
    return FRIDAY + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), (90, 90), ("15m", 900), ("12h", 43200), ("14d", 1209600), ("2w", 1209600)],
)
def test_durations(text, seconds):
    assert duration(text, "x") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "-1", "1y", "1 d", "abc", "1e3", "99999999999999999999d"])
def test_what_is_no_duration_is_refused_with_its_option(text):
    with pytest.raises(InputError, match="declined_for"):
        duration(text, "declined_for")


@pytest.mark.parametrize(
    ("window", "now", "covered"),
    [
        ({}, at(3), True),
        ({"days": ["fri"]}, at(23), True),
        ({"days": ["Saturday"]}, at(23), False),
        ({"from": "08:00", "to": "17:00"}, at(8), True),
        ({"from": "08:00", "to": "17:00"}, at(17), False),
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, at(23), True),
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, at(24 + 5), True),
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, at(5), False),
        ({"from": "08:00", "to": "24:00"}, at(23.9), True),
        ({"from": "08:00", "to": "09:00", "timezone": "Europe/Berlin"}, at(7.5), True),
        ({"from": "08:00", "to": "09:00", "timezone": "Europe/Berlin"}, at(8.5), False),
        ({"start": "2026-11-20T10:00:00+00:00", "end": "2026-11-20T12:00:00Z"}, at(11), True),
        ({"start": "2026-11-20T10:00:00+00:00", "end": "2026-11-20T12:00:00Z"}, at(12), False),
    ],
)
def test_windows(window, now, covered):
    assert Window.parse(window, "x").covers(now) is covered


@pytest.mark.parametrize(
    "window",
    [
        {"days": ["someday"]},
        {"from": "8"},
        {"timezone": "Mars/Base"},
        {"timezone": "../etc"},
        {"start": "2026-01-01"},
        {"start": "x", "end": "y"},
    ],
)
def test_a_window_that_cannot_be_read_is_refused(window):
    with pytest.raises(InputError, match=r"limits\.windows"):
        Schedule.parse({"windows": [window]}, "limits")


def test_a_blackout_wins_over_a_window():
    schedule = Schedule.parse({"windows": [{"days": ["fri"]}], "blackouts": [{"from": "12:00", "to": "13:00"}]}, "x")
    assert schedule.refusal(at(10)) is None
    assert schedule.refusal(at(12.5)) == "a blackout is on"
    assert schedule.refusal(at(34)) == "it is outside the allowed hours"


def test_a_time_without_offset_is_utc():
    assert aware("2026-11-20", "x") == FRIDAY
