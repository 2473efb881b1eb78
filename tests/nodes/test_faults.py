# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is killed, whenever, and whoever runs at the same time: the promises hold, and everything comes to rest."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.memory_world import CrashError, World, pool_object

pytestmark = [pytest.mark.stand_in("memory-api"), pytest.mark.stand_in("memory-world")]

QUICK: dict[str, Any] = {"unneededFor": 0, "afterOut": 0, "afterFailure": 0, "retryAfter": 0, "perHour": 1000}
OUT: dict[str, Any] = {"perHour": 1000, "backoffFirst": 0, "backoffMost": 0}


def calm(when: str, verb: str, path: str) -> None:
    """No fault."""


def world(members: int) -> World:
    made = World.make(pool_object(scaleIn=QUICK, scaleOut=OUT))
    for number in range(1, members + 1):
        made.member(number)
    return made


def come_to_rest(here: World) -> None:
    """Nothing fails any more, and the tick goes on."""
    here.api.hook, here.mood = calm, lambda: ""
    for _ in range(60):
        here.now += 120
        here.settle()
        here.run("resumed")
        if not here.pool().state.operations:
            break


def count_calls(setup: Callable[[], World], act: Callable[[World], Any]) -> int:
    here, calls = setup(), 0

    def count(when: str, verb: str, path: str) -> None:
        nonlocal calls
        calls += 1

    here.api.hook = count
    act(here)
    return calls


def crash_at(here: World, number: int, error: Callable[[], BaseException]) -> None:
    calls = 0

    def hook(when: str, verb: str, path: str) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error()

    here.api.hook = hook


def out_world() -> World:
    here = world(1)
    here.workload("web", 12)
    return here


def in_world() -> World:
    here = world(2)
    here.workload("web", 4)
    here.budget("web", maxUnavailable=2)
    return here


def go_out(here: World) -> None:
    here.run("present")


def go_in(here: World) -> None:
    here.run("absent", names=("workers-1",))
    for _ in range(4):
        here.now += 10
        here.settle()
        here.run("resumed")


def unavailable() -> BaseException:
    return UnavailableError("the API server went away")


CASES = {"out": (out_world, go_out, 2), "in": (in_world, go_in, 1)}


@pytest.mark.parametrize("error", [CrashError, unavailable])
@pytest.mark.parametrize("case", CASES)
def test_a_run_that_ends_at_any_step_is_completed_by_another(case: str, error: Callable[[], BaseException]) -> None:
    setup, act, expected = CASES[case]
    total = count_calls(setup, act)
    assert total > 40
    for number in range(1, total + 1):
        here = setup()
        crash_at(here, number, error)
        with contextlib.suppress(CrashError, OpsError):
            act(here)
        here.api.hook = calm
        assert here.broken() == [], f"at call {number}"
        here.now += 400  # the Lease of the dead run ends
        come_to_rest(here)
        act(here)
        come_to_rest(here)
        assert here.left_behind() == [], f"at call {number}"
        assert len(here.machines) == len(here.api.listed(_paths.NODES)) == expected, f"at call {number}"


class Storm:
    """Faults, crashes, second runs and takeovers at random calls."""

    def __init__(self, here: World, seed: int) -> None:
        self.here, self.draw, self.nested = here, random.Random(seed), False
        self.rate = self.draw.choice([0.001, 0.004, 0.02])

    def hook(self, when: str, verb: str, path: str) -> None:
        chance = self.draw.random()
        if chance < self.rate:
            raise CrashError
        if chance < 2 * self.rate:
            raise UnavailableError(f"{verb} {path}: no answer", retry_after=1.0)
        if chance < 3 * self.rate and not self.nested and verb != "PROVIDER":
            self.nested = True
            # somebody else runs in the middle of this call; sometimes so late that the Lease is theirs to take
            self.here.now += self.draw.choice([0.0, 1.0, 400.0])
            try:
                self.one_run(inner=True)
            finally:
                self.nested = False

    def mood(self) -> str:
        return self.draw.choice([""] * 15 + ["quota", "stock_out", "other", "dead", "sick"])

    def one_run(self, *, inner: bool = False) -> None:
        what = self.draw.choice(["present", "present", "absent", "absent", "resumed", "resumed", "resumed"])
        names: tuple[str, ...] = ()
        if what == "absent" and self.here.machines and self.draw.random() < 0.5:
            names = (self.draw.choice(sorted(self.here.machines)),)
        try:
            self.here.run(what, names)
        except CrashError:
            if inner and self.draw.random() < 0.5:  # one machine ran both
                raise
        except OpsError:
            pass


def ride(seed: int, runs: int) -> None:
    here = world(3)
    here.workload("web", 4)
    here.workload("db", 2, "1")
    here.budget("web", maxUnavailable=1)
    here.budget("db", minAvailable=1)
    storm = Storm(here, seed)
    here.mood = storm.mood
    for _ in range(runs):
        here.api.hook = storm.hook
        storm.one_run()
        assert here.broken() == [], f"seed {seed}"
        here.api.hook = calm
        if storm.draw.random() < 0.3:
            here.scale("web", storm.draw.randrange(1, 25))
        here.now += storm.draw.choice([20.0, 400.0, 400.0, 1000.0])
        here.settle()
    here.now += 400
    come_to_rest(here)
    assert here.left_behind() == [], f"seed {seed}"


def test_a_cordon_that_comes_too_late_is_taken_off_by_the_next_run() -> None:
    # a storm found it: a run sleeps between reading and cordoning the Node, another takes over and ends the operation
    here = in_world()
    slept = False

    def sleep_before_cordon(when: str, verb: str, path: str) -> None:
        nonlocal slept
        if when == "before" and verb == "PATCH" and not slept:
            slept = True
            here.now += 400
            here.scale("web", 16)
            here.run("present")

    here.api.hook = sleep_before_cordon
    with contextlib.suppress(OpsError):
        here.run("absent", names=("workers-1",))
    assert slept
    assert here.api.objects[_paths.node("workers-1")]["spec"].get("unschedulable")
    come_to_rest(here)
    assert here.left_behind() == []


@pytest.mark.parametrize("seed", range(30))
def test_a_storm_of_faults_breaks_no_promise(seed: int) -> None:
    ride(seed, runs=30)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_a_thousand_storms_break_no_promise() -> None:
    for seed in range(1000, 2000):
        ride(seed, runs=40)
