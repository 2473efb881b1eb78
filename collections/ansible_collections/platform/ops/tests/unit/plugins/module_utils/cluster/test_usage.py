# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Usage in columns, its picture, and leaks."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.bump._measured import Settings, judge, with_peaks
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import (
    COLUMNS,
    Usage,
    columns_of,
    leak,
    lives_of,
    percentile,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage_queries import Window, pods_pattern
from ansible_collections.platform.ops.plugins.module_utils.forge._chart import chart, summary
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason
from hypothesis import given
from hypothesis import strategies as st

MI = 1 << 20
HOUR = 3600


def usage(*values: int | None, resource: str = "memory", kills: int = 0) -> Usage:
    columns = (None,) * (COLUMNS - len(values)) + values
    return Usage("server", resource, 1764122400, 3600, columns, 95, kills)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 95, None), ([7], 95, 7), (list(range(1, 101)), 95, 95), ([1, 2, 3, 4], 50, 2), ([5, 1], 100, 5)],
)
def test_percentiles_are_those_of_the_nearest_rank(values: list[int], percent: int, expected: int | None) -> None:
    assert percentile(values, percent) == expected


def test_points_fall_into_the_column_that_ends_with_them() -> None:
    columns = columns_of([(100 + 10, 5.2), (100 + 20, 3.0), (100 + 20, 4.0), (100 + 10 * 49, 9.0)], 100, 10, "memory")
    assert columns[:3] == (6, 4, None)
    assert columns_of([(110, 0.1521)], 100, 10, "cpu")[0] == 153


def test_a_column_counts_from_its_oldest_measurement_on() -> None:
    start, end = 1764122400, 1764122400 + COLUMNS * HOUR
    columns = (None,) * (COLUMNS - 2) + (5, 6)
    young = Usage("server", "memory", start, HOUR, columns, 95, 0, end - HOUR - 300)
    assert young.history == HOUR + 300
    assert Usage("server", "memory", start, HOUR, columns, 95, 0, start).history == 2 * HOUR  # with a gap
    assert Usage("server", "memory", start, HOUR, columns, 95, 0, end + 1).history == 0
    assert Usage.from_dict(young.as_dict()) == young


@given(st.lists(st.one_of(st.none(), st.integers(0, 1 << 40)), min_size=COLUMNS, max_size=COLUMNS), st.integers(1, 100))
def test_usage_survives_the_block_of_a_pull_request(values: list[int | None], percent: int) -> None:
    one = Usage("server", "memory", 0, 60, tuple(values), percent, 3)
    assert Usage.from_dict(one.as_dict()) == one
    assert len({len(line) for line in chart(one, 5, 7)[1:9]} | {0}) <= COLUMNS + 2
    assert summary(one)


def test_the_same_numbers_give_the_same_picture() -> None:
    one = usage(10 * MI, None, 30 * MI, 64 * MI, kills=2)
    picture = chart(one, 64 * MI, 164 * MI)
    assert picture == chart(one, 64 * MI, 164 * MI)
    assert picture[0] == "server memory, limit 64Mi, new limit 164Mi"
    assert picture[1].endswith("-#")
    assert picture[8].endswith("# ##")
    assert all(line.isascii() for line in picture)
    assert summary(one) == ("peak 64Mi, 95th percentile 64Mi, from 3 h of measurements in the last 2 d, killed 2 times")


def test_a_picture_of_nothing_is_drawn() -> None:
    assert len(chart(usage(), None)) == 11
    assert summary(usage()) == "nothing measured in the last 2 d"


@pytest.mark.parametrize(
    ("found", "killed", "expected"),
    [
        (usage(5), False, None),
        (usage(), False, Reason.HISTORY),
        (usage(), True, None),
        (usage(kills=1), False, None),
        (usage(resource="cpu"), True, Reason.HISTORY),
        (usage(resource="ephemeral-storage"), False, None),
    ],
)
def test_numbers_need_a_history_and_kills_need_none(found: Usage, killed: bool, expected: Reason | None) -> None:
    verdict = judge([found], Settings(), killed=killed)
    assert verdict.reason == expected
    assert verdict.later == bool(expected)


