# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rivals on a real API server: the promises hold, whoever is first."""

from __future__ import annotations

import subprocess

import pytest

from tests.nodes.promises import finish, promises
from tests.nodes.test_playbooks import make_pool, nodes
from tests.support.node_lab import Cluster

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(7200),
    pytest.mark.stand_in("kwok-node"),
]


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
