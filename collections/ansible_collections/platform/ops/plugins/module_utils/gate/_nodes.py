# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes: whether one is large enough, and how far the limits promise more memory than a node has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import daemons, members
from ansible_collections.platform.ops.plugins.module_utils.capacity._plans import size
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import HOSTNAME, Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._snapshot import Snapshot
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amount
from ansible_collections.platform.ops.plugins.module_utils.gate._limit_range import shown
from ansible_collections.platform.ops.plugins.module_utils.gate._pod import limit_sum, memory_bound
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json, Reason, Verdict, judged, refused

PRESSURE = {"memory": "MemoryPressure", "ephemeral-storage": "DiskPressure"}


def check_size(
    metadata: Json, new: Json, nodes: Iterable[Json], daemon_sets: Iterable[Json], pools: Iterable[Pool] = ()
) -> Verdict:
    """Whether some node, with nothing on it but its DaemonSets, could run the new pod and let it use its limits.

    A node that a pool can still bring counts like one that is there: the pod waits for it, and scaling out brings it.

    Args:
        metadata: namespace and labels of the pod.
        new: spec of the new pod.
    """
    parser = _parse.Parser()
    known = [replace(_parse.node(raw), ready=True) for raw in nodes]
    there = len(known)
    known += _to_come(pools, known)
    snapshot = Snapshot(known, ())
    on_each = daemons(parser, daemon_sets)
    for node in known:
        _place_daemons(snapshot, node, on_each, metadata)
    shape = parser.shape({"labels": {}, **metadata}, new)
    # Where other pods stand changes; how large a node is does not.
    shape = replace(shape, affinity=(), anti_affinity=(), spread=(), host_ports=())
    pod = Pod(namespace=metadata["namespace"], name="new", shape=shape, labels=metadata.get("labels") or {})
    limits = limit_sum(new)
    admitting = [node for node in known if snapshot.admits(shape, node, cordoned=True)]
    if not admitting:
        return refused(
            Reason.NO_NODE,
            f"None of the {_counted(there, len(known))} lets the pod in: its selector, affinity or tolerations match "
            "none.",
        )
    large = [
        node
        for node in admitting
        if snapshot.fits(pod, node, cordoned=True)
        and all(limits.get(what, 0) <= node.allocatable.get(what, 0) for what in ("cpu", "memory"))
    ]
    problems = [] if large else [_too_large(dict(shape.requests), limits, admitting, snapshot)]
    new_ones = [node.name for node in large if node in known[there:]]
    told = f"Node size: {len(large) - len(new_ones)} of {there} nodes could run a pod of this size"
    if len(large) == len(new_ones):
        told += f"; it will wait for {', '.join(new_ones)}"
    return judged(Reason.NODE_SIZE, problems, told)


def _to_come(pools: Iterable[Pool], nodes: Sequence[Node]) -> list[Node]:
    """A node of each pool that may still grow."""
    return [
        Node(
            name=f"a new node of pool {pool.name}",
            allocatable=dict(pool.spec.allocatable),
            labels={**pool.spec.labels, HOSTNAME: f"{pool.name}-new"},
            taints=pool.spec.taints,
        )
        for pool in pools
        if not pool.spec.paused and size(pool, members(pool, nodes)) < pool.spec.most
    ]


def _counted(there: int, known: int) -> str:
    return f"{there} nodes" + (f" and {known - there} that pools could add" if known > there else "")


def _place_daemons(snapshot: Snapshot, node: Node, pods: Iterable[Pod], metadata: Json) -> None:
    for daemon in pods:
        # a DaemonSet's own new pod replaces its old one
        if (daemon.namespace, daemon.name) == (metadata["namespace"], metadata.get("daemon")):
            continue
        own = replace(daemon, node="")
        if snapshot.refusal(own, node, cordoned=True) is None:
            snapshot.place(own, node)


def _too_large(
    requests: Mapping[str, int], limits: Mapping[str, int], nodes: Sequence[Node], snapshot: Snapshot
) -> str:
    told = []
    for resource in ("cpu", "memory"):
        free = max(snapshot.free[node.name].get(resource, 0) for node in nodes)
        whole = max(node.allocatable.get(resource, 0) for node in nodes)
        if requests.get(resource, 0) > free:
            told.append(
                f"requests {_text(resource, requests[resource])} of {resource}, the largest has "
                f"{_text(resource, free)} beside its DaemonSets"
            )
        elif limits.get(resource, 0) > whole:
            told.append(
                f"may use {_text(resource, limits[resource])} of {resource}, the largest has {_text(resource, whole)}"
            )
    what = "; ".join(told) or "fits on none of them"
    return (
        f"The new pod is larger than any of the {len(nodes)} nodes that let it in, those that pools can still add "
        f"counted: it {what}. Add larger nodes, or spread the work over more pods."
    )


def _text(resource: str, value: int) -> str:
    return shown(resource, Fraction(value, 1000 if resource == "cpu" else 1))


@dataclass(frozen=True, slots=True)
class Load:
    """A node that runs pods of the workload: all its pods' specs, and how many of them are the workload's."""

    node: Json
    pods: Sequence[Json]  # pods as the API gives them
    ours: frozenset[str]  # uids


def check_overcommit(new: Json, loads: Iterable[Load], most: Fraction) -> Verdict:
    """Whether the memory limits on the workload's nodes would promise more than `most` times what these have."""
    problems, shares = [], []
    for load in loads:
        name = load.node["metadata"]["name"]
        raw = ((load.node.get("status") or {}).get("allocatable") or {}).get("memory", "0")
        allocatable = amount("memory", str(raw))
        before = after = 0
        for pod in load.pods:
            bound = memory_bound(pod["spec"])
            before += bound
            after += memory_bound(new) if pod["metadata"].get("uid") in load.ours else bound
        if not allocatable or after <= before:
            continue
        share = Fraction(after, allocatable)
        shares.append(f"{name} {float(share):.0%}")
        if share > most:
            problems.append(
                f"Memory limits on node {name} would come to {float(share):.0%} of its {_text('memory', allocatable)} "
                f"(now {float(Fraction(before, allocatable)):.0%}); the policy allows {float(most):.0%}. "
                "Move pods, add nodes, or raise memory_overcommit."
            )
    told = ", ".join(shares) or "no node of it gets more"
    return judged(Reason.NODE_OVERCOMMIT, problems, f"Memory promised by limits: {told}; allowed {float(most):.0%}")


def check_pressure(resource: str, nodes: Iterable[Json]) -> Verdict:
    """Whether the node itself is short of the resource: then a larger limit makes it worse."""
    condition = PRESSURE.get(resource)
    problems = [
        f"Node {node['metadata']['name']} reports {condition}: the node is short of {resource} itself, and a larger "
        "limit would make that worse. Look at the node."
        for node in nodes
        if any(one["type"] == condition and one["status"] == "True" for one in _conditions(node))
    ]
    return judged(Reason.NODE_PRESSURE, problems, f"No node of it reports {condition or 'pressure'}")


def _conditions(node: Json) -> Iterable[Mapping[str, Any]]:
    found: Iterable[Mapping[str, Any]] = (node.get("status") or {}).get("conditions") or ()
    return found
