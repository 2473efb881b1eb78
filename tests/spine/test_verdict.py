# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tick after a merge: verdict, one further step, hand-over. What a cluster would show is served by the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.spine.conftest import Fleet, remediation

pytestmark = pytest.mark.stand_in("kubernetes-answers")

AD = remediation("adservice", "283Mi")
FILE = "apps/shop/adservice.yaml"
RESOURCES = {"/apis/apps/v1": {"Deployment": "deployments", "ReplicaSet": "replicasets"}}
POD = "adservice-6d4cf56db6-x7k2p"


class Cluster:
    """One Deployment that has whatever stands in git, and its pod, which is killed or not."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.killed = 0

    def _template(self) -> dict[str, Any]:
        found: dict[str, Any] = next(iter(yaml.safe_load_all(self.fleet.file(FILE))))["spec"]["template"]
        return found

    def answer(self, path: str) -> dict[str, Any] | None:
        if path in RESOURCES:
            return {"resources": [{"kind": kind, "name": name} for kind, name in RESOURCES[path].items()]}
        if path == "/apis/apps/v1/namespaces/shop/deployments/adservice":
            meta = {"name": "adservice", "namespace": "shop", "uid": "u-1", "generation": 1}
            status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
            selector = {"matchLabels": {"app": "adservice"}}
            spec = {"replicas": 1, "selector": selector, "template": self._template()}
            return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec, "status": status}
        items = {"/api/v1/namespaces/shop/pods": [self._pod()], "/api/v1/pods": [], "/api/v1/nodes": [self._node()]}
        return {"items": items[path]} if path in items else None

    def _pod(self) -> dict[str, Any]:
        last = {"terminated": {"reason": "OOMKilled"}} if self.killed else {}
        entry = {"name": "server", "ready": True, "restartCount": self.killed, "lastState": last}
        meta = {"name": POD, "namespace": "shop", "labels": {"app": "adservice"}}
        return {
            "metadata": {**meta, "uid": "u-2", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {**self._template()["spec"], "nodeName": "worker-1"},
            "status": {"phase": "Running", "containerStatuses": [entry]},
        }

    def _node(self) -> dict[str, Any]:
        room = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi"}
        ready = [{"type": "Ready", "status": "True"}]
        return {
            "metadata": {"name": "worker-1", "uid": "u-3", "labels": {}},
            "spec": {},
            "status": {"allocatable": room, "capacity": room, "conditions": ready},
        }


@pytest.fixture
def cluster(fleet: Fleet) -> Iterator[Cluster]:
    cluster = Cluster(fleet)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = cluster.answer(urlsplit(self.path).path)
            body = json.dumps(found or {"kind": "Status", "reason": "NotFound"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        fleet.configure(
            limit_bump_cluster_access={"kubeconfig": str(kubeconfig(fleet.folder, server.server_port))},
            limit_bump_gate={"dry_run": False},
            limit_bump_pull_request={"labels": ["limits"], "merge": {"by": "us", "method": "squash"}},
            limit_bump_verdict={"watch": "0s", "settle": "0s"},
        )
        yield cluster
    finally:
        server.shutdown()
        server.server_close()


def kubeconfig(folder: Path, port: int) -> Path:
    named = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named}))
    return path


def bump(fleet: Fleet) -> None:
    fleet.bump(AD)
    assert [(one["decision"], one["message"]) for one in fleet.decisions()][-1][0] == "opened", fleet.decisions()[-1]


def tick(fleet: Fleet) -> list[tuple[str, str]]:
    """Run it; what it put on record."""
    before = len(fleet.decisions())
    fleet.play("platform.ops.follow_pull_requests")
    return [(one["decision"], one["reason"]) for one in fleet.decisions()[before:]]


def labels(fleet: Fleet, number: int) -> set[str]:
    return {label for pull in fleet.pulls() if pull.number == number for label in pull.labels}


def test_a_bump_that_helps_is_called_fixed(fleet: Fleet, cluster: Cluster) -> None:
    bump(fleet)
    assert tick(fleet) == [("merged", "ready"), ("fixed", "resolved")]
    assert labels(fleet, 1) == {"limits", "verdict-fixed"}
    assert set(fleet.decisions()[-1]["stages"]) == {"opened", "merged", "applied", "rolled_out", "resolved"}
    assert tick(fleet) == []


def test_one_that_was_not_enough_gets_one_further_step_and_then_people(fleet: Fleet, cluster: Cluster) -> None:
    bump(fleet)
    cluster.killed = 1
    assert tick(fleet) == [("merged", "ready"), ("not_fixed", "killed_again"), ("opened", "bumped")]
    assert tick(fleet) == [("merged", "ready"), ("not_fixed", "killed_again"), ("handed_over", "killed_again")]
    assert tick(fleet) == []
    assert labels(fleet, 1) == {"limits", "verdict-not-fixed"}
    assert labels(fleet, 2) == {"limits", "verdict-not-fixed", "handed-over"}
    assert "memory: 500Mi" in fleet.file(FILE)  # 300Mi, 400Mi, 500Mi
    fleet.bump(remediation("adservice", "490Mi"))
    assert (fleet.decisions()[-1]["decision"], fleet.decisions()[-1]["reason"]) == ("refused", "handed_over")


def test_where_no_further_step_is_to_be_had_it_is_handed_over_at_once(fleet: Fleet, cluster: Cluster) -> None:
    fleet.configure(limit_bump_policy={"memory": {"factor": 1.2, "floor": "100Mi", "max": "400Mi"}, "cooldown": "1h"})
    bump(fleet)
    cluster.killed = 1
    assert tick(fleet) == [
        *[("merged", "ready"), ("not_fixed", "killed_again"), ("refused", "capped")],
        *[("not_fixed", "killed_again"), ("handed_over", "killed_again")],
    ]
    assert labels(fleet, 1) == {"limits", "verdict-not-fixed", "handed-over"}
    assert tick(fleet) == []
