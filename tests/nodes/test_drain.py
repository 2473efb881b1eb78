# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One pass after the other over the pods of a node, the API server in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._drain import one_pass
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import DrainState
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Operation, Phase
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import error_of

from tests.nodes.memory_api import MemoryApi

pytestmark = pytest.mark.stand_in("memory-api")

RULES = InRules(settle_timeout=600.0)
VOLUMES = "/apis/storage.k8s.io/v1/volumeattachments"


class Draining:
    """A node that is empty already; what moved has two of three replicas Ready elsewhere."""

    def __init__(self) -> None:
        self.api = MemoryApi(lambda: 0.0)
        self.api.put(
            "/apis/apps/v1/namespaces/shop/replicasets",
            {
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"replicas": 3},
                "status": {"readyReplicas": 2},
            },
        )
        moved = ("ReplicaSet/shop/web",)
        self.op = Operation("op-1", "in", "w-1", Phase.DRAINING, Time(0), Time(0), node_uid="u1", moved=moved)

    def at(self, now: float) -> DrainState:
        self.op, state = one_pass(self.api, self.op, RULES, now)
        return state

    def pod(self, name: str, **metadata: Any) -> None:
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": True}
        self.api.put(
            "/api/v1/namespaces/shop/pods",
            {
                "metadata": {"name": name, "namespace": "shop", "ownerReferences": [owner], **metadata},
                "spec": {"nodeName": "w-1", "containers": []},
                "status": {"phase": "Running"},
            },
        )


def test_replacements_that_never_get_ready_are_waited_for_as_long_as_the_policy_says() -> None:
    node = Draining()
    assert "2 of 3 replicas Ready" in node.at(0).waiting[0]
    first = node.op
    assert node.at(300).waiting
    assert node.op is first or node.op == first  # nothing to write while nothing changes
    assert node.at(601).done


def test_a_volume_that_stays_attached_has_the_removal_taken_back() -> None:
    node = Draining()
    source = {"persistentVolumeName": "data"}
    node.api.put(VOLUMES, {"metadata": {"name": "a-1"}, "spec": {"nodeName": "w-1", "source": source}})
    assert node.at(0).waiting
    assert node.at(601).failed == "volumes still attached after 600 s: data"


def test_a_pod_that_comes_meanwhile_starts_the_wait_anew() -> None:
    node = Draining()
    node.at(0)
    node.pod("late")
    assert "pod shop/late terminates" in node.at(500).waiting
    del node.api.objects["/api/v1/namespaces/shop/pods/late"]
    assert node.at(601).waiting
    assert node.at(1202).done


GOING = {
    "message": "pods is forbidden: unable to create new content in namespace shop because it is being terminated",
    "reason": "Forbidden",
    "details": {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]},
}


@pytest.mark.parametrize(("told", "waits"), [(GOING, True), ({"message": "no"}, False), (["junk"], False)])
def test_a_pod_whose_namespace_is_being_deleted_is_waited_for(told: Any, waits: bool) -> None:
    node = Draining()
    node.pod("late")

    def answer(when: str, verb: str, path: str) -> None:
        if when == "before" and verb == "POST":
            raise error_of(verb, path, 403, json.dumps(told).encode(), None)

    node.api.hook = answer
    state = node.at(0)
    assert bool(state.waiting) is waits
    assert ("grant this account the right" in state.failed) is not waits
