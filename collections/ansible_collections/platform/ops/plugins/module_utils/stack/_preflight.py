# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against installing these components on this cluster, all of it at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import Amounts, add, amounts, pod_requests
from ansible_collections.platform.ops.plugins.module_utils.stack._version import satisfies

Object = Mapping[str, Any]
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the cluster says of itself."""

    version: str
    denied: Sequence[str] = ()  # rights we lack, as "create namespaces"
    storage_classes: Sequence[Object] = ()
    nodes: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    services: Sequence[Object] = ()
    releases: frozenset[str] = frozenset()  # namespace/name of every Helm release
    owners: Mapping[str, str | None] = field(default_factory=dict)  # of APIServices and CRDs: release, "" or None
    openshift: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What one component asks of the cluster."""

    name: str
    release: str = ""  # namespace/name; once it is there its capacity counts as taken
    kubernetes: str = ""
    storage_class: str | None = None  # None: stores nothing; "": the default class
    requests: Mapping[str, str] = field(default_factory=dict)
    host_ports: Sequence[int] = ()
    api_service: str = ""
    crds: Sequence[str] = ()
    load_balancer: bool = False
    pool: Mapping[str, Any] = field(default_factory=dict)  # selector, tolerations, nodes


def problems(facts: Facts, needs: Sequence[Need]) -> list[str]:
    found = [f"This account may not {right}; use one that may (cluster-admin)." for right in facts.denied]
    for need in needs:
        found += _of(facts, need)
    found += _capacity(facts, needs)
    return list(dict.fromkeys(found))


def warnings(facts: Facts, needs: Sequence[Need]) -> list[str]:
    found = []
    for need in needs:
        if need.load_balancer and not gives_load_balancers(facts):
            found.append(
                f"{need.name} asks for a load balancer and nothing here seems to give one; "
                "if its Service gets no address, set istio_gateway_service_type to NodePort."
            )
    return found


def _of(facts: Facts, need: Need) -> Iterator[str]:
    if need.kubernetes and not satisfies(facts.version, need.kubernetes):
        yield (
            f"{need.name}: the pinned version runs on Kubernetes {need.kubernetes}, this is {facts.version}; "
            f"upgrade the cluster, or set {need.name}_version to one that fits, or {need.name}_enabled to false."
        )
    if need.storage_class is not None:
        yield from _storage(facts, need.name, need.storage_class)
    for port in need.host_ports:
        for pod in _holders(facts.pods, port, need.release):
            yield (
                f"{need.name}: port {port} of node {pod['spec'].get('nodeName')} is held by pod "
                f"{pod['metadata']['namespace']}/{pod['metadata']['name']}; "
                f"remove it, or change the port of {need.name}."
            )
    for kind, name in [("APIService", need.api_service)] * bool(need.api_service) + [("CRD", c) for c in need.crds]:
        owner = facts.owners.get(name)
        foreign = owner is not None and owner != need.release and (kind == "APIService" or owner)
        if foreign:
            yield (
                f"{need.name}: the cluster already has {kind} {name}, from {owner or 'its distribution'}; "
                f"set {need.name}_enabled to false to use that one, or remove it first."
            )
    yield from _pool(facts, need)


