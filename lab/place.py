# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a lab lives and what its parts are called. Every name follows from the lab's folder, so that `down` finds
what a crashed `up` left without having been told."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from lab.shell import LabError

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("PLATFORM_OPS_CACHE") or Path.home() / ".cache" / "platform-ops").absolute()

# Addresses are the same in every lab: each has a network of its own.
GATEWAY = "10.77.0.1"
MACHINE_PREFIX = "10.77.0."
FIRST_MACHINE = 10
LAST_MACHINE = 250
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.128.0.0/9"
SIMULATED_POD_RANGE = "10.200.0.0/13"
API_PORT = 6443


@dataclass(frozen=True, slots=True)
class Lab:
    name: str
    folder: Path

    @property
    def id(self) -> str:
        return "ops-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def netns(self) -> str:
        return self.id

    def machine_netns(self, machine: str) -> str:
        return f"{self.id}-{machine}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "admin.conf"

    @property
    def outside_kubeconfig(self) -> Path:
        """For programs outside of the lab's network, once the API server is exposed."""
        return self.folder / "outside.conf"

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def ssh_key(self) -> Path:
        return self.folder / "ssh" / "id_ed25519"

    def log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"


def place(name: str) -> Lab:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise LabError(f"{name!r} is no name for a lab: use up to 32 small letters, digits and inner dashes")
    return Lab(name, CACHE / "labs" / name)


def pod_range(index: int) -> str:
    return f"10.128.{index}.0/24"


def address(index: int) -> str:
    return f"{MACHINE_PREFIX}{index}"
