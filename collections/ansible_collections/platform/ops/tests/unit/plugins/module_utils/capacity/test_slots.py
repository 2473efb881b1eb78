# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import islice

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._slots import expand, slots
from hypothesis import given
from hypothesis import strategies as st


def test_names_and_addresses_are_the_lowest_free_ones() -> None:
    found = slots("p", "w-", ["10.0.0.1-10.0.0.3"], [])
    assert list(found.free({"w-1", "w-3"}, {"10.0.0.1"})) == [("w-2", "10.0.0.2"), ("w-4", "10.0.0.3")]


def test_without_addresses_names_never_run_out() -> None:
    assert list(islice(slots("p", "w-", [], []).free({"w-2"}, set()), 3)) == [("w-1", ""), ("w-3", ""), ("w-4", "")]


def test_fixed_machines_keep_their_addresses() -> None:
    found = slots("p", "w-", [], [{"name": "metal-b", "address": "10.0.0.9"}, {"name": "metal-a"}])
    assert list(found.free(set(), set())) == [("metal-b", "10.0.0.9"), ("metal-a", "")]
    assert list(found.free({"metal-a"}, {"10.0.0.9"})) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5", ["10.0.0.5"]),
        ("10.0.0.254-10.0.1.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"]),
        ("fd00::1-fd00::2", ["fd00::1", "fd00::2"]),
    ],
)
def test_ranges_are_written_in_three_ways(text: str, expected: list[str]) -> None:
    assert expand("p", text) == expected


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "10.0.0.0/8", "10.0.0.1/24"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="NodePool p"):
        expand("p", text)


def test_an_address_listed_twice_is_refused_and_named() -> None:
    with pytest.raises(InputError, match=r"twice: 10\.0\.0\.2"):
        slots("p", "w-", ["10.0.0.1-10.0.0.2", "10.0.0.2"], [])


@pytest.mark.parametrize("prefix", ["Worker-", "-", "a_b"])
def test_names_that_no_node_can_have_are_refused(prefix: str) -> None:
    with pytest.raises(InputError, match="no valid node name"):
        slots("p", prefix, [], [])


@given(st.sets(st.integers(1, 20)), st.sets(st.integers(0, 19)))
def test_nothing_in_use_is_given_and_nothing_twice(names: set[int], used: set[int]) -> None:
    found = slots("p", "w-", ["10.0.0.0-10.0.0.19"], [])
    taken = {f"w-{i}" for i in names}
    busy = {f"10.0.0.{i}" for i in used}
    free = list(found.free(taken, busy))
    assert len(free) == 20 - len(used)
    assert not taken & {name for name, _address in free}
    assert not busy & {address for _name, address in free}
    assert len({name for name, _address in free}) == len({address for _name, address in free}) == len(free)
