# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say of one object whether it does its work yet, and if not, what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    ready: bool
    why: str = ""
    hopeless: bool = False  # waiting longer cannot help


READY = Readiness(True)


def waits(why: str, *, hopeless: bool = False) -> Readiness:
    return Readiness(False, why, hopeless)


def condition(thing: Object, kind: str) -> Mapping[str, Any] | None:
    for entry in (thing.get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            return dict(entry)
    return None


def readiness(thing: Object) -> Readiness:
    """By the rule of its kind where there is one, else by its Ready or Available condition; else it need only exist."""
    if (thing.get("metadata") or {}).get("deletionTimestamp"):
        return waits("is being deleted")
    group = str(thing.get("apiVersion", "")).partition("/")[0] if "/" in str(thing.get("apiVersion", "")) else ""
    rule = RULES.get((group, str(thing.get("kind"))), _by_condition)
    return rule(thing)


def _lags(thing: Object) -> bool:
    generation = (thing.get("metadata") or {}).get("generation", 0)
    return int((thing.get("status") or {}).get("observedGeneration", 0)) < int(generation)


def _deployment(thing: Object) -> Readiness:
    wanted = int((thing.get("spec") or {}).get("replicas", 1))
    status = thing.get("status") or {}
    if _lags(thing):
        return waits("the newest specification has not been seen by its controller")
    updated, available = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    if updated >= wanted and available >= wanted and int(status.get("replicas", 0)) <= wanted:
        return READY
    failure = condition(thing, "ReplicaFailure")
    if failure and failure.get("status") == "True":
        return waits(f"{available} of {wanted} replicas available: {failure.get('message')}")
    return waits(f"{available} of {wanted} replicas available, {updated} updated")


def _stateful_set(thing: Object) -> Readiness:
    spec, status = thing.get("spec") or {}, thing.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    if _lags(thing):
        return waits("the newest specification has not been seen by its controller")
    ready = int(status.get("readyReplicas", 0))
    if ready < wanted:
        return waits(f"{ready} of {wanted} replicas ready")
    rolling = (spec.get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    if rolling and wanted and status.get("currentRevision") != status.get("updateRevision"):
        return waits(f"{int(status.get('updatedReplicas', 0))} of {wanted} replicas updated")
    return READY


def _daemon_set(thing: Object) -> Readiness:
    status = thing.get("status") or {}
    if _lags(thing):
        return waits("the newest specification has not been seen by its controller")
    wanted = int(status.get("desiredNumberScheduled", 0))
    ready, updated = int(status.get("numberAvailable", 0)), int(status.get("updatedNumberScheduled", 0))
    on_delete = ((thing.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    if ready >= wanted and (updated >= wanted or on_delete):
        return READY
    return waits(f"{ready} of {wanted} nodes available, {updated} updated")


def _job(thing: Object) -> Readiness:
    failed = condition(thing, "Failed")
    if failed and failed.get("status") == "True":
        return waits(f"failed: {failed.get('reason')}: {failed.get('message')}", hopeless=True)
    done = condition(thing, "Complete")
    return READY if done and done.get("status") == "True" else waits("has not completed")


def _pod(thing: Object) -> Readiness:
    phase = (thing.get("status") or {}).get("phase")
    if phase == "Succeeded":
        return READY
    entry = condition(thing, "Ready")
    return READY if entry and entry.get("status") == "True" else waits(f"is {phase}")


def _service(thing: Object) -> Readiness:
    if (thing.get("spec") or {}).get("type") != "LoadBalancer":
        return READY
    if ((thing.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return READY
    return waits("no load balancer gave it an address; use the type NodePort where the cluster has none")


def _custom_resource_definition(thing: Object) -> Readiness:
    names = condition(thing, "NamesAccepted")
    if names and names.get("status") == "False":
        return waits(f"its names are taken: {names.get('message')}", hopeless=True)
    entry = condition(thing, "Established")
    return READY if entry and entry.get("status") == "True" else waits("is not established")


def _webhooks(thing: Object) -> Readiness:
    for hook in thing.get("webhooks") or ():
        config = hook.get("clientConfig") or {}
        if config.get("service") and not config.get("caBundle"):
            return waits(f"webhook {hook.get('name')} has no CA yet: its controller fills caBundle when it is up")
    return READY


def _elastic(thing: Object) -> Readiness:
    status = thing.get("status") or {}
    phase, health = status.get("phase"), status.get("health")
    if thing.get("kind") == "Elasticsearch" and phase != "Ready":
        return waits(f"phase {phase or 'unknown'}, health {health or 'unknown'}")
    return READY if health in ("green", "yellow") else waits(f"health {health or 'unknown'}")


def _canary(thing: Object) -> Readiness:
    phase = (thing.get("status") or {}).get("phase")
    if phase in ("Initialized", "Succeeded"):
        return READY
    if phase in ("Progressing", "Waiting", "WaitingPromotion", "Promoting", "Finalising"):
        return READY  # an analysis under way is what a Canary is for
    return waits(f"phase {phase or 'unknown'}")


def _by_condition(thing: Object) -> Readiness:
    for kind in ("Ready", "Available", "Programmed", "Established"):
        entry = condition(thing, kind)
        if entry is not None:
            if entry.get("status") == "True":
                return READY
            detail = ": ".join(str(entry[key]) for key in ("reason", "message") if entry.get(key))
            return waits(f"{kind} is {entry.get('status')}" + (f" ({detail})" if detail else ""))
    return READY


def _certain(kind: str) -> Callable[[Object], Readiness]:
    """For kinds that are not ready as long as the condition is missing altogether."""

    def rule(thing: Object) -> Readiness:
        return _by_condition(thing) if condition(thing, kind) else waits(f"has no {kind} condition yet")

    return rule


RULES: dict[tuple[str, str], Callable[[Object], Readiness]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): _certain("Available"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("elasticsearch.k8s.elastic.co", "Elasticsearch"): _elastic,
    ("kibana.k8s.elastic.co", "Kibana"): _elastic,
    ("flagger.app", "Canary"): _canary,
    ("cert-manager.io", "Certificate"): _certain("Ready"),
    ("gateway.networking.k8s.io", "Gateway"): _certain("Programmed"),
    ("monitoring.coreos.com", "Prometheus"): _certain("Available"),
    ("monitoring.coreos.com", "Alertmanager"): _certain("Available"),
}
# What a release's readiness depends on; the rest of its objects work as soon as they exist.
WORKLOADS = frozenset(kind for kind in RULES if kind != ("", "Pod"))
