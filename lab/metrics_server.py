# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""metrics-server as a process of the control plane, registered as the API server's metrics.k8s.io."""

from __future__ import annotations

import json

from lab import process
from lab.control_plane import kubectl
from lab.place import GATEWAY, Lab
from lab.shell import wait_for
from lab.tools import tool

NAME = "metrics-server"
PORT = 4443
NAMESPACE = "kube-system"


def start(lab: Lab) -> None:
    if process.pid_of(lab, NAME):
        return
    config = lab.folder / "super-admin.conf"
    process.start(
        lab,
        NAME,
        [
            tool(NAME),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            f"--secure-port={PORT}",
            f"--bind-address={GATEWAY}",
            "--kubelet-insecure-tls",
            "--kubelet-use-node-status-port",
            "--kubelet-preferred-address-types=InternalIP",
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
            f"--tls-cert-file={lab.pki / 'apiserver.crt'}",
            f"--tls-private-key-file={lab.pki / 'apiserver.key'}",
        ],
    )
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": _records()}))
    wait_for(
        "metrics.k8s.io answers through the API server",
        lambda: kubectl(lab, "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes", timeout=10),
        deadline=60,
        check=lambda: process.must_live(lab, NAME),
        every=0.5,
    )


def _records() -> list[dict[str, object]]:
    """A Service whose only endpoint is the process."""
    meta = {"name": NAME, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"name": "https", "port": 443}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": PORT}],
            "endpoints": [{"addresses": [GATEWAY], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": NAME, "namespace": NAMESPACE, "port": 443},
            },
        },
    ]
