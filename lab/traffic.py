# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for requests through a mesh: the series that the destinations' proxies would count.

Each VirtualService gets a steady stream of requests, split by the weights that stand in it now (Flagger writes them).
A destination is a Service; the pods it selects answer, as their annotations say:

    lab.platform-ops/errors: "0.2"          share of answers that are 503
    lab.platform-ops/milliseconds: "900"    how long an answer takes (20 when nothing is said)
    lab.platform-ops/canary-errors: "0.2"   as errors, but only while it is a canary

Served are `istio_requests_total` and `istio_request_duration_milliseconds` under the names and labels of Istio's
standard metrics (reporter="destination"). Run by lab/flagger.py as a process of the lab.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3
from kubernetes import client, config

from lab.series import Sample, text

PER_SECOND = 50
# The default buckets of Istio's proxies, in milliseconds.
BUCKETS = (
    0.5,
    1,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    10000,
    30000,
    60000,
    300000,
    600000,
    1800000,
    3600000,
)
ERRORS, CANARY_ERRORS = "lab.platform-ops/errors", "lab.platform-ops/canary-errors"
MILLISECONDS = "lab.platform-ops/milliseconds"
USUAL_MILLISECONDS = 20.0

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answerer:
    """A workload behind a Service, and how it answers."""

    namespace: str
    workload: str
    service: str
    errors: float
    milliseconds: float


@dataclass(slots=True)
class Counted:
    requests: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)  # …, code
    buckets: Counter[tuple[str, str, str, float]] = field(default_factory=Counter)
    milliseconds: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, answerer: Answerer, amount: float) -> None:
        who = (answerer.namespace, answerer.workload, answerer.service)
        self.requests[(*who, "200")] += amount * (1 - answerer.errors)  # type: ignore[assignment]
        self.requests[(*who, "503")] += amount * answerer.errors  # type: ignore[assignment]
        self.milliseconds[who] += amount * answerer.milliseconds  # type: ignore[assignment]
        for bucket in (*BUCKETS, float("inf")):
            self.buckets[(*who, bucket)] += amount if answerer.milliseconds <= bucket else 0  # type: ignore[assignment]

    def samples(self) -> Iterator[Sample]:
        for (*who, code), amount in self.requests.items():
            yield "istio_requests_total", {**_labels(*who), "response_code": code}, float(amount)
        for (*who, bucket), amount in self.buckets.items():
            edge = "+Inf" if bucket == float("inf") else f"{bucket:g}"
            yield "istio_request_duration_milliseconds_bucket", {**_labels(*who), "le": edge}, float(amount)
        for who_, amount in self.milliseconds.items():
            yield "istio_request_duration_milliseconds_sum", _labels(*who_), float(amount)
            count = self.buckets[(*who_, float("inf"))]
            yield "istio_request_duration_milliseconds_count", _labels(*who_), float(count)


def _labels(namespace: str, workload: str, service: str) -> dict[str, str]:
    return {
        "reporter": "destination",
        "source_workload": "lab-traffic",
        "destination_workload": workload,
        "destination_workload_namespace": namespace,
        "destination_service_name": service,
        "destination_service_namespace": namespace,
        "destination_service": f"{service}.{namespace}.svc.cluster.local",
        "request_protocol": "http",
    }


def shares(virtual_service: Record) -> Iterator[tuple[str, float]]:
    """Service and its share, of the route that requests without special headers take: the last one."""
    routes = virtual_service["spec"].get("http") or []
    for target in routes[-1].get("route", []) if routes else []:
        yield str(target["destination"]["host"]).partition(".")[0], float(target.get("weight", 100)) / 100


def answerers(namespace: str, service: str, services: Iterable[Record], pods: Iterable[Record]) -> list[Answerer]:
    """One per ready pod that the Service selects."""
    selector = next(
        (
            s["spec"].get("selector") or {}
            for s in services
            if (s["metadata"]["namespace"], s["metadata"]["name"]) == (namespace, service)
        ),
        {},
    )
    found = []
    for pod in pods:
        meta = pod["metadata"]
        labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
        if meta["namespace"] != namespace or not selector or not selector.items() <= labels.items() or not ready(pod):
            continue
        milliseconds = float(notes.get(MILLISECONDS, USUAL_MILLISECONDS))
        errors = notes.get(CANARY_ERRORS) if service.endswith("-canary") else None
        share = float(errors or notes.get(ERRORS, 0))
        found.append(Answerer(namespace, workload_of(pod), service, share, milliseconds))
    return found


def ready(pod: Record) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready_now = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready_now and not pod["metadata"].get("deletionTimestamp")


def workload_of(pod: Record) -> str:
    """As Istio names it: the Deployment, whose ReplicaSet's name is its own and a hash."""
    owner: Record = next((o for o in pod["metadata"].get("ownerReferences") or [] if o.get("controller")), {})
    name = str(owner.get("name", pod["metadata"]["name"]))
    return name.rpartition("-")[0] if owner.get("kind") == "ReplicaSet" else name


class Traffic:
    def __init__(self) -> None:
        self.counted = Counted()
        self.lock = threading.Lock()
        self._core, self._custom = client.CoreV1Api(), client.CustomObjectsApi()

    def run(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            try:
                self.flow(now - before)
            except (client.ApiException, urllib3.exceptions.HTTPError) as error:  # the API server is away
                print(f"traffic: {error}", file=sys.stderr, flush=True)
            before = now

    def flow(self, seconds: float) -> None:
        routed: Any = self._custom.list_cluster_custom_object("networking.istio.io", "v1", "virtualservices")
        if not routed["items"]:
            return
        services, pods = self._list("service"), self._list("pod")
        with self.lock:
            for virtual_service in routed["items"]:
                namespace = virtual_service["metadata"]["namespace"]
                for service, share in shares(virtual_service):
                    for_one = answerers(namespace, service, services, pods)
                    for answerer in for_one:
                        self.counted.add(answerer, PER_SECOND * seconds * share / len(for_one))

    def _list(self, kind: str) -> list[Record]:
        answer = getattr(self._core, f"list_{kind}_for_all_namespaces")()
        items: list[Record] = self._core.api_client.sanitize_for_serialization(answer)["items"]
        return items

    def page(self) -> bytes:
        with self.lock:
            return text(self.counted.samples()).encode()


def main(kubeconfig: str, host: str, port: int) -> None:
    config.load_kube_config(kubeconfig)
    traffic = Traffic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = traffic.page()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """A line per scrape would be noise."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    traffic.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
