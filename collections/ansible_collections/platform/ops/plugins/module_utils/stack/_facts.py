# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the cluster what the preflight wants to know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.stack._preflight import Facts, Need
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Object, Server

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SERVICES = "/api/v1/services"
# One of each kind that charts create; a role that lacks one of these makes an install stop half way.
RIGHTS = (
    ("create", "", "namespaces"),
    ("create", "", "secrets"),
    ("create", "apiextensions.k8s.io", "customresourcedefinitions"),
    ("create", "rbac.authorization.k8s.io", "clusterroles"),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("create", "apiregistration.k8s.io", "apiservices"),
    ("create", "scheduling.k8s.io", "priorityclasses"),
)


def gather(server: Server, needs: Sequence[Need]) -> Facts:
    api = server.api
    return Facts(
        version=str(api.get("/version")["gitVersion"]),
        denied=denied(server),
        storage_classes=list(api.items(_paths.STORAGE_CLASSES)),
        nodes=list(api.items(_paths.NODES)),
        pods=list(api.items(_paths.PODS)),
        services=list(api.items(SERVICES)),
        releases=releases(server),
        deployments=deployments(server, needs),
        owners=owners(server, needs),
        openshift=server.serves("security.openshift.io/v1"),
    )


def denied(server: Server) -> list[str]:
    if _allowed(server, "*", "*", "*"):
        return []
    return [
        f"{verb} {resource}{f'.{group}' if group else ''}"
        for verb, group, resource in RIGHTS
        if not _allowed(server, verb, group, resource)
    ]


def _allowed(server: Server, verb: str, group: str, resource: str) -> bool:
    attributes = {"verb": verb, "group": group, "resource": resource}
    body: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool((server.api.create(REVIEWS, body).get("status") or {}).get("allowed"))


def releases(server: Server) -> frozenset[str]:
    held = server.api.items(
        "/api/v1/secrets", {"labelSelector": "owner=helm", "fieldSelector": "type=helm.sh/release.v1"}
    )
    return frozenset(f"{s['metadata']['namespace']}/{s['metadata']['labels'].get('name')}" for s in held)


def deployments(server: Server, needs: Iterable[Need]) -> frozenset[str]:
    asked = {need.deployment.partition("/")[::2]: need.deployment for need in needs if need.deployment}
    about = {"apiVersion": "apps/v1", "kind": "Deployment"}
    return frozenset(
        where
        for (namespace, name), where in asked.items()
        if server.find({**about, "metadata": {"namespace": namespace, "name": name}})
    )


def owners(server: Server, needs: Iterable[Need]) -> dict[str, str | None]:
    """Of each APIService and CRD: the Helm release that owns it, "" where none does, None where it is not there."""
    found: dict[str, str | None] = {}
    for need in needs:
        for group, name in [("apiregistration.k8s.io/v1/apiservices", need.api_service)] * bool(need.api_service) + [
            ("apiextensions.k8s.io/v1/customresourcedefinitions", crd) for crd in need.crds
        ]:
            try:
                metadata = server.api.get(_paths.named(f"/apis/{group}", name))["metadata"]
            except NotFoundError:
                found[name] = None
                continue
            notes = metadata.get("annotations") or {}
            release = notes.get("meta.helm.sh/release-name")
            found[name] = f"{notes.get('meta.helm.sh/release-namespace')}/{release}" if release else ""
    return found
