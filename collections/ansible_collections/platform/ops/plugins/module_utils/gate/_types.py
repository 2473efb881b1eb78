# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate says about a bump: why it cannot work, or what was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class Reason(StrEnum):
    """Why a bump is stopped before its pull request. Programs depend on these strings: add, never rename."""

    LIMIT_RANGE = "limit_range"
    QUOTA = "quota"
    QUOTA_SURGE = "quota_surge"
    NODE_SIZE = "node_size"
    NO_NODE = "no_node"
    NODE_OVERCOMMIT = "node_overcommit"
    NODE_PRESSURE = "node_pressure"
    VPA = "vpa"
    HPA_REQUEST = "hpa_request"
    QOS_CHANGE = "qos_change"
    PDB = "pdb"
    PDB_NOW = "pdb_now"
    BLACKOUT = "blackout"
    DRY_RUN = "dry_run"
    LEAK = "leak"
    HISTORY = "not_enough_history"
    NOT_IN_CLUSTER = "not_in_cluster"


# These pass by themselves: the alert is looked at again later instead of being handed to people.
LATER = frozenset({Reason.PDB_NOW, Reason.BLACKOUT, Reason.HISTORY})


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason
    message: str

    @property
    def later(self) -> bool:
        return self.reason in LATER


@dataclass(frozen=True, slots=True)
class Verdict:
    """`checked` are lines for the pull request; a single refusal stops it, all are told."""

    refusals: tuple[Refused, ...] = ()
    checked: tuple[str, ...] = ()

    @property
    def reason(self) -> Reason | None:
        """The leading one: what people have to change goes before what passes by itself."""
        ordered = sorted(self.refusals, key=lambda one: one.later)
        return ordered[0].reason if ordered else None

    @property
    def later(self) -> bool:
        return bool(self.refusals) and all(one.later for one in self.refusals)

    @property
    def message(self) -> str:
        return " ".join(one.message for one in sorted(self.refusals, key=lambda one: one.later))

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.refusals + other.refusals, self.checked + other.checked)


def passed(*lines: str) -> Verdict:
    return Verdict(checked=lines)


def refused(reason: Reason, *messages: str) -> Verdict:
    return Verdict(tuple(Refused(reason, message) for message in messages))


def judged(reason: Reason, problems: Iterable[str], otherwise: str) -> Verdict:
    """A refusal for each problem, or the line that says what was looked at."""
    found: Sequence[str] = list(problems)
    return refused(reason, *found) if found else passed(otherwise)
