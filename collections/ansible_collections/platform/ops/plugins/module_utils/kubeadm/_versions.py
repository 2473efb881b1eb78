# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the programs on the machines may work together: the version skew policy of Kubernetes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

KUBELET_OLDER = 3
KUBEADM_OLDER = 1


def minor(version: str) -> tuple[int, int] | None:
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def problems(cluster: str, running: bool, found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """`found`: by machine, the versions of kubeadm and kubelet, and whether it `joined`."""
    target = minor(cluster)
    if target is None:
        return [f"{cluster!r} is no version of Kubernetes: set cluster_kubernetes_version like v1.36.3."]
    said = []
    for name, programs in sorted(found.items()):
        joined = programs.get("joined") == "yes"
        kubelet, kubeadm = minor(programs.get("kubelet", "")), minor(programs.get("kubeadm", ""))
        if kubelet is None or kubeadm is None:
            missing = "kubelet" if kubelet is None else "kubeadm"
            said.append(f"{name} has no {missing}: set node_repositories or node_packages, or install it yourself.")
            continue
        if kubelet > target:
            said.append(
                f"{name} has kubelet {programs['kubelet']}, newer than the cluster's {cluster}: install that minor "
                "version (node_packages pins it), or upgrade the control planes first."
            )
        elif kubelet[0] != target[0] or target[1] - kubelet[1] > KUBELET_OLDER:
            said.append(
                f"{name} has kubelet {programs['kubelet']}, more than {KUBELET_OLDER} minor versions older than the "
                f"cluster's {cluster}: upgrade it."
            )
        if joined:
            continue  # kubeadm has done its work there
        if running and kubeadm != target:
            said.append(
                f"{name} has kubeadm {programs['kubeadm']}, and joins a cluster of {cluster}: install the same minor."
            )
        elif not running and (kubeadm < target or kubeadm[0] != target[0] or kubeadm[1] - target[1] > KUBEADM_OLDER):
            said.append(
                f"{name} has kubeadm {programs['kubeadm']}, which cannot make a cluster of {cluster}: install that "
                "minor version, or change cluster_kubernetes_version."
            )
    return said
