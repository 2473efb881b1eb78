# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Empty a node of 100 pods with kubectl drain and with ours, in turn, on a lab with simulated nodes.

kubectl ends when no pod is left on the node, ours when the replacements are Ready elsewhere as well. Deleting the Node
is measured by itself and added to both.

    python benchmarks/drain.py [rounds]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.platform.ops.plugins.module_utils.capacity import _drain, _nodes, _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Operation, Phase
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, KubeApi, connect

from benchmarks.report import machine, publish, table
from lab import lifecycle, simulated
from lab.control_plane import kubectl
from lab.place import Lab, place

PODS = 100
AIM = 1.1


def pods_on(api: KubeApi, node: str) -> int:
    return sum(1 for _ in api.items(_paths.PODS, {"fieldSelector": f"spec.nodeName={node}"}))


def await_pods(lab: Lab, api: KubeApi, node: str) -> None:
    kubectl(lab, "rollout", "status", "deployment/load", "--timeout=120s", timeout=130)
    while pods_on(api, node) != PODS:
        time.sleep(0.2)


def fill(lab: Lab, api: KubeApi, node: str, other: str) -> None:
    """All pods on one node, and the other one free for them."""
    kubectl(lab, "cordon", other)
    kubectl(lab, "uncordon", node)
    kubectl(lab, "delete", "pods", "--all", "--wait=false", "--grace-period=0", "--force")
    await_pods(lab, api, node)
    kubectl(lab, "uncordon", other)


def with_kubectl(lab: Lab, node: str) -> float:
    start = time.perf_counter()
    kubectl(lab, "drain", node, "--ignore-daemonsets", "--timeout=300s", timeout=310)
    return time.perf_counter() - start


def with_ours(api: KubeApi, node: str) -> tuple[float, float]:
    """Seconds until the node is empty, and until the replacements are Ready as well."""
    start = time.perf_counter()
    uid = api.get(_paths.node(node))["metadata"]["uid"]
    now = Time(time.time())
    op = Operation("bench", "in", node, Phase.DRAINING, now, now, node_uid=uid)
    _nodes.cordon(api, op)
    empty = 0.0
    while True:
        op, drain = _drain.one_pass(api, op, InRules(), time.time())
        if op.drained_at is not None and not empty:
            empty = time.perf_counter() - start
        if drain.failed:
            sys.exit(drain.failed)
        if drain.done:
            break
        time.sleep(min(drain.again, _drain.SOON))
    whole = time.perf_counter() - start
    _nodes.uncordon(api, node, op.id)
    return empty, whole


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    lab = place(f"bench-drain-{os.getpid()}")
    try:
        lifecycle.up(lab)
        simulated.add(lab, ["one", "two"], cpu="64", memory="64Gi")
        os.setns(os.open(f"/run/netns/{lab.netns}", os.O_RDONLY), os.CLONE_NEWNET)
        api = connect(Connection(kubeconfig=str(lab.kubeconfig)))
        container = {"name": "c", "image": "any/image:1", "resources": {"requests": {"cpu": "10m"}}}
        template = {
            "metadata": {"labels": {"app": "load"}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        }
        spec = {"replicas": PODS, "selector": {"matchLabels": {"app": "load"}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "load"}, "spec": spec}
        kubectl(lab, "cordon", "two")
        kubectl(lab, "apply", "-f", "-", stdin=json.dumps(body))
        await_pods(lab, api, "one")
        kubectl(lab, "uncordon", "two")
        theirs, empty, whole = [], [], []
        for _ in range(rounds):
            theirs.append(with_kubectl(lab, "one"))
            fill(lab, api, "one", "two")
            seconds = with_ours(api, "one")
            empty.append(seconds[0])
            whole.append(seconds[1])
            fill(lab, api, "one", "two")
        start = time.perf_counter()
        _nodes.delete(api, "two", _parse.node(api.get(_paths.node("two"))).uid)
        removal = time.perf_counter() - start
    finally:
        lifecycle.down(lab)
    base = statistics.median(theirs) + removal
    rows = []
    for name, values in (
        ("kubectl drain, and deleting the Node", theirs),
        ("ours until the node is empty, and deleting the Node", empty),
        ("ours until the replacements are Ready too, and deleting the Node", whole),
    ):
        seconds = statistics.median(values) + removal
        each = ", ".join(f"{value:.1f}" for value in values)
        rows.append((name, f"{seconds:.2f} s", f"{seconds / base:.2f}", f"{each} s"))
    text = table(("What", f"Median of {rounds}", "Ratio", "Each drain"), rows)
    about = f"{PODS} pods on a simulated node; of these seconds {removal:.2f} s are the deletion of the Node."
    ratio = (statistics.median(whole) + removal) / base
    data = {"machine": machine(), "kubectl": theirs, "empty": empty, "whole": whole, "removal": removal, "ratio": ratio}
    publish("drain", data, f"{text}\n\n{about}")
    return 0 if ratio <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
