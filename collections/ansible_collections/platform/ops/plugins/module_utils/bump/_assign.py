# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a batch of remediations to work: one bump item per container, grouped by the repository its manifest is in.

Pure. What cannot be assigned becomes a decision with its reason, never a silent omission: every remediation that goes
in comes out either in an item or in a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump._pod_names import owner_by_name
from ansible_collections.platform.ops.plugins.module_utils.bump._repositories import repository_for
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import Elsewhere, Found, Source
from ansible_collections.platform.ops.plugins.module_utils.forge._key import without_login
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import (
    RESOLVED,
    UNNAMED_CLUSTER,
    Remediation,
)

RESOURCE_OPTIONS = {"memory": "memory", "cpu": "cpu", "ephemeral-storage": "ephemeral_storage"}
# What bump_limits takes under `policy`: how often and how much, as against how a number is found.
GATE = "gate"  # what the feasibility gate takes, see bump/_gated.py
BRAKES = ("cooldown", "bumps_per_day", "memory_per_day", "cpu_per_day")


@dataclass(frozen=True, slots=True)
class Subject:
    """The container a remediation is about, as far as it is known."""

    namespace: str
    name: str
    kind: str | None = None
    container: str | None = None

    @property
    def label(self) -> str:
        return "/".join([self.namespace, self.kind or "workload", self.name, self.container or ""])


@dataclass(slots=True)
class Item:
    """One container to bump, with the remediations that ask for it and the options for `bump_limits`."""

    subject: Subject
    repository: str
    bump: dict[str, Any]
    gate: Mapping[str, Any] = field(default_factory=dict)
    remediations: list[Remediation] = field(default_factory=list)


