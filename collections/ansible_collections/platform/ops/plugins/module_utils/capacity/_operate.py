# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drive the operations in the journal as far as they go now, and leave the rest to the next run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    NotFoundError,
    OpsError,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity import (
    _changes,
    _drain,
    _nodes,
    _parse,
    _store,
    _tokens,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import timestamp
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import (
    EXPECTED,
    NOTHING_SAID,
    Action,
    Answer,
    Ask,
    Close,
    DrainState,
    Move,
    Outcome,
    Perform,
    Seen,
    Step,
    Wait,
    answered,
    next_step,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._places import cannot_be, recorded
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import (
    POOL_LABEL,
    Failure,
    MachineState,
    Operation,
    Pool,
    State,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster import _lease, _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api

# More steps than this without reaching a wait mean that a write has no effect: better stop than spin.
MOST_STEPS = 60
PLANNING = "nodepools"
PLANNING_DURATION, PLANNING_PATIENCE = 30, 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """What the provider is asked to do now."""

    operation: str
    action: str
    node: str
    address: str
    provider_id: str
    attempt: int  # how many times it failed before; a provider that starts something per attempt tells them apart by it
    started: str  # when the operation began
    present: bool  # the provider has answered that the machine is there; before, it may be whatever it was


class Ended(NamedTuple):
    node: str
    ok: bool  # it reached its end, and was not taken back
    message: str
    kind: str
    reason: str


@dataclass(slots=True)
class Progress:
    jobs: list[Job] = field(default_factory=list)
    waiting: list[tuple[str, str, float]] = field(default_factory=list)  # node, why, until
    ended: list[Ended] = field(default_factory=list)
    performed: list[str] = field(default_factory=list)


def lease_name(pool: str) -> str:
    return f"nodepool-{pool}"


@dataclass(slots=True)
class Writer:
    """The Lease of one pool, kept as long as its holder works."""

    api: Api
    pool: str
    namespace: str
    holder: str
    duration: int
    clock: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep
    _held: _lease.Held | None = None
    _renewed: float = 0.0

    def held(self, *, renewed: bool = False) -> _lease.Held:
        """`renewed`: the whole duration is needed from now on.

        Raises:
            ConflictError: (fenced) others held it since this run began. What this run has read and planned is stale,
                even when it could have the Lease again.
        """
        now = self.clock()
        if renewed or self._held is None or not self.fresh():
            floor = _store.read(self.api, self.pool).state.term
            try:
                held = _lease.acquire(
                    self.api,
                    self.namespace,
                    lease_name(self.pool),
                    self.holder,
                    duration=self.duration,
                    floor=floor,
                    clock=self.clock,
                )
            except ConflictError as error:
                if error.reason == "busy":
                    raise
                raise ConflictError(
                    f"Failed to take the Lease of NodePool {self.pool}: another run took it at the same moment; "
                    "it does the work.",
                    reason="busy",
                ) from error
            if self._held is not None and held.term != self._held.term:
                self._held = held
                self.release()
                raise ConflictError(
                    f"Failed to go on with NodePool {self.pool}: this run slept longer than its Lease, and others "
                    "worked on the pool meanwhile; the next run goes on from the record, nothing is lost.",
                    reason="fenced",
                )
            self._held, self._renewed = held, now
        return self._held

    def fresh(self) -> bool:
        """Whether most of the Lease's time is still to come."""
        return self.clock() - self._renewed <= self.duration / 3

    def change(self, how: Callable[[Pool], State]) -> Pool:
        return _store.change(self.api, self.pool, self.held(), how)

    @contextmanager
    def planning(self) -> Iterator[None]:
        """While no other pool plans: what one begins for a pod, the next one counts.

        It takes a second or two, so this waits for a while before it says busy.
        """
        give_up = self.clock() + PLANNING_PATIENCE
        while True:
            try:
                _lease.acquire(
                    self.api, self.namespace, PLANNING, self.holder, duration=PLANNING_DURATION, clock=self.clock
                )
                break
            except ConflictError as error:
                if self.clock() > give_up:
                    raise ConflictError(error.message, reason="busy") from error
                self.sleep(0.5)
        try:
            yield
        finally:
            _lease.release(self.api, self.namespace, PLANNING, self.holder, self.clock)

    def release(self) -> None:
        if self._held is not None:
            _lease.release(self.api, self.namespace, lease_name(self.pool), self.holder, self.clock)
            self._held = None


class Operator:
    """Args: patience: how many seconds one run may wait in sum, for things that take moments."""

    def __init__(self, writer: Writer, *, sleep: Callable[[float], None], patience: float) -> None:
        self._writer = writer
        self._api = writer.api
        self._clock = writer.clock
        self._sleep = sleep
        self._deadline = writer.clock() + patience

    def drive(self, pool: Pool) -> Progress:
        """One failing operation does not keep the others from going on; its error is told as what it waits for."""
        progress = Progress()
        self._heal(pool, progress)
        for op in pool.state.operations:
            try:
                self._drive(op, pool, progress)
            except ConflictError as error:
                if error.reason in ("busy", "fenced"):
                    raise
                progress.waiting.append((op.node, error.message, self._clock()))
            except OpsError as error:
                progress.waiting.append((op.node, error.message, self._clock()))
        return progress

    def _heal(self, pool: Pool, progress: Progress) -> None:
        """Take off marks of operations that are over.

        A run that sleeps between reading a Node and cordoning it, longer than its Lease, may cordon it when the run
        that took over has ended the operation already. Operations are journalled before they cordon, and nobody else
        begins one under our Lease; so a mark that the journal does not know is such a late one.
        """
        query = {"labelSelector": f"{POOL_LABEL}={pool.name}"}
        for node in [_parse.node(raw) for raw in self._api.items(_paths.NODES, query)]:
            if node.cordoned_by and pool.state.operation(node.cordoned_by) is None:
                self._writer.held()
                _nodes.uncordon(self._api, node.name, node.cordoned_by)
                progress.performed.append(f"{Action.UNCORDON} {node.name}")

    def _drive(self, op: Operation, pool: Pool, progress: Progress) -> None:
        drain: DrainState | None = None
        steps = 0
        while steps < MOST_STEPS:
            steps += 1
            seen = replace(self._look(op, pool), drain=drain)
            drain = None
            step = next_step(op, seen, pool.spec, self._clock())
            match step:
                case Perform(Action.DRAIN):
                    op, drain = self._drain(op, pool)
                    progress.performed.append(f"{Action.DRAIN} {op.node}")
                case Perform(action):
                    self._writer.held()
                    self._perform(action, op, pool, seen)
                    progress.performed.append(f"{action} {op.node}")
                case Move(after):
                    op = after
                    self._write(op)
                case Wait() if self._waited(step):
                    steps = 0
                case _:
                    self._leave(step, op, progress)
                    return
        raise OpsError(f"Node {op.node} made {MOST_STEPS} steps in phase {op.phase} without getting on; left as it is.")

    def _waited(self, step: Wait) -> bool:
        """Wait here, when it takes moments only."""
        if self._clock() + step.pause > self._deadline:
            return False
        self._sleep(step.pause)
        return True

    def _leave(self, step: Step, op: Operation, progress: Progress) -> None:
        match step:
            case Ask(action):
                progress.jobs.append(_job(op, action))
            case Wait(why, until, _):
                progress.waiting.append((op.node, why, until))
            case Close(ok, message):
                self._writer.change(lambda pool: _changes.finish(pool, op, ok, self._clock()))
                reason = op.failure.error_class if op.failure and not ok else "done"
                progress.ended.append(Ended(op.node, ok, message, op.kind, reason))

    def _write(self, op: Operation) -> None:
        self._writer.change(lambda current: _changes.write(current, op))

    def _drain(self, op: Operation, pool: Pool) -> tuple[Operation, DrainState]:
        self._writer.held()
        after, drain = _drain.one_pass(self._api, op, pool.spec.in_, self._clock())
        if after != op:
            self._write(after)
        return after, drain

    def _look(self, op: Operation, pool: Pool) -> Seen:
        node = _nodes.look(self._api, op.node, pool.spec)
        token = False
        if op.kind == "out" and pool.spec.provider.token:
            asking = op.phase in ("Adding", "Joining")
            token = _tokens.usable(self._api, op.id, self._clock()) if asking else _tokens.exists(self._api, op.id)
        return Seen(node, token)

    def _perform(self, action: Action, op: Operation, pool: Pool, seen: Seen) -> None:
        match action:
            case Action.ISSUE_TOKEN:
                _tokens.issue(self._api, op.id, op.node, self._clock())
            case Action.REVOKE_TOKEN:
                _tokens.revoke(self._api, op.id)
            case Action.DELETE_NODE:
                _nodes.delete(self._api, op.node, seen.node.uid if seen.node else "")
            case (
                Action.CORDON
                | Action.UNCORDON
                | Action.LABEL
                | Action.ADMIT
                | Action.OUT_OF_SERVICE
                | Action.IN_SERVICE
            ):
                self._write_node(action, op, pool)
            case _:
                raise OpsError(f"{action} is done by the provider.")

    def _write_node(self, action: Action, op: Operation, pool: Pool) -> None:
        try:
            match action:
                case Action.CORDON:
                    _nodes.cordon(self._api, op)
                case Action.UNCORDON:
                    _nodes.uncordon(self._api, op.node, op.id)
                case Action.OUT_OF_SERVICE:
                    _nodes.put_out_of_service(self._api, op)
                case Action.IN_SERVICE:
                    _nodes.put_in_service(self._api, op)
                case Action.LABEL:
                    _nodes.label(self._api, op.node, pool.spec)
                case _:
                    _nodes.admit(self._api, op.node)
        except NotFoundError:
            return  # gone since it was looked at; the next look decides


def _job(op: Operation, action: Action) -> Job:
    present = op.machine is MachineState.PRESENT
    return Job(op.id, action.value, op.node, op.address, op.provider_id, op.attempts, timestamp(op.started), present)


def claim(writer: Writer, operation: str, action: Action) -> bool:
    """Whether the provider is still to do this, asked right before it does.

    The provider has the Lease's duration from here on, so nobody else acts for the pool meanwhile.
    """
    writer.held(renewed=True)
    op = _store.read(writer.api, writer.pool).state.operation(operation)
    if not writer.fresh():
        return False  # it slept while it asked: what it read may be long past
    return op is not None and EXPECTED.get(op.phase) is action


def report(
    writer: Writer,
    operation: str,
    action: Action,
    outcome: Outcome,
    said: Answer = NOTHING_SAID,
) -> Pool:
    """Write the provider's answer into the journal."""
    others = _store.records(writer.api, writer.pool) if said.name or said.address else []

    def how(pool: Pool) -> State:
        op = pool.state.operation(operation)
        if op is None:
            raise NotFoundError(
                f"NodePool {pool.name} has no operation {operation}: it ended meanwhile. If the provider made a "
                "machine, node_pool_info lists it as a leak."
            )
        what, answer = (outcome, said) if op.kind == "in" else _held_against(pool.state, others, op, outcome, said)
        return pool.state.with_operation(answered(op, action, what, writer.clock(), answer))

    return writer.change(how)


def _held_against(
    own: State, others: Sequence[State], op: Operation, outcome: Outcome, said: Answer
) -> tuple[Outcome, Answer]:
    """The answer, as a failure when a name or an address in it is none or belongs to another machine of any pool."""
    why = cannot_be(said.name, said.address, recorded([own], besides=op.node) | recorded(others))
    if not why:
        return outcome, said
    return Outcome.FAILED, Answer(failure=Failure("other", f"the provider's answer cannot be: {why}"))
