# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines, kubelets, controllers and a scheduler around the API server in memory. Stand-in `memory-world`.

The world has its own plain scheduler (cpu, taints, cordon), written apart from the planner it is used to test.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity import _leaks, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time, seconds
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import Action, Answer, Outcome
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import observe
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import (
    Job,
    Operator,
    Writer,
    claim,
    report,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import POOL_LABEL, Failure, Machine, Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import OUT_OF_SERVICE_TAINT, STARTUP_TAINT
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Result, Scaling, Service
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._requests import amount

from tests.nodes.memory_api import MemoryApi, is_ready

Json = dict[str, Any]
ROUNDS = 8
LEASE = 300


class CrashError(BaseException):
    """The playbook was killed here."""


@dataclass
class RealMachine:
    name: str
    address: str
    boots: bool = True
    gets_ready: bool = True
    joined: bool = False
    was_reset: bool = False
    powered: bool = True


@dataclass
class World:
    api: MemoryApi
    now: float = 1_800_000_000.0
    machines: dict[str, RealMachine] = field(default_factory=dict)
    # what the provider does next: "" works, quota/stock_out/other fail, dead never boots, sick never gets Ready
    mood: Callable[[], str] = lambda: ""
    runs: int = 0
    unjust: list[str] = field(default_factory=list)  # broken promises seen on the way

    @classmethod
    def make(cls, pool: Json) -> World:
        clock: list[World] = []
        api = MemoryApi(lambda: clock[0].now)
        world = cls(api)
        clock.append(world)
        api.put(_paths.NODE_POOLS, pool)
        return world

    # --- a run of a playbook -------------------------------------------------------------------------------------

    def writer(self, holder: str = "") -> Writer:
        self.runs += 1
        holder = holder or f"run-{self.runs}"
        return Writer(self.api, "workers", "platform-ops", holder, LEASE, clock=lambda: self.now, sleep=self.sleep)

    def run(self, what: str, names: tuple[str, ...] = (), count: int | None = None) -> list[Result]:
        """What role node_scale does: plan and act, let the provider do its jobs, go on, until nothing is left now."""
        writer = self.writer()
        results: list[Result] = []
        for _ in range(ROUNDS):
            operator = Operator(writer, sleep=self.sleep, patience=5.0)
            scaling = Scaling(writer, operator, dry=False)
            if not results and what == "kept":
                _, result = scaling.present(None, pods=False)
            elif results or what == "resumed":
                _, result = scaling.resumed()
            elif what == "present":
                _, result = scaling.present(count)
            else:
                _, result = scaling.absent(names, Service())
            results.append(result)
            for job in result.progress.jobs:
                if claim(writer, job.operation, Action(job.action)):
                    self.answer(writer, job)
            if not result.progress.jobs:
                break
        writer.release()
        return results

    def answer(self, writer: Writer, job: Job) -> None:
        outcome, failure = self.provide(job)
        self.api.hook("after", "PROVIDER", job.action)
        report(writer, job.operation, Action(job.action), outcome, Answer(f"sim://{job.node}", failure=failure))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.settle()

    # --- machines ------------------------------------------------------------------------------------------------

    def provide(self, job: Job) -> tuple[Outcome, Failure | None]:
        mood = self.mood()
        failure = Failure(mood, f"the provider says {mood}") if mood in ("quota", "stock_out", "other") else None
        match Action(job.action):
            case Action.ADD:
                if failure and mood != "other":
                    return Outcome.FAILED, failure
                if job.node not in self.machines:
                    self.machines[job.node] = RealMachine(job.node, job.address, mood != "dead", mood != "sick")
                # "other": the machine was made, but the provider reports a failure
                return (Outcome.FAILED, failure) if failure else (Outcome.DONE, None)
            case Action.JOIN:
                machine = self.machines.get(job.node)
                if machine is None or failure:
                    return Outcome.FAILED, failure or Failure("other", "no such machine")
                if not machine.boots:
                    return Outcome.PENDING, None
                self.join(machine)
                return Outcome.DONE, None
            case Action.PROVE:
                on = job.node in self.machines and self.machines[job.node].powered
                return (Outcome.PENDING if on else Outcome.DONE), None
            case Action.RESET:
                if failure:
                    return Outcome.FAILED, failure
                if job.node in self.machines:
                    self.machines[job.node].was_reset = True
                    self.machines[job.node].joined = False
                return Outcome.DONE, None
            case _:
                if failure:
                    return Outcome.FAILED, failure
                self.machines.pop(job.node, None)
                return Outcome.DONE, None

    def join(self, machine: RealMachine) -> None:
        machine.joined = True
        self.settle()

    def node(self, machine: RealMachine, ready: bool, labels: Json, taints: list[Json]) -> None:
        self.api.put(
            _paths.NODES,
            {
                "metadata": {"name": machine.name, "labels": {"kubernetes.io/hostname": machine.name, **labels}},
                "spec": {"providerID": f"sim://{machine.name}", "taints": taints},
                "status": {
                    "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                    "addresses": [{"type": "InternalIP", "address": machine.address}],
                    "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                },
            },
        )

    def member(self, number: int) -> None:
        """A machine and Node that were in the pool from the start."""
        pool = self.api.objects[_paths.node_pool("workers")]
        name, address = f"workers-{number}", f"10.0.0.{number}"
        machine = RealMachine(name, address, joined=True)
        self.machines[name] = machine
        self.node(machine, True, {POOL_LABEL: "workers"}, [])
        record = {"name": name, "address": address, "providerId": f"sim://{name}", "since": "2026-01-01T00:00:00Z"}
        pool.setdefault("status", {}).setdefault("machines", []).append(record)

    # --- controllers, kubelets, scheduler ------------------------------------------------------------------------

    def workload(self, name: str, replicas: int, cpu: str = "500m", **spec: Any) -> None:
        self.api.put(
            "/apis/apps/v1/namespaces/shop/replicasets",
            {
                "metadata": {"name": name, "namespace": "shop"},
                "spec": {"replicas": replicas, "cpu": cpu, "podSpec": spec},
                "status": {},
            },
        )
        self.settle()

    def scale(self, name: str, replicas: int) -> None:
        self.api.touch(f"/apis/apps/v1/namespaces/shop/replicasets/{name}", {"spec": {"replicas": replicas}})
        self.settle()

    def budget(self, name: str, **spec: Any) -> None:
        self.api.put(
            "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
            {
                "metadata": {"name": name, "namespace": "shop"},
                "spec": {"selector": {"matchLabels": {"app": name}}, **spec},
            },
        )
        self.settle()

    def settle(self) -> None:
        for _ in range(3):
            self._kubelets()
            self._pods()
            self._schedule()
        for item in self.api.listed("/apis/policy/v1/poddisruptionbudgets"):
            item["status"] = self.api.budget_status(item)
        for path in [path for path in self.api.objects if "/secrets/bootstrap-token-" in path]:
            expires = base64.b64decode(self.api.objects[path]["data"]["expiration"]).decode()
            if seconds(expires) < self.now:
                del self.api.objects[path]  # as the token cleaner does

    def _kubelets(self) -> None:
        for machine in self.machines.values():
            path = _paths.node(machine.name)
            if machine.joined and path not in self.api.objects:
                self.node(machine, False, {}, [{"key": STARTUP_TAINT, "effect": "NoSchedule"}])
            if machine.joined and machine.gets_ready and machine.powered:
                self.api.touch(path, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
        for raw in self.api.listed(_paths.NODES):
            host = self.machines.get(raw["metadata"]["name"])
            if host is None or not host.joined or not host.powered:
                self.api.touch(
                    _paths.node(raw["metadata"]["name"]),
                    {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
                )

    def _pods(self) -> None:
        nodes = {raw["metadata"]["name"] for raw in self.api.listed(_paths.NODES)}
        for pod in self.api.listed(_paths.PODS):
            path = _paths.pod("shop", pod["metadata"]["name"])
            node = pod["spec"].get("nodeName")
            if node and node not in nodes:
                self.unjust.append(f"{path} lost its Node {node} while it ran there")
                del self.api.objects[path]
            elif "deletionTimestamp" in pod["metadata"] and self._ends(pod):
                del self.api.objects[path]
        for item in self.api.listed("/apis/apps/v1/replicasets"):
            name = item["metadata"]["name"]
            mine = [
                pod for pod in self.api.listed(_paths.PODS) if pod["metadata"]["ownerReferences"][0]["name"] == name
            ]
            for pod in mine[item["spec"]["replicas"] :]:
                del self.api.objects[_paths.pod("shop", pod["metadata"]["name"])]
            for _ in range(len(mine), item["spec"]["replicas"]):
                self._make_pod(name, item)
            item["status"]["readyReplicas"] = sum(map(is_ready, mine))

    def _ends(self, pod: Json) -> bool:
        """A kubelet ends it; of a node that is out of service the garbage collector removes it by force."""
        name = pod["spec"].get("nodeName")
        machine = self.machines.get(name)
        if machine is None or (machine.powered and machine.joined):
            return True
        taints = self.api.objects[_paths.node(name)]["spec"].get("taints") or []
        return any(taint["key"] == OUT_OF_SERVICE_TAINT for taint in taints)

    def _make_pod(self, name: str, item: Json) -> None:
        serial = item["status"]["serial"] = item["status"].get("serial", 0) + 1
        self.api.put(
            "/api/v1/namespaces/shop/pods",
            {
                "metadata": {
                    "name": f"{name}-{serial}",
                    "namespace": "shop",
                    "labels": {"app": name},
                    "ownerReferences": [
                        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": name, "controller": True}
                    ],
                },
                "spec": {
                    "containers": [{"name": "c", "resources": {"requests": {"cpu": item["spec"]["cpu"]}}}],
                    **item["spec"]["podSpec"],
                },
                "status": {"phase": "Pending", "conditions": []},
            },
        )

    def _schedule(self) -> None:
        free: dict[str, int] = {}
        for raw in self.api.listed(_paths.NODES):
            name, spec = raw["metadata"]["name"], raw["spec"]
            ready = raw["status"]["conditions"][0]["status"] == "True"
            if ready and not spec.get("unschedulable") and not spec.get("taints"):
                free[name] = 4000
        pods = self.api.listed(_paths.PODS)
        for pod in pods:
            if pod["spec"].get("nodeName") in free:
                free[pod["spec"]["nodeName"]] -= self._cpu(pod)
        for pod in pods:
            if pod["spec"].get("nodeName"):
                continue
            target = next((name for name, left in sorted(free.items()) if left >= self._cpu(pod)), None)
            if target is None:
                condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                pod["status"] = {"phase": "Pending", "conditions": [condition]}
            else:
                free[target] -= self._cpu(pod)
                pod["spec"]["nodeName"] = target
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

    @staticmethod
    def _cpu(pod: Json) -> int:
        return amount("cpu", pod["spec"]["containers"][0]["resources"]["requests"]["cpu"])

    # --- promises ------------------------------------------------------------------------------------------------

    def pool(self) -> Pool:
        hook, self.api.hook = self.api.hook, lambda when, verb, path: None
        try:
            return _store.read(self.api, "workers")
        finally:
            self.api.hook = hook

    def broken(self) -> list[str]:
        """Promises that hold at any moment, whatever was killed."""
        pool = self.pool()
        state = pool.state
        found = list(self.unjust)
        addresses = [machine.address for machine in self.machines.values()]
        found += [f"two machines have address {a}" for a in set(addresses) if addresses.count(a) > 1]
        given = state.addresses()
        found += [f"address {a} is given twice" for a in set(given) if given.count(a) > 1]
        for raw in self.api.listed(_paths.NODES):
            off = any(taint["key"] == OUT_OF_SERVICE_TAINT for taint in raw["spec"].get("taints") or [])
            machine = self.machines.get(raw["metadata"]["name"])
            if off and machine is not None and machine.powered:
                found.append(f"Node {machine.name} is out of service, and its machine still has power")
        found += [f"machine {name} has no record" for name in self.machines if name not in state.names()]
        if len(self.machines) > pool.spec.most or len(state.names()) > pool.spec.most:
            found.append(f"{len(self.machines)} machines, {len(state.names())} records, max {pool.spec.most}")
        busy = {op.node for op in state.operations}
        whole = [m for m in self.machines.values() if m.joined and m.name not in busy]
        if len(whole) < pool.spec.least:
            found.append(f"{len(whole)} machines take pods, min {pool.spec.least}")
        for raw in self.api.listed(_paths.NODES):
            name = raw["metadata"]["name"]
            if name not in self.machines and name not in busy:
                found.append(f"Node {name} has no machine")
        return found

    def left_behind(self) -> list[str]:
        """Promises that hold once everything has come to rest."""
        pool = self.pool()
        found = self.broken()
        found += [f"operation {op.kind} {op.node} is still there: {op}" for op in pool.state.operations]
        found += [f"token {path} is left" for path in self.api.objects if "/secrets/bootstrap-token-" in path]
        hook, self.api.hook = self.api.hook, lambda when, verb, path: None
        listed = [Machine(machine.name, Time(0), machine.address) for machine in self.machines.values()]
        found += [leak.message for leak in _leaks.find(pool, observe(self.api).members(pool), listed)]
        self.api.hook = hook
        for raw in self.api.listed(_paths.NODES):
            if raw["spec"].get("unschedulable"):
                found.append(f"Node {raw['metadata']['name']} is still cordoned")
            if raw["spec"].get("taints"):
                found.append(f"Node {raw['metadata']['name']} still has taints {raw['spec']['taints']}")
        return found


def pool_object(**spec: Any) -> Json:
    return {
        "apiVersion": "platform.ops/v1alpha1",
        "kind": "NodePool",
        "metadata": {"name": "workers"},
        "spec": {
            "min": 1,
            "max": 5,
            "provider": {"role": "platform.ops.machine_memory"},
            "template": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
            "addresses": ["10.0.0.1-10.0.0.5"],
            **spec,
        },
    }
