# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at one workload after a merge: the cluster's API, its GitOps records, Prometheus, and git."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import OwnerFetcher, Reference
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.verdict import _alerts, _gitops, _live
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Seen

API_VERSIONS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), "apps/v1"),
    **dict.fromkeys(("CronJob", "Job"), "batch/v1"),
    "Rollout": "argoproj.io/v1alpha1",
    **dict.fromkeys(("ReplicationController", "Pod"), "v1"),
}
_RECORD_VERSIONS = {
    _gitops.KUSTOMIZE: ("v1", "v1beta2"),
    _gitops.HELM: ("v2", "v2beta2", "v2beta1"),
    _gitops.ARGO_GROUP: ("v1alpha1",),
}
CANARIES = "/apis/flagger.app/v1beta1/canaries"
EVENTS = "/api/v1/events"
# Kinds whose pods never take the name of an earlier one, so that a series by that name is about this pod.
_FRESH_NAMES = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "Rollout", "Job", "CronJob"})


@dataclass(frozen=True, slots=True)
class Case:
    """A merged bump. `kind` None: it is looked for among all kinds. `applied` is since when it is in force."""

    namespace: str
    kind: str | None
    name: str
    changes: Sequence[Mapping[str, Any]]
    alertnames: frozenset[str]
    merge_sha: str | None
    merged_at: datetime
    applied: datetime | None


class Look:
    """Asks for each list and object once; made anew for each run."""

    def __init__(
        self, api: Api, prometheus: Prometheus | None, git: Git, now: datetime, *, argocd_namespace: str = "argocd"
    ) -> None:
        self._api = api
        self._fetch = OwnerFetcher(api)
        self._prometheus = prometheus
        self._git = git
        self._now = now
        self._argocd = argocd_namespace
        self._lists: dict[str, list[Json]] = {}

    def seen(self, case: Case) -> Seen:
        workload = self._workload(case)
        if workload is None:
            return Seen(exists=False)
        pods = self._listed(_paths.within(_paths.PODS, case.namespace))
        differing = _live.differing(_live.pod_spec(workload), case.changes)
        source, contained, trouble = self._source(case, workload, in_force=not differing)
        canary = _live.canary_of(workload, self._listed(_paths.within(CANARIES, case.namespace)))
        stage, running = None, workload
        if canary is not None:
            primary = self._object(workload["apiVersion"], workload["kind"], case.namespace, _live.primary_name(canary))
            promoted = primary is not None and not _live.differing(_live.pod_spec(primary), case.changes)
            stage = _live.stage_of(canary, promoted=promoted, merged_at=case.merged_at)
            running = primary if primary is not None and promoted else workload
        own = _live.pods_of(running, pods)
        waiting = _live.waiting_for(running, own, case.changes)
        new = _live.with_numbers(own, case.changes)
        tried = new if running is workload else [*new, *_live.with_numbers(_live.pods_of(workload, pods), case.changes)]
        asks = waiting and not differing and running["kind"] != "Deployment"  # which says it in its conditions
        events = self._listed(_paths.within(EVENTS, case.namespace)) if asks else []
        return Seen(
            differing=differing,
            source=source,
            contained=contained,
            trouble=trouble,
            canary=stage,
            canary_at=_live.last_change(canary) if canary is not None else None,
            waiting=waiting,
            unschedulable=_live.unschedulable(tried),
            denied=_live.denied(running, events, case.merged_at) if waiting else None,
            kills=self._kills(case, running, new),
            alerts=self._alerts(case, running, new),
        )

    # The cluster

    def _workload(self, case: Case) -> Json | None:
        for kind in [case.kind] if case.kind else API_VERSIONS:
            version = API_VERSIONS.get(kind)
            if version and (found := self._object(version, kind, case.namespace, case.name)):
                return found
        return None

    def _object(self, version: str, kind: str, namespace: str | None, name: str) -> Json | None:
        found = self._fetch(Reference(version, kind, name, namespace))
        # Objects of a list or of some aggregated APIs do not say what they are.
        return {"apiVersion": version, "kind": kind, **found} if found is not None else None

    def _listed(self, path: str) -> list[Json]:
        if path not in self._lists:
            try:
                self._lists[path] = list(self._api.items(path))
            except NotFoundError:  # the kind is not installed
                self._lists[path] = []
        return self._lists[path]

    # Which revision is applied

    def _source(self, case: Case, workload: Json, *, in_force: bool) -> tuple[str, bool | None, str]:
        """What applies it, whether that has the merge, and what is wrong with it."""
        for record in _gitops.records_of(workload):
            thing = self._record(record, workload)
            if thing is None:
                continue
            revision = _gitops.revision_of(thing)
            if record.group == _gitops.HELM:
                # Its numbers stand in the HelmRelease itself, which is applied from somewhere as well.
                for above in _gitops.records_of(thing):
                    if (applied := self._record(above, thing)) is not None:
                        told = _gitops.revision_of(applied)
                        contained = self._contained(case, told, in_force=in_force)
                        return str(record), contained, revision.trouble or told.trouble
            return str(record), self._contained(case, revision, in_force=in_force), revision.trouble
        return "", None, ""

    def _record(self, record: _gitops.Record, thing: Json) -> Json | None:
        namespace = record.namespace or self._argocd
        for version in _RECORD_VERSIONS[record.group]:
            found = self._object(f"{record.group}/{version}", record.kind, namespace, record.name)
            if found is not None and (record.group != _gitops.ARGO_GROUP or _gitops.lists(found, thing)):
                return found
        return None

    def _contained(self, case: Case, revision: _gitops.Revision, *, in_force: bool) -> bool | None:
        """None where the record names no commit that this repository has: it may apply from another one."""
        merge = case.merge_sha and self._git.resolve(case.merge_sha)
        told = [commit for commit in (*revision.applied, *revision.attempted) if self._git.resolve(commit)]
        if not merge or not told:
            return None
        # Flux calls a revision applied only once all that it waits for is healthy; before, the numbers tell.
        counted = told if in_force else [commit for commit in told if commit in revision.applied]
        return any(self._git.is_ancestor(merge, commit) for commit in counted)

    # Whether it helped

    def _kills(self, case: Case, running: Json, pods: Sequence[_live.Json]) -> dict[str, int]:
        containers = frozenset(
            str(change.get("container")) for change in case.changes if change["resource"] == "memory"
        )
        found = _live.kills(pods, containers)
        if self._prometheus is None or running["kind"] not in _FRESH_NAMES or not pods:
            return found
        names = _began(pods)
        window = (case.applied or case.merged_at, self._now)
        for container in sorted(containers - {_live.POD}):
            told = _alerts.out_of_memory(self._prometheus, case.namespace, container, names, window)
            if told > found.get(container, 0):
                found[container] = told
        return found

    def _alerts(self, case: Case, running: Json, pods: Sequence[_live.Json]) -> tuple[Any, ...] | None:
        if self._prometheus is None:
            return None
        subject = _alerts.Subject(
            names=frozenset({case.name, running["metadata"]["name"]}),
            pods=_began(pods),
            containers=frozenset(str(change.get("container")) for change in case.changes),
            resources=frozenset(str(change["resource"]) for change in case.changes),
            alertnames=case.alertnames,
        )
        firing, active = _alerts.firing(self._prometheus, case.namespace, self._now)
        return _alerts.alerts_about(subject, firing, active)


def _began(pods: Sequence[_live.Json]) -> dict[str, datetime | None]:
    return {pod["metadata"]["name"]: _live.started(pod) for pod in pods}
