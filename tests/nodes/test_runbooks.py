# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of the runbooks on nodes, as they stand on the pages, against what they are for."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

from lab.tools import tool
from tests.nodes.test_playbooks import at_rest, make_pool, nodes
from tests.support.node_lab import ROOT, Cluster

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(900),
    pytest.mark.stand_in("kwok-node"),
]


def shell(cluster: Cluster, page: str, start: str, editor: str = "true", **names: str) -> str:
    """Run the command of a page that begins so, with its names replaced, as a person would; sed is the editor."""
    text = (ROOT / f"docs/runbooks/{page}.md").read_text()
    [line] = {found for found in re.findall(r"`([^`]+)`", text) if found.startswith(start)}
    for old, new in names.items():
        line = line.replace(old, new)
    environment = cluster.environment() | {
        "KUBECONFIG": str(cluster.lab.kubeconfig),
        "KUBE_EDITOR": editor,
        "PATH": f"{tool('kubectl').parent}:{cluster.environment()['PATH']}",
    }
    done = subprocess.run(line, shell=True, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def status(cluster: Cluster, pool: str) -> Any:
    return json.loads(cluster.kubectl("get", "nodepool", pool, "-o", "json"))["status"]


def test_a_lease_that_somebody_keeps_is_deleted_and_the_next_one_goes_on(cluster: Cluster) -> None:
    make_pool(cluster, "stuck")
    first = cluster.writer("stuck", "somebody-who-hangs").held()
    assert "is held by somebody-who-hangs" in cluster.playbook("scale_out", "stuck")
    names = {"nodepool-workers": "nodepool-stuck"}
    assert "somebody-who-hangs" in shell(cluster, "stuck-lease", "kubectl -n platform-ops get lease", **names)
    shell(cluster, "stuck-lease", "kubectl -n platform-ops delete lease", **names)
    cluster.playbook("scale_out", "stuck", "-e", "count=1")
    assert nodes(cluster, "stuck") == ["stuck-1"]
    # the one who hung wakes up, and may not write any more
    with pytest.raises(ConflictError, match="took over"):
        _store.change(cluster.api, "stuck", first, lambda pool: replace(pool.state, unneeded={"stuck-1": Time(1)}))


def test_a_cordon_of_an_operation_that_is_over_is_taken_off(cluster: Cluster) -> None:
    make_pool(cluster, "halves")
    cluster.playbook("scale_out", "halves", "-e", "count=1")
    cluster.kubectl("cordon", "halves-1")
    cluster.kubectl("annotate", "node", "halves-1", "platform.ops/cordoned-by=long-ago")
    shell(cluster, "half-removed-node", "kubectl get nodepool", workers="halves")
    shell(cluster, "half-removed-node", "kubectl uncordon", NODE="halves-1")
    node = cluster.api.get(_paths.node("halves-1"))
    assert not node["spec"].get("unschedulable")
    at_rest(cluster, "halves")


def test_a_machine_that_was_switched_off_by_hand_is_given_up(cluster: Cluster) -> None:
    # a provider that never succeeds in removing
    make_pool(cluster, "undead")
    cluster.playbook("scale_out", "undead", "-e", "count=1")
    broken = {"spec": {"provider": {"role": "platform.ops.no_such_role"}}}
    cluster.kubectl("patch", "nodepool", "undead", "--type=merge", "-p", json.dumps(broken))
    cluster.playbook("scale_in", "undead", "-e", "node=undead-1")
    [op] = status(cluster, "undead")["operations"]
    assert (op["phase"], op["machine"]) == ("Removing", "Present")
    assert op["failure"]["message"]
    page = "machine-that-will-not-die"
    shell(cluster, page, "kubectl taint node", NAME="undead-1")
    gone = "sed -i 's/machine: Present/machine: Gone/'"
    shell(cluster, page, "kubectl edit nodepool", gone, workers="undead")
    cluster.playbook("scale_tick", "undead")
    assert nodes(cluster, "undead") == []
    assert _store.read(cluster.api, "undead").state.addresses() == []


def test_a_record_whose_node_and_machine_are_gone_is_taken_out(cluster: Cluster) -> None:
    make_pool(cluster, "lost")
    cluster.playbook("scale_out", "lost", "-e", "count=1")
    cluster.kubectl("delete", "node", "lost-1")
    take_out = "sed -i '/^  machines:/,/since:/d'"
    shell(cluster, "leaked-address", "kubectl edit nodepool", take_out, workers="lost")
    assert _store.read(cluster.api, "lost").state.addresses() == []
    cluster.playbook("scale_out", "lost", "-e", "count=1")
    assert nodes(cluster, "lost") == ["lost-1"]
    at_rest(cluster, "lost")


def test_a_machine_that_never_answers_is_reported_and_the_lease_given_back(cluster: Cluster) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused, and given to nobody else
        provider = {
            "role": "platform.ops.machine_hosts",
            "destroys": False,
            "variables": {"ssh_args": f"-o Port={closed.getsockname()[1]}"},
        }
        make_pool(cluster, "deaf", hosts=[{"name": "deaf-1", "address": "127.0.0.1"}], addresses=[], provider=provider)
        at = "2026-11-26T00:00:00Z"
        op = {"id": "op-1", "kind": "in", "node": "deaf-1", "phase": "Removing", "started": at, "since": at}
        status_ = {"status": {"operations": [{**op, "address": "127.0.0.1", "machine": "Present"}]}}
        cluster.kubectl("patch", "nodepool", "deaf", "--subresource=status", "--type=merge", "-p", json.dumps(status_))
        cluster.playbook("scale_tick", "deaf")
    [left] = status(cluster, "deaf")["operations"]
    assert left["attempts"] >= 1
    assert "deaf-1 does not answer by SSH" in left["failure"]["message"]
    lease = cluster.api.get(_paths.lease("platform-ops", "nodepool-deaf"))
    assert not lease["spec"].get("holderIdentity")
    cluster.kubectl("delete", "nodepool", "deaf")