@pytest.mark.parametrize(
    ("rule", "peak", "expected"),
    [
        ({"factor": 1.2}, 80 * MI, str(80 * MI)),
        ({"factor": 1.2, "usage": "90Mi"}, 80 * MI, "90Mi"),
        ({"factor": 1.2, "usage": "70Mi"}, 80 * MI, str(80 * MI)),
        ({"factor": 1.2, "usage": "70Mi"}, None, "70Mi"),
    ],
)
def test_the_larger_of_alert_and_peak_is_what_was_observed(rule: Any, peak: int | None, expected: str) -> None:
    made = with_peaks({"memory": rule}, {"memory": "memory"}, [usage(peak) if peak else usage()])
    assert made["memory"]["usage"] == expected


def test_cpu_is_observed_in_millicores() -> None:
    made = with_peaks({"cpu": {"factor": 1.2}}, {"cpu": "cpu"}, [usage(152, resource="cpu")])
    assert made["cpu"]["usage"] == "152m"


def life(start: float, first: float, slope: float, hours: float = 3) -> list[tuple[float, float]]:
    return [(start + i * 60, first + slope * i * 60) for i in range(int(hours * 60))]


def series(*lives: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for one in lives for point in one]


GROWING = series(life(0, 50 * MI, 1000), life(3 * HOUR, 50 * MI, 1100), life(6 * HOUR, 50 * MI, 900))


@pytest.mark.parametrize(
    ("points", "leaks"),
    [
        (GROWING, True),
        (series(life(0, 50 * MI, 20_000, 2), life(2 * HOUR, 50 * MI, 20_000, 2)), True),
        (life(0, 50 * MI, 20_000, 9), False),  # one life: perhaps a cache that fills
        (series(life(0, 50 * MI, 20_000), life(3 * HOUR, 50 * MI, 100)), False),  # the second one is steady
        (series(life(0, 50 * MI, 20_000), life(3 * HOUR, 50 * MI, 90_000)), False),  # follows the load
        (series(life(0, 50 * MI, 90_000, 0.5), life(HOUR, 50 * MI, 90_000, 0.5)), False),  # while it starts
        (series(life(0, 90 * MI, 10), life(3 * HOUR, 30 * MI, 10)), False),
        ([], False),
    ],
)
def test_a_leak_grows_alike_in_every_life(points: Any, leaks: bool) -> None:
    rises = GROWING is points
    slope = [(at, value * 1.0 if not rises else value + 5 * (value - 50 * MI)) for at, value in points]
    assert (leak(lives_of(slope, 60), HOUR) is not None) == leaks


def test_a_life_ends_where_memory_falls_or_nothing_was_measured() -> None:
    points = [(0.0, 10.0), (60.0, 20.0), (120.0, 5.0), (180.0, 6.0), (900.0, 7.0)]
    assert [len(one) for one in lives_of(points, 60)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("kind", "name", "pattern"),
    [
        ("StatefulSet", "db", "db-[0-9]+"),
        ("Pod", "a.b", "a[.]b"),
        ("DaemonSet", "agent", "agent-[bcdfghjklmnpqrstvwxz2456789]{5}"),
    ],
)
def test_pods_are_told_by_the_names_that_their_controller_gives(kind: str, name: str, pattern: str) -> None:
    assert pods_pattern(kind, name) == pattern


@pytest.mark.parametrize("name", ['a"', "a|b", ".*", "", "a\\", "A", "-a"])
def test_a_name_that_is_none_never_reaches_a_pattern(name: str) -> None:
    with pytest.raises(InputError):
        pods_pattern("Deployment", name)


@pytest.mark.parametrize(
    "given_", [{"window": "1s"}, {"window": "1h", "history": "2h"}, {"percentile": 101}, {"window": "soon"}]
)
def test_settings_that_cannot_be_used_are_refused(given_: Any) -> None:
    with pytest.raises(InputError):
        Settings.read(given_)


def test_settings_are_read() -> None:
    assert Settings.read({"window": "2d", "rate": "1m"}) == Settings(Window(2 * 86400, 95, 60))
