# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes next for one node on its way in or out. Pure: the journal and what is seen decide, nothing else.

    out: Adding > Joining > Starting > Admitting > in the pool
            any failure or time-out before Admitting > Undoing > given back
    in:  Draining > Resetting > Removing > Forgetting > gone
            failure or time-out while Draining > Restoring > in the pool as before

Every action may be done twice with the same outcome as once, so a crash anywhere is answered by doing the step again.
Admitting and Resetting are points of no return: pods may run on the node, or it is no node any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Union

from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import (
    Failure,
    MachineState,
    Operation,
    Phase,
    Spec,
)

POLL = 10.0  # a machine on its way is looked at again after this many seconds
GLANCE = 1.0  # looking at a Node costs nothing
PROVE = 30.0  # how often the provider of a machine that does not answer is asked whether it is off
RETRY_FIRST, RETRY_MOST = 10.0, 600.0


class Action(StrEnum):
    # done over the API
    ISSUE_TOKEN = "issue_token"  # noqa: S105 a name
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 a name
    LABEL = "label"
    ADMIT = "admit"
    CORDON = "cordon"
    DRAIN = "drain"
    UNCORDON = "uncordon"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    DELETE_NODE = "delete_node"
    # asked of the provider
    ADD = "add"
    JOIN = "join"
    RESET = "reset"
    REMOVE = "remove"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class SeenNode:
    uid: str
    ready: bool
    condition: str  # what the Ready condition says
    provider_id: str = ""
    labelled: bool = False  # has all labels and taints of the template
    starting: bool = False  # still has the startup taint
    unschedulable: bool = False
    cordoned_by: str = ""
    out_of_service: bool = False


@dataclass(frozen=True, slots=True)
class DrainState:
    """Outcome of one pass over the pods of a node."""

    done: bool = False  # empty, replacements Ready elsewhere, volumes detached
    failed: str = ""  # going on makes no sense; names pod and budget
    waiting: tuple[str, ...] = ()
    again: float = POLL


@dataclass(frozen=True, slots=True)
class Seen:
    node: SeenNode | None = None
    token: bool = False
    drain: DrainState | None = None  # None: no pass was made yet in this run


@dataclass(frozen=True, slots=True)
class Perform:
    action: Action


@dataclass(frozen=True, slots=True)
class Ask:
    action: Action


