# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster says about the workloads of a batch: who owns a pod, and where the manifest is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError, NotFoundError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Subject
from ansible_collections.platform.ops.plugins.module_utils.bump._pod_names import owner_by_name
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import Found, source_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import (
    TEMPLATE_KINDS,
    Lookup,
    Ownership,
    Reference,
    controller_of,
    ownership,
)
from ansible_collections.platform.ops.plugins.module_utils.gate._look import API_VERSIONS, Look
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import RESOLVED, Remediation

Data = Mapping[str, Any]
Owner = dict[str, str]
# Kinds to try where only a name is known, the likeliest first.
_GUESSES = ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "CronJob", "Job")


def owners(look: Look, remediations: Iterable[Data]) -> dict[str, Owner]:
    """Who owns what each remediation is about, in the form that `assign` takes."""
    found: dict[str, Owner] = {}
    for remediation in map(Remediation.from_dict, remediations):
        pod, workload = remediation.pod, remediation.workload
        if pod is not None:
            key = f"{pod.namespace}/{pod.name}"
        elif workload is not None:
            key = f"{workload.namespace}/{workload.kind}/{workload.name}"
        if (pod is None and workload is None) or key in found or remediation.status == RESOLVED:
            continue
        try:
            if pod is not None:
                owner = _of_pod(look, pod.namespace, pod.name)
            elif workload is not None:
                owner = _of_workload(look, workload.namespace, workload.kind, workload.name)
        except OpsError as error:
            owner = {"refused": error.reason, "message": error.message, "decision": "failed"}
        if owner:
            found[key] = owner
    return found


def _of_pod(look: Look, namespace: str, name: str) -> Owner | None:
    try:
        pod = look.api.get(_paths.pod(namespace, name))
    except NotFoundError:
        # It is gone, its owner perhaps is not: the name says whose it was.
        kind, owner = owner_by_name(name)
        for guess in (kind,) if kind else _GUESSES:
            if told := _of_workload(look, namespace, guess, owner):
                return told
        return None
    if controller_of(pod) is None:
        return {"kind": "Pod", "name": name}
    return _told(ownership(pod, _lookup(look)), f"Pod {namespace}/{name}")


def _of_workload(look: Look, namespace: str, kind: str, name: str) -> Owner | None:
    if kind not in API_VERSIONS or look.object(namespace, kind, name) is None:
        return None
    owner = {"apiVersion": API_VERSIONS[kind], "kind": kind, "name": name, "controller": True}
    child = {"metadata": {"namespace": namespace, "name": name, "ownerReferences": [owner]}}
    return _told(ownership(child, _lookup(look)), f"{kind} {namespace}/{name}")


def _lookup(look: Look) -> Lookup:
    """An owner of a custom kind that we may not read is an operator's record as far as we are concerned."""

    def fetch(reference: Reference) -> Data | None:
        try:
            return look.fetch(reference)
        except AuthError:
            if reference.kind in TEMPLATE_KINDS or reference.kind == "Canary":
                raise
            return {"metadata": {"name": reference.name, "namespace": reference.namespace}}

    return fetch


def _told(found: Ownership, what: str) -> Owner | None:
    if found.manager is not None:
        return {
            "refused": "managed_by_operator",
            "message": f"{what} is made by {found.manager}, which would undo a change of its limits. Raise them in the "
            f"{found.manager.kind}.",
        }
    if found.chain and found.chain[0].kind == "Node":
        return {
            "refused": "static_pod",
            "message": f"{what} is run by the kubelet of node {found.chain[0].name} from a file there; edit that file.",
        }
    return {"kind": found.workload.kind, "name": found.workload.name} if found.workload else None


def manifest_source(look: Look, subject: Subject, argocd_namespace: str) -> Found:
    """Where GitOps says that the workload's manifest is."""
    for kind in (subject.kind,) if subject.kind else _GUESSES:
        obj = look.object(subject.namespace, kind, subject.name)
        if obj is not None:
            return source_of(obj, look.fetch, argocd_namespace)
    return None
