# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node pool: what people ask for (spec) and what we remember (state)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time, decode, encode
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Backoff, Past
from ansible_collections.platform.ops.plugins.module_utils.capacity._parse import taints
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Taint
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import (
    InRules,
    OutRules,
    in_rules,
    out_rules,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._schedule import Window, least_at, windows
from ansible_collections.platform.ops.plugins.module_utils.capacity._slots import Slots, slots
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import Prediction, Trend, trend
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amounts

# On every node of a pool; who carries it belongs to the pool, whoever made the machine.
POOL_LABEL = "platform.ops/pool"


class Phase(StrEnum):
    # out
    ADDING = "Adding"
    JOINING = "Joining"
    STARTING = "Starting"
    ADMITTING = "Admitting"
    UNDOING = "Undoing"
    # in
    DRAINING = "Draining"
    RESETTING = "Resetting"
    REMOVING = "Removing"
    FORGETTING = "Forgetting"
    RESTORING = "Restoring"


class MachineState(StrEnum):
    NONE = "None"  # the provider was never asked for it
    ASKED = "Asked"  # it may or may not exist
    PRESENT = "Present"
    GONE = "Gone"  # the provider proved that it is gone


@dataclass(frozen=True, slots=True)
class Failure:
    error_class: str = "other"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One node on its way in or out. Written before the first thing is touched, taken out after the last."""

    id: str
    kind: str  # out | in
    node: str
    phase: Phase
    started: Time
    since: Time  # when the phase began
    address: str = ""
    provider_id: str = ""
    node_uid: str = ""
    machine: MachineState = MachineState.NONE
    joined: bool = False
    reset: bool = False
    off: bool = False  # the provider proved that the machine has no power
    foreign_cordon: bool = False  # somebody else had cordoned it before us: never uncordoned by us
    attempts: int = 0
    retry_at: Time | None = None
    failure: Failure | None = None
    evictions: Mapping[str, Time] = field(default_factory=dict)  # pod -> first asked to go
    moved: tuple[str, ...] = ()  # controllers whose replacements have to be Ready elsewhere
    drained_at: Time | None = None

    def at(self, phase: Phase, now: float, **more: Any) -> Operation:
        return replace(self, phase=phase, since=Time(now), attempts=0, retry_at=None, **more)


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    since: Time
    address: str = ""
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class BackoffRecord:
    failures: int
    until: Time
    last: Time
    message: str = ""


@dataclass(frozen=True, slots=True)
class State:
    machines: tuple[Machine, ...] = ()
    operations: tuple[Operation, ...] = ()
    backoff: Mapping[str, BackoffRecord] = field(default_factory=dict)
    unneeded: Mapping[str, Time] = field(default_factory=dict)
    failed: Mapping[str, Time] = field(default_factory=dict)  # nodes whose removal failed; tried again then
    outs: tuple[Time, ...] = ()  # starts within the last hour
    ins: tuple[Time, ...] = ()
    last_out: Time | None = None
    last_in_failure: Time | None = None
    predicted: Prediction | None = None
    term: int = 0  # of the Lease under which this was written; smaller ones may not write any more
    holder: str = ""

    def operation(self, identity: str) -> Operation | None:
        return next((item for item in self.operations if item.id == identity), None)

    def of_node(self, name: str) -> Operation | None:
        return next((item for item in self.operations if item.node == name), None)

    def machine(self, name: str) -> Machine | None:
        return next((item for item in self.machines if item.name == name), None)

    def with_operation(self, operation: Operation) -> State:
        """The operation in place of the one with the same id, or added."""
        others = tuple(item for item in self.operations if item.id != operation.id)
        return replace(self, operations=(*others, operation))

    def without_operation(self, identity: str) -> State:
        return replace(self, operations=tuple(item for item in self.operations if item.id != identity))

    def names(self) -> frozenset[str]:
        return frozenset(item.name for item in self.machines) | {item.node for item in self.operations}

    def addresses(self) -> list[str]:
        """Every address in use, once per user: a machine that is being removed is the same user."""
        used = {item.name: item.address for item in self.machines if item.address}
        used |= {item.node: item.address for item in self.operations if item.address}
        return list(used.values())

    def past(self) -> Past:
        backoff = {name: Backoff(b.failures, b.until, b.last, b.message) for name, b in self.backoff.items()}
        return Past(self.outs, self.ins, self.last_out, self.last_in_failure, backoff)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who makes machines: a role with tasks add, remove, …; see docs/machine-providers.md."""

    role: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    joins: bool = False  # add also joins the machine (cloud-init, simulated nodes)
    resets: bool = True  # the machine can be reset before it is removed
    destroys: bool = True  # remove destroys the machine, so a failed reset does not matter
    token: bool = True  # joining takes a bootstrap token
    lists: bool = False  # it can list its machines
    proves: bool = False  # it can prove that a machine is off


@dataclass(frozen=True, slots=True)
class Spec:
    least: int
    most: int
    provider: Provider
    allocatable: tuple[tuple[str, int], ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    provider_id_prefix: str
    slots: Slots
    out: OutRules
    in_: InRules
    paused: bool
    raised: tuple[Window, ...]
    predicted: Trend | None = None
    priority: int = 0  # of several pools that could take a pod, the one with the largest gets the node


@dataclass(frozen=True, slots=True)
class Pool:
    name: str
    spec: Spec
    state: State
    raw: Mapping[str, Any]  # the object as read; writing needs its version

    def least_now(self, now: float) -> int:
        """The minimum in force: the pool's own, those of open windows, and what was predicted; never above max."""
        least = least_at(self.spec.least, self.spec.most, self.spec.raised, now)
        predicted = self.state.predicted if self.spec.predicted else None
        return min(self.spec.most, max(least, predicted.least_at(now) if predicted else 0))


def pool(raw: Mapping[str, Any]) -> Pool:
    name = raw["metadata"]["name"]
    try:
        return Pool(name, _spec(name, raw["spec"]), decode(State, raw.get("status")), raw)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"NodePool {name} cannot be read: {error!r}; compare it with docs/node-pools.md.") from error


def _spec(name: str, raw: Mapping[str, Any]) -> Spec:
    template = raw.get("template") or {}
    least, most = raw.get("min", 0), raw["max"]
    if not 0 <= least <= most:
        raise InputError(f"NodePool {name} has min {least} and max {most}; it takes 0 <= min <= max.")
    return Spec(
        least=least,
        most=most,
        provider=decode(Provider, raw["provider"]),
        allocatable=tuple(sorted(amounts(template.get("allocatable")).items())),
        labels={**(template.get("labels") or {}), POOL_LABEL: name},
        taints=taints(template.get("taints")),
        provider_id_prefix=template.get("providerIDPrefix", ""),
        slots=slots(name, raw.get("names") or f"{name}-", raw.get("addresses") or (), raw.get("hosts") or ()),
        out=out_rules(raw.get("scaleOut")),
        in_=in_rules(raw.get("scaleIn")),
        paused=bool(raw.get("paused")),
        raised=windows(name, raw.get("raised")),
        predicted=trend(name, raw.get("predicted")),
        priority=raw.get("priority", 0),
    )


def state_json(state: State) -> dict[str, Any]:
    return encode(state)


def recent(starts: Iterable[Time], now: float) -> tuple[Time, ...]:
    return tuple(start for start in starts if now - start < 3600)
