# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machines a load balancer sends to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.balance._servers import (
    CONTROL_PLANE,
    EXCLUDED,
    LEAVING,
    STARTING,
    from_inventory,
    from_nodes,
    merge,
)


def node(name: str, address: str = "10.0.0.1", *, taints: tuple[str, ...] = (), **labels: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {key.replace("__", "/").replace("_", "-"): v for key, v in labels.items()},
        },
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {"addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]},
    }


def test_a_node_with_two_families_is_reached_by_its_first_address() -> None:
    made = node("w-1")
    made["status"]["addresses"].append({"type": "InternalIP", "address": "fd00::1"})
    assert from_nodes([made], control_plane=False) == [{"name": "w-1", "address": "10.0.0.1"}]


def labelled(name: str, *labels: str) -> dict[str, Any]:
    made = node(name)
    made["metadata"]["labels"] = dict.fromkeys(labels, "")
    return made


def names(servers: list[dict[str, str]]) -> list[str]:
    return [server["name"] for server in servers]


def test_a_host_is_reached_where_other_machines_reach_it() -> None:
    hostvars = {
        "a": {"node_address": "10.0.0.1", "ansible_host": "203.0.113.1"},
        "b": {"ansible_host": "fd00::2"},
        "c.example.org": {},
        "d": {"node_name": "worker-4", "ansible_host": "10.0.0.4"},
    }
    assert [server["address"] for server in from_inventory(hostvars, hostvars)] == [
        "10.0.0.1",
        "[fd00::2]",
        "c.example.org",
        "10.0.0.4",
    ]
    assert from_inventory(["d"], hostvars)[0]["name"] == "worker-4"


@pytest.mark.parametrize("control_plane", [True, False])
def test_nodes_are_taken_by_what_they_are(control_plane: bool) -> None:
    nodes = [labelled("cp", CONTROL_PLANE), labelled("w")]
    assert names(from_nodes(nodes, control_plane)) == (["cp"] if control_plane else ["w"])


def test_nodes_that_take_no_traffic_are_left_out() -> None:
    leaving = node("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    drained = node("drained")
    drained["metadata"]["annotations"] = {LEAVING: "op-1"}
    nameless = node("nameless")
    nameless["status"]["addresses"] = []
    nodes = [
        labelled("hidden", EXCLUDED),
        node("starting", taints=(STARTING,)),
        leaving,
        drained,
        nameless,
        node("good"),
    ]
    assert names(from_nodes(nodes, False)) == ["good"]


def test_a_node_that_people_cordoned_is_kept() -> None:
    cordoned = node("cordoned", taints=("node.kubernetes.io/unschedulable",))
    cordoned["spec"]["unschedulable"] = True
    assert names(from_nodes([cordoned], False)) == ["cordoned"]


@pytest.mark.parametrize(
    ("selector", "found"),
    [("", ["a", "b"]), ("role=edge", ["a"]), ("role", ["a", "b"]), ("role=edge,zone", []), ("zone=", [])],
)
def test_a_selector_picks_nodes(selector: str, found: list[str]) -> None:
    assert names(from_nodes([node("a", role="edge"), node("b", role="core")], False, selector)) == found


def test_each_machine_is_there_once_and_the_inventory_wins() -> None:
    given = [{"name": "w-1", "address": "192.0.2.1"}, {"name": "other", "address": "10.0.0.2"}]
    nodes = from_nodes([node("w-1", "10.0.0.1"), node("w-2", "10.0.0.2"), node("w-3", "10.0.0.3")], False)
    assert merge(given, nodes) == [
        {"name": "other", "address": "10.0.0.2"},
        {"name": "w-1", "address": "192.0.2.1"},
        {"name": "w-3", "address": "10.0.0.3"},
    ]


def test_the_order_makes_no_difference() -> None:
    servers = [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("cab", 1)]
    assert merge(servers) == merge(servers[::-1])


def test_ipv6_addresses_keep_their_brackets() -> None:
    assert merge([{"name": "a", "address": "[fd00::1]"}], [{"name": "b", "address": "fd00::1"}]) == [
        {"name": "a", "address": "[fd00::1]"}
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a\n    server evil 6.6.6.6:6443", "address": "10.0.0.1"},
        {"name": "a", "address": "10.0.0.1:22 check\nbackend x"},
        {"name": "a b", "address": "10.0.0.1"},
        {"name": "a", "address": ""},
        {"name": "a", "address": "10.0.0.300"},
        {"name": "", "address": "10.0.0.1"},
    ],
)
def test_what_could_end_a_line_of_the_configuration_is_refused(entry: dict[str, str]) -> None:
    with pytest.raises(InputError):
        merge([entry])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"a is named twice, with 10\.0\.0\.1 and 10\.0\.0\.2"):
        merge([{"name": "a", "address": "10.0.0.1"}, {"name": "a", "address": "10.0.0.2"}])


def test_a_selector_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="is no selector of labels"):
        from_nodes([], False, "role in (a, b)")
