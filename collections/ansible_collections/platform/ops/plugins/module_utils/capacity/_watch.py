# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pools have something to do now, and what there is to be seen of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ansible_collections.platform.ops.plugins.module_utils.capacity import _leaks, _parse, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._leaks import Leak
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import members
from ansible_collections.platform.ops.plugins.module_utils.capacity._plans import wanting
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Machine, Phase, Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node
from ansible_collections.platform.ops.plugins.module_utils.capacity._trend import outdated
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts, write_metrics


class Due(StrEnum):
    UNDER_WAY = "under_way"  # an operation can be got on with, or a mark of one that is over is to be taken off
    BELOW_MINIMUM = "below_minimum"
    PREDICTION = "prediction"  # what the last weeks tell is to be asked anew
    NO = ""


@dataclass(frozen=True, slots=True)
class View:
    """One pool as it is now."""

    pool: Pool
    nodes: tuple[Node, ...]
    leaks: tuple[Leak, ...]
    least: int
    due: Due


def view(pool: Pool, nodes: Iterable[Node], listed: Sequence[Machine] | None, now: float) -> View:
    """
    Args:
        nodes: all Nodes of the cluster.
        listed: the machines that the provider has; None when nobody asked it.
    """
    ours = tuple(members(pool, nodes))
    leaks = tuple(_leaks.find(pool, ours, listed))
    due = Due.NO
    if any(op.phase is Phase.DRAINING or (op.retry_at or 0.0) <= now for op in pool.state.operations) or any(
        leak.kind == "cordon_without_operation" for leak in leaks
    ):
        due = Due.UNDER_WAY
    elif not pool.spec.paused and wanting(pool, ours, now) > 0:
        due = Due.BELOW_MINIMUM
    elif not pool.spec.paused and outdated(pool.spec.predicted, pool.state.predicted, now):
        due = Due.PREDICTION
    return View(pool, ours, leaks, pool.least_now(now), due)


def look(api: Api, now: float) -> list[View]:
    pools = _store.every(api)
    if not pools:
        return []
    nodes = [_parse.node(raw) for raw in api.items(_paths.NODES)]
    return [view(pool, nodes, None, now) for pool in pools]


Sample = tuple[str, dict[str, str], float]
HELP = {
    "platform_ops_pool_nodes": "Nodes of the pool, by whether they are Ready.",
    "platform_ops_pool_minimum": "Nodes the pool keeps now: its minimum, open windows, what was predicted.",
    "platform_ops_pool_predicted": "Nodes that this time of the week took in the last weeks; 0 when that is not known.",
    "platform_ops_pool_maximum": "Most nodes the pool may have.",
    "platform_ops_pool_operations": "Nodes on their way in or out, by phase.",
    "platform_ops_pool_oldest_operation_seconds": "Since when the oldest operation is under way.",
    "platform_ops_pool_attempts": "Most times in a row that the provider failed at one operation.",
    "platform_ops_pool_addresses": "Addresses given to machines.",
    "platform_ops_pool_backoff_seconds": "How long no node is added after failures, by class.",
    "platform_ops_pool_leaks": "What the pool's record and its Nodes do not agree on, by kind.",
    "platform_ops_pool_machine_leaks": "What they and the provider's list of machines do not agree on, by kind.",
    "platform_ops_pool_inspected_seconds": "When the providers were asked for their machines, in seconds since 1970.",
    "platform_ops_pool_seen_seconds": "When this was seen, in seconds since 1970.",
}


def samples(views: Iterable[View], now: float) -> Iterator[Sample]:
    yield "platform_ops_pool_seen_seconds", {"by": "watch"}, round(now, 3)
    for one in views:
        state, base = one.pool.state, {"pool": one.pool.name}
        ready = sum(node.ready for node in one.nodes)
        yield "platform_ops_pool_nodes", {**base, "ready": "true"}, ready
        yield "platform_ops_pool_nodes", {**base, "ready": "false"}, len(one.nodes) - ready
        yield "platform_ops_pool_minimum", base, one.least
        if one.pool.spec.predicted:
            predicted = state.predicted.least_at(now) if state.predicted else 0
            yield "platform_ops_pool_predicted", base, predicted
        yield "platform_ops_pool_maximum", base, one.pool.spec.most
        for (kind, phase), count in sorted(Counter((op.kind, str(op.phase)) for op in state.operations).items()):
            yield "platform_ops_pool_operations", {**base, "kind": kind, "phase": phase}, count
        oldest = min((op.started for op in state.operations), default=now)
        yield "platform_ops_pool_oldest_operation_seconds", base, max(0.0, now - oldest)
        yield "platform_ops_pool_attempts", base, max((op.attempts for op in state.operations), default=0)
        yield "platform_ops_pool_addresses", base, len(state.addresses())
        for name, record in sorted(state.backoff.items()):
            yield "platform_ops_pool_backoff_seconds", {**base, "class": name}, max(0.0, record.until - now)
        yield from leak_samples("platform_ops_pool_leaks", one.pool.name, one.leaks, _leaks.SEEN)


def leak_samples(name: str, pool: str, leaks: Iterable[Leak], kinds: Iterable[str]) -> Iterator[Sample]:
    """Every kind, also those that there are none of: an alert on a series that is missing never fires."""
    found = Counter(leak.kind for leak in leaks)
    for kind in kinds:
        yield name, {"pool": pool, "kind": kind}, found[kind]


def write(state_dir: Path, name: str, found: Iterable[Sample]) -> None:
    """Where the receiver's /metrics finds it."""
    gauges = Counts()
    for metric, labels, value in found:
        gauges.declare(metric, "gauge", HELP[metric])
        gauges.set(metric, value, **labels)
    write_metrics(state_dir, name, gauges)
