# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in in memory promises, asked of a real API server."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity import _nodes, _store, _tokens
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Outcome, SeenNode
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Operator, Writer, report
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import (
    BackoffRecord,
    Failure,
    Machine,
    MachineState,
    Operation,
    Phase,
    State,
    pool,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Scaling, Service
from ansible_collections.platform.ops.plugins.module_utils.cluster import _lease, _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, connect
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import OwnerFetcher, ownership
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget, hindrance

from lab.shell import LabError
from tests.nodes.memory_world import pool_object
from tests.support.node_lab import ROLE, Cluster

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


def make_pool(cluster: Cluster, name: str, **spec: Any) -> None:
    made = pool_object(**spec)
    made["metadata"]["name"] = name
    cluster.apply(made)


def test_the_definition_keeps_every_field_of_the_record(cluster: Cluster) -> None:
    make_pool(cluster, "round-trip")
    at = Time(1_800_000_000.25)
    op = Operation(
        "abc",
        "in",
        "n",
        Phase.DRAINING,
        at,
        at,
        address="10.0.0.9",
        provider_id="x://n",
        node_uid="u",
        machine=MachineState.PRESENT,
        joined=True,
        reset=True,
        foreign_cordon=True,
        attempts=3,
        retry_at=at,
        failure=Failure("quota", "no more"),
        evictions={"shop/a": at},
        moved=("ReplicaSet/shop/a",),
        drained_at=at,
    )
    state = State(
        machines=(Machine("m", at, "10.0.0.1", "x://m"),),
        operations=(op,),
        backoff={"quota": BackoffRecord(2, at, at, "no more")},
        unneeded={"m": at},
        failed={"m": at},
        outs=(at,),
        ins=(at,),
        last_out=at,
        last_in_failure=at,
    )
    held = _lease.Held("platform-ops", "x", "me", 7)
    _store.change(cluster.api, "round-trip", held, lambda _: state)
    assert _store.read(cluster.api, "round-trip").state == replace(state, term=7, holder="me")


def test_the_definition_refuses_a_pool_that_makes_no_sense(cluster: Cluster) -> None:
    with pytest.raises(LabError, match="min must not be larger than max"):
        make_pool(cluster, "senseless", min=3, max=2)


def test_a_write_between_reading_and_writing_is_not_lost(cluster: Cluster) -> None:
    make_pool(cluster, "raced")
    held = _lease.Held("platform-ops", "x", "me", 1)
    interrupted = False

    def how(current: Any) -> State:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            _store.change(cluster.api, "raced", held, lambda inner: replace(inner.state, unneeded={"a": Time(1)}))
        return replace(current.state, failed={"b": Time(2)})

    after = _store.change(cluster.api, "raced", held, how)
    assert (dict(after.state.unneeded), dict(after.state.failed)) == ({"a": Time(1)}, {"b": Time(2)})


def test_a_writer_of_an_older_term_is_fenced(cluster: Cluster) -> None:
    make_pool(cluster, "fenced")
    new = _lease.Held("platform-ops", "x", "new", 2)
    _store.change(cluster.api, "fenced", new, lambda current: replace(current.state, unneeded={"a": Time(1)}))
    old = _lease.Held("platform-ops", "x", "old", 1)
    with pytest.raises(ConflictError) as caught:
        _store.change(cluster.api, "fenced", old, lambda current: replace(current.state, unneeded={}))
    assert caught.value.reason == "fenced"


def test_a_lease_is_held_by_one_and_taken_over_when_it_ends(cluster: Cluster) -> None:
    def take(holder: str, at: float, floor: int = 0) -> _lease.Held:
        return _lease.acquire(cluster.api, "platform-ops", "one", holder, duration=30, floor=floor, clock=lambda: at)

    now = time.time()
    first = take("a", now)
    assert take("a", now + 10).term == first.term
    with pytest.raises(ConflictError, match="held by a"):
        take("b", now + 20)
    second = take("b", now + 10 + 30 + _lease.GRACE + 1)
    assert second.term == first.term + 1
    _lease.release(cluster.api, "platform-ops", "one", "a", time.time)
    assert _lease.holder(cluster.api, "platform-ops", "one", now + 50) == "b"
    _lease.release(cluster.api, "platform-ops", "one", "b", time.time)
    assert _lease.holder(cluster.api, "platform-ops", "one", now + 50) == ""
    cluster.kubectl("delete", "lease", "-n", "platform-ops", "one")
    assert take("c", now, floor=second.term).term > second.term


def workload(cluster: Cluster, namespace: str, name: str, replicas: int, **pod: Any) -> None:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "nodeName": "fixed-1",
            "containers": [{"name": "c", "image": "any/image:1"}],
            "terminationGracePeriodSeconds": 1,
            **pod,
        },
    }
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
        }
    )
    cluster.kubectl("rollout", "status", "-n", namespace, f"deployment/{name}", "--timeout=30s")


