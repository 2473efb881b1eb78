# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One MachineDeployment of Cluster API as a group of machines: marks are annotations, on it and on its Machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    InputError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json
from ansible_collections.platform.ops.plugins.module_utils.machines._answer import (
    OTHER,
    Answer,
    error_class,
    failed,
    pending,
)
from ansible_collections.platform.ops.plugins.module_utils.machines._group import (
    NOBODY,
    Claim,
    Coming,
    Forget,
    Group,
    Member,
    Note,
    Present,
    Resize,
    Take,
    TakeOver,
    Write,
)

API_GROUP = "/apis/cluster.x-k8s.io"
OPERATION = "platform.ops/operation"  # on a Machine
POOL = "platform.ops/pool"  # on the MachineDeployment
NOTED = "noted.platform.ops/"  # on the MachineDeployment; the operation follows, the value is when
DELETE = "cluster.x-k8s.io/delete-machine"  # goes first when its set gets smaller, whatever the set's policy is
OF = "cluster.x-k8s.io/deployment-name"


@dataclass(frozen=True, slots=True)
class Place:
    namespace: str
    deployment: str


class MachineDeployment:
    """Args: api: of the management cluster."""

    def __init__(self, api: Api, place: Place, pool: str, node: str = "") -> None:
        self._api = api
        self._place = place
        self._pool = pool
        self._node = node
        self._base = ""
        self._raw: Json = {}
        self._machines: dict[str, Json] = {}

    # what there is

    def read(self) -> Group:
        place = self._place
        try:
            if not self._base:
                served = self._api.get(API_GROUP)["preferredVersion"]["groupVersion"]
                self._base = _paths.group_version(served)
            self._raw = self._api.get(self._path("machinedeployments", place.deployment))
        except NotFoundError as error:
            raise NotFoundError(
                f"There is no MachineDeployment {place.namespace}/{place.deployment}; is the kubeconfig that of the "
                f"management cluster? {error.message}"
            ) from error
        self._machines = {raw["metadata"]["name"]: raw for raw in self._of_deployment("machines")}
        self._no_rollout()
        notes = _annotations(self._raw)
        pool = notes.get(POOL, "")
        if pool not in ("", self._pool):
            where = f"{place.namespace}/{place.deployment}"
            raise InputError(f"MachineDeployment {where} belongs to NodePool {pool}; one serves one pool.")
        noted = {key.removeprefix(NOTED): value for key, value in notes.items() if key.startswith(NOTED)}
        order = sorted(self._machines.values(), key=lambda raw: (raw["metadata"]["creationTimestamp"], _name(raw)))
        return Group(
            wanted=self._wanted(),
            members=tuple(map(_member, order)),
            noted=tuple(sorted(noted, key=lambda operation: (noted[operation], operation))),
            pool=pool,
            quiet=self._quiet(),
        )

    def _wanted(self) -> int:
        return int(self._raw["spec"].get("replicas", 1))

    def _quiet(self) -> bool:
        status = self._raw.get("status") or {}
        seen = status.get("observedGeneration", 0) >= self._raw["metadata"].get("generation", 0)
        return seen and status.get("replicas", 0) == self._wanted() == len(self._machines)

    def _no_rollout(self) -> None:
        """While one set of machines is replaced by another, a smaller number is taken off both in proportion."""
        sets = [raw for raw in self._of_deployment("machinesets") if raw["spec"].get("replicas", 1) > 0]
        if len(sets) > 1:
            names = ", ".join(sorted(map(_name, sets)))
            raise UnavailableError(
                f"MachineDeployment {self._place.namespace}/{self._place.deployment} is rolled out ({names}); "
                "machines come and go when that is over."
            )

    def _path(self, plural: str, name: str) -> str:
        return _paths.named(_paths.within(f"{self._base}/{plural}", self._place.namespace), name)

    def _of_deployment(self, plural: str) -> Iterator[Json]:
        query = {"labelSelector": f"{OF}={self._place.deployment}"}
        return self._api.items(_paths.within(f"{self._base}/{plural}", self._place.namespace), query)

    # what is done

    def write(self, step: Write) -> None:
        match step:
            case TakeOver(members, pool):
                for member in members:
                    self._annotate_machine(member, {OPERATION: NOBODY})
                self._change({"metadata": {"annotations": {POOL: pool}}})
            case Note(operation):
                now = datetime.now(UTC).isoformat(timespec="microseconds")
                self._change({"metadata": {"annotations": {NOTED + operation: now}}})
            case Forget(operation):
                self._change({"metadata": {"annotations": {NOTED + operation: None}}})
            case Claim(member, operation):
                self._annotate_machine(member, {OPERATION: operation})
                self._change({"metadata": {"annotations": {NOTED + operation: None}}})
            case Resize(number):
                self._change({"spec": {"replicas": number}})
            case Take(member, number):
                self._take(member, number)

    def _take(self, name: str, number: int) -> None:
        if number < self._wanted():
            self._annotate_machine(name, {DELETE: ""})
            self._change({"spec": {"replicas": number}})
            return
        # The number is right already, and the set has not removed it: another machine is wanted in its place.
        uid = self._machines[name]["metadata"]["uid"]
        self._api.delete(self._path("machines", name), {"preconditions": {"uid": uid}})

    def _annotate_machine(self, name: str, annotations: Mapping[str, str]) -> None:
        raw = self._machines[name]
        version = raw["metadata"]["resourceVersion"]
        change = {"metadata": {"annotations": dict(annotations), "resourceVersion": version}}
        self._machines[name] = self._api.patch(self._path("machines", name), change)

    def _change(self, change: Json) -> None:
        version = {"resourceVersion": self._raw["metadata"]["resourceVersion"]}
        change = {**change, "metadata": {**change.get("metadata", {}), **version}}
        self._raw = self._api.patch(self._path("machinedeployments", self._place.deployment), change)

    # what is told about it

    def find(self, provider_id: str) -> str:
        """The Machine with this provider id, or with the Node; a name that no Machine has when there is none."""
        if not provider_id:
            return ""
        self.read()
        for name, raw in self._machines.items():
            if raw["spec"].get("providerID") == provider_id or (self._node and _node_name(raw) == self._node):
                return name
        return provider_id

    def present(self, end: Present) -> Answer:
        raw = self._machines[end.member]
        if trouble := _trouble(raw):
            return trouble
        provider_id, node = raw["spec"].get("providerID", ""), _node_name(raw)
        if not provider_id or not node:
            phase = (raw.get("status") or {}).get("phase", "Pending")
            return pending(f"Machine {end.member} is {phase}; its Node is not there yet")
        return Answer("done", provider_id=provider_id, name=node, address=_address(raw))

    def coming(self, end: Coming, _operation: str) -> Answer:
        return pending(end.why)

    def gone(self, _identity: str) -> Answer:
        """Cluster API takes a Machine's object away when its infrastructure is gone, not before."""
        return Answer("done")

    def machines(self) -> list[dict[str, str]]:
        self.read()
        return [
            {
                "name": _node_name(raw) or name,
                "address": _address(raw),
                "provider_id": raw["spec"].get("providerID", ""),
            }
            for name, raw in self._machines.items()
        ]


