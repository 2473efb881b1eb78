# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitOps: Flux's real kustomize-controller, fed by the publisher that stands in for source-controller."""

from __future__ import annotations

import json
import sys
from typing import Any

from lab import git_host, process
from lab.control_plane import kubectl
from lab.place import GATEWAY, ROOT, Lab
from lab.shell import wait_for
from lab.tools import tool
from lab.web import ask

NAMESPACE = "flux-system"
HEALTH = 9441


def start(lab: Lab) -> None:
    documents = tool("kustomize-controller").parent / "crds" / "config" / "crd" / "bases"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    kubectl(lab, "apply", "--server-side", "-f", documents)
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps(namespace))
    kubectl(lab, "wait", "--for=condition=Established", "--timeout=30s", "-f", documents)
    start_publisher(lab)
    start_controller(lab)


def start_publisher(lab: Lab) -> None:
    folder = lab.folder / "gitops"
    folder.mkdir(exist_ok=True)
    process.start(
        lab,
        "publisher",
        [sys.executable, "-m", "lab.publisher", folder, lab.folder / "super-admin.conf", GATEWAY],
        env={"PYTHONPATH": str(ROOT)},
    )


def start_controller(lab: Lab) -> None:
    process.start(
        lab,
        "kustomize-controller",
        [
            tool("kustomize-controller"),
            "--watch-all-namespaces=true",
            "--enable-leader-election=false",
            "--metrics-addr=127.0.0.1:9440",
            f"--health-addr=127.0.0.1:{HEALTH}",
        ],
        env={"KUBECONFIG": str(lab.folder / "super-admin.conf"), "RUNTIME_NAMESPACE": NAMESPACE},
    )
    wait_for(
        "kustomize-controller is ready",
        lambda: ask(lab, f"http://127.0.0.1:{HEALTH}/readyz", timeout=2) is not None,
        deadline=30,
        check=lambda: process.must_live(lab, "kustomize-controller"),
    )


def track(lab: Lab, name: str, url: str, path: str = "./") -> None:
    """Apply what stands under `path` of a repository's main branch, now and after each commit."""
    known = git_host.credentials(lab)
    meta = {"name": name, "namespace": NAMESPACE}
    source = {"interval": "1m", "url": url, "ref": {"branch": "main"}, "secretRef": {"name": name}}
    target = {
        "interval": "10m",
        "retryInterval": "5s",
        "path": path,
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": name},
    }
    items = [
        _record("v1", "Secret", meta, stringData={"username": known.user, "password": known.password}),
        _record("source.toolkit.fluxcd.io/v1", "GitRepository", meta, spec=source),
        _record("kustomize.toolkit.fluxcd.io/v1", "Kustomization", meta, spec=target),
    ]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def applied(lab: Lab, name: str) -> str | None:
    """The revision that is applied and Ready, if one is."""
    record = json.loads(kubectl(lab, "-n", NAMESPACE, "get", "kustomization", name, "-o", "json"))
    status: dict[str, Any] = record.get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    return status.get("lastAppliedRevision") if ready else None


def wait_applied(lab: Lab, name: str, commit: str, *, deadline: float = 60) -> None:
    wait_for(
        f"commit {commit} of {name} is applied",
        lambda: (applied(lab, name) or "").endswith(commit),
        deadline=deadline,
        every=0.3,
    )


def _record(version: str, kind: str, meta: dict[str, str], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
