# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab with simulated nodes, and this process in its network while a test runs: fixtures `cluster` and `namespace`.

Each folder whose conftest imports them has a lab of its own, which goes when its last test has run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Writer
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, KubeApi, connect

from lab import lifecycle, network, prepare, simulated
from lab.__main__ import build
from lab.control_plane import kubectl
from lab.place import Lab, place
from tests.support.inside import inside

ROOT = Path(__file__).parent.parent.parent
ROLE = ROOT / "collections/ansible_collections/platform/ops/roles/node_scale"


@dataclass
class Cluster:
    lab: Lab
    api: KubeApi

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return kubectl(self.lab, *words, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def writer(self, pool: str, holder: str, duration: int = 300) -> Writer:
        return Writer(self.api, pool, "platform-ops", holder, duration, clock=time.time)

    def command(self, playbook: str, *arguments: str) -> list[str]:
        state = f"node_scale_state_dir={self.lab.folder}/state"
        words = ["ansible-playbook", f"platform.ops.{playbook}", "-e", state, *arguments]
        return network.inside(self.lab.netns, Path(sys.executable).parent / words[0], *words[1:])

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "K8S_AUTH_KUBECONFIG": str(self.lab.kubeconfig),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        }

    def playbook(self, name: str, pool: str, *arguments: str) -> str:
        command = self.command(name, "-e", f"pool={pool}", *arguments)
        done = subprocess.run(
            command, env=self.environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout

    def wait_for(self, what: str, check: Callable[[], bool], deadline: float = 180) -> None:
        ends = time.monotonic() + deadline
        while not check():
            assert time.monotonic() < ends, f"not in {deadline} s: {what}"
            time.sleep(0.1)


@pytest.fixture(scope="package")
def _lab() -> Iterator[Cluster]:
    if why := prepare.obstacle():
        pytest.skip(why)
    build(machines=False)
    lab = place(f"nodes-{os.getpid()}")
    try:
        lifecycle.up(lab)
        simulated.add(lab, ["fixed-1"])
        with inside(lab):
            api = connect(Connection(kubeconfig=str(lab.kubeconfig)))
            cluster = Cluster(lab, api)
            definition = yaml.safe_load((ROLE / "files/nodepools.platform.ops.yml").read_text())
            cluster.apply(definition, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform-ops"}})
            cluster.kubectl("wait", "--for=condition=Established", "crd/nodepools.platform.ops", "--timeout=30s")
        yield cluster
    finally:
        lifecycle.down(lab)


@pytest.fixture
def cluster(_lab: Cluster) -> Iterator[Cluster]:
    with inside(_lab.lab):
        yield _lab


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own; gone afterwards with all in it."""
    name = f"t-{abs(hash(request.node.nodeid)) % 10**8}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
