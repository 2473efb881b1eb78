# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real machines: an init, SSH, a kubelet, real containers and a kernel that kills them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import lifecycle, machine, network, process, simulated
from lab.control_plane import kubectl
from lab.images import WORKLOAD
from lab.machine_files import KERNEL_SETTINGS
from lab.place import Lab
from lab.shell import LabError, run, wait_for
from lab.state import Machine
from lab.status import memory

pytestmark = pytest.mark.real


def pod(name: str, node: str, *arguments: str, memory: str = "64Mi", **spec: Any) -> str:
    container = {
        "name": "main",
        "image": WORKLOAD,
        "args": list(arguments),
        "resources": {"limits": {"memory": memory}},
    }
    record = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }
    return json.dumps(record)


def status(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl(lab, "get", "pod", name, "-o", "json"))["status"]
    return found


def test_a_machine_is_a_ready_node_with_the_memory_that_was_asked_for(lab: Lab, worker: Machine) -> None:
    node = json.loads(kubectl(lab, "get", "node", worker.name, "-o", "json"))
    assert worker.name in simulated.ready_nodes(lab)
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    assert node["status"]["allocatable"]["memory"] == "4046Mi"  # 4Gi less the eviction threshold


def test_a_control_plane_and_two_machines_fit_into_three_gigabytes(lab: Lab, worker: Machine) -> None:
    all_of_it = memory(list(filter(None, (process.pid_of(lab, name) for name in process.names(lab)))))
    one_machine = memory(list(filter(None, [process.pid_of(lab, f"machine-{worker.name}")])))
    assert 30 < one_machine < all_of_it  # a kubelet and a containerd do not run in less: what is measured is there
    assert all_of_it + one_machine < 3 * 1024


def test_the_kernel_kills_a_container_over_its_memory_limit(lab: Lab, worker: Machine) -> None:
    kubectl(lab, "create", "-f", "-", stdin=pod("eater", worker.name, "-memory=200", restartPolicy="Never"))
    try:
        killed = wait_for(
            "the container is killed",
            lambda: status(lab, "eater").get("containerStatuses", [{}])[0].get("state", {}).get("terminated"),
            deadline=60,
        )
        assert isinstance(killed, dict)
        assert (killed["reason"], killed["exitCode"]) == ("OOMKilled", 137)
    finally:
        kubectl(lab, "delete", "pod", "eater", "--wait=false")


def test_a_service_leads_to_its_pod_from_the_machine_and_from_the_control_plane(lab: Lab, worker: Machine) -> None:
    kubectl(lab, "create", "-f", "-", stdin=pod("web", worker.name, "-port=8080"))
    kubectl(lab, "expose", "pod", "web", "--port=80", "--target-port=8080")
    address = kubectl(lab, "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://{address}', timeout=2).read().decode())"
    answer = wait_for("the pod answers", lambda: machine.ssh(lab, worker, "python3", "-c", fetch), deadline=30)
    assert str(answer).strip() == "ok"
    from_here = wait_for(
        "the pod answers the control plane", lambda: run(network.inside(lab.netns, "python3", "-c", fetch)), deadline=30
    )
    assert str(from_here).strip() == "ok"


def test_container_metrics_of_the_kubelet_can_be_read_through_the_api_server(lab: Lab, worker: Machine) -> None:
    def working_set() -> bool:
        text = kubectl(lab, "get", "--raw", f"/api/v1/nodes/{worker.name}/proxy/metrics/cadvisor")
        return any(
            line.startswith("container_memory_working_set_bytes{") and 'namespace="default"' in line
            for line in text.splitlines()
        )

    kubectl(lab, "create", "-f", "-", stdin=pod("measured", worker.name))
    wait_for("the kubelet reports the container's memory", working_set, deadline=60)


def test_a_reboot_brings_the_node_and_its_pods_back(lab: Lab, worker: Machine) -> None:
    kubectl(lab, "create", "-f", "-", stdin=pod("survivor", worker.name))
    kubectl(lab, "wait", "--for=condition=Ready", "pod/survivor", "--timeout=60s")
    before = machine.ssh(lab, worker, "cat", "/proc/sys/kernel/random/boot_id")
    with pytest.raises(LabError):  # the connection ends with the machine
        machine.ssh(lab, worker, "sh", "-c", "systemctl reboot; sleep 60")

    def rebooted() -> bool:
        return machine.ssh(lab, worker, "cat", "/proc/sys/kernel/random/boot_id") != before

    wait_for("the machine has booted anew", rebooted, deadline=60)
    wait_for(
        "the pod runs again",
        lambda: (
            status(lab, "survivor")["containerStatuses"][0]["restartCount"] >= 1
            and any(c["type"] == "Ready" and c["status"] == "True" for c in status(lab, "survivor")["conditions"])
        ),
        deadline=90,
    )
    assert worker.name in simulated.ready_nodes(lab)


def test_no_unit_of_a_machine_has_failed(lab: Lab, worker: Machine) -> None:
    assert machine.ssh(lab, worker, "systemctl", "--failed", "--no-legend").strip() == ""


def test_the_kernel_settings_of_the_host_stay_as_they_were(fresh: Lab) -> None:
    before = {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS}
    lifecycle.up(fresh)
    machine.add(fresh, "worker-1")
    assert {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS} == before


def test_a_machine_that_did_not_join_answers_ssh_and_is_no_node(lab: Lab) -> None:
    blank = machine.add(lab, "blank-1", join=False)
    assert machine.ssh(lab, blank, "hostname").strip() == "blank-1"
    assert "blank-1" not in simulated.node_names(lab)
    machine.remove(lab, "blank-1")


def test_a_machine_off_and_on_again_is_the_same_machine(lab: Lab) -> None:
    made = machine.add(lab, "off-and-on", join=False)
    machine.ssh(lab, made, "touch", "/root/kept")
    machine.switch_off(lab, made)
    machine.start(lab, made)
    assert machine.ssh(lab, made, "ls", "/root").strip() == "kept"
    machine.remove(lab, made.name)


def test_removing_a_machine_removes_its_node_namespace_groups_and_files(lab: Lab) -> None:
    made = machine.add(lab, "passing")
    machine.remove(lab, "passing")
    assert "passing" not in simulated.node_names(lab)
    assert lab.machine_netns("passing") not in network.namespaces(lab)
    assert not machine.home(lab, "passing").exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{lab.id}/passing"))
    assert process.pid_of(lab, "machine-passing") is None
    with pytest.raises(LabError, match="has no machine passing"):
        machine.find(lab, made.name)


def test_down_with_machines_leaves_nothing_even_when_they_were_starting(fresh: Lab) -> None:
    lifecycle.up(fresh)
    machine.add(fresh, "worker-1", join=False)
    lifecycle.down(fresh)
    assert lifecycle.leftovers(fresh) == []
    assert not list(Path("/run/systemd/nspawn").glob(f"*/{fresh.id}*"))
