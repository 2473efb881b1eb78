# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against making a cluster of some machines."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.kubeadm._preflight import (
    BALANCER,
    CONTROL_PLANE,
    WORKER,
    Machine,
    Wanted,
    founder,
    parse,
    problems,
)

LOOK = Path(__file__).parents[5] / "roles/cluster/files/look.sh"
WANTED = Wanted("10.0.0.1:6443", "10.244.0.0/16", "10.96.0.0/12")


def machine(name: str, role: str, number: int, **known: Any) -> Machine:
    usual = {"asked": 100.0, "time": 101.0, "heard": 102.0, "memory": 4 << 20, "cpus": 4, "machine_id": name}
    return Machine(name, role, f"10.0.0.{number}", **{**usual, **known})


def site(planes: int = 3, **changes: dict[str, Any]) -> list[Machine]:
    machines = [machine("lb", BALANCER, 1)]
    machines += [machine(f"cp-{i}", CONTROL_PLANE, 10 + i) for i in range(1, planes + 1)]
    machines += [machine(f"w-{i}", WORKER, 20 + i) for i in (1, 2)]
    return [replace(m, **changes.get(m.name.replace("-", "_"), {})) for m in machines]


@pytest.mark.parametrize("planes", [1, 3, 5])
def test_a_sound_site_has_no_problems(planes: int) -> None:
    assert problems(site(planes), WANTED) == []


CASES: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "name": ({"w_1": {"name": "Worker_1"}}, "Worker_1 is no name for a node"),
    "address": ({"w_1": {"address": "10.0.0.22"}}, "w-1, w-2 have the same address 10.0.0.22: set node_address"),
    "machine id": (
        {"w_1": {"machine_id": "x"}, "w_2": {"machine_id": "x"}},
        "w-1, w-2 have the same /etc/machine-id x",
    ),
    "system": ({"w_1": {"family": "Suse"}}, "w-1 runs a system of the family Suse; Debian, RedHat are prepared"),
    "memory": ({"cp_1": {"memory": 1 << 20}}, "cp-1 has 1024 MiB of memory and 4 CPUs; a control plane needs 1700 MiB"),
    "cpus": ({"cp_1": {"cpus": 1}}, "and 1 CPUs; a control plane needs 1700 MiB and 2"),
    "slow clock": ({"w_1": {"time": 80.0}}, "The clock of w-1 is 20 s behind the controller's"),
    "fast clock": ({"lb": {"time": 122.0}}, "The clock of lb is 20 s ahead of the controller's"),
    "swap": ({"w_1": {"swap": True}}, "w-1 uses swap, with which a kubelet does not start"),
    "port": ({"cp_2": {"ports": {6443: "nginx", 22: "sshd"}}}, "cp-2 needs ports that others listen on: 6443 (nginx)"),
    "kubelet": ({"w_1": {"ports": {10250: ""}}}, "w-1 needs ports that others listen on: 10250 (unknown program)"),
    "balancer": ({"lb": {"ports": {6443: "nginx"}}}, "lb needs ports that others listen on: 6443 (nginx)"),
    "subnet": ({"w_1": {"address": "10.244.3.4"}}, "inside of cluster_pod_subnet 10.244.0.0/16: move the subnet"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_said_with_the_machine_and_the_remedy(case: str) -> None:
    changes, text = CASES[case]
    said = problems(site(**changes), WANTED)
    assert len(said) == 1
    assert text in said[0]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (replace(WANTED, endpoint="10.0.0.11:6443"), "is one of 3 control planes: when that machine is lost"),
        (replace(WANTED, endpoint="balancer"), "'balancer' is no endpoint"),
        (replace(WANTED, pod_subnet="10.96.0.0/16"), "overlap: move one"),
        (replace(WANTED, pod_subnet="10.244.1.1/16"), "has host bits set; write it like 10.244.0.0/16"),
    ],
)
def test_a_setting_that_cannot_work_is_said(wanted: Wanted, text: str) -> None:
    said = problems(site(), wanted)
    assert len(said) == 1
    assert text in said[0]


@pytest.mark.parametrize(
    ("planes", "text"), [(0, "control_plane is empty"), (2, "2 survive no more than 1 do"), (4, "use 3 or 5")]
)
def test_the_number_of_control_planes_is_odd(planes: int, text: str) -> None:
    assert text in problems(site(planes), WANTED)[0]
    if planes:
        assert problems(site(planes), replace(WANTED, even_allowed=True)) == []


def test_a_single_control_plane_may_be_its_own_endpoint() -> None:
    assert problems(site(1), replace(WANTED, endpoint="10.0.0.11:6443")) == []


def test_a_machine_in_both_groups_is_said() -> None:
    both = [*site(), machine("cp-1", WORKER, 11)]
    assert any("cp-1 is in control_plane and in workers" in text for text in problems(both, WANTED))


def test_a_slow_connection_is_no_wrong_clock() -> None:
    assert problems(site(w_1={"asked": 100.0, "time": 155.0, "heard": 160.0}), WANTED) == []


def test_what_a_member_has_is_no_problem() -> None:
    ports = {6443: "kube-apiserver", 2379: "etcd", 10250: "kubelet"}
    member = {"ports": ports, "joined": True, "memory": 1 << 20}
    assert problems(site(cp_1=member, lb={"ports": {6443: "haproxy"}}), WANTED) == []


def test_what_the_site_allows_is_no_problem() -> None:
    changes = {"w_1": {"family": "Suse", "swap": True}, "cp_1": {"memory": 1 << 20}}
    allowed = replace(WANTED, families=(), swap_allowed=True, small_allowed=True)
    assert problems(site(**changes), allowed) == []


def test_all_problems_are_said_at_once() -> None:
    assert len(problems(site(2, w_1={"swap": True}, cp_1={"cpus": 1}), WANTED)) == 3


@pytest.mark.parametrize(("admins", "found"), [((), "cp-1"), (("cp-2", "cp-3"), "cp-2"), (("cp-3",), "cp-3")])
def test_a_machine_that_is_a_member_goes_before_the_first_of_the_inventory(admins: tuple[str, ...], found: str) -> None:
    """A new machine at the top of the list must not found a second cluster."""
    machines = [replace(m, admin=m.name in admins) for m in site()]
    assert founder(machines) == found


def test_a_machine_is_seen_as_look_sh_tells_it() -> None:
    told = subprocess.run(["sh", "-c", LOOK.read_text(), "look", "12.5"], capture_output=True, text=True, check=True)
    look = {"name": "a", "role": WORKER, "address": "10.0.0.1", "family": "Debian", "heard": 99.0, "text": told.stdout}
    seen = parse(look)
    assert (seen.asked, seen.heard, seen.joined) == (12.5, 99.0, Path("/etc/kubernetes/kubelet.conf").exists())
    assert seen.memory > 100_000
    assert seen.cpus >= 1
    assert seen.time > 1_700_000_000
    ports = "time 1\nasked 1\nmemory 1\ncpus 1\nswap yes\njoined no\nadmin no\nport 6443 haproxy\nport 22 \n"
    assert parse({**look, "text": ports}).ports == {6443: "haproxy", 22: ""}
