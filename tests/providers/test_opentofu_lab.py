# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool whose machines OpenTofu makes: a real machine of the lab is made, joined by kubeadm, and removed again.

The states are Secrets of the cluster, as by default.
"""

from __future__ import annotations

import os

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab import machine, state
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.shell import LabError
from lab.tools import tool
from tests.nodes.test_playbooks import at_rest, deploy, make_pool, nodes, pods
from tests.providers.test_opentofu import MODULE
from tests.support.node_lab import Cluster

pytestmark = [pytest.mark.real, pytest.mark.campaign, pytest.mark.timeout(1200)]
LAB_MODULE = MODULE.parent / "lab_machine"


def states(cluster: Cluster) -> list[str]:
    found = cluster.kubectl("get", "secrets", "-n", "platform-ops", "-o", "name").split()
    return [name for name in found if "tfstate-" in name and "default" not in name]


def test_a_machine_of_the_lab_is_made_joined_and_removed_by_opentofu(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    try:
        binary = tool("tofu")
    except LabError as error:
        pytest.skip(str(error))
    build(machines=True)
    lab = cluster.lab
    monkeypatch.setenv("LAB_HOST_NETWORK", f"/proc/{os.getppid()}/ns/net")
    known_hosts = f"{lab.folder}/ssh/known_hosts"
    variables = {
        "source": str(LAB_MODULE),
        "binary": str(binary),
        "variables": {"lab": lab.name, "folder": str(lab.folder)},
        "backend_config": {
            "namespace": "platform-ops",
            "secret_suffix": "machine",
            "config_path": str(lab.kubeconfig),
        },
        "private_key": str(lab.ssh_key),
        "ssh_args": f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes",
        "prepare": False,
        "ignore_preflight_errors": ["SystemVerification"],
    }
    provider = {"role": "platform.ops.machine_opentofu", "variables": variables}
    make_pool(cluster, "tofu", max=1, addresses=[], provider=provider)
    try:
        deploy(cluster, namespace, "tofu", 2, "100m")
        cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 2, 180)
        until_rest(cluster, "scale_out")
        assert nodes(cluster, "tofu") == ["tofu-1"]
        assert sorted(state.read(lab).machines) == ["tofu-1"]
        made = machine.find(lab, "tofu-1")
        node = cluster.api.get(_paths.node("tofu-1"))
        assert node["spec"]["providerID"] == f"lab:///{lab.name}/tofu-1"
        [recorded] = at_rest(cluster, "tofu").state.machines
        assert (recorded.name, recorded.address) == ("tofu-1", made.address)
        assert any("tfstate-tofu--tofu-1-machine" in name for name in states(cluster))
        assert "kubelet.conf" in machine.ssh(lab, made, "ls", "/etc/kubernetes")

        deploy(cluster, namespace, "tofu", 0, "100m")
        cluster.wait_for("no pod is left", lambda: pods(cluster, namespace, unschedulable=False) == 0, 180)
        until_rest(cluster, "scale_in", "-e", "node=tofu-1")
        assert nodes(cluster, "tofu") == []
        assert state.read(lab).machines == {}
        assert _store.read(cluster.api, "tofu").state.addresses() == []
        assert states(cluster) == []
    finally:
        for name in list(state.read(lab).machines):
            machine.remove(lab, name)


def until_rest(cluster: Cluster, first: str, *arguments: str) -> None:
    cluster.playbook(first, "tofu", "-e", "node_scale_wait=200", *arguments)
    for _tick in range(20):
        if not _store.read(cluster.api, "tofu").state.operations:
            return
        cluster.playbook("scale_tick", "tofu", "-e", "node_scale_wait=60")
    raise AssertionError(_store.read(cluster.api, "tofu").state.operations)