def protect(cluster: Cluster, namespace: str, name: str, app: str, **spec: Any) -> None:
    cluster.apply(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
        }
    )
    path = _paths.named(_paths.within(_paths.DISRUPTION_BUDGETS, namespace), name)
    cluster.wait_for(
        "the budget is counted", lambda: cluster.api.get(path).get("status", {}).get("expectedPods", 0) > 0
    )


def evict(cluster: Cluster, raw: dict[str, Any], uid: str | None = None) -> None:
    name, namespace = raw["metadata"]["name"], raw["metadata"]["namespace"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": uid or raw["metadata"]["uid"]}},
    }
    cluster.api.create(_paths.eviction(namespace, name), body)


def pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    return list(cluster.api.items(_paths.within(_paths.PODS, namespace)))


def test_an_eviction_against_a_budget_is_refused_for_now(cluster: Cluster, namespace: str) -> None:
    workload(cluster, namespace, "web", 1)
    protect(cluster, namespace, "web", "web", minAvailable=1)
    [raw] = pods(cluster, namespace)
    with pytest.raises(UnavailableError) as caught:
        evict(cluster, raw)
    assert caught.value.reason == "too_many_requests"
    [listed] = cluster.api.items(_paths.within(_paths.DISRUPTION_BUDGETS, namespace))
    found = hindrance(namespace, raw["metadata"]["labels"], True, [budget(listed)])
    assert found is not None
    assert (found.reason, found.permanent) == ("budget_never", True)


def test_an_eviction_against_two_budgets_is_refused_for_good(cluster: Cluster, namespace: str) -> None:
    workload(cluster, namespace, "web", 2)
    protect(cluster, namespace, "one", "web", minAvailable=1)
    protect(cluster, namespace, "two", "web", minAvailable=1)
    with pytest.raises(UnavailableError) as caught:
        evict(cluster, pods(cluster, namespace)[0])
    assert caught.value.reason == "internal_error"


def test_an_eviction_means_one_pod_and_not_its_successor(cluster: Cluster, namespace: str) -> None:
    workload(cluster, namespace, "web", 1)
    [raw] = pods(cluster, namespace)
    with pytest.raises(ConflictError):
        evict(cluster, raw, uid="00000000-0000-0000-0000-000000000000")
    evict(cluster, raw)


def test_a_node_is_cordoned_and_uncordoned_by_our_mark_alone(cluster: Cluster) -> None:
    cluster.kubectl("create", "-f", "-", stdin='{"apiVersion":"v1","kind":"Node","metadata":{"name":"marked"}}')
    raw = cluster.api.get(_paths.node("marked"))
    now = Time(time.time())
    op = Operation("op-1", "in", "marked", Phase.DRAINING, now, now, node_uid=raw["metadata"]["uid"])
    record = pool(pool_object())

    def look() -> SeenNode:
        seen = _nodes.look(cluster.api, "marked", record.spec)
        assert seen is not None
        return seen

    def until(what: str, write: Callable[[], None], holds: Callable[[SeenNode], bool]) -> SeenNode:
        """A write gives way to the node controller, which taints a new Node meanwhile; the next round repeats it."""

        def done() -> bool:
            write()
            return holds(look())

        cluster.wait_for(what, done)
        return look()

    seen = until("the Node is cordoned", lambda: _nodes.cordon(cluster.api, op), lambda node: node.unschedulable)
    assert (seen.unschedulable, seen.cordoned_by, seen.ready, seen.labelled) == (True, "op-1", False, False)
    _nodes.uncordon(cluster.api, "marked", "op-2")
    assert look().unschedulable
    until(
        "the Node is uncordoned",
        lambda: _nodes.uncordon(cluster.api, "marked", op.id),
        lambda seen: not seen.unschedulable,
    )
    seen = until(
        "the Node is labelled", lambda: _nodes.label(cluster.api, "marked", record.spec), lambda seen: seen.labelled
    )
    assert (seen.unschedulable, seen.cordoned_by, seen.labelled) == (False, "", True)
    _nodes.delete(cluster.api, "marked", "00000000-0000-0000-0000-000000000000")
    assert _nodes.look(cluster.api, "marked", record.spec) is not None
    _nodes.delete(cluster.api, "marked", op.node_uid)
    assert _nodes.look(cluster.api, "marked", record.spec) is None