class _RefusedError(Exception):
    def __init__(self, reason: str, message: str, decision: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.decision = decision


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator configured; see the options of role `limit_bump` for the meaning of each.

    `workloads` are the mapping entries, `repositories` the git repositories by name, `overrides` policies for some
    namespaces or workloads, the last match winning per key.
    """

    repositories: Sequence[Mapping[str, Any]]
    workloads: Sequence[Mapping[str, Any]] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Mapping[str, Any]] = ()
    allow_namespaces: Sequence[str] = ("*",)
    deny_namespaces: Sequence[str] = ()
    paused: bool = False
    cluster: str = UNNAMED_CLUSTER
    allow_repositories: Sequence[Mapping[str, Any]] = ()


# Where GitOps says that a workload's manifest is; None where nothing says so.
Sources = Callable[[Subject], Found]


def no_sources(_subject: Subject) -> Found:
    """Without a cluster to ask."""
    return None


def assign(
    remediations: Iterable[Mapping[str, Any]],
    config: Config,
    owners: Mapping[str, Mapping[str, Any]] | None = None,
    sources: Sources = no_sources,
) -> dict[str, Any]:
    """Return `repositories` (each with its `items`), `decisions` (what goes no further, and why) and `found`.

    `found` are repositories that the cluster named and a pattern allows, by name.

    Args:
        remediations: JSON form of each, validated here once more.
        config: the operator's configuration.
        owners: kind and name of the owner, by `namespace/pod` or `namespace/kind/name`, as the cluster tells it; or
            `refused` and `message`. A pod's name is read where it is missing.
        sources: where GitOps says that a workload's manifest is.
    """
    assigned: list[tuple[Remediation, Item]] = []
    decisions: list[dict[str, Any]] = []
    found: dict[str, dict[str, Any]] = {}
    for remediation in map(Remediation.from_dict, remediations):
        try:
            assigned.append((remediation, _assign_one(remediation, config, owners or {}, sources, found)))
        except _RefusedError as error:
            decisions.append(_decision(remediation, error))
        except OpsError as error:  # the cluster could not be asked; the alert comes again
            decisions.append(_decision(remediation, _RefusedError(error.reason, error.message, "failed")))
    items = _one_per_container(assigned)
    repositories: dict[str, list[dict[str, Any]]] = {}
    for label in sorted(items):
        item = items[label]
        repositories.setdefault(item.repository, []).append(
            {
                "label": label,
                "workload": {k: v for k, v in asdict(item.subject).items() if k != "container"},
                "bump": item.bump,
                "gate": dict(item.gate),
                "remediations": [r.to_dict() for r in item.remediations],
            }
        )
    return {
        "repositories": [{"repository": name, "items": repositories[name]} for name in sorted(repositories)],
        "decisions": decisions,
        "found": found,
    }


def _one_per_container(assigned: Sequence[tuple[Remediation, Item]]) -> dict[str, Item]:
    """Join what is about the same container; a pod's name leaves the kind open where another alert tells it."""
    kinds: dict[tuple[str, str], set[str]] = {}
    for _remediation, item in assigned:
        if item.subject.kind:
            kinds.setdefault((item.subject.namespace, item.subject.name), set()).add(item.subject.kind)
    items: dict[str, Item] = {}
    for remediation, item in assigned:
        known = kinds.get((item.subject.namespace, item.subject.name), set())
        if item.subject.kind is None and len(known) == 1:
            item.subject = replace(item.subject, kind=next(iter(known)))
            item.bump["kind"] = item.subject.kind
        kept = items.setdefault(item.subject.label, item)
        if kept is not item:
            _merge(kept.bump, item.bump)
        kept.remediations.append(remediation)
    return items


def _assign_one(
    remediation: Remediation,
    config: Config,
    owners: Mapping[str, Mapping[str, Any]],
    sources: Sources,
    found: dict[str, dict[str, Any]],
) -> Item:
    if remediation.status == RESOLVED:
        raise _RefusedError("resolved", "The alert has resolved; there is nothing to raise.")
    if remediation.is_elsewhere(config.cluster):
        raise _RefusedError(
            "other_cluster",
            f"The alert is about cluster {remediation.cluster}; what is answered here is {config.cluster} "
            "(limit_bump_cluster). Route it to the service of its own cluster.",
        )
    if config.paused:
        raise _RefusedError("paused", "Remediation is paused; the alert is looked at again when it is resumed.")
    if remediation.app is not None:
        entry = _entry_for_app(remediation.app, config.workloads)
        subject = Subject(entry["namespace"], entry["name"], entry.get("kind"), entry.get("container"))
    else:
        subject = _subject(remediation, owners)
        entry = _entry_for(subject, config.workloads)
    _check_namespace(subject.namespace, config)
    kind = subject.kind or entry.get("kind")
    subject = Subject(subject.namespace, subject.name, kind, subject.container or entry.get("container"))
    repository, path = _place(subject, entry, config, sources, found)
    policy = _policy_for(subject, entry, config)
    bump = _bump(subject, entry, policy, remediation)
    return Item(subject, repository, {"source": path, **bump} if path else bump, policy.get(GATE) or {})


def _subject(remediation: Remediation, owners: Mapping[str, Mapping[str, Any]]) -> Subject:
    if workload := remediation.workload:
        owner = _owner(owners, f"{workload.namespace}/{workload.kind}/{workload.name}")
        kind, name = (owner["kind"], owner["name"]) if owner else (workload.kind, workload.name)
        return Subject(workload.namespace, name, kind, workload.container)
    pod = remediation.pod
    if pod is None:
        raise AssertionError("Remediation guarantees one of workload, pod and app for a bump")
    if owner := _owner(owners, f"{pod.namespace}/{pod.name}"):
        return Subject(pod.namespace, owner["name"], owner["kind"], pod.container)
    kind, name = owner_by_name(pod.name)
    return Subject(pod.namespace, name, kind, pod.container)


def _owner(owners: Mapping[str, Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    owner = owners.get(key)
    if owner and owner.get("refused"):
        raise _RefusedError(owner["refused"], owner["message"], owner.get("decision", "refused"))
    return owner


def _entry_for_app(app: str, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    found = [entry for entry in entries if entry.get("app") == app]
    if len(found) == 1:
        return found[0]
    if not found:
        raise _RefusedError(
            "unknown_app",
            f"No workload is mapped to the application {app}; add an entry with app: {app} to limit_bump_workloads.",
        )
    listed = ", ".join(f"{entry['namespace']}/{entry['name']}" for entry in found)
    raise _RefusedError(
        "ambiguous_app",
        f"The application {app} is mapped to {len(found)} workloads ({listed}); "
        "leave one entry in limit_bump_workloads with this app.",
    )


def _entry_for(subject: Subject, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for entry in entries:
        if (entry["namespace"], entry["name"]) == (subject.namespace, subject.name) and (
            subject.kind is None or entry.get("kind") in (None, subject.kind)
        ):
            return entry
    return {}


def _check_namespace(namespace: str, config: Config) -> None:
    if any(fnmatchcase(namespace, pattern) for pattern in config.deny_namespaces):
        raise _RefusedError(
            "namespace_denied", f"Namespace {namespace} is on the deny list limit_bump_deny_namespaces."
        )
    if not any(fnmatchcase(namespace, pattern) for pattern in config.allow_namespaces):
        raise _RefusedError("namespace_not_allowed", f"Namespace {namespace} is not in limit_bump_allow_namespaces.")


def _place(
    subject: Subject,
    entry: Mapping[str, Any],
    config: Config,
    sources: Sources,
    found: dict[str, dict[str, Any]],
) -> tuple[str, str | None]:
    """The repository's name and the folder in it. What the operator maps by name goes before what GitOps says."""
    source = None if entry.get("repository") else sources(subject)
    if source is None:
        return _repository(subject, entry, config.repositories), None
    if isinstance(source, Elsewhere):
        raise _RefusedError(
            source.reason, f"{source.message} Name repository and source of {subject.label} in limit_bump_workloads."
        )
    repository = _allowed(source, config)
    base = str(repository.get("base") or "main")
    if source.branch not in (None, base):
        raise _RefusedError(
            "other_branch",
            f"{source.by} applies {source.branch} of {repository['name']}, but its base branch is {base}; a merge "
            "would not reach the cluster. Correct base, or name the repository in limit_bump_workloads.",
        )
    if all(known["name"] != repository["name"] for known in config.repositories):
        found[repository["name"]] = repository
    return str(repository["name"]), entry.get("source") or source.path


def _allowed(source: Source, config: Config) -> dict[str, Any]:
    repository = repository_for(source.url, config.repositories, config.allow_repositories)
    if repository is None:
        shown = "".join(c for c in without_login(source.url) if c.isprintable())[:200]
        raise _RefusedError(
            "repository_not_allowed",
            f"{source.by} applies from {shown}, which is neither in limit_bump_repositories nor matches "
            "limit_bump_allow_repositories. Add it there to allow it.",
        )
    return repository


def _repository(subject: Subject, entry: Mapping[str, Any], repositories: Sequence[Mapping[str, Any]]) -> str:
    if name := entry.get("repository"):
        if any(repository["name"] == name for repository in repositories):
            return str(name)
        raise _RefusedError(
            "unknown_repository", f"The mapping of {subject.label} names repository {name}, which is not configured."
        )
    holding = [
        repository["name"]
        for repository in repositories
        if any(fnmatchcase(subject.namespace, pattern) for pattern in repository.get("namespaces") or ["*"])
    ]
    if len(holding) == 1:
        return str(holding[0])
    if not holding:
        raise _RefusedError(
            "unknown_repository",
            f"No repository of limit_bump_repositories holds namespace {subject.namespace}; "
            "add it to the namespaces of one.",
        )
    raise _RefusedError(
        "ambiguous_repository",
        f"Namespace {subject.namespace} is in {len(holding)} repositories ({', '.join(sorted(holding))}); "
        f"name one in limit_bump_workloads for {subject.label}.",
    )


def _policy_for(subject: Subject, entry: Mapping[str, Any], config: Config) -> dict[str, Any]:
    policy = dict(config.policy)
    for override in config.overrides:
        if fnmatchcase(subject.namespace, override.get("namespace", "*")) and fnmatchcase(
            subject.name, override.get("name", "*")
        ):
            policy = _over(policy, override["policy"])
    return _over(policy, entry.get("policy") or {})


def _over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def options_for(subject: Subject, config: Config, sources: Sources = no_sources) -> dict[str, Any]:
    """Return the options of `bump_limits` for a workload that do not depend on what is raised, nor on earlier bumps."""
    entry = _entry_for(subject, config.workloads)
    options = _options(entry, _policy_for(subject, entry, config))
    source = None if entry.get("repository") else sources(subject)
    path = source.path if isinstance(source, Source) else None
    return {"source": path, **options} if path else options


def _options(entry: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    elsewhere = (*RESOURCE_OPTIONS.values(), *BRAKES, GATE)
    given = {key: value for key, value in policy.items() if key not in elsewhere and value is not None}
    return given | {key: entry[key] for key in ("source", "helm") if entry.get(key)}


def _bump(
    subject: Subject, entry: Mapping[str, Any], policy: Mapping[str, Any], remediation: Remediation
) -> dict[str, Any]:
    option = RESOURCE_OPTIONS[str(remediation.resource)]
    rule = dict(policy.get(option) or {})
    if not rule:
        raise _RefusedError(
            "no_policy", f"limit_bump_policy has no {option}; add it to allow raising {remediation.resource}."
        )
    usage = remediation.evidence.value
    if usage and Quantity.parse(usage).value > 0:  # some rules tell 0 where nothing was measured
        rule["usage"] = usage
    return {
        **_options(entry, policy),
        "policy": {key: policy[key] for key in BRAKES if policy.get(key) is not None},
        "kind": subject.kind,
        "name": subject.name,
        "namespace": subject.namespace,
        "container": subject.container,
        option: rule,
    }


def _merge(kept: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Take the other resources of the same container along; of the same resource the higher observed peak counts."""
    for option in RESOURCE_OPTIONS.values():
        if option not in more:
            continue
        rule = dict(more[option])
        peaks = [peak for peak in (kept.get(option, {}).get("usage"), rule.get("usage")) if peak]
        if peaks:
            rule["usage"] = max(peaks, key=lambda peak: Quantity.parse(peak).value)
        kept[option] = rule


def _decision(remediation: Remediation, error: _RefusedError) -> dict[str, Any]:
    decided = {"resolved": "unchanged", "paused": "limited"}
    return {
        "id": remediation.id,
        "kind": remediation.kind,
        "source": remediation.source,
        "target": _target_text(remediation),
        "resource": remediation.resource,
        "decision": decided.get(error.reason, error.decision),
        "reason": error.reason,
        "message": error.message,
    }


def _target_text(remediation: Remediation) -> str:
    if remediation.app:
        return f"app/{remediation.app}"
    if workload := remediation.workload:
        return f"{workload.namespace}/{workload.kind}/{workload.name}/{workload.container or ''}"
    pod = remediation.pod
    return f"{pod.namespace}/Pod/{pod.name}/{pod.container or ''}" if pod else ""
