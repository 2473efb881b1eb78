# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster needs whose machines are containers on a host with cgroup v1, with images that nobody can pull."""

from __future__ import annotations

from typing import Any

LAB: dict[str, Any] = {
    "node_packages": {"Debian": ["containerd", "runc", "conntrack", "ethtool", "iptables", "socat"]},
    "node_kernel_modules": [],
    "node_cgroup_driver": "cgroupfs",
    "node_cni_bin_dir": "/usr/lib/cni",
    "node_restrict_oom_score_adj": True,
    "node_image_repository": "lab.local",
    "cluster_image_repository": "lab.local",
    "cluster_skip_phases": ["addon/coredns"],
    "cluster_ignore_preflight_errors": ["SystemVerification"],
    "cluster_cni": "bridge",
    "cluster_bridge_masquerade": False,
    "cluster_etcd_args": {"unsafe-no-fsync": "true"},
    "cluster_kubelet": {
        "failCgroupV1": False,
        "failSwapOn": False,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "4s",
        "shutdownGracePeriod": "0s",
        "shutdownGracePeriodCriticalPods": "0s",
    },
    "cluster_kube_proxy": {
        "mode": "nftables",
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    },
}
