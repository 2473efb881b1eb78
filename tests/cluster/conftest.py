# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bare machines in a lab without a cluster of its own, and the playbooks run against them over SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab import lifecycle, machine, network, prepare
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.place import ROOT, Lab, place
from lab.state import Machine


@dataclass
class Site:
    """A lab, and the inventory of what was put into it."""

    lab: Lab
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def machine(self, name: str, group: str, **options: Any) -> Machine:
        made = machine.add(self.lab, name, join=False, **options)
        self.groups.setdefault(group, {})[name] = {"ansible_host": made.address}
        return made

    def run(self, playbook: str, *arguments: str, timeout: float = 2400) -> subprocess.CompletedProcess[str]:
        known = self.lab.folder / "ssh" / "known_hosts"
        inventory = {
            "all": {
                "vars": {
                    "ansible_user": "root",
                    "ansible_ssh_private_key_file": str(self.lab.ssh_key),
                    "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}",
                    # Of this lab: shared connections are known by address, and another lab has the same addresses.
                    "ansible_control_path": f"%(directory)s/{self.lab.name}-%%h",
                    **self.variables,
                },
                "hosts": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}},
                "children": {group: {"hosts": hosts} for group, hosts in self.groups.items()},
            }
        }
        path = self.lab.folder / "inventory.json"
        path.write_text(json.dumps(inventory, indent=1))
        words = [f"platform.ops.{playbook}", "-i", str(path), *arguments]
        return subprocess.run(
            network.inside(self.lab.netns, Path(sys.executable).parent / "ansible-playbook", *words),
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def playbook(self, playbook: str, *arguments: str) -> str:
        done = self.run(playbook, *arguments)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    def refused(self, playbook: str, *arguments: str) -> str:
        """What it said when it failed."""
        done = self.run(playbook, *arguments)
        assert done.returncode != 0, done.stdout[-3000:]
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if why := prepare.obstacle():
        pytest.skip(why)
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    build(machines=True)
    lab = place(f"cluster-{os.getpid()}")
    try:
        lifecycle.up(lab, bare=True)
        yield Site(lab)
    finally:
        lifecycle.down(lab)