def test_a_token_is_made_pins_the_ca_and_is_deleted(cluster: Cluster) -> None:
    _tokens.issue(cluster.api, "op-token", "workers-9", time.time())
    assert _tokens.usable(cluster.api, "op-token", time.time())
    assert not _tokens.usable(cluster.api, "op-token", time.time() + _tokens.LIFETIME)
    found = _tokens.join(cluster.api, "op-token")
    assert found.token not in repr(found)
    key = subprocess.run(
        ["openssl", "x509", "-pubkey", "-noout", "-in", cluster.lab.pki / "ca.crt"], check=True, capture_output=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True
    ).stdout
    assert found.ca_cert_hash == "sha256:" + hashlib.sha256(der).hexdigest()
    _tokens.revoke(cluster.api, "op-token")
    assert not _tokens.exists(cluster.api, "op-token")
    with pytest.raises(NotFoundError):
        _tokens.join(cluster.api, "op-token")


def test_the_owner_of_a_running_pod_is_found(cluster: Cluster, namespace: str) -> None:
    workload(cluster, namespace, "web", 1)
    [raw] = pods(cluster, namespace)
    found = ownership(raw, OwnerFetcher(cluster.api))
    assert str(found.workload) == f"Deployment {namespace}/web"


def bind(cluster: Cluster, kind: str, role: str, namespace: str, *within: str) -> None:
    name = f"{role}-{namespace}"
    cluster.kubectl("create", kind, name, *within, f"--clusterrole={role}", f"--serviceaccount={namespace}:scaler")


def test_the_rights_that_come_with_the_role_suffice_and_go_no_further(cluster: Cluster, namespace: str) -> None:
    make_pool(cluster, "rights", provider={"role": "x", "token": True})
    cluster.kubectl("apply", "-f", str(ROLE / "files/rights.yml"))
    cluster.kubectl("create", "serviceaccount", "-n", namespace, "scaler")
    bind(cluster, "clusterrolebinding", "platform-ops-node-scale", namespace)
    bind(cluster, "rolebinding", "platform-ops-node-scale-leases", namespace, "-n", "platform-ops")
    bind(cluster, "rolebinding", "platform-ops-node-scale-tokens", namespace, "-n", "kube-system")
    workload(cluster, namespace, "web", 1)
    config = yaml.safe_load(cluster.lab.kubeconfig.read_text())
    token = cluster.kubectl("create", "token", "-n", namespace, "scaler").strip()
    config["users"] = [{"name": item["name"], "user": {"token": token}} for item in config["users"]]
    path = cluster.lab.folder / "scaler.conf"
    path.write_text(yaml.safe_dump(config))
    api = connect(Connection(kubeconfig=str(path)))
    writer = Writer(api, "rights", "platform-ops", "scaler", 300, clock=time.time)
    scaling = Scaling(writer, Operator(writer, sleep=time.sleep, patience=0.0), dry=False)

    _, out = scaling.present(1)
    [job] = out.progress.jobs
    report(writer, job.operation, Action.ADD, Outcome.DONE)
    _, joining = scaling.resumed()
    assert [item.action for item in joining.progress.jobs] == ["join"]
    assert _tokens.join(api, job.operation).token
    report(writer, job.operation, Action.JOIN, Outcome.FAILED)
    report(writer, job.operation, Action.REMOVE, Outcome.DONE)
    _, undone = scaling.resumed()
    assert [ended[:2] for ended in undone.progress.ended] == [(job.node, False)]

    cluster.kubectl("label", "node", "fixed-1", "platform.ops/pool=rights")
    try:
        scaling.absent(["fixed-1"], Service())  # nothing else has room: a plan, and no more
        [raw] = pods(cluster, namespace)
        evict(replace(cluster, api=api), raw)
    finally:
        cluster.kubectl("label", "node", "fixed-1", "platform.ops/pool-")
    with pytest.raises(AuthError):
        api.delete(_paths.pod(namespace, raw["metadata"]["name"]))
    with pytest.raises(AuthError):
        api.get(_paths.named(_paths.secrets(namespace), "any"))