def _name(raw: Json) -> str:
    return str(raw["metadata"]["name"])


def _annotations(raw: Json) -> Mapping[str, str]:
    return raw["metadata"].get("annotations") or {}


def _member(raw: Json) -> Member:
    notes = _annotations(raw)
    leaving = "deletionTimestamp" in raw["metadata"]
    return Member(_name(raw), notes.get(OPERATION, ""), chosen=DELETE in notes, leaving=leaving)


def _node_name(raw: Json) -> str:
    return str(((raw.get("status") or {}).get("nodeRef") or {}).get("name", ""))


def _address(raw: Json) -> str:
    given = (raw.get("status") or {}).get("addresses") or ()
    return next((str(item["address"]) for item in given if item["type"] == "InternalIP"), "")


def _trouble(raw: Json) -> Answer | None:
    """What will not pass by itself: a failure that Cluster API calls terminal, or a quota or stock-out it reports."""
    status = raw.get("status") or {}
    old = (status.get("deprecated") or {}).get("v1beta1") or status
    if old.get("failureReason") or old.get("failureMessage"):
        said = f"{old.get('failureReason', '')}: {old.get('failureMessage', '')}"
        return failed(f"Machine {_name(raw)} failed: {said}")
    for condition in (*(status.get("conditions") or ()), *(old.get("conditions") or ())):
        said = f"{condition.get('reason', '')} {condition.get('message', '')}".strip()
        if condition.get("status") == "False" and error_class(said) != OTHER:
            return failed(f"Machine {_name(raw)}: {condition['type']} is False: {said}")
    return None
