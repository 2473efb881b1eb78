# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import Cluster
from ansible_collections.platform.ops.plugins.module_utils.capacity._plans import in_plan
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import POOL_LABEL, Pool, pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import InPlan
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.capacity._objects import NOW, node, pod

AT = "2026-01-01T00:00:00Z"
IDLE = {"scaleIn": {"unneededFor": "0s", "afterOut": "0s"}}


def made(phase: str, **spec: Any) -> Pool:
    """workers-1 and -2 are members; workers-3 is on its way in this phase."""
    op = {"id": "op-3", "kind": "out", "node": "workers-3", "phase": phase, "started": AT, "since": AT}
    return pool(
        {
            "metadata": {"name": "workers"},
            "spec": {"max": 9, "provider": {"role": "r"}, "template": {}, **IDLE, **spec},
            "status": {
                "machines": [{"name": f"workers-{number}", "since": AT} for number in (1, 2)],
                "operations": [{**op, "machine": "Present"}],
            },
        }
    )


def plan(of: Pool, *idle: str) -> InPlan:
    """The other nodes are half full."""
    names = ["workers-1", "workers-2", "workers-3", "other"]
    nodes = [node(name, labels={POOL_LABEL: "workers"} if name.startswith("workers") else {}) for name in names]
    pods = [pod(f"on-{name}", "3", node=name) for name in names if name not in idle]
    cluster = Cluster(nodes, pods, (), (), {})
    return in_plan(of, cluster, names=(), guarded={}, now=NOW)


def test_a_node_that_is_given_back_does_not_count_for_the_minimum() -> None:
    found = plan(made("Undoing", min=2), "workers-1", "workers-3")
    assert found.chosen == ()
    assert [limit.reason for limit in found.limits] == ["min"]


def test_a_node_that_is_given_back_is_not_chosen_in_place_of_one_that_may_leave() -> None:
    assert plan(made("Undoing"), "workers-2", "workers-3").chosen == ("workers-2",)
    assert [item.node for item in plan(made("Undoing"), "workers-3").candidates] == ["workers-1", "workers-2"]
