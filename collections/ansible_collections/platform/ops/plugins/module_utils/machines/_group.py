# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take one machine from, or give it back to, a group that makes machines by number. Pure.

Auto Scaling groups and MachineDeployments are told how many machines there shall be, not which. To know which machine
was made for which operation, and to lose none and make none twice whatever is killed when, the decisions here work on
marks that the adapters keep at the provider, on the group and on its machines:

- before the group is told to grow, the operation is noted on the group;
- the number it is told follows from what is seen: machines that stay, and notes without a machine. It is never
  "one more", so it may be told again;
- a machine that nobody has is claimed for a note, which is taken off by the same act.

Machines that were there when the group was taken over carry the mark of nobody and only count. One that turns up later
without a mark (the group replaced a dead machine) is free for the next operation; it holds no pods, because only an
operation takes the startup taint off its Node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Union

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError

NOBODY = "none"  # the mark of machines that were there before us
MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    mark: str = ""  # the operation it was made for
    chosen: bool = False  # named as the one to go, not going yet
    leaving: bool = False  # on its way out


@dataclass(frozen=True, slots=True)
class Group:
    wanted: int  # how many machines it was told to have
    members: tuple[Member, ...] = ()  # oldest first
    noted: tuple[str, ...] = ()  # operations that wait for a machine, oldest first
    pool: str = ""  # who took it over
    quiet: bool = True  # it is not making or removing anything at this moment

    def staying(self) -> list[Member]:
        return [member for member in self.members if not member.leaving and not member.chosen]

    def free(self) -> list[Member]:
        return [member for member in self.staying() if not member.mark]

    def waiting(self) -> list[str]:
        """Notes without a machine. A run that was killed while it claimed one left the note behind."""
        return [operation for operation in self.noted if self.of(operation) is None]

    def need(self) -> int:
        """How many machines it takes for those that stay and for the notes."""
        free = len(self.free())
        return len(self.staying()) - free + max(free, len(self.waiting()))

    def of(self, operation: str) -> Member | None:
        return next((member for member in self.members if member.mark == operation), None)

    def named(self, identity: str) -> Member | None:
        return next((member for member in self.members if member.id == identity), None)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Mark these machines as nobody's, then the group as the pool's."""

    members: tuple[str, ...]
    pool: str


@dataclass(frozen=True, slots=True)
class Note:
    operation: str


@dataclass(frozen=True, slots=True)
class Forget:
    operation: str


@dataclass(frozen=True, slots=True)
class Claim:
    member: str
    operation: str


@dataclass(frozen=True, slots=True)
class Resize:
    number: int


@dataclass(frozen=True, slots=True)
class Take:
    """Remove this very machine; `number` is what the group shall be told to have without it."""

    member: str
    number: int


Write = Union["TakeOver", "Note", "Forget", "Claim", "Resize", "Take"]


@dataclass(frozen=True, slots=True)
class Present:
    member: str


@dataclass(frozen=True, slots=True)
class Coming:
    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    pass


End = Union["Present", "Coming", "Gone"]
Decide = Callable[[Group], "Write | End"]


def next_add(group: Group, operation: str, pool: str) -> Write | End:
    mine = group.of(operation)
    if mine is not None:
        return _there(group, mine)
    if not group.pool:
        return TakeOver(tuple(member.id for member in group.free()), pool)
    if operation not in group.noted:
        return Note(operation)
    free, place = group.free(), group.waiting().index(operation)
    if place < len(free):
        return Claim(free[place].id, operation)
    if group.wanted < group.need():
        return Resize(group.need())
    return Coming("the group is making a machine")


def _there(group: Group, mine: Member) -> Write | End:
    if mine.mark in group.noted:
        return Forget(mine.mark)
    return Coming(f"machine {mine.id}, made for it, is going away again") if mine.leaving else Present(mine.id)


def next_remove(group: Group, operation: str, identity: str = "") -> Write | End:
    """
    Args:
        identity: the machine, if the caller knows it; else the one that was made for the operation.
    """
    if operation in group.noted:
        return Forget(operation)
    target = group.named(identity) if identity else group.of(operation)
    if target is None:
        return Gone() if identity else _take_back(group, operation)
    if target.mark in group.noted:
        return Forget(target.mark)
    if target.leaving:
        return Coming(f"machine {target.id} is being removed")
    without = replace(group, members=tuple(member for member in group.members if member is not target))
    return Take(target.id, without.need())


def _take_back(group: Group, operation: str) -> Write | End:
    """An operation that may have asked for a machine and has none."""
    if not group.pool:
        return Gone()  # never asked for anything
    free = group.free()
    if len(free) > len(group.waiting()):
        return Claim(free[-1].id, operation)  # it came after all; removed next
    if group.wanted > group.need():
        return Resize(group.need())
    return Gone() if group.quiet else Coming("the group is still changing")


def after(group: Group, step: Write) -> Group:
    """The group as it will be: what check mode goes on with."""
    match step:
        case TakeOver(members, pool):
            marked = tuple(replace(m, mark=NOBODY) if m.id in members else m for m in group.members)
            return replace(group, members=marked, pool=pool)
        case Note(operation):
            return replace(group, noted=(*(item for item in group.noted if item != operation), operation))
        case Forget(operation):
            return replace(group, noted=tuple(item for item in group.noted if item != operation))
        case Claim(member, operation):
            marked = tuple(replace(m, mark=operation) if m.id == member else m for m in group.members)
            return after(replace(group, members=marked), Forget(operation))
        case Resize(number):
            return replace(group, wanted=number, quiet=False)
        case Take(member, number):
            leaving = tuple(replace(m, leaving=True) if m.id == member else m for m in group.members)
            return replace(group, members=leaving, wanted=number)


@dataclass(frozen=True, slots=True)
class Done:
    """How far it got: the end, the writes on the way, and the group as it was seen last."""

    end: End
    writes: tuple[Write, ...]
    group: Group


def drive(read: Callable[[], Group], write: Callable[[Write], None], decide: Decide, *, dry: bool = False) -> Done:
    """Look, then decide and write until there is nothing left to do now.

    It goes on with what its writes brought about instead of looking again: providers take seconds to show them.
    """
    group = read()
    writes: list[Write] = []
    for _step in range(MOST_STEPS):
        step = decide(group)
        if isinstance(step, (Present, Coming, Gone)):
            return Done(step, tuple(writes), group)
        try:
            if not dry:
                write(step)
        except ConflictError:
            group = read()  # somebody wrote in between
            continue
        writes.append(step)
        group = after(group, step)
    last = writes[-1] if writes else "none"
    raise OpsError(
        f"The group made {MOST_STEPS} steps without getting on (the last: {last}); does anybody else change it?"
    )
