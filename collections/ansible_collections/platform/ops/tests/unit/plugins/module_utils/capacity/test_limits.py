# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import (
    Backoff,
    Past,
    Room,
    after_failure,
    room_in,
    room_out,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import (
    InRules,
    OutRules,
    duration,
    in_rules,
    out_rules,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0


def out(size: int = 0, in_flight: int = 0, past: Past | None = None, **rules: Any) -> Room:
    return room_out(OutRules(**rules), most=10, size=size, in_flight=in_flight, past=past or Past(), now=NOW)


def back(size: int = 10, in_flight: int = 0, past: Past | None = None, **rules: Any) -> Room:
    return room_in(InRules(**rules), least=2, size=size, in_flight=in_flight, past=past or Past(), now=NOW)


def reasons(room: Room) -> list[str]:
    return [limit.reason for limit in room.limits]


def test_a_full_pool_has_no_room() -> None:
    assert (out(size=10).count, reasons(out(size=10))) == (0, ["max"])


def test_nodes_on_their_way_take_from_what_may_be_at_once() -> None:
    assert out(in_flight=3, max_in_flight=5).count == 2


def test_the_hourly_budget_comes_back_piece_by_piece() -> None:
    past = Past(outs=[NOW - 3000, NOW - 100, NOW - 4000])
    assert out(past=past, per_hour=3).count == 1
    spent = out(past=past, per_hour=2)
    assert (spent.count, spent.limits[-1].until) == (0, NOW + 600)


def test_a_budget_of_nothing_lets_nothing_through() -> None:
    assert out(per_hour=0).count == 0
    assert back(per_hour=0).count == 0


def test_a_failure_backs_off_until_its_time_and_doubles_to_a_most() -> None:
    rules = OutRules()
    first = after_failure(None, "full", rules, NOW)
    assert (first.failures, first.until) == (1, NOW + 300)
    second = after_failure(first, "full", rules, NOW + 400)
    assert (second.failures, second.until) == (2, NOW + 400 + 600)
    many = Backoff(50, NOW, NOW, "")
    assert after_failure(many, "full", rules, NOW + 1).until == NOW + 1 + 1800


def test_an_old_failure_is_forgotten() -> None:
    old = Backoff(5, NOW, NOW, "")
    assert after_failure(old, "full", OutRules(), NOW + 10801).failures == 1


def test_while_any_class_backs_off_there_is_no_room() -> None:
    past = Past(backoff={"quota": Backoff(2, NOW + 60, NOW, "no more cores")})
    room = out(past=past)
    assert (room.count, reasons(room), room.limits[0].until) == (0, ["backoff"], NOW + 60)
    assert "no more cores" in room.limits[0].message
    assert out(past=Past(backoff={"quota": Backoff(2, NOW - 1, NOW, "")})).count > 0


def test_the_pool_keeps_its_minimum() -> None:
    assert back(size=2).count == 0
    assert back(size=4, max_in_flight=10).count == 2


def test_nothing_leaves_right_after_a_node_came_or_a_removal_failed() -> None:
    assert reasons(back(past=Past(last_out=NOW - 599)))[-1] == "cooldown"
    assert reasons(back(past=Past(last_in_failure=NOW - 179)))[-1] == "cooldown"
    assert back(past=Past(last_out=NOW - 601, last_in_failure=NOW - 181)).count == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("0s", 0), ("1h1s", 3601)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "soon", "1d", "-5m", "5m 3s", "1m1h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        duration(text)


def test_settings_are_read_and_unknown_ones_named() -> None:
    assert out_rules({"perHour": 3, "readyTimeout": "5m"}) == OutRules(per_hour=3, ready_timeout=300.0)
    assert in_rules(None) == InRules()
    with pytest.raises(InputError, match=r"scaleIn has no setting treshold; .*threshold"):
        in_rules({"treshold": 0.5})
    with pytest.raises(InputError, match="between 0 and 1"):
        in_rules({"threshold": 50})


@given(st.integers(0, 20), st.integers(0, 10), st.lists(st.floats(0, 7200), max_size=20), st.integers(0, 15))
def test_room_never_exceeds_any_single_limit(size: int, in_flight: int, ages: list[float], per_hour: int) -> None:
    past = Past(outs=[NOW - age for age in ages])
    room = out(size=size, in_flight=in_flight, past=past, per_hour=per_hour)
    recent = sum(age < 3600 for age in ages)
    assert 0 <= room.count <= max(0, 10 - size)
    assert room.count <= max(0, 5 - in_flight)
    assert room.count <= max(0, per_hour - recent)
