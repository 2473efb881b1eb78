# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a plain Debian into a machine of this lab: pure text, written over the shared root file system."""

from __future__ import annotations

import json

from lab.images import PAUSE
from lab.place import GATEWAY, POD_RANGE, pod_range
from lab.state import Machine

UNITS = "etc/systemd/system"

# The kubelet insists on these values. They belong to the kernel of the host, which a lab must not change, so the
# machine reads them from files of its own.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
MASKED = (
    "systemd-sysctl.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "getty.target",
)

CONTAINERD = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # there is no CAP_SYS_RESOURCE to lower a score with
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
"""
KUBELET_UNIT = """\
[Unit]
Description=kubelet
After=containerd.service lab-kernel-settings.service lab-images.service
Wants=containerd.service lab-images.service
Requires=lab-kernel-settings.service
ConditionPathExists=/var/lib/kubelet/config.yaml
StartLimitIntervalSec=0

[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \\
  --config-dir=/etc/kubernetes/kubelet.conf.d $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
IMAGES_UNIT = """\
[Unit]
Description=import the lab's images
After=containerd.service
Wants=containerd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for file in /opt/lab/*.tar; do ctr -n k8s.io images import $file || exit 1; done'

[Install]
WantedBy=multi-user.target
"""


def _kernel_settings_unit() -> str:
    binds = "\n".join(
        f"ExecStart=/bin/mount --bind /etc/lab/kernel/{name.replace('/', '.')} /proc/sys/{name}"
        for name in KERNEL_SETTINGS
    )
    return f"""\
[Unit]
Description=kernel settings as the kubelet wants to read them
DefaultDependencies=no
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
{binds}

[Install]
WantedBy=multi-user.target
"""


def _kube_proxy_unit(name: str) -> str:
    return f"""\
[Unit]
Description=kube-proxy
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/kube-proxy --kubeconfig=/etc/lab/kube-proxy.conf --proxy-mode=nftables \\
  --hostname-override={name} --cluster-cidr={POD_RANGE} --conntrack-max-per-core=0 \\
  --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def _cni(machine: Machine) -> str:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": pod_range(machine.index)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "0.4.0", "name": "lab", "plugins": plugins}, indent=1)


def files(machine: Machine, *, authorized_key: str, kube_proxy_config: str | None, reserved: str) -> dict[str, str]:
    """Path under the machine's root and content. `reserved` is what of the host's memory is not the machine's.

    Without `kube_proxy_config` the machine is bare: runtime, network and proxy are a matter of whoever makes a cluster.
    """
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "systemReserved": {"memory": reserved},
    }
    member = {}
    if kube_proxy_config is not None:
        member = {
            "etc/containerd/config.toml": CONTAINERD,
            "etc/cni/net.d/10-lab.conflist": _cni(machine),
            "etc/lab/kube-proxy.conf": kube_proxy_config,
            f"{UNITS}/kube-proxy.service": _kube_proxy_unit(machine.name),
        }
    return {
        **member,
        "etc/hostname": machine.name + "\n",
        "etc/hosts": f"127.0.0.1 localhost\n{machine.address} {machine.name}\n{GATEWAY} control-plane\n",
        "etc/resolv.conf": "",
        "root/.ssh/authorized_keys": authorized_key,
        "etc/default/kubelet": f"KUBELET_EXTRA_ARGS=--node-ip={machine.address} --housekeeping-interval=2s\n",
        "etc/kubernetes/kubelet.conf.d/10-lab.conf": json.dumps(kubelet, indent=1),
        f"{UNITS}/kubelet.service": KUBELET_UNIT,
        f"{UNITS}/lab-images.service": IMAGES_UNIT,
        f"{UNITS}/lab-kernel-settings.service": _kernel_settings_unit(),
        **{f"etc/lab/kernel/{name.replace('/', '.')}": value + "\n" for name, value in KERNEL_SETTINGS.items()},
    }


def links(*, bare: bool = False) -> dict[str, str]:
    """Symbolic links: enabled and masked units."""
    enabled = ("kubelet", "lab-images", "lab-kernel-settings", *(() if bare else ("kube-proxy",)))
    return {
        **{f"{UNITS}/multi-user.target.wants/{name}.service": f"/{UNITS}/{name}.service" for name in enabled},
        **{f"{UNITS}/{name}": "/dev/null" for name in MASKED},
    }
