# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load that comes and goes for half a day, in a world whose clock the test turns: no budget is ever exceeded."""

from __future__ import annotations

import random

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import HOUR
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.memory_world import World, pool_object

pytestmark = [pytest.mark.stand_in("memory-api"), pytest.mark.stand_in("memory-world")]

MOST, OUT_PER_HOUR, IN_PER_HOUR, OUT_AT_ONCE, IN_AT_ONCE = 30, 12, 8, 4, 2


def flap(seed: int, ticks: int) -> tuple[World, int]:
    here = World.make(
        pool_object(
            max=MOST,
            addresses=["10.1.0.1-10.1.0.30"],
            scaleOut={"perHour": OUT_PER_HOUR, "maxInFlight": OUT_AT_ONCE},
            scaleIn={
                "perHour": IN_PER_HOUR,
                "maxInFlight": IN_AT_ONCE,
                "unneededFor": "5m",
                "afterOut": "5m",
                "retryAfter": "5m",
            },
        )
    )
    here.member(1)
    here.workload("load", 1, "3")
    draw = random.Random(seed)
    here.mood = lambda: draw.choice([""] * 30 + ["quota", "other", "dead"])
    most = 0
    outs: dict[str, float] = {}
    ins: dict[str, float] = {}
    for tick in range(ticks):
        if tick % 6 == 0:
            here.scale("load", draw.choice([1, 2, 10, 25, 40]))
        here.run("present")
        here.run("absent")
        here.now += 120
        here.settle()
        assert here.broken() == [], f"seed {seed}, tick {tick}"
        state = here.pool().state
        for op in state.operations:
            (outs if op.kind == "out" else ins)[op.id] = op.started
        flying = [op.kind for op in state.operations]
        assert flying.count("out") <= OUT_AT_ONCE
        assert flying.count("in") <= IN_AT_ONCE
        # what began and ended within one run is in the record's own list
        for starts, seen, limit in ((state.outs, outs, OUT_PER_HOUR), (state.ins, ins, IN_PER_HOUR)):
            assert sum(here.now - at < HOUR for at in starts) <= limit
            assert sum(here.now - at < HOUR for at in seen.values()) <= limit
        most = max(most, len(here.machines))
    return here, most


@pytest.mark.parametrize("seed", range(3))
def test_flapping_load_never_exceeds_a_budget_and_comes_to_rest(seed: int) -> None:
    here, most = flap(seed, ticks=180)
    assert most > 10
    here.mood = lambda: ""
    here.scale("load", 1)
    for _ in range(200):
        here.now += 600
        here.settle()
        here.run("present")
        here.run("absent")
    assert here.left_behind() == []
    assert len(here.api.listed(_paths.NODES)) == 1
