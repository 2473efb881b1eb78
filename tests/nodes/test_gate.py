# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate of bumps sees of pools on a real API server, with no more rights than the role asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Connection, connect
from ansible_collections.platform.ops.plugins.module_utils.gate import _look
from ansible_collections.platform.ops.plugins.module_utils.gate._nodes import check_size
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

from tests.nodes.test_playbooks import make_pool
from tests.support.access import least_rights
from tests.support.node_lab import Cluster

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]

POD: dict[str, Any] = {"namespace": "shop", "labels": {"app": "cart"}, "daemon": None}


def spec(pool: str, memory: str) -> dict[str, Any]:
    amounts = {"memory": memory}
    container = {"name": "c", "resources": {"limits": amounts, "requests": amounts}}
    return {"containers": [container], "tolerations": [{"key": "only", "operator": "Equal", "value": pool}]}


def judged(api: Api, memory: str) -> Reason | None:
    look = _look.Look(api)
    return check_size(POD, spec("larger", memory), look.nodes(), look.daemon_sets(), look.pools()).reason


def test_a_pod_that_only_a_node_to_come_could_run_is_let_through(cluster: Cluster, tmp_path: Path) -> None:
    api = connect(Connection(kubeconfig=str(least_rights(cluster.lab, tmp_path))))
    there = max(node.allocatable["memory"] for node in map(_parse.node, _look.Look(api).nodes()))
    template = {
        "allocatable": {"cpu": "4", "memory": str(2 * there), "pods": "110"},
        "taints": [{"key": "only", "value": "larger", "effect": "NoSchedule"}],
    }
    more_than_there = str(there + 1)
    assert judged(api, more_than_there) == Reason.NODE_SIZE
    make_pool(cluster, "larger", template=template)
    assert judged(api, more_than_there) is None
    assert judged(api, str(2 * there + 1)) == Reason.NODE_SIZE
