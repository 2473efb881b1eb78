# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time, decode, encode
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import (
    Action,
    Answer,
    Ask,
    Close,
    DrainState,
    Move,
    Outcome,
    Perform,
    Seen,
    SeenNode,
    Step,
    Wait,
    answered,
    call_off,
    next_step,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import (
    Failure,
    MachineState,
    Operation,
    Phase,
    Spec,
    pool,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_800_000_000.0
NODE = SeenNode("u1", ready=True, condition="ok", provider_id="x://w-1", labelled=True)


def test_what_a_provider_is_told_is_kept_as_it_was_written() -> None:
    told = {"user": "debian", "ports": [22], "nested": {"a": 1}}
    assert dict(spec_of({"role": "r", "variables": told}).provider.variables) == told


def spec_of(provider: dict[str, Any]) -> Spec:
    raw = {
        "metadata": {"name": "w"},
        "spec": {"max": 3, "provider": provider, "template": {"allocatable": {"cpu": "4"}}},
    }
    return pool(raw).spec


def spec(**provider: Any) -> Spec:
    return spec_of({"role": "r", **provider})


def op(phase: Phase, **more: Any) -> Operation:
    kind = "out" if phase in list(Phase)[:5] else "in"
    options = {"node_uid": "u1", "machine": MachineState.PRESENT, **more}
    return Operation("op-1", kind, "w-1", phase, Time(NOW), Time(NOW), address="10.0.0.1", **options)


def step(operation: Operation, seen: Seen | None = None, later: float = 1, **provider: Any) -> Step:
    return next_step(operation, seen or Seen(), spec(**provider), NOW + later)


def phase_after(found: Step) -> str:
    assert isinstance(found, Move)
    return found.operation.phase.value


def test_that_a_machine_was_asked_for_is_written_before_it_is() -> None:
    fresh = op(Phase.ADDING, machine=MachineState.NONE)
    written = step(fresh)
    assert isinstance(written, Move)
    assert written.operation.machine is MachineState.ASKED
    assert step(written.operation) == Ask(Action.ADD)


def test_a_token_is_issued_right_before_joining_and_revoked_once_ready() -> None:
    assert step(op(Phase.JOINING)) == Perform(Action.ISSUE_TOKEN)
    assert step(op(Phase.JOINING), Seen(token=True)) == Ask(Action.JOIN)
    assert step(op(Phase.STARTING), Seen(NODE, token=True)) == Perform(Action.REVOKE_TOKEN)
    assert step(op(Phase.JOINING), token=False) == Ask(Action.JOIN)


def test_a_machine_that_joins_by_itself_has_its_token_before_it_is_made() -> None:
    fresh = op(Phase.ADDING, machine=MachineState.NONE)
    assert step(fresh, joins=True) == Perform(Action.ISSUE_TOKEN)
    assert phase_after(step(op(Phase.ADDING), Seen(token=True), joins=True)) == "Starting"
    assert phase_after(step(op(Phase.ADDING), Seen(token=True))) == "Joining"


LATE = [
    (op(Phase.ADDING, machine=MachineState.ASKED), Seen(), 901, "no machine after 900 s"),
    (op(Phase.JOINING), Seen(token=True), 901, "did not join within 900 s"),
    (op(Phase.STARTING), Seen(), 601, "no Node object"),
    (op(Phase.STARTING), Seen(replace(NODE, ready=False, condition="cni missing")), 601, "cni missing"),
]


@pytest.mark.parametrize(("operation", "seen", "later", "message"), LATE)
def test_what_does_not_arrive_in_time_is_given_back(
    operation: Operation, seen: Seen, later: float, message: str
) -> None:
    assert not isinstance(step(operation, seen, later - 2), Move)
    found = step(operation, seen, later)
    assert isinstance(found, Move)
    assert found.operation.phase is Phase.UNDOING
    assert found.operation.failure is not None
    assert message in found.operation.failure.message


def test_a_node_of_another_machine_is_not_taken_in() -> None:
    found = step(op(Phase.STARTING, provider_id="x://w-2"), Seen(NODE))
    assert phase_after(found) == "Undoing"


def test_a_node_is_admitted_last_and_then_never_undone() -> None:
    assert step(op(Phase.STARTING), Seen(replace(NODE, labelled=False))) == Perform(Action.LABEL)
    assert phase_after(step(op(Phase.STARTING), Seen(NODE))) == "Admitting"
    assert step(op(Phase.ADMITTING), Seen(replace(NODE, starting=True)), 99_999) == Perform(Action.ADMIT)
    assert step(op(Phase.ADMITTING), Seen(replace(NODE, ready=False)), 99_999) == Close(True, "node w-1 is in the pool")


def test_undoing_gives_back_machine_then_node_then_token() -> None:
    undoing = op(Phase.UNDOING, failure=Failure("quota", "no more"))
    seen = Seen(NODE, token=True)
    assert step(undoing, seen) == Ask(Action.REMOVE)
    gone = replace(undoing, machine=MachineState.GONE, joined=True)
    assert step(gone, seen) == Perform(Action.DELETE_NODE)
    assert step(gone, Seen(token=True)) == Perform(Action.REVOKE_TOKEN)
    assert step(gone, Seen()) == Close(False, "node w-1 was given back: no more")


@pytest.mark.parametrize(
    ("made", "node"),
    [({"joined": True}, NODE), ({}, replace(NODE, starting=True)), ({"provider_id": "x://w-1"}, NODE)],
    ids=["joined", "starting", "same-machine"],
)
def test_undoing_takes_away_only_a_node_that_the_operation_made(made: dict[str, Any], node: SeenNode) -> None:
    gone = op(Phase.UNDOING, machine=MachineState.GONE, failure=Failure("other", "is part of a cluster already"))
    assert step(gone, Seen(NODE)) == Close(False, "node w-1 was given back: is part of a cluster already")
    assert step(replace(gone, **made), Seen(node)) == Perform(Action.DELETE_NODE)


def test_a_machine_never_asked_for_is_not_removed() -> None:
    assert isinstance(step(op(Phase.UNDOING, machine=MachineState.NONE)), Close)


CORDONED = replace(NODE, unschedulable=True, cordoned_by="op-1")


def test_a_node_is_cordoned_with_our_mark_before_it_is_drained() -> None:
    assert step(op(Phase.DRAINING), Seen(NODE)) == Perform(Action.CORDON)
    assert step(op(Phase.DRAINING), Seen(replace(CORDONED, cordoned_by="op-0"))) == Perform(Action.CORDON)
    assert step(op(Phase.DRAINING), Seen(CORDONED)) == Perform(Action.DRAIN)


def test_a_cordon_of_somebody_else_is_neither_marked_nor_taken_off() -> None:
    foreign = Seen(replace(NODE, unschedulable=True))
    assert step(op(Phase.DRAINING, foreign_cordon=True), foreign) == Perform(Action.DRAIN)
    assert isinstance(step(op(Phase.RESTORING, foreign_cordon=True), foreign), Close)


def test_draining_waits_until_done_or_late_and_then_restores() -> None:
    def after(drain: DrainState, later: float = 1) -> Step:
        return step(op(Phase.DRAINING), Seen(CORDONED, drain=drain), later)

    assert after(DrainState(waiting=("pod a",), again=5)) == Wait("draining: pod a", NOW + 6, 5)
    assert phase_after(after(DrainState(done=True))) == "Resetting"
    assert phase_after(after(DrainState(failed="pod a: budget b"))) == "Restoring"
    late = after(DrainState(waiting=("pod a waits: budget b",)), 1801)
    assert isinstance(late, Move)
    assert late.operation.failure == Failure("other", "not drained after 1800 s: pod a waits: budget b")


def test_restoring_uncordons_only_our_own_mark_on_the_same_node() -> None:
    assert step(op(Phase.RESTORING), Seen(CORDONED)) == Perform(Action.UNCORDON)
    assert isinstance(step(op(Phase.RESTORING), Seen(replace(CORDONED, cordoned_by="x"))), Close)
    assert isinstance(step(op(Phase.RESTORING), Seen(replace(CORDONED, uid="u2"))), Close)


def test_a_node_that_people_cordoned_loses_the_taint_of_a_removal_that_failed() -> None:
    theirs = replace(NODE, unschedulable=True, out_of_service=True)
    restoring = op(Phase.RESTORING, foreign_cordon=True, off=True)
    assert step(restoring, Seen(theirs)) == Perform(Action.IN_SERVICE)
    assert isinstance(step(restoring, Seen(replace(theirs, out_of_service=False))), Close)
    assert isinstance(step(restoring, Seen(replace(theirs, uid="u2"))), Close)
    assert isinstance(step(replace(restoring, off=False), Seen(theirs)), Close)  # people put it there


def test_another_node_of_the_same_name_is_left_alone() -> None:
    assert isinstance(step(op(Phase.DRAINING), Seen(replace(NODE, uid="u2"))), Close)
    assert step(op(Phase.FORGETTING), Seen(replace(NODE, uid="u2"))) == Close(True, "node w-1 and its machine are gone")


def test_the_node_is_deleted_only_after_its_machine_is_gone() -> None:
    assert step(op(Phase.RESETTING), Seen(CORDONED)) == Ask(Action.RESET)
    assert phase_after(step(op(Phase.RESETTING, reset=True), Seen(CORDONED))) == "Removing"
    assert step(op(Phase.REMOVING), Seen(CORDONED)) == Ask(Action.REMOVE)
    assert phase_after(step(op(Phase.REMOVING, machine=MachineState.GONE), Seen(CORDONED))) == "Forgetting"
    assert step(op(Phase.FORGETTING), Seen(CORDONED)) == Perform(Action.DELETE_NODE)


def test_a_reset_that_keeps_failing_is_given_up_only_when_the_machine_is_destroyed() -> None:
    assert phase_after(step(op(Phase.RESETTING), Seen(CORDONED), 601)) == "Removing"
    assert step(op(Phase.RESETTING), Seen(CORDONED), 601, destroys=False) == Ask(Action.RESET)
    assert phase_after(step(op(Phase.RESETTING), Seen(CORDONED), resets=False)) == "Removing"


def test_a_failed_removal_is_asked_again_with_growing_pauses() -> None:
    operation, pauses = op(Phase.REMOVING), []
    for _time in range(8):
        operation = answered(operation, Action.REMOVE, Outcome.FAILED, NOW, Answer(failure=Failure("other", "locked")))
        assert operation.retry_at is not None
        pauses.append(operation.retry_at - NOW)
        assert isinstance(step(operation, Seen(CORDONED), 0), Wait)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600]
    assert operation.phase is Phase.REMOVING


def test_a_failed_add_or_join_is_undone_with_its_class() -> None:
    for phase, action in ((Phase.ADDING, Action.ADD), (Phase.JOINING, Action.JOIN)):
        after = answered(op(phase), action, Outcome.FAILED, NOW, Answer(failure=Failure("quota", "no")))
        assert (after.phase, after.failure) == (Phase.UNDOING, Failure("quota", "no"))


def test_an_answer_to_what_is_no_longer_asked_changes_nothing() -> None:
    operation = op(Phase.STARTING)
    assert answered(operation, Action.ADD, Outcome.FAILED, NOW) == operation


def test_what_is_pending_is_asked_again_soon() -> None:
    after = answered(op(Phase.ADDING, machine=MachineState.ASKED), Action.ADD, Outcome.PENDING, NOW)
    assert isinstance(step(after, later=9), Wait)
    assert step(after, later=11) == Ask(Action.ADD)


@pytest.mark.parametrize("phase", list(Phase))
def test_only_what_can_still_be_taken_back_is_called_off(phase: Phase) -> None:
    possible = phase in (Phase.ADDING, Phase.JOINING, Phase.STARTING, Phase.DRAINING)
    assert (call_off(op(phase), "not needed").failure is not None) == possible


operations = st.builds(
    Operation,
    id=st.just("op-1"),
    kind=st.just("in"),
    node=st.just("w-1"),
    phase=st.sampled_from(Phase),
    started=st.just(Time(NOW)),
    since=st.just(Time(NOW)),
    address=st.sampled_from(["", "10.0.0.1"]),
    node_uid=st.sampled_from(["", "u1", "u2"]),
    machine=st.sampled_from(MachineState),
    joined=st.booleans(),
    reset=st.booleans(),
    foreign_cordon=st.booleans(),
    attempts=st.integers(0, 5),
    retry_at=st.none() | st.floats(NOW - 100, NOW + 100).map(lambda value: Time(round(value))),
    failure=st.none() | st.builds(Failure, st.sampled_from(["quota", "other"]), st.text(max_size=5)),
    evictions=st.dictionaries(st.sampled_from(["a/b", "a/c"]), st.just(Time(NOW))),
    moved=st.tuples(st.sampled_from(["ReplicaSet/a/b"])),
)
nodes = st.none() | st.builds(
    SeenNode,
    uid=st.sampled_from(["u1", "u2"]),
    ready=st.booleans(),
    condition=st.just("?"),
    provider_id=st.sampled_from(["", "x://w-1"]),
    labelled=st.booleans(),
    starting=st.booleans(),
    unschedulable=st.booleans(),
    cordoned_by=st.sampled_from(["", "op-1", "op-0"]),
)


@given(operations)
def test_what_is_written_down_is_read_back(operation: Operation) -> None:
    assert decode(Operation, encode(operation)) == operation


@given(operations, nodes, st.booleans(), st.integers(0, 100_000))
def test_every_situation_has_a_next_step_and_no_machine_is_forgotten(
    operation: Operation, node: SeenNode | None, token: bool, later: int
) -> None:
    found = step(operation, Seen(node, token, DrainState()), later)
    if isinstance(found, Close) and not found.ok and operation.phase is Phase.UNDOING:
        assert operation.machine in (MachineState.NONE, MachineState.GONE)
        assert node is None or not (operation.joined or node.starting)
        assert not token
    if isinstance(found, Close) and operation.phase is Phase.FORGETTING:
        assert node is None or node.uid != operation.node_uid
    if found == Perform(Action.UNCORDON):
        assert node is not None
        assert node.cordoned_by == operation.id
    if isinstance(found, Move):
        assert found.operation != operation


def test_a_provider_that_names_the_machine_names_the_operation():
    operation = op(Phase.ADDING, machine=MachineState.ASKED)
    said = Answer("aws:///a/i-1", "ip-10-0-0-9.internal", "10.0.0.9")
    after = answered(operation, Action.ADD, Outcome.DONE, NOW, said)
    assert (after.node, after.address, after.provider_id) == ("ip-10-0-0-9.internal", "10.0.0.9", "aws:///a/i-1")
    unsaid = answered(operation, Action.ADD, Outcome.DONE, NOW)
    assert (unsaid.node, unsaid.address) == (operation.node, operation.address)


def test_a_node_that_leaves_keeps_its_name_whatever_the_provider_says():
    operation = op(Phase.REMOVING, machine=MachineState.PRESENT)
    assert answered(operation, Action.REMOVE, Outcome.DONE, NOW, Answer(name="other")).node == operation.node
