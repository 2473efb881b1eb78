# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flagger's own program, with Istio's kinds to write its weights into, and the traffic that follows them.

There is no mesh: nothing reads the VirtualServices but lab/traffic.py, which stands in for the proxies' metrics.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab import monitoring, process, state
from lab.control_plane import kubectl
from lab.place import GATEWAY, ROOT, Lab
from lab.shell import LabError, wait_for
from lab.tools import tool
from lab.web import ask

PORT = 8083
TRAFFIC_PORT = 8084
NAMESPACE = "flagger-system"


def start(lab: Lab) -> None:
    if "monitoring" not in state.read(lab).parts:
        raise LabError("Flagger judges by Prometheus: `python -m lab add monitoring` first")
    home = tool("flagger").parent
    documents = (
        home / "flagger-module" / "artifacts" / "flagger" / "crd.yaml",
        home / "istio-api" / "kubernetes" / "customresourcedefinitions.gen.yaml",
    )
    for document in documents:
        kubectl(lab, "apply", "--server-side", "-f", document)
        kubectl(lab, "wait", "--for=condition=Established", "--timeout=60s", "-f", document)
    start_traffic(lab)
    start_controller(lab)
    monitoring.scrape(lab, "envoy-stats", TRAFFIC_PORT)
    # as the PodMonitor of Flagger's chart sets it: the Canary's own namespace becomes exported_namespace
    monitoring.scrape(lab, "flagger", PORT, namespace=NAMESPACE)


def start_traffic(lab: Lab) -> None:
    words: list[str | Path] = [sys.executable, "-m", "lab.traffic", lab.folder / "super-admin.conf", GATEWAY]
    words.append(str(TRAFFIC_PORT))
    process.start(lab, "traffic", words, env={"PYTHONPATH": str(ROOT)})
    wait_for(
        "the simulated traffic is served",
        lambda: ask(lab, f"http://{GATEWAY}:{TRAFFIC_PORT}/metrics", timeout=5) is not None,
        deadline=60,
        check=lambda: process.must_live(lab, "traffic"),
    )


def start_controller(lab: Lab) -> None:
    process.start(
        lab,
        "flagger",
        [
            tool("flagger"),
            f"-kubeconfig={lab.folder / 'super-admin.conf'}",
            f"-metrics-server={monitoring.PROMETHEUS}",
            "-mesh-provider=istio",
            f"-port={PORT}",
            "-control-loop-interval=1s",
            "-log-level=info",
            "-zap-encoding=console",
        ],
    )
    wait_for(
        "Flagger is ready",
        lambda: ask(lab, f"http://{GATEWAY}:{PORT}/healthz", timeout=2) is not None,
        deadline=60,
        check=lambda: process.must_live(lab, "flagger"),
    )
