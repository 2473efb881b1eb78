# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated nodes behave as nodes towards the API server, the scheduler and the controllers."""

from __future__ import annotations

import json

import pytest

from lab import simulated
from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import LabError

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


def test_a_deployment_rolls_out_on_simulated_nodes(lab: Lab) -> None:
    pods = {
        "metadata": {"labels": {"app": "rolled"}},
        "spec": {"nodeSelector": {"type": "kwok"}, "containers": [{"name": "main", "image": "any/image:1"}]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "rolled"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "rolled"}}, "template": pods},
    }
    kubectl(lab, "create", "-f", "-", stdin=json.dumps(deployment))
    kubectl(lab, "rollout", "status", "deployment/rolled", "--timeout=60s", timeout=90)
    nodes = kubectl(lab, "get", "pods", "-l", "app=rolled", "-o", "jsonpath={.items[*].spec.nodeName}").split()
    assert set(nodes) <= {"sim-1", "sim-2"}


def test_names_that_are_taken_are_not_given_again(lab: Lab) -> None:
    assert simulated.next_names(lab, 2) == ["sim-3", "sim-4"]


def test_added_nodes_are_ready_and_removed_ones_are_gone(lab: Lab) -> None:
    simulated.add(lab, ["short-lived"], cpu="1", memory="1Gi")
    assert "short-lived" in simulated.ready_nodes(lab)
    simulated.remove(lab, "short-lived")
    assert "short-lived" not in simulated.node_names(lab)


def test_a_node_that_is_not_simulated_is_not_removed_as_one(lab: Lab) -> None:
    kubectl(lab, "create", "-f", "-", stdin='{"apiVersion":"v1","kind":"Node","metadata":{"name":"real-one"}}')
    with pytest.raises(LabError, match="not a simulated one"):
        simulated.remove(lab, "real-one")
    kubectl(lab, "delete", "node", "real-one")
