# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate around a run: which items may go on before their numbers are known, and which workloads once they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump import _facts, _measured
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import (
    RESOURCE_OPTIONS,
    Sources,
    Subject,
)
from ansible_collections.platform.ops.plugins.module_utils.bump._gate import Admitted, OpenGate
from ansible_collections.platform.ops.plugins.module_utils.cluster import _usage_queries as queries
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import Found
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.gate._judge import Rules, Wanted, admit, judge
from ansible_collections.platform.ops.plugins.module_utils.gate._look import Live, Look
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason, Verdict, refused

Data = Mapping[str, Any]


class Gate(OpenGate):
    """Without a cluster it lets everything pass, without a Prometheus it knows no usage: both are optional."""

    def __init__(
        self,
        look: Look | None,
        prometheus: Prometheus | None,
        *,
        gate: Data | None = None,
        usage: Data | None = None,
        argocd_namespace: str = "argocd",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.look = look
        self._prometheus = prometheus
        self._gate = gate or {}
        self._settings = _measured.Settings.read(usage or {})
        self._argocd_namespace = argocd_namespace
        self._clock = clock
        rules_of(self._gate, {}, {})  # what is wrong for all is told at once

    def owners(self, remediations: Sequence[Data]) -> dict[str, dict[str, str]]:
        return _facts.owners(self.look, remediations) if self.look else super().owners(remediations)

    @property
    def sources(self) -> Sources:
        look = self.look
        if look is None:
            return super().sources

        def of(subject: Subject) -> Found:
            return _facts.manifest_source(look, subject, self._argocd_namespace)

        return of

    def admit(self, items: Sequence[dict[str, Any]]) -> Admitted:
        """Stop what cannot work whatever the numbers are; one item's trouble leaves the others alone."""
        going: list[dict[str, Any]] = []
        stopped: list[dict[str, Any]] = []
        checked: dict[str, Sequence[str]] = {}
        usage: dict[str, Sequence[Data]] = {}
        for item in items:
            label = item["label"]
            try:
                verdict, made, measured = self._admit(item)
            except OpsError as error:
                stopped.append(_stopped(item, "failed", error.reason, error.message))
                continue
            if verdict.reason:
                stopped.append(_stopped(item, _decision(verdict), verdict.reason.value, verdict.message))
                continue
            going.append(made)
            checked[label], usage[label] = verdict.checked, measured
        return Admitted(going, stopped, checked, usage)

    def _admit(self, item: dict[str, Any]) -> tuple[Verdict, dict[str, Any], list[Data]]:
        now = self._clock()
        bump = dict(item["bump"])
        resources = [resource for resource, option in RESOURCE_OPTIONS.items() if bump.get(option)]
        verdict = Verdict()
        live = self._live(item["workload"])
        container = bump.get("container")
        if live is not None and self.look is not None:
            rules = rules_of(self._gate, item.get("gate") or {}, bump)
            wanted = Wanted(container, frozenset(resources))
            entry = admit(self.look, live, wanted, rules, datetime.fromtimestamp(now, UTC))
            verdict += entry.verdict
            if entry.keep:
                bump["requests"] = "keep"
        measured: list[Data] = []
        subject = _subject(item["workload"], live, container)
        # What people are asked about anew (a pull request in conflict) keeps the numbers it was made with.
        if self._prometheus is not None and subject is not None and item["remediations"]:
            found = _measured.measure(self._prometheus, subject, resources, self._settings, now)
            killed = "memory" in resources and _killed(item["remediations"], live, subject.container)
            verdict += _measured.judge(found, self._settings, killed=killed)
            if "memory" in resources:
                verdict += _measured.judge_leak(self._prometheus, subject, self._settings, now)
            bump = _measured.with_peaks(bump, RESOURCE_OPTIONS, found)
            measured = [one.as_dict() for one in found]
        return verdict, {**item, "bump": bump}, measured

    def judge(self, items: Sequence[Data], results: Sequence[Data]) -> list[dict[str, Any]]:
        """The results of bump_limits, those of a workload that cannot have its numbers turned into refusals.

        All of a workload's numbers are judged together, as they share a pull request and a restart.
        """
        if self.look is None:
            return super().judge(items, results)
        by_label = {item["label"]: item for item in items}
        groups: dict[str, list[Data]] = {}
        for result in results:
            groups.setdefault(result["worktree"], []).append(result)
        verdicts = {folder: self._judge(group, by_label) for folder, group in groups.items()}
        return [_with(result, verdicts[result["worktree"]]) for result in results]

    def _judge(self, group: Sequence[Data], items: Mapping[Any, Data]) -> Verdict | OpsError:
        changes = [change for result in group for change in result["changes"]]
        asked = [items[result["label"]] for result in group if result["label"] in items]
        if not changes or not asked or self.look is None:
            return Verdict()
        first = next(result for result in group if result["changes"])
        workload = {**asked[0]["workload"], "kind": first["target"]["kind"] or asked[0]["workload"]["kind"]}
        try:
            live = self._live(workload)
            if live is None:
                shown = "/".join(str(workload[name]) for name in ("namespace", "kind", "name"))
                return refused(
                    Reason.NOT_IN_CLUSTER,
                    f"The cluster has no {shown}, so nothing can be checked. Is limit_bump_cluster_access the cluster "
                    "that this manifest is applied to?",
                )
            return judge(self.look, live, changes, rules_of(self._gate, asked[0].get("gate") or {}, asked[0]["bump"]))
        except OpsError as error:
            return error

    def _live(self, workload: Data) -> Live | None:
        if self.look is None or not workload.get("kind"):
            return None
        return self.look.live(workload["namespace"], workload["kind"], workload["name"])


def rules_of(gate: Data, over: Data, bump: Data) -> Rules:
    """
    Raises:
        InputError: a value that is none.
    """
    given = {**gate, **{key: value for key, value in over.items() if value is not None}}
    most = given.get("memory_overcommit", 2)
    try:
        share = Fraction(str(most)) if most else None
    except ValueError as error:
        raise InputError(
            f"gate.memory_overcommit is {most!r}; give a factor such as 1.5, or 0 for no limit."
        ) from error
    return Rules(
        memory_overcommit=share,
        schedule=Schedule.parse(given.get("restart") or {}, "gate.restart"),
        dry_run=bool(given.get("dry_run", True)),
        allow_qos_change=bool(bump.get("allow_qos_change")),
    )


def _subject(workload: Data, live: Live | None, container: str | None) -> queries.Subject | None:
    if container is None and live is not None:
        names = [one["name"] for one in live.spec.get("containers") or ()]
        container = names[0] if len(names) == 1 else None
    if not container:
        return None
    if live is not None:
        return queries.Subject(live.namespace, live.kind, live.maker["metadata"]["name"], container)
    return queries.Subject(workload["namespace"], workload.get("kind") or "Deployment", workload["name"], container)


def _killed(remediations: Sequence[Data], live: Live | None, container: str) -> bool:
    """Whether a kill is on record: with the pod, or as an alert about one, which has the limit and no measured use."""
    for remediation in remediations:
        evidence = remediation.get("evidence") or {}
        if remediation.get("resource") == "memory" and evidence.get("limit") and not evidence.get("value"):
            return True
    statuses = [
        status
        for pod in (live.pods if live else ())
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
        if status.get("name") == container
    ]
    ends = [(status.get(state) or {}).get("terminated") for status in statuses for state in ("state", "lastState")]
    return any(end and end.get("reason") == "OOMKilled" for end in ends)


def _decision(verdict: Verdict) -> str:
    return "limited" if verdict.later else "refused"


def _stopped(item: Data, decision: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "label": item["label"],
        "failed": True,
        "decision": decision,
        "reason": reason,
        "message": message,
        "changes": [],
        "worktree": None,
    }


def _with(result: Data, verdict: Verdict | OpsError) -> dict[str, Any]:
    if result["failed"] or not result["changes"]:
        return dict(result)
    if isinstance(verdict, OpsError):
        decided = {"decision": "failed", "reason": verdict.reason, "message": verdict.message}
    elif verdict.reason:
        decided = {"decision": _decision(verdict), "reason": verdict.reason.value, "message": verdict.message}
    else:
        return {**result, "checked": list(verdict.checked)}
    return {**result, **decided, "failed": True, "changes": []}
