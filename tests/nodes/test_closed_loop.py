# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From pods that fit nowhere to a machine that is started and joined, and back to a machine that is off."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from tests.nodes.metal import container, is_on, make_metal_pool, metal
from tests.nodes.service import one_service
from tests.nodes.test_hosts import tokens
from tests.nodes.test_playbooks import at_rest, deploy, nodes, pods
from tests.support.node_lab import Cluster

pytestmark = [pytest.mark.real, pytest.mark.timeout(900), pytest.mark.stand_in("series-exporter")]


def test_alerts_bring_a_machine_and_send_it_away_again(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    before = tokens(cluster)
    with metal(cluster, "metal-2") as machines, one_service(cluster, tmp_path) as service:
        assert not is_on(cluster, "metal-2")
        make_metal_pool(cluster, "alerted", machines)
        deploy(cluster, namespace, "alerted", 2, containers=[container()])
        service.until("the alert fires", lambda: service.firing("PodsUnschedulable", namespace=namespace))
        service.until("the pods run on the new machine", lambda: pods(cluster, namespace, unschedulable=False) == 2)
        node = cluster.api.get(_paths.node("metal-2"))
        assert (is_on(cluster, "metal-2"), node["spec"]["providerID"]) == (True, "hosts://metal-2")
        service.until("the alert resolves", lambda: not service.firing("PodsUnschedulable", namespace=namespace))
        assert [machine.address for machine in at_rest(cluster, "alerted").state.machines] == [machines[0].address]
        assert tokens(cluster) == before
        service.until("that is on record", lambda: service.decided("completed", "Node/metal-2"))
        [started] = {one["message"] for one in service.decided("started", f"{namespace}/Pod/")}
        assert started == "NodePool alerted gets 1 node (metal-2) for it."

        deploy(cluster, namespace, "alerted", 0, containers=[container()])
        service.until("the idle node is gone", lambda: not nodes(cluster, "alerted"))
        service.until("it is on record", lambda: len(service.decided("completed", "Node/metal-2")) == 2)
        pool = _store.read(cluster.api, "alerted")
        assert (pool.state.operations, pool.state.machines, pool.state.addresses()) == ((), (), [])
        assert not is_on(cluster, "metal-2")
        assert tokens(cluster) == before
        assert 'platform_ops_pool_nodes{pool="alerted"' in service.running.request("/metrics").body.decode()
