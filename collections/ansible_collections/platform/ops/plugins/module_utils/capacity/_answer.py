# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answer a batch of alerts on nodes: begin what the pools' plans say, and decide on each alert.

Nothing is driven here: machines take minutes. The tick goes on with what was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _alerts, _parse, _store
from ansible_collections.platform.ops.plugins.module_utils.capacity._alerts import Began, Told
from ansible_collections.platform.ops.plugins.module_utils.capacity._observe import members
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Writer
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Pool
from ansible_collections.platform.ops.plugins.module_utils.capacity._scale import Result, Scaling, Service
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import (
    SCALE_IN,
    UNNAMED_CLUSTER,
    Remediation,
)

BUSY = 15.0


@dataclass(frozen=True, slots=True)
class Policy:
    """act: begin what is decided; otherwise only work it out. pause: seconds until an alert is looked at again."""

    act: bool
    paused: bool
    pause: float
    service: Service
    cluster: str = UNNAMED_CLUSTER


@dataclass(slots=True)
class Answer:
    decisions: list[dict[str, Any]] = field(default_factory=list)
    pools: dict[str, Result] = field(default_factory=dict)  # those that were planned


class Answering:
    """Args: writer: makes the Writer of a pool."""

    def __init__(self, api: Api, writer: Callable[[str], Writer], policy: Policy, clock: Callable[[], float]) -> None:
        self._api, self._writer, self._policy, self._clock = api, writer, policy, clock
        self._pools: list[Pool] = []
        self._told: dict[str, Told] = {}
        self._answer = Answer()

    def answer(self, remediations: Iterable[Mapping[str, Any]]) -> Answer:
        alerts = [Remediation.from_dict(item) for item in remediations]
        try:
            self._pools = _store.every(self._api)
        except OpsError as error:
            failed = Told("failed", error.reason, error.message)
            return Answer([self._decision(one, failed) for one in alerts])
        open_ = []
        for one in alerts:
            if told := _alerts.not_now(one, self._pools, self._policy.cluster, paused=self._policy.paused):
                self._told[one.id] = told
            else:
                open_.append(one)
        self._out([one for one in open_ if one.kind != SCALE_IN])
        self._in([one for one in open_ if one.kind == SCALE_IN])
        self._answer.decisions = [self._decision(one, self._told[one.id]) for one in alerts]
        return self._answer

    def _decision(self, one: Remediation, told: Told) -> dict[str, Any]:
        policy = self._policy
        return _alerts.decision(one, told, act=policy.act, now=self._clock(), pause=policy.pause)

    # --- out ---------------------------------------------------------------------------------------------------------

    def _out(self, alerts: Sequence[Remediation]) -> None:
        """Pools in their order of preference; the next one only for what the ones before did not settle."""
        began: list[Began] = []
        waiting = list(alerts)
        for pool in list(self._pools):
            asking = [one for one in waiting if pool in _alerts.wanted_pools(one, self._pools)]
            if not asking:
                continue
            told = self._begin_out(pool, began)
            for one in asking:
                if told is not None:
                    self._told[one.id] = told  # the preferred pool's answer is waited for
                    waiting.remove(one)
                elif self._settled(one, pool, began):
                    waiting.remove(one)
        for one in alerts:
            if one.id not in self._told:
                self._told[one.id] = self._of(one, began)

    def _begin_out(self, pool: Pool, began: list[Began]) -> Told | None:
        others = [other for other in self._pools if other.name != pool.name]
        try:
            with self._scaling(pool) as scaling:
                after, result = scaling.present(None, others=others)
        except ConflictError as error:
            return self._meanwhile(pool, others, began, self._refused(error))
        except OpsError as error:
            return self._refused(error)
        self._planned(after, result)
        new = result.after.names() - result.before.names()
        began.append(Began(after, result.out, tuple(sorted(new))))
        return None

    def _meanwhile(self, pool: Pool, others: Sequence[Pool], began: list[Began], busy: Told) -> Told | None:
        """Another run works on the pool; it may be making the very node. What is new has to wait for it."""
        try:
            after, result = Scaling(self._writer(pool.name), None, dry=True).present(None, others=others)
        except OpsError as error:
            return self._refused(error)
        began.append(Began(after, result.out, (), busy))
        return None

    @staticmethod
    def _settled(one: Remediation, pool: Pool, began: Sequence[Began]) -> bool:
        if one.pod is not None:
            return _alerts.settled(f"{one.pod.namespace}/{one.pod.name}", began)
        return one.pool == pool.name

    @staticmethod
    def _of(one: Remediation, began: Sequence[Began]) -> Told:
        if one.pod is not None:
            mine = [item for item in began if one.pool in (None, item.pool.name)]
            return _alerts.of_pod(f"{one.pod.namespace}/{one.pod.name}", mine)
        return _alerts.of_pool([item for item in began if item.pool.name == one.pool])

    # --- in ----------------------------------------------------------------------------------------------------------

    def _in(self, alerts: Sequence[Remediation]) -> None:
        if not alerts:
            return
        try:
            nodes = [_parse.node(raw) for raw in self._api.items(_paths.NODES)]
        except OpsError as error:
            self._told |= {one.id: self._refused(error) for one in alerts}
            return
        known = {node.name for node in nodes}
        pools = {node.name: pool for pool in self._pools for node in members(pool, nodes)}
        of_pool: dict[str, list[Remediation]] = {}
        for one in alerts:
            pool = pools.get(one.node or "")
            if pool is not None and one.pool in (None, pool.name):
                of_pool.setdefault(pool.name, []).append(one)
            elif one.node in known:
                where = f"NodePool {one.pool}" if one.pool else "any NodePool"
                message = f"Node {one.node} is not in {where}, so it is not ours to remove."
                self._told[one.id] = Told("refused", "no_pool", message)
            else:
                self._told[one.id] = Told("unchanged", "gone", f"There is no Node {one.node} any more.")
        for pool in self._pools:
            if pool.name in of_pool:
                self._begin_in(pool, of_pool[pool.name])

    def _begin_in(self, pool: Pool, alerts: Sequence[Remediation]) -> None:
        try:
            with self._scaling(pool) as scaling:
                after, result = scaling.absent([], self._policy.service, idle=_alerts.idle_since(alerts))
        except OpsError as error:
            self._told |= {one.id: self._refused(error) for one in alerts}
            return
        self._planned(after, result)
        for one in alerts:
            self._told[one.id] = _alerts.of_node(one.node or "", after, result.in_, result.before)

    # --- both --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _scaling(self, pool: Pool) -> Iterator[Scaling]:
        writer = self._writer(pool.name)
        try:
            yield Scaling(writer, None, dry=not self._policy.act)
        finally:
            writer.release()

    def _planned(self, after: Pool, result: Result) -> None:
        """A preview writes nothing, so what it would have begun is carried on to the next pool from here."""
        self._pools = [after if pool.name == after.name else pool for pool in self._pools]
        earlier = self._answer.pools.get(after.name)
        self._answer.pools[after.name] = replace(result, before=earlier.before) if earlier else result

    def _refused(self, error: OpsError) -> Told:
        if isinstance(error, ConflictError):  # somebody else works on the pool; soon done
            return Told("limited", "busy", error.message, self._clock() + BUSY)
        return Told("failed", error.reason, error.message)
