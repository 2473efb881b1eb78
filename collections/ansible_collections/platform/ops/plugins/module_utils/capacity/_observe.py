# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch what planning looks at, page by page into slim records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import POOL_LABEL, Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Node, Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._volumes import Volumes
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget, budget


@dataclass(frozen=True, slots=True)
class Cluster:
    nodes: Sequence[Node]
    pods: Sequence[Pod]
    budgets: Sequence[Budget]
    daemons: Sequence[Pod]  # one made-up pod per DaemonSet
    addresses: Mapping[str, str]  # node -> internal address
    claims: Mapping[str, Collection[str]] = field(default_factory=dict)  # node -> all addresses that it says it has

    def members(self, pool: Pool) -> list[Node]:
        return members(pool, self.nodes)


def members(pool: Pool, nodes: Iterable[Node]) -> list[Node]:
    """The Nodes of the pool: labelled, or made by us and not labelled yet."""
    known = pool.state.names()
    return [node for node in nodes if node.labels.get(POOL_LABEL) == pool.name or node.name in known]


def observe(api: Api) -> Cluster:
    volumes = Volumes(
        api.items(_paths.PERSISTENT_VOLUME_CLAIMS),
        api.items(_paths.PERSISTENT_VOLUMES),
        api.items(_paths.STORAGE_CLASSES),
    )
    parser = _parse.Parser(volumes)
    addresses: dict[str, str] = {}
    claims: dict[str, set[str]] = {}
    nodes = []
    for raw in api.items(_paths.NODES):
        nodes.append(_parse.node(raw))
        name = raw["metadata"]["name"]
        for address in (raw.get("status") or {}).get("addresses") or ():
            claims.setdefault(name, set()).add(address["address"])
            if address["type"] == "InternalIP":
                addresses.setdefault(name, address["address"])
    return Cluster(
        nodes=nodes,
        pods=parser.pods(api.items(_paths.PODS)),
        budgets=[budget(raw) for raw in api.items(_paths.DISRUPTION_BUDGETS)],
        daemons=daemons(parser, api.items(_paths.DAEMON_SETS)),
        addresses=addresses,
        claims=claims,
    )


def daemons(parser: _parse.Parser, raw: Iterable[Mapping[str, Any]]) -> list[Pod]:
    """A pod of each DaemonSet, as it would run on a new node."""
    return [
        parser.pod(
            {
                "metadata": {
                    **(item["spec"]["template"].get("metadata") or {}),
                    "name": item["metadata"]["name"],
                    "namespace": item["metadata"]["namespace"],
                    "ownerReferences": [{"kind": "DaemonSet", "name": item["metadata"]["name"], "controller": True}],
                },
                "spec": item["spec"]["template"]["spec"],
            }
        )
        for item in raw
    ]
