# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rivals on a real API server: the promises hold, whoever is first."""

from __future__ import annotations

import subprocess
import time
from collections import Counter

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import State

from tests.nodes.service import PATIENCE
from tests.nodes.test_playbooks import make_pool, nodes
from tests.support.node_lab import Cluster

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(7200),
    pytest.mark.stand_in("kwok-node"),
]

SHORT = ("-e", "node_scale_lease_duration=2")


def promises(cluster: Cluster, name: str) -> State:
    """What holds at any moment, whatever was killed."""
    pool = _store.read(cluster.api, name)
    state = pool.state
    given = Counter(state.addresses())
    assert max(given.values(), default=0) <= 1, given
    assert len(state.names()) <= pool.spec.most
    there = nodes(cluster, name)
    assert set(there) <= state.names(), "a Node that the record does not know"
    assert len(there) <= pool.spec.most
    return state


def finish(cluster: Cluster, playbook: str, pool: str, *arguments: str) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        said = cluster.playbook(playbook, pool, *arguments, *SHORT)
        if not _store.read(cluster.api, pool).state.operations and "is held by" not in said:
            return
        assert time.monotonic() < ends, said[-3000:]


def test_two_operators_race_for_the_last_address_and_one_gets_it(cluster: Cluster) -> None:
    make_pool(cluster, "last", max=2, addresses=["10.99.2.1"])
    runs = [
        subprocess.Popen(
            cluster.command("scale_out", "-e", "pool=last", "-e", "count=1"),
            env=cluster.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=400)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(said)
    finish(cluster, "scale_out", "last", "-e", "count=2")
    assert nodes(cluster, "last") == ["last-1"]
    assert promises(cluster, "last").addresses() == ["10.99.2.1"]
