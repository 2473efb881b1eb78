# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of a pool on a real API server at any moment, and playbooks run until nothing is under way."""

from __future__ import annotations

import time
from collections import Counter

from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import State

from tests.nodes.service import PATIENCE
from tests.nodes.test_playbooks import nodes
from tests.support.node_lab import Cluster

SHORT = ("-e", "node_scale_lease_duration=2")


def promises(cluster: Cluster, name: str) -> State:
    """What holds at any moment, whatever was killed."""
    before = _store.read(cluster.api, name).state
    there = nodes(cluster, name)
    pool = _store.read(cluster.api, name)
    state = pool.state
    given = Counter(state.addresses())
    assert max(given.values(), default=0) <= 1, given
    assert len(state.names()) <= pool.spec.most
    # a record may come before the Nodes are read and another go after
    assert set(there) <= before.names() | state.names(), "a Node that the record does not know"
    assert len(there) <= pool.spec.most
    return state


def finish(cluster: Cluster, playbook: str, pool: str, *arguments: str) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        said = cluster.playbook(playbook, pool, *arguments, *SHORT)
        if not _store.read(cluster.api, pool).state.operations and "is held by" not in said:
            return
        assert time.monotonic() < ends, said[-3000:]
