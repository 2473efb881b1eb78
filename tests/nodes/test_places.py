# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each name and each address belongs to one machine, whichever pool has it; with the API server in memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Answer, Outcome
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import report
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import POOL_LABEL
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.memory_world import RealMachine, World, pool_object
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
    here.api.touch(_paths.node_pool("others"), {"spec": {"max": -1}})  # a spec that makes no sense is no excuse
    report(writer, job.operation, Action.ADD, Outcome.DONE, said)
    here.api.touch(_paths.node_pool("others"), {"spec": {"max": 5}})
    [undo] = scaling.resumed()[1].progress.jobs
    assert undo.action == "remove"


def labelled(here: World, address: str, **spec: Any) -> None:
    """A Node that no record knows, taken in by its label; its kubelet says this address. cp-1 has 10.0.0.21."""
    if spec:
        here.api.touch(_paths.node_pool("workers"), {"spec": spec})
    control = {"node-role.kubernetes.io/control-plane": ""}
    here.machines["cp-1"] = RealMachine("cp-1", "10.0.0.21", joined=True)
    here.node(here.machines["cp-1"], True, control, [])
    more = [{"type": "InternalIP", "address": "fd00::21"}]
    here.api.objects[_paths.node("cp-1")]["status"]["addresses"] += more
    here.machines["w1"] = RealMachine("w1", address, joined=True)
    here.node(here.machines["w1"], True, {POOL_LABEL: "workers"}, [])
    here.settle()


def test_people_and_not_the_node_say_where_a_machine_is() -> None:
    here = world(2)
    labelled(here, "10.0.0.21", hosts=[{"name": "w1", "address": "10.0.0.31"}])
    jobs = [job for result in here.run("absent", names=("w1",)) for job in result.progress.jobs]
    assert {job.address for job in jobs} == {"10.0.0.31"}
    assert "reset" in {job.action for job in jobs}


def test_a_node_that_nobody_doubts_is_reached_where_it_says() -> None:
    here = world(2)
    labelled(here, "10.0.0.31")
    jobs = [job for result in here.run("absent", names=("w1",)) for job in result.progress.jobs]
    assert {job.address for job in jobs} == {"10.0.0.31"}


@pytest.mark.parametrize(
    ("claimed", "why"),
    [
        ("10.0.0.21", "the address of cp-1"),
        ("::ffff:10.0.0.21", "the address of cp-1"),
        ("fd00:0:0::21", "the address of cp-1"),
        ("10.0.0.1", "the address of workers-1"),
        ("127.0.0.1", "the address of no single machine"),
        ("-oProxyCommand=reboot", "does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_a_node_that_claims_the_address_of_another_machine_stays(claimed: str, why: str) -> None:
    here = world(2)
    labelled(here, claimed)
    for names in (("w1",), ()):
        result, *_ = here.run("absent", names=names)
        [candidate] = [item for item in result.plan["candidates"] if item["node"] == "w1"]
        [blocker] = candidate["blockers"]
        assert (blocker["reason"], blocker["permanent"]) == ("address", True)
        assert why in blocker["message"]
        assert "spec.hosts" in blocker["message"]
        assert here.machines["w1"].joined


def test_where_nothing_is_reset_such_an_address_is_left_out() -> None:
    here = world(2, provider={"role": "r", "resets": False})
    labelled(here, "10.0.0.21")
    jobs = [job for result in here.run("absent", names=("w1",)) for job in result.progress.jobs]
    assert [(job.action, job.address) for job in jobs] == [("remove", "")]