@dataclass(frozen=True, slots=True)
class Move:
    """Write this down, then look again."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Wait:
    """`until` is when another run is worth it. A run that has time looks again after `pause` seconds already."""

    why: str
    until: float
    pause: float


@dataclass(frozen=True, slots=True)
class Close:
    """The operation is over: `ok` says whether it reached its end or was taken back."""

    ok: bool
    message: str


Step = Union["Perform", "Ask", "Move", "Wait", "Close"]


def next_step(op: Operation, seen: Seen, spec: Spec, now: float) -> Step:
    return _STEPS[op.phase](_Case(op, seen, spec, now))


@dataclass(frozen=True, slots=True)
class _Case:
    op: Operation
    seen: Seen
    spec: Spec
    now: float

    def move(self, phase: Phase, failure: Failure | None = None, node_uid: str = "") -> Move:
        op = self.op
        return Move(op.at(phase, self.now, failure=op.failure or failure, node_uid=node_uid or op.node_uid))

    def undo(self, message: str = "") -> Move:
        return self.move(Phase.UNDOING, Failure("other", message))

    def ask(self, action: Action) -> Step:
        op = self.op
        if op.retry_at is not None and self.now < op.retry_at:
            tried = f" (failed {op.attempts} times: {op.failure.message})" if op.attempts and op.failure else ""
            return Wait(
                f"the provider is asked again to {action.value} the machine{tried}", op.retry_at, op.retry_at - self.now
            )
        return Ask(action)

    def past(self, since: float, limit: float) -> bool:
        return self.now > since + limit

    @property
    def because(self) -> str:
        return self.op.failure.message if self.op.failure else "called off"

    def adding(self) -> Step:
        op, provider, limit = self.op, self.spec.provider, self.spec.out.provision_timeout
        if op.failure is not None:
            return self.undo()
        if op.machine is MachineState.PRESENT:
            return self.move(Phase.STARTING if provider.joins else Phase.JOINING)
        if self.past(op.started, limit):
            return self.undo(f"no machine after {limit:.0f} s")
        if provider.joins and provider.token and not self.seen.token:
            return Perform(Action.ISSUE_TOKEN)
        if op.machine is MachineState.NONE:
            # Written before asking: from here on the machine may exist and has to be given back.
            return Move(replace(op, machine=MachineState.ASKED))
        return self.ask(Action.ADD)

    def joining(self) -> Step:
        op, limit = self.op, self.spec.out.provision_timeout
        if op.failure is not None:
            return self.undo()
        if op.joined or self.seen.node is not None:
            return self.move(Phase.STARTING)
        if self.past(op.started, limit):
            return self.undo(f"the machine did not join within {limit:.0f} s")
        if self.spec.provider.token and not self.seen.token:
            return Perform(Action.ISSUE_TOKEN)
        return self.ask(Action.JOIN)

    def starting(self) -> Step:
        op, node, limit = self.op, self.seen.node, self.spec.out.ready_timeout
        late = self.past(op.since, limit)
        if op.failure is not None:
            return self.undo()
        if node is None:
            missing = Wait("the machine is to appear as a Node", self.now + POLL, GLANCE)
            return self.undo(f"no Node object {limit:.0f} s after joining") if late else missing
        if not node.ready:
            unready = Wait(f"the Node is not Ready: {node.condition}", self.now + POLL, GLANCE)
            return self.undo(f"not Ready after {limit:.0f} s: {node.condition}") if late else unready
        if op.provider_id and node.provider_id and node.provider_id != op.provider_id:
            return self.undo(f"the Node has provider id {node.provider_id}, the machine {op.provider_id}")
        return self.finishing(node)

    def finishing(self, node: SeenNode) -> Step:
        if not node.labelled:
            return Perform(Action.LABEL)
        if self.seen.token:
            return Perform(Action.REVOKE_TOKEN)
        return self.move(Phase.ADMITTING, node_uid=node.uid)

    def admitting(self) -> Step:
        if self.seen.node is not None and self.seen.node.starting:
            return Perform(Action.ADMIT)
        # A Node that vanished now is lost like any other machine that dies later; the leak detector names it.
        return Close(True, f"node {self.op.node} is in the pool")

    def undoing(self) -> Step:
        if self.op.machine not in (MachineState.NONE, MachineState.GONE):
            return self.ask(Action.REMOVE)
        if self.seen.node is not None and self.ours(self.seen.node):
            return Perform(Action.DELETE_NODE)
        if self.seen.token:
            return Perform(Action.REVOKE_TOKEN)
        return Close(False, f"node {self.op.node} was given back: {self.because}")

    def ours(self, node: SeenNode) -> bool:
        """Whether this operation made the Node: a machine that was refused may have one that it joined with before."""
        op = self.op
        return op.joined or node.starting or (op.provider_id != "" and node.provider_id == op.provider_id)

    def draining(self) -> Step:
        op, node = self.op, self.seen.node
        if op.failure is not None:
            return self.move(Phase.RESTORING)
        if node is None:
            return self.move(Phase.RESETTING)
        if node.uid != op.node_uid:
            return Close(False, f"another Node named {op.node} took its place; nothing was done to it")
        return self.emptying(node)

    def emptying(self, node: SeenNode) -> Step:
        op = self.op
        if not op.foreign_cordon and not (node.unschedulable and node.cordoned_by == op.id):
            return Perform(Action.CORDON)
        if op.off and not node.out_of_service:
            return Perform(Action.OUT_OF_SERVICE)
        if self.seen.drain is None:
            return Perform(Action.DRAIN)
        return self.drained(self.seen.drain, node)

    def drained(self, drain: DrainState, node: SeenNode) -> Step:
        if drain.done:
            return self.move(Phase.RESETTING)
        limit, waiting = self.spec.in_.drain_timeout, "; ".join(drain.waiting)
        message = drain.failed
        if not message and self.past(self.op.started, limit):
            message = f"not drained after {limit:.0f} s: {waiting}"
        if message:
            return self.move(Phase.RESTORING, Failure("other", message))
        if self.spec.provider.proves and not (node.ready or self.op.off):
            # No kubelet ends these pods. Only the proof that the machine is off allows to give them up.
            step = self.ask(Action.PROVE)
            if isinstance(step, Ask):
                return step
        return Wait(f"draining: {waiting}", self.now + drain.again, drain.again)

    def restoring(self) -> Step:
        op, node = self.op, self.seen.node
        if node is not None and node.uid == op.node_uid and node.cordoned_by == op.id:
            return Perform(Action.UNCORDON)  # takes what we tainted off too
        if node is not None and node.uid == op.node_uid and op.off and node.out_of_service:
            return Perform(Action.IN_SERVICE)
        return Close(False, f"node {op.node} stays: {self.because}")

    def resetting(self) -> Step:
        provider = self.spec.provider
        hopeless = provider.destroys and self.past(self.op.since, self.spec.in_.reset_timeout)
        if not provider.resets or self.op.reset or self.op.off or hopeless:
            return self.move(Phase.REMOVING)
        return self.ask(Action.RESET)

    def removing(self) -> Step:
        if self.op.machine is MachineState.GONE:
            return self.move(Phase.FORGETTING)
        return self.ask(Action.REMOVE)

    def forgetting(self) -> Step:
        if self.seen.node is not None and self.seen.node.uid == self.op.node_uid:
            return Perform(Action.DELETE_NODE)
        return Close(True, f"node {self.op.node} and its machine are gone")


_STEPS = {
    Phase.ADDING: _Case.adding,
    Phase.JOINING: _Case.joining,
    Phase.STARTING: _Case.starting,
    Phase.ADMITTING: _Case.admitting,
    Phase.UNDOING: _Case.undoing,
    Phase.DRAINING: _Case.draining,
    Phase.RESETTING: _Case.resetting,
    Phase.REMOVING: _Case.removing,
    Phase.FORGETTING: _Case.forgetting,
    Phase.RESTORING: _Case.restoring,
}

# What the provider may be asked in each phase; an answer to anything else comes too late and changes nothing.
EXPECTED = {
    Phase.ADDING: Action.ADD,
    Phase.JOINING: Action.JOIN,
    Phase.UNDOING: Action.REMOVE,
    Phase.DRAINING: Action.PROVE,
    Phase.RESETTING: Action.RESET,
    Phase.REMOVING: Action.REMOVE,
}


class Outcome(StrEnum):
    DONE = "done"
    PENDING = "pending"  # on its way; ask again
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says about the machine. Name and address where it gives them, not the pool."""

    provider_id: str = ""
    name: str = ""
    address: str = ""
    failure: Failure | None = None


