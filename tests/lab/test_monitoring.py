# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The distribution's Prometheus and Alertmanager see real containers and tell whoever listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lab import metrics_server, monitoring, prepare, process
from lab.control_plane import kubectl
from lab.images import WORKLOAD
from lab.place import GATEWAY, Lab
from lab.shell import LabError, wait_for
from lab.state import Machine
from lab.web import within

pytestmark = [pytest.mark.real, pytest.mark.stand_in("series-exporter")]


@pytest.fixture(scope="module")
def monitored(lab: Lab, worker: Machine) -> Lab:
    prepare.prepare(prepare.MONITORING)
    monitoring.start(lab)
    return lab


@pytest.fixture
def received(monitored: Lab) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a receiver in the lab's network, and the webhook payloads it got."""
    payloads: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payloads.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = within(monitored, lambda: ThreadingHTTPServer((GATEWAY, 0), Receiver))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{GATEWAY}:{server.server_port}/", payloads
    server.shutdown()
    server.server_close()


def test_every_target_is_up_and_carries_the_labels_of_production(monitored: Lab, worker: Machine) -> None:
    # The kubelet's targets come when the machine has been discovered.
    def all_up() -> bool:
        series = monitoring.query(monitored, "up")
        cadvisor = [one["metric"].get("node") for one in series if "cadvisor" in one["metric"].get("metrics_path", "")]
        return len(series) >= 7 and cadvisor == [worker.name] and all(entry["value"][1] == "1" for entry in series)

    wait_for("all targets are up", all_up, deadline=180)


def test_a_container_near_its_limit_reaches_the_receiver_and_resolves(
    monitored: Lab, worker: Machine, received: tuple[str, list[dict[str, Any]]]
) -> None:
    url, payloads = received
    expression = (
        'max by (namespace, pod, container) (container_memory_working_set_bytes{container!="", pod="near"})'
        ' / max by (namespace, pod, container) (container_spec_memory_limit_bytes{container!="", pod="near"}) > 0.9'
    )
    rule = {"alert": "NearLimit", "expr": expression, "labels": {"severity": "warning"}}
    monitoring.set_rules(monitored, {"test": {"groups": [{"name": "test", "rules": [rule]}]}})
    route = {"receiver": "test", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s"}
    receiver = {"name": "test", "webhook_configs": [{"url": url, "send_resolved": True}]}
    monitoring.set_alertmanager(monitored, {"route": route, "receivers": [receiver]})
    container = {
        "name": "main",
        "image": WORKLOAD,
        "args": ["-memory=60"],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    record = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "near"}}
    spec = {"nodeName": worker.name, "terminationGracePeriodSeconds": 1, "containers": [container]}
    kubectl(monitored, "create", "-f", "-", stdin=json.dumps({**record, "spec": spec}))
    try:
        wait_for("the alert arrives", lambda: any(p["status"] == "firing" for p in payloads), deadline=90)
        labels = next(p for p in payloads if p["status"] == "firing")["alerts"][0]["labels"]
        assert {key: labels[key] for key in ("alertname", "namespace", "pod", "container")} == {
            "alertname": "NearLimit",
            "namespace": "default",
            "pod": "near",
            "container": "main",
        }
    finally:
        kubectl(monitored, "delete", "pod", "near")
    wait_for("the alert resolves", lambda: any(p["status"] == "resolved" for p in payloads), deadline=120)


def test_limits_and_usage_of_a_container_meet_on_the_same_labels(monitored: Lab, worker: Machine) -> None:
    """As the rules of production divide them."""
    labels = "namespace, pod, container"
    ratio = (
        f'max by ({labels}) (container_memory_working_set_bytes{{container!=""}})'
        f' / on ({labels}) max by ({labels}) (kube_pod_container_resource_limits{{resource="memory"}} > 0)'
    )
    container = {"name": "main", "image": WORKLOAD, "resources": {"limits": {"memory": "64Mi"}}}
    record = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ratio"}}
    kubectl(
        monitored,
        "create",
        "-f",
        "-",
        stdin=json.dumps({**record, "spec": {"nodeName": worker.name, "containers": [container]}}),
    )
    wait_for(
        "the ratio has a value",
        lambda: [s for s in monitoring.query(monitored, ratio) if s["metric"]["pod"] == "ratio"],
        deadline=60,
        every=0.5,
    )


def test_broken_rules_are_refused_and_the_server_keeps_running(monitored: Lab) -> None:
    broken = {"groups": [{"name": "x", "rules": [{"alert": "A", "expr": "sum("}]}]}
    with pytest.raises(LabError, match="promtool"):
        monitoring.set_rules(monitored, {"broken": broken})
    monitoring.set_rules(monitored, {})
    assert process.pid_of(monitored, "prometheus")


def test_usage_of_machines_is_served_as_metrics_k8s_io(lab: Lab, worker: Machine) -> None:
    metrics_server.start(lab)
    wait_for(
        "kubectl top shows the machine",
        lambda: worker.name in kubectl(lab, "top", "nodes", "--no-headers"),
        deadline=60,
        every=1,
    )
