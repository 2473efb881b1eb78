# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HAProxy follows the cluster's Nodes as the playbooks of node operations bring them and take them away."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import machine
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.state import Machine
from tests.nodes.test_playbooks import make_pool, nodes
from tests.support.node_lab import Cluster

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1800),
    pytest.mark.stand_in("kwok-node"),
]


@pytest.fixture
def balancer(cluster: Cluster) -> Iterator[Machine]:
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    build(machines=True)
    made = machine.add(cluster.lab, "balancer", join=False)
    yield made
    machine.remove(cluster.lab, made.name)


def inventory(cluster: Cluster, balancer: Machine, path: Path) -> Path:
    variables: dict[str, Any] = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(cluster.lab.ssh_key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={cluster.lab.folder}/ssh/known_hosts",
        "ansible_control_path": f"%(directory)s/{cluster.lab.name}-%%h",
        "haproxy_kubeconfig": str(cluster.lab.kubeconfig),
        # the lab's API server is no Node
        "haproxy_control_planes": [{"name": "api", "address": "10.77.0.1"}],
        "haproxy_ingress_selector": "platform.ops/pool=balanced",
    }
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {balancer.name: {"ansible_host": balancer.address, **variables}}
    groups = {"hosts": {"localhost": here}, "children": {"load_balancers": {"hosts": hosts}}}
    path.write_text(json.dumps({"all": groups}))
    return path


def test_a_load_balancer_follows_the_nodes_that_come_and_go(
    cluster: Cluster, balancer: Machine, tmp_path: Path
) -> None:
    make_pool(cluster, "balanced")
    words = ("-i", str(inventory(cluster, balancer, tmp_path / "inventory.json")))

    def servers() -> set[str]:
        configuration = machine.ssh(cluster.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg")
        return set(re.findall(r"^    server (\S+)", configuration, re.MULTILINE))

    cluster.playbook("scale_out", "balanced", *words, "-e", "count=2")
    assert nodes(cluster, "balanced") == ["balanced-1", "balanced-2"]
    assert servers() == {"api", "balanced-1", "balanced-2"}
    again = cluster.playbook("load_balancers", "balanced", *words, "-e", "haproxy_from_cluster=true")
    assert re.search(r"^balancer\s+: ok=\d+\s+changed=0\s", again, re.MULTILINE)

    # cordoned by people: what runs there may well serve
    cluster.kubectl("cordon", "balanced-2")
    cluster.playbook("scale_in", "balanced", *words, "-e", "node=balanced-1")
    assert nodes(cluster, "balanced") == ["balanced-2"]
    assert servers() == {"api", "balanced-2"}
