# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole gate: what is judged before numbers are known, and what once they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from ansible_collections.platform.ops.plugins.module_utils.cluster._pdb import budget
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.gate import (
    _autoscalers,
    _dry_run,
    _limit_range,
    _nodes,
    _quota,
    _restart,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._look import Live, Look
from ansible_collections.platform.ops.plugins.module_utils.gate._pod import (
    POD,
    claimed,
    defaulted,
    named,
    numbers,
    qos,
    renewed,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import rollout_of
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Json, Reason, Verdict, judged, passed


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's: how far limits may promise memory, when a restart may be, whether to ask by dry run."""

    memory_overcommit: Fraction | None = Fraction(2)
    schedule: Schedule = field(default_factory=Schedule)
    dry_run: bool = True
    allow_qos_change: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be raised; the container is None for the pod as a whole, or the only one it has."""

    container: str | None
    resources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The verdict before numbers are known. `keep`: why the request must not move, "" when it may."""

    verdict: Verdict
    keep: str = ""


def admit(look: Look, live: Live, wanted: Wanted, rules: Rules, now: datetime) -> Entry:
    """What forbids a bump of these resources whatever the numbers."""
    vpas, hpas = look.of("vpas", live.namespace), look.of("hpas", live.namespace)
    nodes = {name: node for node in look.nodes() if (name := node["metadata"]["name"])}
    mine = [nodes[name] for name in _homes(live) if name in nodes]
    verdict = _restart.check_schedule(rules.schedule, now)
    keep = []
    for resource in sorted(wanted.resources):
        verdict += _nodes.check_pressure(resource, mine)
        for name in _container_names(live, wanted.container):
            by_vpa = _autoscalers.vpa_of(vpas, live.targets, name, resource)
            verdict += _autoscalers.vpa_owns(by_vpa)
            keep += [one.by for one in (by_vpa, _autoscalers.hpa_of(hpas, live.targets, name, resource)) if one]
    return Entry(Verdict(verdict.refusals, tuple(dict.fromkeys(verdict.checked))), ", ".join(dict.fromkeys(keep)))


def _container_names(live: Live, container: str | None) -> list[str]:
    if container not in POD:
        return [str(container)]
    return [str(one["name"]) for one in live.spec.get("containers") or ()]


def judge(look: Look, live: Live, changes: Sequence[Json], rules: Rules) -> Verdict:
    """Whether the workload with these numbers would be admitted, scheduled, and restarted without harm.

    Args:
        changes: container, field, resource and after of every number that the pull request moves.
    """
    namespace = live.namespace
    ranges = look.of("limit_ranges", namespace)
    template = live.spec
    running = [pod["spec"] for pod in live.pods]
    before = running[-1] if running else defaulted(template, ranges)
    new = renewed(before, template, changes)
    rollout = rollout_of(live.kind, live.maker, len(running), canary=bool(live.canary))
    quotas = look.of("quotas", namespace)
    metadata = {
        "namespace": namespace,
        "labels": (live.template.get("metadata") or {}).get("labels") or {},
        "daemon": live.maker["metadata"]["name"] if live.kind == "DaemonSet" else None,
    }
    verdict = _check_qos(before, new, rules)
    verdict += _requests(look, live, changes, template)
    verdict += _limit_range.check(new, ranges)
    verdict += _quota.check(new, running, rollout, quotas)
    verdict += _nodes.check_size(metadata, new, look.nodes(), look.daemon_sets(), look.pools())
    if rules.memory_overcommit is not None and any(one["resource"] == "memory" for one in changes):
        verdict += _nodes.check_overcommit(new, _loads(look, live), rules.memory_overcommit)
    verdict += _restart.check_budgets(rollout, namespace, live.pods, map(budget, look.of("budgets", namespace)))
    if rules.dry_run and not verdict.refusals:
        if quotas and not rollout.surge:
            # The old pod leaves before the new one comes; asked now, the quota would count both.
            return verdict + passed("Server-side dry run: not made, the quota still counts the pod that would leave")
        written = claimed(renewed(template, template, changes), live.maker)
        verdict += _dry_run.dry_run(look.api, namespace, live.template.get("metadata") or {}, written)
    return verdict


def _check_qos(before: Json, new: Json, rules: Rules) -> Verdict:
    was, becomes = qos(before), qos(new)
    problems = [
        f"The pod would turn from {was} into {becomes}, which changes who is evicted first. Set allow_qos_change in "
        "the policy to do that."
    ]
    changes = was != becomes and not rules.allow_qos_change
    return judged(Reason.QOS_CHANGE, problems if changes else [], f"QoS class: {becomes}, as before")


def _requests(look: Look, live: Live, changes: Sequence[Json], template: Json) -> Verdict:
    """Whether a request moves that an autoscaler stands on: written, or following a limit as none is written."""
    moved, owned = set[str](), []
    for one in changes:
        names = _container_names(live, one.get("container"))
        resource = one["resource"]
        for name in names:
            what = f"{name} {resource}"
            if one["field"] == "requests" or _follows(template, name, resource):
                moved.add(what)
            for found in (
                _autoscalers.vpa_of(look.of("vpas", live.namespace), live.targets, name, resource),
                _autoscalers.hpa_of(look.of("hpas", live.namespace), live.targets, name, resource),
            ):
                if found is not None and found.request_only:
                    owned.append((found, what))
    return _autoscalers.request_stays(dict.fromkeys(owned), moved)


def _follows(template: Json, name: str, resource: str) -> bool:
    container = named(template, name)
    return container is not None and resource not in numbers(container, "requests")


def _homes(live: Live) -> Collection[str]:
    return sorted({pod["spec"]["nodeName"] for pod in live.pods if pod["spec"].get("nodeName")})


def _loads(look: Look, live: Live) -> list[_nodes.Load]:
    ours = frozenset(pod["metadata"]["uid"] for pod in live.pods)
    homes = _homes(live)
    return [
        _nodes.Load(node, look.pods_on(node["metadata"]["name"]), ours)
        for node in look.nodes()
        if node["metadata"]["name"] in homes
    ]
