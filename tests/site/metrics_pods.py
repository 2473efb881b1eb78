# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""metrics-server's real program at the addresses of its simulated pods.

The API server asks it through its Service whether it answers; nothing that is written could stand in for that.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, connect

from lab.shell import run
from lab.tools import tool

PODS = "/api/v1/namespaces/kube-system/pods"
LABEL = "app.kubernetes.io/name=metrics-server"
PORT = 10250  # of the chart's container


def serve(kubeconfig: str, address: str, folder: Path) -> subprocess.Popen[bytes]:
    run(["ip", "address", "replace", f"{address}/32", "dev", "lo"])
    access = [f"--{what}kubeconfig={kubeconfig}" for what in ("", "authentication-", "authorization-")]
    where = [f"--bind-address={address}", f"--secure-port={PORT}", f"--cert-dir={folder / address}"]
    kubelets = ["--kubelet-insecure-tls", "--kubelet-use-node-status-port"]
    with (folder / f"{address}.log").open("wb") as log:
        return subprocess.Popen([tool("metrics-server"), *access, *where, *kubelets], stdout=log, stderr=log)


@contextmanager
def answering(kubeconfig: str, folder: Path) -> Iterator[None]:
    """In the network that the caller stands in; whenever a pod of metrics-server has got an address."""
    api = connect(Connection(kubeconfig=kubeconfig))
    serving: dict[str, subprocess.Popen[bytes]] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            try:
                pods = list(api.items(PODS, {"labelSelector": LABEL}))
            except OpsError:
                continue
            for address in {pod["status"].get("podIP") for pod in pods} - {None, *serving}:
                serving[address] = serve(kubeconfig, address, folder)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for process in serving.values():
            process.terminate()
            process.wait(30)
