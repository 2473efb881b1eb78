# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PKI, kubeconfigs and the records that `kubeadm join` reads, all written by kubeadm itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab import network
from lab.place import API_PORT, GATEWAY, POD_RANGE, SERVICE_RANGE, Lab
from lab.shell import run
from lab.tools import tool

VERSION = "v1.36.3"

# Joining machines get this from the cluster. Disk thresholds are low because the host's disk is shared and the default
# would evict pods on any host that is 85 % full.
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
    "failSwapOn": False,
    "cgroupDriver": "cgroupfs",
    "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    "imageGCHighThresholdPercent": 100,
    "nodeStatusUpdateFrequency": "4s",
    "shutdownGracePeriod": "0s",
    "shutdownGracePeriodCriticalPods": "0s",
}


def documents(certificates: Path) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": GATEWAY, "bindPort": API_PORT},
            "nodeRegistration": {"name": "control-plane"},
        },
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "kubernetesVersion": VERSION,
            "certificatesDir": str(certificates),
            "controlPlaneEndpoint": f"{GATEWAY}:{API_PORT}",
            "networking": {"podSubnet": POD_RANGE, "serviceSubnet": SERVICE_RANGE},
            # 127.0.0.1: `lab expose` offers the API server there, outside of the lab's network.
            "apiServer": {"certSANs": ["127.0.0.1", "localhost"]},
        },
        KUBELET,
    ]


def write_pki(lab: Lab) -> None:
    config = _write(lab, "kubeadm.json", lab.pki)
    kubeadm = tool("kubeadm")
    run(network.inside(lab.netns, kubeadm, "init", "phase", "certs", "all", "--config", config))
    for name in ("admin", "super-admin", "controller-manager", "scheduler"):
        run(
            network.inside(
                lab.netns,
                kubeadm,
                "init",
                "phase",
                "kubeconfig",
                name,
                "--config",
                config,
                "--kubeconfig-dir",
                lab.folder,
            )
        )
    user = ("--client-name", "system:kube-proxy")  # bound to what kube-proxy may read in every cluster
    kube_proxy = run(network.inside(lab.netns, kubeadm, "kubeconfig", "user", *user, "--config", config))
    (lab.folder / "kube-proxy.conf").write_text(kube_proxy)


def write_cluster_records(lab: Lab) -> None:
    """The uploaded configuration names the standard folder: it ends up in the kubelet configuration of machines."""
    config = _write(lab, "kubeadm-upload.json", Path("/etc/kubernetes/pki"))
    kubeadm = tool("kubeadm")
    kubeconfig = ("--config", config, "--kubeconfig", lab.folder / "super-admin.conf")
    for phase in (("upload-config", "kubeadm"), ("upload-config", "kubelet"), ("bootstrap-token",)):
        run(network.inside(lab.netns, kubeadm, "init", "phase", *phase, *kubeconfig))


def join_command(lab: Lab) -> list[str]:
    """A new token each time; it lives for an hour."""
    line = run(
        network.inside(
            lab.netns,
            tool("kubeadm"),
            "token",
            "create",
            "--ttl",
            "1h",
            "--print-join-command",
            "--kubeconfig",
            lab.kubeconfig,
        )
    )
    return line.split()


def _write(lab: Lab, name: str, certificates: Path) -> Path:
    path = lab.folder / name
    path.write_text("\n---\n".join(json.dumps(document, indent=1) for document in documents(certificates)))
    return path
