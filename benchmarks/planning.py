# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan scale-out and scale-in for 1,000 nodes and 20,000 pods; print seconds of CPU and peak memory.

There is one thread and no waiting, so on a machine with nothing else to do it takes as many seconds by the clock.

The records are parsed one by one from generated API JSON, as they would come from the paged fetch, so that what is
measured is parsing, records and planning; the JSON itself is dropped as it is read.

    python benchmarks/planning.py [nodes] [pods]
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "collections"))

from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._limits import Past, room_in, room_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules, OutRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_in import plan_in
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale_out import pending, plan_out
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot, Template
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget

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


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
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
    generated = [json.dumps(raw) for raw in raw_pods(nodes, pods, waiting=pods // 20)]
    before_mb = peak_mb()
    parser = _parse.Parser()
    start = time.process_time()
    node_records = [_parse.node(raw_node(i)) for i in range(nodes)]
    pod_records = []
    reading = 0.0
    for text in generated:
        read = time.process_time()
        raw = json.loads(text)
        reading += time.process_time() - read
        pod_records.append(parser.pod(raw))
    spent["json"] = reading
    spent["records"] = time.process_time() - start - reading

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
        key = candidate.blockers[0].reason if candidate.blockers else "free to go"
        blockers[key] = blockers.get(key, 0) + 1
    print(f"{nodes} nodes, {pods} pods, {len(parser._shapes)} shapes, {len(budgets)} budgets")
    for name, seconds in spent.items():
        print(f"  {name:32} {seconds:6.2f} s")
    print(f"  {'total without json':32} {sum(spent.values()) - spent['json']:6.2f} s")
    print(f"  peak memory {peak_mb():.0f} MB, of which the generated input {before_mb:.0f} MB")
    print(f"  out: {out.count} nodes; pods {verdicts}")
    print(f"  in: {len(found.chosen)} chosen; nodes {blockers}")


if __name__ == "__main__":
    main()