NOTHING_SAID = Answer()


def answered(op: Operation, action: Action, outcome: Outcome, now: float, said: Answer = NOTHING_SAID) -> Operation:
    """The operation after the provider's answer."""
    if EXPECTED.get(op.phase) is not action:
        return op
    if action is Action.PROVE:
        return _proven(op, outcome, now)
    if op.kind == "out":
        op = replace(op, node=said.name or op.node, address=said.address or op.address)
    if outcome is Outcome.PENDING:
        return replace(op, retry_at=Time(now + POLL))
    if outcome is Outcome.FAILED:
        return _refused(op, action, now, said.failure or Failure("other", f"the provider failed to {action.value} it"))
    return _did(replace(op, attempts=0, retry_at=None), action, said)


def _did(op: Operation, action: Action, said: Answer) -> Operation:
    if action is Action.ADD:
        return replace(op, machine=MachineState.PRESENT, provider_id=said.provider_id or op.provider_id)
    if action is Action.RESET:
        return replace(op, reset=True, failure=None)
    return replace(op, joined=True) if action is Action.JOIN else replace(op, machine=MachineState.GONE)


def _proven(op: Operation, outcome: Outcome, now: float) -> Operation:
    """Not to know is no failure of the removal: it may still drain, or run out of time."""
    if outcome is Outcome.DONE:
        return replace(op, off=True, retry_at=None)
    return replace(op, retry_at=Time(now + PROVE))


def _refused(op: Operation, action: Action, now: float, failure: Failure) -> Operation:
    if action in (Action.ADD, Action.JOIN):
        return op.at(Phase.UNDOING, now, failure=failure)
    # Going back is impossible here: again, with growing pauses, for ever. The pool shows it as stuck.
    pause = min(RETRY_FIRST * 2 ** min(op.attempts, 30), RETRY_MOST)
    kept = op.failure if op.phase is Phase.UNDOING else failure
    return replace(op, attempts=op.attempts + 1, retry_at=Time(now + pause), failure=kept)


def call_off(op: Operation, message: str) -> Operation:
    """Take an operation back, where that is still possible."""
    if op.phase in (Phase.ADDING, Phase.JOINING, Phase.STARTING, Phase.DRAINING):
        return replace(op, failure=op.failure or Failure("called_off", message))
    return op
