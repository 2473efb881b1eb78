# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools of real machines of a lab: off until a node is wanted, reached by SSH, off again when given back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store

from lab import machine, process
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.images import WORKLOAD
from lab.state import Machine
from tests.nodes.test_playbooks import make_pool
from tests.support.node_lab import Cluster

POWER = Path(__file__).parent.parent / "support" / "power.py"


@contextmanager
def metal(cluster: Cluster, *names: str) -> Iterator[list[Machine]]:
    """Machines that are off."""
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    build(machines=True)
    made: list[Machine] = []
    try:
        for name in names:
            made.append(machine.add(cluster.lab, name, join=False))
            machine.switch_off(cluster.lab, made[-1])
        yield made
    finally:
        # A record keeps its machine's address from other pools, and the next machine gets the same one.
        for pool in _store.every(cluster.api):
            if {host for host, _address in pool.spec.slots.hosts} & {one.name for one in made}:
                cluster.kubectl("delete", "nodepool", pool.name)
        for one in made:
            machine.remove(cluster.lab, one.name)


def is_on(cluster: Cluster, name: str) -> bool:
    return process.pid_of(cluster.lab, f"machine-{name}") is not None


def provider(cluster: Cluster, **more: Any) -> dict[str, Any]:
    power = [sys.executable, str(POWER), cluster.lab.name]
    return {
        "role": "platform.ops.machine_hosts",
        "destroys": False,
        "variables": {
            "private_key": str(cluster.lab.ssh_key),
            "ssh_args": f"-o UserKnownHostsFile={cluster.lab.folder}/ssh/known_hosts -o StrictHostKeyChecking=yes",
            "prepare": False,
            "ignore_preflight_errors": ["SystemVerification"],
            "power_on": [*power, "on", "{node}"],
            "power_off": [*power, "off", "{node}"],
            "power_status": [*power, "status", "{node}"],
        },
        **more,
    }


def make_metal_pool(cluster: Cluster, pool: str, machines: list[Machine], **spec: Any) -> None:
    make_pool(
        cluster,
        pool,
        **{
            "max": len(machines),
            "addresses": [],
            "hosts": [{"name": one.name, "address": one.address} for one in machines],
            "provider": provider(cluster),
            "template": {
                # what a machine of the lab has, less a bit
                "allocatable": {"cpu": "1500m", "memory": "3Gi", "pods": "110"},
                "taints": [{"key": "only", "value": pool, "effect": "NoSchedule"}],
            },
            **spec,
        },
    )


def container(cpu: str = "200m") -> dict[str, Any]:
    """A real one, of the image that the machines have."""
    return {"name": "c", "image": WORKLOAD, "resources": {"requests": {"cpu": cpu, "memory": "16Mi"}}}
