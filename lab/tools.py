# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of the built binaries; scripts/tool builds what is missing and shows progress on stderr."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from lab.place import ROOT
from lab.shell import LabError, MissingError

CONTROL_PLANE = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kube-proxy",
)
NO_GO = 3  # the exit code of scripts/tool
ON_MACHINES = ("kubelet", "kubeadm", "kubectl", "kube-proxy")


@cache
def tool(name: str) -> Path:
    return tools(name)[0]


def tools(*names: str) -> list[Path]:
    done = subprocess.run([ROOT / "scripts" / "tool", *names], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == NO_GO:
        raise MissingError("the lab needs Go, or pip to install it: there is neither; scripts/tool said more above")
    if done.returncode:
        raise LabError(f"{', '.join(names)} could not be built; scripts/tool said why above")
    return [Path(line) for line in done.stdout.splitlines()]
