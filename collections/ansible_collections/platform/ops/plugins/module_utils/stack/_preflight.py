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
    deployments: frozenset[str] = frozenset()  # the same of the Deployments that were asked for
    owners: Mapping[str, str | None] = field(default_factory=dict)  # of APIServices and CRDs: release, "" or None
    openshift: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What one component asks of the cluster."""

    name: str
    release: str = ""  # namespace/name; once it is there its capacity counts as taken
    deployment: str = ""  # the same for what comes without a release
    kubernetes: str = ""  # of the pinned version
    version_input: str = ""  # the input that sets another version; "" where there is none
    pinned: bool = True  # whether that is left as it is
    storage_class: str | None = None  # None: stores nothing; "": the default class
    requests: Mapping[str, str] = field(default_factory=dict)
    host_ports: Sequence[int] = ()
    api_service: str = ""
    crds: Sequence[str] = ()
    load_balancer: bool = False
    selector: Mapping[str, str] | None = None  # labels of the nodes its pods run on
    tolerations: Sequence[Object] | None = None  # taints of theirs that they tolerate
    pool: Mapping[str, Any] = field(default_factory=dict)  # selector, tolerations, nodes


def problems(facts: Facts, needs: Sequence[Need], *, check_capacity: bool = True) -> list[str]:
    found = [f"This account may not {right}; use one that may (cluster-admin)." for right in facts.denied]
    for need in needs:
        found += _of(facts, need)
    if check_capacity:
        found += _capacity(facts, needs)
    return list(dict.fromkeys(found))


def warnings(facts: Facts, needs: Sequence[Need], *, check_capacity: bool = True) -> list[str]:
    found = [] if check_capacity else list(_capacity(facts, needs))
    for need in needs:
        if need.load_balancer and not gives_load_balancers(facts):
            found.append(
                f"{need.name} asks for a load balancer and nothing here seems to give one; "
                "if its Service gets no address, set istio_gateway_service_type to NodePort."
            )
        if not need.pinned and need.kubernetes and not satisfies(facts.version, need.kubernetes):
            found.append(
                f"{need.name}: the pinned version runs on Kubernetes {need.kubernetes}, this is {facts.version}; "
                f"whether that of {need.version_input} does is not known here."
            )
    return found


def _of(facts: Facts, need: Need) -> Iterator[str]:
    if need.pinned and need.kubernetes and not satisfies(facts.version, need.kubernetes):
        other = f"set {need.version_input} to one that fits, or " if need.version_input else "set "
        yield (
            f"{need.name}: the pinned version runs on Kubernetes {need.kubernetes}, this is {facts.version}; "
            f"upgrade the cluster, or {other}{need.name}_enabled to false."
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
        if _labelled(node, selector)
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
    """Sums only: that no single node is large enough shows when the pod waits, with the scheduler's own words.

    What several components may use together is asked of all of them whose nodes are among these: then none of them
    has elsewhere to go.
    """
    wanted = {need.name: amounts(need.requests) for need in needs if need.requests and not _installed(facts, need)}
    places = {need.name: _nodes(facts, need) for need in needs if need.name in wanted}
    told: set[frozenset[str]] = set()
    for place in sorted(set(places.values()), key=len):
        inside = [name for name, nodes in places.items() if nodes <= place]
        asked: Amounts = {}
        for name in inside:
            add(asked, wanted[name])
        free = _free(facts, place)
        short = [k for k, v in asked.items() if v > free.get(k, 0)]
        if not short or any(smaller <= place for smaller in told):
            continue  # a part that is said to be short makes the whole short
        told.add(place)
        text = " and ".join(f"{_shown(k, asked[k])} {k} where {_shown(k, free.get(k, 0))} are free" for k in short)
        yield (
            f"The components not installed yet ({', '.join(inside)}) ask for {text} on the {len(place)} nodes they may "
            "run on; add nodes, choose a smaller platform_profile, or, where their requests have been lowered, "
            "set platform_check_capacity to false, which makes this a warning."
        )


def _installed(facts: Facts, need: Need) -> bool:
    return need.release in facts.releases or need.deployment in facts.deployments


def _nodes(facts: Facts, need: Need) -> frozenset[str]:
    """Where its pods may run, by labels and taints."""
    return frozenset(
        node["metadata"]["name"]
        for node in facts.nodes
        if not (node.get("spec") or {}).get("unschedulable")
        and _labelled(node, need.selector or {})
        and all(_tolerated(taint, need.tolerations or ()) for taint in taints(node))
    )


def _free(facts: Facts, names: frozenset[str]) -> Amounts:
    free: Amounts = {}
    for node in facts.nodes:
        if node["metadata"]["name"] in names:
            allocatable = node["status"].get("allocatable") or {}
            add(free, amounts({k: v for k, v in allocatable.items() if k in ("cpu", "memory")}))
    for pod in facts.pods:
        ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if pod["spec"].get("nodeName") in names and not ended:
            asked = pod_requests(pod["spec"])
            add(free, {k: -v for k, v in asked.items() if k in free})
    return free


def _labelled(node: Object, selector: Mapping[str, str]) -> bool:
    return all((node["metadata"].get("labels") or {}).get(k) == v for k, v in selector.items())


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
