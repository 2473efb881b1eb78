# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provider `hosts` on a real machine of the lab: SSH, kubeadm, a kubelet that runs containers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab import machine
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.images import PAUSE
from lab.shell import LabError
from tests.nodes.test_playbooks import at_rest, deploy, make_pool, nodes, pods
from tests.support.node_lab import Cluster

# What role node is told about a machine that is a container: kernel modules are its host's, and kubelet and kubeadm are
# no packages there.
PREPARED = {
    "node_packages": {"Debian": ["containerd", "runc", "conntrack", "ethtool", "iptables", "socat"]},
    "node_kernel_modules": [],
    "node_cgroup_driver": "cgroupfs",
    "node_cni_bin_dir": "/usr/lib/cni",
    "node_restrict_oom_score_adj": True,
    "node_sandbox_image": PAUSE,
}

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def tokens(cluster: Cluster) -> list[str]:
    return cluster.kubectl("get", "secrets", "-n", "kube-system", "-o", "name").split()


def taints(cluster: Cluster, name: str) -> list[str]:
    return [taint["key"] for taint in cluster.api.get(_paths.node(name))["spec"]["taints"]]


def test_a_bare_machine_becomes_a_worker_and_is_given_back(cluster: Cluster, namespace: str) -> None:
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    build(machines=True)
    before = tokens(cluster)
    bare = machine.add(cluster.lab, "metal-1", join=False)
    try:
        ssh = f"-o UserKnownHostsFile={cluster.lab.folder}/ssh/known_hosts -o StrictHostKeyChecking=yes"
        make_pool(
            cluster,
            "metal",
            max=1,
            addresses=[],
            hosts=[{"name": bare.name, "address": bare.address}],
            provider={
                "role": "platform.ops.machine_hosts",
                "destroys": False,
                "variables": {
                    "private_key": str(cluster.lab.ssh_key),
                    "ssh_args": ssh,
                    "ignore_preflight_errors": ["SystemVerification"],
                },
            },
        )
        deploy(cluster, namespace, "metal", 2, "100m")
        cluster.wait_for("pods are unschedulable", lambda: pods(cluster, namespace, unschedulable=True) == 2)
        cluster.playbook("scale_out", "metal", "-e", "node_scale_wait=200", "-e", json.dumps(PREPARED))
        assert nodes(cluster, "metal") == ["metal-1"]
        node = cluster.api.get(_paths.node("metal-1"))
        assert node["spec"]["providerID"] == "hosts://metal-1"
        cluster.wait_for("the node controller believes it", lambda: taints(cluster, "metal-1") == ["only"])
        assert [machine.address for machine in at_rest(cluster, "metal").state.machines] == [bare.address]
        assert tokens(cluster) == before
        assert "kubelet.conf" in machine.ssh(cluster.lab, bare, "ls", "/etc/kubernetes")
        assert "role platform.ops.node" in machine.ssh(cluster.lab, bare, "cat", "/etc/containerd/config.toml")

        deploy(cluster, namespace, "metal", 0, "100m")
        cluster.playbook("scale_in", "metal", "-e", "node_scale_wait=200", "-e", "node=metal-1")
        assert nodes(cluster, "metal") == []
        assert _store.read(cluster.api, "metal").state.addresses() == []
        with pytest.raises(LabError):
            machine.ssh(cluster.lab, bare, "ls", "/etc/kubernetes/kubelet.conf")
    finally:
        machine.remove(cluster.lab, bare.name)
