# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines of a group that is told a number: each operation gets one, none is lost, none is made twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ansible_collections.platform.ops.plugins.module_utils.machines._group import (
    NOBODY,
    Claim,
    Coming,
    Done,
    Forget,
    Gone,
    Group,
    Member,
    Note,
    Present,
    Resize,
    Take,
    TakeOver,
    Write,
    drive,
    next_add,
    next_remove,
)
from hypothesis import given
from hypothesis import strategies as st


def test_a_group_is_taken_over_before_anything_is_asked_of_it() -> None:
    group = Group(1, (Member("i-0"),))
    assert next_add(group, "a", "workers") == TakeOver(("i-0",), "workers")


def test_it_is_noted_before_the_group_grows_and_the_number_follows_from_what_is_seen() -> None:
    group = Group(1, (Member("i-0", NOBODY),), pool="workers")
    assert next_add(group, "a", "workers") == Note("a")
    assert next_add(replace(group, noted=("a",)), "a", "workers") == Resize(2)
    assert next_add(replace(group, noted=("a",), wanted=2), "a", "workers") == Coming("the group is making a machine")


def test_a_machine_without_a_mark_is_claimed_by_the_note_that_waited_longest() -> None:
    group = Group(2, (Member("i-1"),), noted=("a", "b"), pool="workers")
    assert next_add(group, "a", "workers") == Claim("i-1", "a")
    assert isinstance(next_add(group, "b", "workers"), Coming)


def test_a_note_that_outlived_its_claim_brings_no_second_machine() -> None:
    group = Group(1, (Member("i-1", "a"),), noted=("a",), pool="workers")
    assert group.need() == 1
    assert next_add(group, "a", "workers") == Forget("a")
    assert next_remove(group, "z", "i-1") == Forget("a")
    assert next_remove(replace(group, noted=()), "z", "i-1") == Take("i-1", 0)


def test_the_chosen_machine_is_taken_and_the_group_told_the_number_without_it() -> None:
    group = Group(3, (Member("i-0", NOBODY), Member("i-1", "a"), Member("i-2", "b")), pool="workers")
    assert next_remove(group, "z", "i-1") == Take("i-1", 2)
    assert next_remove(group, "b") == Take("i-2", 2)
    assert next_remove(group, "z", "i-9") == Gone()


def test_a_machine_that_leaves_while_another_is_wanted_does_not_make_the_group_smaller() -> None:
    group = Group(1, (Member("i-1", "a"),), noted=("b",), pool="workers")
    assert next_remove(group, "z", "i-1") == Take("i-1", 1)


def test_an_operation_without_machine_takes_its_wish_back_and_waits_until_the_group_is_quiet() -> None:
    group = Group(2, (Member("i-0", NOBODY),), noted=("a",), pool="workers")
    assert next_remove(group, "a") == Forget("a")
    assert next_remove(replace(group, noted=()), "a") == Resize(1)
    assert isinstance(next_remove(replace(group, noted=(), wanted=1, quiet=False), "a"), Coming)
    assert next_remove(replace(group, noted=(), wanted=1), "a") == Gone()


def test_a_machine_that_came_after_all_is_claimed_to_be_removed() -> None:
    group = Group(2, (Member("i-0", NOBODY), Member("i-1")), pool="workers")
    assert next_remove(group, "a") == Claim("i-1", "a")


def test_check_mode_tells_the_writes_and_makes_none() -> None:
    done = drive(lambda: Group(0), refuse, lambda group: next_add(group, "a", "workers"), dry=True)
    assert done.writes == (TakeOver((), "workers"), Note("a"), Resize(1))
    assert isinstance(done.end, Coming)


def refuse(step: Write) -> None:
    raise AssertionError(step)


class KilledError(BaseException):
    pass


@dataclass
class Cloud:
    """A group that does what it is told, a step at a time; a run is killed before or after the n-th write."""

    wanted: int = 1
    members: list[Member] = field(default_factory=lambda: [Member("old-0")])
    noted: list[str] = field(default_factory=list)
    pool: str = ""
    fuse: int = -1
    made: int = 0

    def read(self) -> Group:
        staying = [member for member in self.members if not member.leaving]
        return Group(self.wanted, tuple(self.members), tuple(self.noted), self.pool, len(staying) == self.wanted)

    def burn(self) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise KilledError

    def mark(self, identity: str, **change: object) -> None:
        self.members = [replace(m, **change) if m.id == identity else m for m in self.members]

    def write(self, step: Write) -> None:
        self.burn()
        match step:
            case TakeOver(members, pool):
                for identity in members:
                    self.mark(identity, mark=NOBODY)
                    self.burn()
                self.pool = pool
            case Note(operation):
                self.noted.append(operation)
            case Forget(operation):
                self.noted = [item for item in self.noted if item != operation]
            case Claim(member, operation):
                self.mark(member, mark=operation)
                self.burn()
                self.noted = [item for item in self.noted if item != operation]
            case Resize(number):
                self.wanted = number
            case Take(member, number):
                self.mark(member, leaving=True)
                self.wanted = number
        self.burn()

    def settle(self) -> None:
        self.members = [member for member in self.members if not member.leaving]
        while len(self.members) < self.wanted:
            self.made += 1
            self.members.append(Member(f"i-{self.made}"))


def run(cloud: Cloud, action: str, operation: str, fuse: int) -> Done | None:
    cloud.fuse = fuse
    decide = next_add if action == "add" else None
    try:
        if decide:
            return drive(cloud.read, cloud.write, lambda group: next_add(group, operation, "workers"))
        return drive(cloud.read, cloud.write, lambda group: next_remove(group, operation))
    except KilledError:
        return None


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12), st.booleans()), max_size=25)


@given(STEPS, st.sets(st.sampled_from("abc")))
def test_killed_anywhere_each_operation_ends_with_one_machine_or_with_none(
    steps: list[tuple[str, int, bool]], taken_back: set[str]
) -> None:
    cloud = Cloud()
    for operation, fuse, settle in steps:
        run(cloud, "add", operation, fuse)
        if settle:
            cloud.settle()
        assert len(cloud.members) <= 1 + len("abc")
    for operation in sorted(taken_back):
        for _try in range(8):
            done = run(cloud, "remove", operation, 3 if _try == 0 else 0)
            cloud.settle()
        assert done is not None
        assert done.end == Gone()
    kept = sorted(set("abc") - taken_back)
    for _try in range(4):
        ends = [run(cloud, "add", operation, 0) for operation in kept]
        cloud.settle()
    assert all(done is not None and isinstance(done.end, Present) for done in ends)
    assert sorted(member.mark for member in cloud.members) == sorted([NOBODY if cloud.pool else "", *kept])
    assert cloud.noted == []
    assert cloud.wanted == 1 + len(kept)
