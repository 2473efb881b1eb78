# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Empty one node over the API: one pass at a time, evictions in parallel, budgets respected by the API server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._codec import Time
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import DrainState
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Operation
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import Pod
from ansible_collections.platform.ops.plugins.module_utils.capacity._rules import InRules
from ansible_collections.platform.ops.plugins.module_utils.capacity._vetoes import moves, pod_blockers
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import NAMESPACE_TERMINATING, Api
from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import Budget, budget

PARALLEL = 8
# How soon a pass is worth repeating: soon while pods terminate, later when a budget said no.
SOON, REFUSED = 1.0, 5.0
_APPS = frozenset({"ReplicaSet", "StatefulSet"})


@dataclass(slots=True)
class _Answers:
    accepted: list[Pod] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # pod -> why, for now
    broken: dict[str, str] = field(default_factory=dict)  # pod -> why, for good
    retry_after: float = 0.0


def one_pass(api: Api, op: Operation, rules: InRules, now: float) -> tuple[Operation, DrainState]:
    """Evict what may go now. The operation comes back with what has to be remembered for the next pass."""
    on_node = _parse.Parser().pods(api.items(_paths.PODS, {"fieldSelector": f"spec.nodeName={op.node}"}))
    to_go = moves(on_node)
    leaving = [pod for pod in on_node if pod.deleting and not pod.stays_with_node and not pod.finished]
    budgets: list[Budget] = [budget(raw) for raw in api.items(_paths.DISRUPTION_BUDGETS)] if to_go else []
    op = _remember(op, to_go, now)
    if hopeless := _hopeless(to_go, budgets, rules, now):
        return op, DrainState(failed=hopeless)
    answers = _evict(api, to_go)
    if answers.broken:
        told = "; ".join(f"pod {pod}: {why}" for pod, why in sorted(answers.broken.items()))
        return op, DrainState(failed=f"evictions are refused for good: {told}")
    if late := _late(op, leaving + to_go, answers.refused, rules, now):
        return op, DrainState(failed=late)
    waiting = [f"pod {pod} waits: {why}" for pod, why in sorted(answers.refused.items())]
    waiting += [f"pod {pod.key} terminates" for pod in (*leaving, *answers.accepted)]
    if waiting:
        again = max(REFUSED, answers.retry_after) if answers.refused else SOON
        return op, DrainState(waiting=tuple(waiting), again=again)
    return _settle(api, op, rules, now)


def _remember(op: Operation, to_go: Sequence[Pod], now: float) -> Operation:
    first = {pod.key: Time(now) for pod in to_go if pod.key not in op.evictions}
    controllers = {
        f"{pod.controller.kind}/{pod.namespace}/{pod.controller.name}"
        for pod in to_go
        if pod.controller and pod.controller.kind in _APPS
    }
    return replace(
        op,
        evictions={**op.evictions, **first},
        moved=tuple(sorted(controllers.union(op.moved))),
        drained_at=None if to_go else op.drained_at,
    )


def _hopeless(to_go: Iterable[Pod], budgets: Sequence[Budget], rules: InRules, now: float) -> str:
    """What the plan checked may have changed since: a veto or a budget that will never give way."""
    found = [blocker for pod in to_go for blocker in pod_blockers(pod, budgets, rules, now) if blocker.permanent]
    return "; ".join(map(str, found))


def _evict(api: Api, pods: Sequence[Pod]) -> _Answers:
    answers = _Answers()
    if not pods:
        return answers
    with ThreadPoolExecutor(min(PARALLEL, len(pods))) as threads:
        for pod, error in zip(pods, threads.map(lambda pod: _evict_one(api, pod), pods), strict=True):
            if error is None:
                answers.accepted.append(pod)
            elif isinstance(error, UnavailableError) and error.reason != "internal_error":
                answers.refused[pod.key] = error.message
                answers.retry_after = max(answers.retry_after, error.retry_after or 0.0)
            elif error.reason == NAMESPACE_TERMINATING:  # its namespace takes it away; kubectl drain waits as well
                answers.refused[pod.key] = error.message
            else:
                answers.broken[pod.key] = error.message
    return answers


def _evict_one(api: Api, pod: Pod) -> OpsError | None:
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        # Another pod that took the name meanwhile runs elsewhere and is not meant.
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    }
    try:
        api.create(_paths.eviction(pod.namespace, pod.name), body)
    except (NotFoundError, ConflictError):
        return None
    except OpsError as error:
        return error
    return None


def _late(op: Operation, remaining: Iterable[Pod], refused: Mapping[str, str], rules: InRules, now: float) -> str:
    told = []
    for pod in remaining:
        asked = op.evictions.get(pod.key)
        if asked is not None and now > asked + rules.pod_timeout + pod.grace:
            why = refused.get(pod.key, "it does not terminate")
            told.append(f"pod {pod.key} is still there after {now - asked:.0f} s: {why}")
    return "; ".join(told)


def _settle(api: Api, op: Operation, rules: InRules, now: float) -> tuple[Operation, DrainState]:
    """The node is empty. What moved has to be Ready elsewhere, and its volumes have to be detached.

    After settle_timeout a volume has the removal taken back: its machine may still write. A replacement that is not
    Ready holds nothing up any longer: it gets no better by keeping an empty node, and one that finds no place calls the
    removal off in any case.
    """
    drained_at = op.drained_at if op.drained_at is not None else Time(now)
    op = replace(op, drained_at=drained_at)
    attached = sorted(
        item["spec"]["source"].get("persistentVolumeName") or item["metadata"]["name"]
        for item in api.items(_paths.VOLUME_ATTACHMENTS)
        if item["spec"].get("nodeName") == op.node
    )
    unready = [text for controller in op.moved if (text := _unready(api, controller))]
    late = now > drained_at + rules.settle_timeout
    if attached and late:
        volumes = ", ".join(attached)
        return op, DrainState(failed=f"volumes still attached after {rules.settle_timeout:.0f} s: {volumes}")
    if attached or (unready and not late):
        waiting = [f"volume {name} is still attached" for name in attached] + unready
        return op, DrainState(waiting=tuple(waiting), again=SOON)
    return op, DrainState(done=True)


def _unready(api: Api, controller: str) -> str:
    kind, namespace, name = controller.split("/")
    plural = f"/apis/apps/v1/{kind.lower()}s"
    try:
        found = api.get(_paths.named(_paths.within(plural, namespace), name))
    except NotFoundError:
        return ""
    wanted = (found.get("spec") or {}).get("replicas", 1)
    ready = (found.get("status") or {}).get("readyReplicas", 0)
    return f"{kind} {namespace}/{name} has {ready} of {wanted} replicas Ready" if ready < wanted else ""
