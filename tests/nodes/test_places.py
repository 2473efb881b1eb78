# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each name and each address belongs to one machine, whichever pool has it; with the API server in memory."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Answer, Outcome
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import report
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.memory_world import World, pool_object
from tests.nodes.test_operations import asked_to_add, world

pytestmark = [pytest.mark.stand_in("memory-api"), pytest.mark.stand_in("memory-world")]


def other_pool(here: World) -> None:
    """It has one machine, and has reserved a name and an address for another."""
    at = "2026-01-01T00:00:00Z"
    op = {"id": "op-9", "kind": "out", "node": "workers-2", "phase": "Adding", "started": at, "since": at}
    other = pool_object(min=0, names="workers-")
    status = {
        "machines": [{"name": "ip-9", "address": "10.0.0.2", "since": at}],
        "operations": [{**op, "address": "10.0.0.3"}],
    }
    here.api.put(_paths.NODE_POOLS, {**other, "metadata": {"name": "others"}, "status": status})


def test_no_name_and_no_address_of_another_pool_is_given() -> None:
    here = world()
    other_pool(here)
    here.run("present", count=2)
    assert {(m.name, m.address) for m in here.pool().state.machines} == {
        ("workers-1", "10.0.0.1"),
        ("workers-3", "10.0.0.4"),
    }


@pytest.mark.parametrize("said", [Answer(name="ip-9"), Answer(name="workers-2"), Answer("x", "ip-1", "10.0.0.3")])
def test_a_provider_cannot_answer_with_a_machine_of_another_pool(said: Answer) -> None:
    here = world(addresses=[])
    other_pool(here)
    scaling, writer, job = asked_to_add(here)
    report(writer, job.operation, Action.ADD, Outcome.DONE, said)
    [undo] = scaling.resumed()[1].progress.jobs
    assert undo.action == "remove"
