# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for kube-state-metrics, which is not to be had here: the series that our alert rules use, from API objects.

Names, labels and units are those of kube-state-metrics 2, so the rules are the same here and in production. Run by
lab/monitoring.py as a process of the lab; objects are read at each scrape.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.utils.quantity import parse_quantity

PORT = 8081
UNITS = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte", "pods": "integer"}
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")

Record = dict[str, Any]
Sample = tuple[str, dict[str, str], float]


def of_pod(pod: Record) -> Iterator[Sample]:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    base = {"namespace": meta["namespace"], "pod": meta["name"], "uid": meta["uid"]}
    node = spec.get("nodeName", "")
    owner: Record = next((o for o in meta.get("ownerReferences", []) if o.get("controller")), {})
    made_by = {"created_by_kind": owner.get("kind", ""), "created_by_name": owner.get("name", "")}
    yield "kube_pod_info", {**base, "node": node, **made_by}, 1
    yield (
        "kube_pod_owner",
        {
            **base,
            "owner_kind": owner.get("kind", ""),
            "owner_name": owner.get("name", ""),
            "owner_is_controller": "true" if owner else "",
        },
        1,
    )
    for phase in PHASES:
        yield "kube_pod_status_phase", {**base, "phase": phase}, float(status.get("phase") == phase)
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            yield "kube_pod_status_unschedulable", base, 1
        if condition["type"] == "Ready":
            yield from _tristate("kube_pod_status_ready", base, condition["status"])
    for container in spec["containers"]:
        yield from _resources({**base, "container": container["name"], "node": node}, container.get("resources", {}))
    for entry in status.get("containerStatuses", []):
        yield from _container_status({**base, "container": entry["name"]}, entry)


def _resources(labels: dict[str, str], resources: Record) -> Iterator[Sample]:
    for field in ("limits", "requests"):
        for resource, amount in resources.get(field, {}).items():
            unit = {"resource": resource.replace("-", "_"), "unit": UNITS.get(resource, "integer")}
            yield f"kube_pod_container_resource_{field}", {**labels, **unit}, float(parse_quantity(amount))


def _container_status(labels: dict[str, str], entry: Record) -> Iterator[Sample]:
    yield "kube_pod_container_status_restarts_total", labels, entry.get("restartCount", 0)
    yield "kube_pod_container_status_ready", labels, float(entry.get("ready", False))
    state, last = entry.get("state", {}), entry.get("lastState", {}).get("terminated")
    for kind in ("waiting", "terminated"):
        if kind in state:
            reason = {**labels, "reason": state[kind].get("reason", "")}
            yield f"kube_pod_container_status_{kind}_reason", reason, 1
    if last:
        yield "kube_pod_container_status_last_terminated_reason", {**labels, "reason": last.get("reason", "")}, 1


def of_node(node: Record) -> Iterator[Sample]:
    base = {"node": node["metadata"]["name"]}
    status = node.get("status", {})
    yield "kube_node_info", {**base, "kubelet_version": status.get("nodeInfo", {}).get("kubeletVersion", "")}, 1
    yield "kube_node_spec_unschedulable", base, float(node.get("spec", {}).get("unschedulable", False))
    for taint in node.get("spec", {}).get("taints", []):
        labels = {"key": taint["key"], "value": taint.get("value", ""), "effect": taint["effect"]}
        yield "kube_node_spec_taint", {**base, **labels}, 1
    for kind in ("allocatable", "capacity"):
        for resource, amount in status.get(kind, {}).items():
            unit = {"resource": resource.replace("-", "_"), "unit": UNITS.get(resource, "integer")}
            yield f"kube_node_status_{kind}", {**base, **unit}, float(parse_quantity(amount))
    for condition in status.get("conditions", []):
        labels = {**base, "condition": condition["type"]}
        yield from _tristate("kube_node_status_condition", labels, condition["status"])


def _tristate(name: str, labels: dict[str, str], value: str) -> Iterator[Sample]:
    key = "condition" if name == "kube_pod_status_ready" else "status"
    for status in ("true", "false", "unknown"):
        yield name, {**labels, key: status}, float(value.lower() == status)


def text(samples: Iterable[Sample]) -> str:
    """The exposition format, each name's samples together."""
    by_name: dict[str, list[str]] = {}
    for name, labels, value in samples:
        pairs = ",".join(f'{key}="{_escaped(content)}"' for key, content in labels.items())
        by_name.setdefault(name, []).append(f"{name}{{{pairs}}} {value!r}")
    lines = []
    for name, entries in sorted(by_name.items()):
        lines += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", *entries]
    return "\n".join(lines) + "\n"


def _escaped(content: str) -> str:
    return content.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def main(kubeconfig: str, host: str) -> None:
    config.load_kube_config(kubeconfig)
    core = client.CoreV1Api()

    def items(answer: Any) -> list[Record]:
        found: list[Record] = core.api_client.sanitize_for_serialization(answer)["items"]
        return found

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                pods, nodes = items(core.list_pod_for_all_namespaces()), items(core.list_node())
            except (client.ApiException, urllib3.exceptions.HTTPError) as error:
                self.send_error(503, "the API server does not answer", str(error))
                return
            body = text(chain(*map(of_pod, pods), *map(of_node, nodes))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """A line per scrape would be noise."""

    ThreadingHTTPServer((host, PORT), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
