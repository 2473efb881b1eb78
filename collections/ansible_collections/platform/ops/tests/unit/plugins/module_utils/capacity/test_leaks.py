# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._leaks import LISTED, SEEN, find
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Machine, Pool, pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import CORDONED_BY
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.capacity._objects import node

AT = "2026-01-01T00:00:00Z"


def made(machines: list[str], operations: list[dict[str, Any]] | None = None) -> Pool:
    return pool(
        {
            "metadata": {"name": "w"},
            "spec": {"max": 9, "provider": {"role": "r"}, "template": {}},
            "status": {
                "machines": [{"name": name, "address": f"10.0.0.{name[-1]}", "since": AT} for name in machines],
                "operations": operations or [],
            },
        }
    )


def listed(*names: str) -> list[Machine]:
    return [Machine(name, Time(0), f"10.0.0.{name[-1]}") for name in names]


def kinds(found: list[Any]) -> list[tuple[str, str]]:
    return [(leak.kind, leak.name) for leak in found]


def test_what_agrees_is_no_leak() -> None:
    assert find(made(["w-1"]), [node("w-1")], listed("w-1")) == []


def test_each_kind_of_disagreement_is_named() -> None:
    found = find(made(["w-1", "w-2"]), [node("w-1"), node("w-3")], listed("w-1", "w-4"))
    assert kinds(found) == [
        ("record_without_node", "w-2"),
        ("machine_without_record", "w-4"),
        ("record_without_machine", "w-2"),
        ("address_without_owner", "10.0.0.2"),
        ("node_without_machine", "w-3"),
    ]
    assert {leak.kind for leak in found} <= {*SEEN, *LISTED}


def test_a_stranger_on_an_address_that_is_given_away_is_named() -> None:
    stranger = Machine("other", Time(0), "10.0.0.1")
    found = find(made(["w-1"]), [node("w-1")], [*listed("w-1"), stranger])
    assert kinds(found) == [("machine_without_record", "other"), ("address_without_owner", "10.0.0.1")]


def test_what_is_under_way_is_no_leak() -> None:
    op = {"id": "o", "kind": "out", "node": "w-2", "phase": "Joining", "started": AT, "since": AT}
    assert find(made(["w-1"], [op]), [node("w-1")], listed("w-1", "w-2")) == []


def test_a_cordon_of_ours_without_its_operation_is_named() -> None:
    cordoned = node("w-1", unschedulable=True, annotations={CORDONED_BY: "gone"})
    assert kinds(find(made(["w-1"]), [cordoned], None)) == [("cordon_without_operation", "w-1")]


def test_without_the_providers_list_machines_are_not_judged() -> None:
    assert find(made(["w-1"]), [node("w-1"), node("w-2")], None) == []
