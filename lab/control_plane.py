# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd, API server, controller manager and scheduler as plain processes in the lab's network."""

from __future__ import annotations

import json
from pathlib import Path

from lab import kubeadm, network, process
from lab.place import API_PORT, GATEWAY, POD_RANGE, SERVICE_RANGE, Lab
from lab.shell import LabError, run, wait_for
from lab.tools import tool
from lab.web import ask

ETCD = "http://127.0.0.1:2379"


def kubectl(lab: Lab, *words: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
    command = network.inside(lab.netns, tool("kubectl"), "--kubeconfig", lab.kubeconfig, *words)
    return run(command, stdin=stdin, timeout=timeout)


def up(lab: Lab) -> None:
    """Ready to serve and to be joined at the end."""
    kubeadm.write_pki(lab)
    start_etcd(lab)
    start_api_server(lab)
    start_controller_manager(lab)
    start_scheduler(lab)
    _allow_admin(lab)
    kubeadm.write_cluster_records(lab)
    start_kube_proxy(lab)
    wait_for(
        "the default service account exists",
        lambda: kubectl(lab, "get", "serviceaccount", "default", "-o", "name"),
        deadline=30,
        check=lambda: process.must_live(lab, "kube-controller-manager"),
    )


def start_etcd(lab: Lab) -> None:
    process.start(
        lab,
        "etcd",
        [
            tool("etcd"),
            f"--data-dir={lab.folder / 'etcd'}",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            # The lab's data need not survive a power cut of the host.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
    )


def start_api_server(lab: Lab) -> None:
    pki = lab.pki
    process.start(
        lab,
        "kube-apiserver",
        [
            tool("kube-apiserver"),
            f"--etcd-servers={ETCD}",
            f"--secure-port={API_PORT}",
            "--bind-address=0.0.0.0",
            f"--advertise-address={GATEWAY}",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            "--enable-bootstrap-token-auth",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
            f"--proxy-client-key-file={pki}/front-proxy-client.key",
            "--shutdown-delay-duration=0s",
        ],
    )
    wait_for(
        "the API server is ready",
        lambda: _ready(lab),
        deadline=60,
        check=lambda: process.must_live(lab, "kube-apiserver"),
    )


def _ready(lab: Lab) -> bool:
    command = network.inside(
        lab.netns, tool("kubectl"), "--kubeconfig", lab.folder / "super-admin.conf", "get", "--raw", "/readyz"
    )
    return run(command, timeout=10) == "ok"


def start_controller_manager(lab: Lab) -> None:
    pki = lab.pki
    process.start(
        lab,
        "kube-controller-manager",
        [
            tool("kube-controller-manager"),
            *_kubeconfigs(lab.folder / "controller-manager.conf"),
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            f"--root-ca-file={pki}/ca.crt",
            f"--service-account-private-key-file={pki}/sa.key",
            "--use-service-account-credentials",
            "--controllers=*,bootstrapsigner,tokencleaner",
            f"--cluster-cidr={POD_RANGE}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--horizontal-pod-autoscaler-sync-period=5s",
        ],
    )


def start_scheduler(lab: Lab) -> None:
    process.start(
        lab,
        "kube-scheduler",
        [
            tool("kube-scheduler"),
            *_kubeconfigs(lab.folder / "scheduler.conf"),
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ],
    )


def _kubeconfigs(path: Path) -> list[str]:
    options = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [f"--{option}={path}" for option in options]


def start_kube_proxy(lab: Lab) -> None:
    """Services work from the control plane too, which is how the API server calls webhooks.

    kube-proxy waits half a minute for the Node it runs on. The control plane is none: show it one for a moment.
    """
    name = "control-plane"
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"unschedulable": True},
        "status": {"addresses": [{"type": "InternalIP", "address": GATEWAY}]},
    }
    kubectl(lab, "create", "-f", "-", stdin=json.dumps(node))
    process.start(
        lab,
        "kube-proxy",
        [
            tool("kube-proxy"),
            f"--kubeconfig={lab.folder / 'kube-proxy.conf'}",
            "--proxy-mode=nftables",
            f"--hostname-override={name}",
            f"--cluster-cidr={POD_RANGE}",
            f"--nodeport-addresses={GATEWAY}/32",
            # settings of the host's kernel stay as they are
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        ],
    )
    wait_for(
        "kube-proxy has written its rules",
        lambda: bool(ask(lab, f"http://{GATEWAY}:10256/healthz", timeout=2)),
        deadline=40,
        check=lambda: process.must_live(lab, "kube-proxy"),
    )
    kubectl(lab, "delete", "node", name)


def _allow_admin(lab: Lab) -> None:
    """kubeadm's `admin` is a member of a group that `kubeadm init` binds; the phases alone do not."""
    binding = [
        "create",
        "clusterrolebinding",
        "kubeadm:cluster-admins",
        "--clusterrole=cluster-admin",
        "--group=kubeadm:cluster-admins",
    ]
    super_admin = lab.folder / "super-admin.conf"
    try:
        run(network.inside(lab.netns, tool("kubectl"), "--kubeconfig", super_admin, *binding))
    except LabError as error:
        if "already exists" not in str(error):
            raise
