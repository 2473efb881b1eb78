# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan scale-out and scale-in for 1,000 nodes and 20,000 pods: seconds of CPU and peak memory.

There is one thread and no waiting, so on a machine with nothing else to do it takes as many seconds by the clock.

Another process serves the raw JSON page by page, as an API server does. Each object is made a record as it comes and
then dropped; fetching and parsing JSON is measured apart from making records and planning.

    python benchmarks/planning.py [nodes] [pods]
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Past, room_in, room_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules, OutRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import plan_in
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import pending, plan_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot, Template
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import PAGE_SIZE, KubeApi
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget
from kubernetes.client import Configuration

from benchmarks.report import machine, publish, table

BORN = "2026-01-01T00:00:00Z"
NOW = 1_800_000_000.0
WORKLOADS = 1_000
ZONES = ("a", "b", "c")


def raw_node(i: int) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": f"node-{i}", "topology.kubernetes.io/zone": ZONES[i % 3], "pool": "workers"}
    return {
        "metadata": {
            "name": f"node-{i}",
            "uid": f"n{i}",
            "labels": labels,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"providerID": f"bench://node-{i}"},
        "status": {
            "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def raw_pods(nodes: int, pods: int, waiting: int) -> Iterator[dict[str, Any]]:
    """A quarter of the workloads spread over zones, a quarter repel themselves on hosts, the rest is plain."""
    draw = random.Random(1)
    # a third of the nodes is nearly idle
    hosts = [f"node-{i}" for i in range(nodes) for _ in range(1 if i % 3 == 0 else 12)]
    for i in range(pods):
        work = i % WORKLOADS
        name = f"app-{work}"
        labels = {"app": name, "pod-template-hash": f"{work:x}"}
        spec: dict[str, Any] = {
            "containers": [
                {
                    "name": "main",
                    "image": "registry.example/app:1",
                    "env": [{"name": f"KEY_{n}", "value": "x" * 20} for n in range(20)],
                    "resources": {
                        "requests": {"cpu": f"{100 + work % 7 * 50}m", "memory": f"{256 + work % 5 * 128}Mi"}
                    },
                }
            ],
            "volumes": [{"name": "token", "projected": {"sources": []}}],
        }
        if work % 4 == 1:
            spec["topologySpreadConstraints"] = [
                {
                    "maxSkew": 5,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": {"matchLabels": {"app": name}},
                }
            ]
        if work % 4 == 2:
            term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": "kubernetes.io/hostname"}
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        status: dict[str, Any] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        if i < waiting:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            status = {"phase": "Pending", "conditions": [condition]}
            spec["containers"][0]["resources"]["requests"] = {"cpu": "3", "memory": "12Gi"}
            spec["nodeSelector"] = {"pool": "big"}
        else:
            spec["nodeName"] = draw.choice(hosts)
        yield {
            "metadata": {
                "name": f"{name}-{i}",
                "namespace": f"team-{work % 50}",
                "uid": f"p{i}",
                "labels": labels,
                "creationTimestamp": BORN,
                "ownerReferences": [{"controller": True, "kind": "ReplicaSet", "name": name, "uid": f"r{work}"}],
            },
            "spec": spec,
            "status": status,
        }


def pages(nodes: int, pods: int) -> dict[str, list[bytes]]:
    """What the API server answers, page by page."""
    found: dict[str, list[bytes]] = {}
    for path, items in (
        (_paths.NODES, [raw_node(i) for i in range(nodes)]),
        (_paths.PODS, list(raw_pods(nodes, pods, waiting=pods // 20))),
    ):
        chunks = [items[i : i + PAGE_SIZE] for i in range(0, len(items), PAGE_SIZE)]
        found[path] = [
            json.dumps(
                {"items": chunk, "metadata": {"continue": str(number + 1) if number + 1 < len(chunks) else ""}}
            ).encode()
            for number, chunk in enumerate(chunks)
        ]
    return found


def serve(nodes: int, pods: int, ready: Connection) -> None:
    ready_pages = pages(nodes, pods)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            number = int(parse_qs(query).get("continue", ["0"])[0])
            body = ready_pages[path][number]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def serving(nodes: int, pods: int) -> Iterator[KubeApi]:
    """A process of its own, so that what it holds is not counted."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(nodes, pods, theirs), daemon=True)
    server.start()
    try:
        configuration = Configuration(host=f"http://127.0.0.1:{ours.recv()}")
        yield KubeApi(configuration, timeout=60, patience=0)
    finally:
        server.terminate()
        server.join()


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    pods = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    budgets = [
        budget(
            {
                "metadata": {"namespace": f"team-{work % 50}", "name": f"app-{work}", "generation": 1},
                "spec": {"selector": {"matchLabels": {"app": f"app-{work}"}}, "maxUnavailable": 1},
                "status": {
                    "expectedPods": 20,
                    "currentHealthy": 20,
                    "desiredHealthy": 19,
                    "disruptionsAllowed": 1,
                    "observedGeneration": 1,
                },
            }
        )
        for work in range(0, WORKLOADS, 2)
    ]
    spent: dict[str, float] = {}
    parser = _parse.Parser()
    node_records, pod_records = [], []
    making = 0.0
    with serving(nodes, pods) as api:
        start, by_clock = time.process_time(), time.perf_counter()
        for raw in api.items(_paths.NODES):
            began = time.process_time()
            node_records.append(_parse.node(raw))
            making += time.process_time() - began
        for raw in api.items(_paths.PODS):
            began = time.process_time()
            pod_records.append(parser.pod(raw))
            making += time.process_time() - began
        fetching, by_clock = time.process_time() - start - making, time.perf_counter() - by_clock - making
    spent["making slim records"] = making

    start = time.process_time()
    snapshot = Snapshot(node_records, pod_records)
    spent["snapshot"] = time.process_time() - start

    start = time.process_time()
    template = Template(
        prefix="big-",
        allocatable=(("cpu", 16_000), ("memory", 64 << 30), ("pods", 110)),
        labels=(("pool", "big"), ("topology.kubernetes.io/zone", "a")),
    )
    rules = OutRules(max_in_flight=500, per_hour=500)
    room = room_out(rules, most=500, size=0, in_flight=0, past=Past(), now=NOW)
    out = plan_out(
        Snapshot(node_records, pod_records),
        pending(pod_records),
        template,
        arriving=3,
        size=3,
        least=0,
        asked=None,
        room=room,
        rules=rules,
        now=NOW,
    )
    spent["scale-out plan (own snapshot)"] = time.process_time() - start

    start = time.process_time()
    in_rules = InRules(max_in_flight=20, per_hour=20)
    found = plan_in(
        snapshot,
        node_records,
        budgets=budgets,
        rules=in_rules,
        room=room_in(in_rules, least=1, size=nodes, in_flight=0, past=Past(), now=NOW),
        unneeded={record.name: 0.0 for record in node_records},
        guarded={},
        failed={},
        now=NOW,
    )
    spent["scale-in plan"] = time.process_time() - start

    verdicts: dict[str, int] = {}
    for verdict in out.verdicts:
        verdicts[verdict.reason] = verdicts.get(verdict.reason, 0) + 1
    blockers: dict[str, int] = {}
    for candidate in found.candidates:
        key = candidate.blockers[0].reason if candidate.blockers else "free_to_go"
        blockers[key] = blockers.get(key, 0) + 1
    total, peak = sum(spent.values()), peak_mb()
    rows = [(name, f"{seconds:.2f} s") for name, seconds in spent.items()]
    rows += [("all of that", f"{total:.2f} s"), ("peak memory", f"{peak:.0f} MB")]
    rows.append(("beside it: fetching the raw JSON", f"{fetching:.2f} s, {by_clock:.2f} s by the clock"))
    about = (
        f"{nodes} nodes, {pods} pods of {len(parser._shapes)} shapes, {len(budgets)} budgets. "
        f"Out: {out.count} nodes for pods that are {_told(verdicts)}. "
        f"In: {len(found.chosen)} leave; the nodes are {_told(blockers)}."
    )
    publish(
        "planning",
        {"machine": machine(), "seconds": spent, "fetching": fetching, "peak": peak},
        f"{table(('What', 'Processor time'), rows)}\n\n{about}",
    )
    return 0 if total < 5 and peak < 500 else 1


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"`{name}` ({count})" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