def _storage(facts: Facts, name: str, wanted: str) -> Iterator[str]:
    names = [entry["metadata"]["name"] for entry in facts.storage_classes]
    if wanted and wanted not in names:
        yield f"{name}: there is no StorageClass {wanted}; there are {', '.join(sorted(names)) or 'none'}."
    default = any(
        (entry["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for entry in facts.storage_classes
    )
    if not wanted and not default:
        yield (
            f"{name}: no StorageClass is the default; set platform_storage_class "
            f"to one of {', '.join(sorted(names)) or 'none (install a storage driver first)'}."
        )


def _holders(pods: Iterable[Object], port: int, release: str) -> Iterator[Object]:
    ours = release.partition("/")[2]
    for pod in pods:
        spec, labels = pod.get("spec") or {}, pod["metadata"].get("labels") or {}
        if ours and labels.get("app.kubernetes.io/instance", labels.get("release")) == ours:
            continue
        for container in spec.get("containers") or ():
            if any(
                entry.get("hostPort") == port or (spec.get("hostNetwork") and entry.get("containerPort") == port)
                for entry in container.get("ports") or ()
            ):
                yield pod
                break


def _pool(facts: Facts, need: Need) -> Iterator[str]:
    selector, wanted = need.pool.get("selector") or {}, int(need.pool.get("nodes") or 0)
    if not selector or not wanted:
        return
    fitting = [
        node
        for node in facts.nodes
        if all((node["metadata"].get("labels") or {}).get(k) == v for k, v in selector.items())
        and all(_tolerated(taint, need.pool.get("tolerations") or ()) for taint in taints(node))
    ]
    if len(fitting) < wanted:
        labels = ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
        yield (
            f"{need.name}: {wanted} nodes with {labels} are needed whose taints it tolerates, "
            f"{len(fitting)} are there; add or label nodes, "
            f"extend {need.name}_tolerations, or lower {need.name}_replicas."
        )


def taints(node: Object) -> list[Object]:
    return [t for t in (node.get("spec") or {}).get("taints") or () if t.get("effect") != "PreferNoSchedule"]


def _tolerated(taint: Object, tolerations: Iterable[Object]) -> bool:
    for toleration in tolerations:
        if toleration.get("effect") not in (None, "", taint.get("effect")):
            continue
        if toleration.get("operator") == "Exists":
            if toleration.get("key") in (None, "", taint.get("key")):
                return True
        elif toleration.get("key") == taint.get("key") and toleration.get("value", "") == taint.get("value", ""):
            return True
    return False


def _capacity(facts: Facts, needs: Sequence[Need]) -> Iterator[str]:
    """Sums only: that no single node is large enough shows when the pod waits, with the scheduler's own words."""
    usable = [n for n in facts.nodes if not taints(n) and not (n.get("spec") or {}).get("unschedulable")]
    names = {node["metadata"]["name"] for node in usable}
    free: Amounts = {}
    for node in usable:
        given = amounts({k: v for k, v in (node["status"].get("allocatable") or {}).items() if k in ("cpu", "memory")})
        add(free, given)
    for pod in facts.pods:
        if pod["spec"].get("nodeName") in names and (pod.get("status") or {}).get("phase") not in (
            "Succeeded",
            "Failed",
        ):
            asked = pod_requests(pod["spec"])
            add(free, {k: -v for k, v in asked.items() if k in free})
    wanted: Amounts = {}
    for need in needs:
        if need.release not in facts.releases:
            add(wanted, amounts(need.requests))
    if short := [k for k, v in wanted.items() if v > free.get(k, 0)]:
        text = " and ".join(f"{_shown(k, wanted[k])} {k} where {_shown(k, free.get(k, 0))} are free" for k in short)
        yield (
            f"The components not installed yet ask for {text} on the {len(usable)} nodes without taints; "
            "add nodes, choose a smaller platform_profile, or lower the components' resources."
        )


def _shown(resource: str, value: int) -> str:
    return f"{value / 1000:.1f}" if resource == "cpu" else f"{value / 2**30:.1f}Gi"


def gives_load_balancers(facts: Facts) -> bool:
    """Guessed: a cloud's node, or a Service that got an address."""
    cloud = any((node.get("spec") or {}).get("providerID", "").partition(":")[0] in CLOUDS for node in facts.nodes)
    return cloud or any(
        service["spec"].get("type") == "LoadBalancer" and ((service["status"].get("loadBalancer") or {}).get("ingress"))
        for service in facts.services
    )


CLOUDS = frozenset({"aws", "gce", "azure", "digitalocean", "openstack", "oci", "ibm", "linode", "hcloud", "vsphere"})
