# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the manifest of a running object lives in git, told by Flux or Argo CD. Pure over objects, with a Lookup.

Flux labels what it applies with the Kustomization or HelmRelease it came from; Argo CD writes a tracking id, or the
Application's name as a label. From there it is one or two references to an address, a branch and a folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import (
    Lookup,
    Reference,
    controller_of,
)

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api

KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM = "helm.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCES = ("argocd.argoproj.io/instance", "app.kubernetes.io/instance")
# The newest first; a cluster serves at least one of them.
_VERSIONS = {
    KUSTOMIZE: ("v1", "v1beta2"),
    HELM: ("v2", "v2beta2", "v2beta1"),
    SOURCE: ("v1", "v1beta2"),
    "argoproj.io": ("v1alpha1",),
}
_TRACKED = re.compile(r"(?P<app>[^:]+):(?P<group>[^/]*)/(?P<kind>[^:]+):(?P<namespace>[^/]*)/(?P<name>.+)")
_DEEPEST = 4  # an Application in an Application in a Kustomization

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """`branch` None is the repository's default branch; `path` None is its root. `by` is what said so."""

    url: str
    branch: str | None
    path: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """It is managed by GitOps, but not from a branch of a git repository."""

    reason: str  # source_not_git | pinned_revision | source_ambiguous
    message: str


Found = Union["Source", "Elsewhere", None]


def source_of(obj: Json, lookup: Lookup, argocd_namespace: str = "argocd", _depth: int = 0) -> Found:
    """None where neither Flux nor Argo CD manages the object."""
    if _depth > _DEEPEST:
        return None

    def above(parent: Json) -> Found:
        return source_of(parent, lookup, argocd_namespace, _depth + 1)

    labels = obj["metadata"].get("labels") or {}
    if name := labels.get(f"{HELM}/name"):
        release = _get(lookup, HELM, "HelmRelease", labels.get(f"{HELM}/namespace"), name)
        # The numbers stand in the values of the HelmRelease, which is itself applied from somewhere.
        return above(release) if release else None
    if name := labels.get(f"{KUSTOMIZE}/name"):
        kustomization = _get(lookup, KUSTOMIZE, "Kustomization", labels.get(f"{KUSTOMIZE}/namespace"), name)
        return _of_kustomization(kustomization, lookup) if kustomization else None
    application = _application(obj, lookup, argocd_namespace)
    if application is None or application["metadata"].get("uid") == obj["metadata"].get("uid", ""):
        return None
    found = _of_application(application)
    if isinstance(found, Elsewhere) and found.reason == "source_not_git":
        return above(application) or found  # a chart's values may stand in the Application's own manifest
    return found


def addresses(api: Api) -> list[str]:
    """Every git address that a GitRepository or an Application of the cluster names."""
    found: dict[str, None] = {}
    for repository in _all(api, SOURCE, "gitrepositories"):
        found[str((repository.get("spec") or {}).get("url") or "")] = None
    for application in _all(api, "argoproj.io", "applications"):
        for one in _sources(application.get("spec") or {}):
            found[str(one.get("repoURL") or "")] = None
    return sorted(filter(None, found))


def _all(api: Api, group: str, plural: str) -> list[Json]:
    for version in _VERSIONS[group]:
        try:
            return list(api.items(f"/apis/{group}/{version}/{plural}"))
        except NotFoundError:
            continue
    return []


def _sources(spec: Json) -> list[Json]:
    dry = (spec.get("sourceHydrator") or {}).get("drySource")
    return [dry] if dry else list(spec.get("sources") or [spec.get("source") or {}])


def _get(lookup: Lookup, group: str, kind: str, namespace: str | None, name: str) -> Json | None:
    for version in _VERSIONS[group]:
        if found := lookup(Reference(f"{group}/{version}", kind, name, namespace)):
            return found
    return None


def _of_kustomization(kustomization: Json, lookup: Lookup) -> Found:
    spec, metadata = kustomization.get("spec") or {}, kustomization["metadata"]
    by = f"Kustomization {metadata['namespace']}/{metadata['name']}"
    reference = spec.get("sourceRef") or {}
    kind, namespace = reference.get("kind", ""), reference.get("namespace") or metadata["namespace"]
    if kind != "GitRepository":
        return Elsewhere("source_not_git", f"{by} applies from a {kind or 'source'}, not from a git repository.")
    repository = _get(lookup, SOURCE, kind, namespace, reference.get("name", ""))
    if repository is None:
        return Elsewhere(
            "source_not_git", f"{by} names GitRepository {namespace}/{reference.get('name')}, which is gone."
        )
    given = repository.get("spec") or {}
    ref = given.get("ref") or {}
    branch = _branch(str(ref["name"])) if ref.get("name") else ref.get("branch")
    pinned = [key for key in ("commit", "tag", "semver") if ref.get(key)]
    if pinned or (ref and not branch):
        what = f"{pinned[0]} {ref[pinned[0]]}" if pinned else str(ref.get("name"))
        return Elsewhere("pinned_revision", f"{by} applies {what}, which a merge into a branch does not change.")
    # Flux' own default where no ref is written
    return Source(str(given.get("url") or ""), branch or "master", _folder(spec.get("path")), by)


def _branch(ref: str) -> str | None:
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None


def _folder(path: str | None) -> str | None:
    parts = [part for part in (path or "").split("/") if part not in ("", ".")]
    return "/".join(parts) or None


def _application(obj: Json, lookup: Lookup, argocd_namespace: str) -> Json | None:
    metadata = obj["metadata"]
    tracked = _TRACKED.fullmatch((metadata.get("annotations") or {}).get(TRACKING) or "")
    if tracked:
        # Copied to another object, as operators do with annotations, it says nothing about that one.
        if (tracked["kind"], tracked["name"]) != (obj.get("kind", tracked["kind"]), metadata["name"]):
            return None
        namespace, separator, name = tracked["app"].rpartition("_")
        return _get(lookup, "argoproj.io", "Application", namespace if separator else argocd_namespace, name)
    for label in INSTANCES:
        if name := (metadata.get("labels") or {}).get(label):
            application = _get(lookup, "argoproj.io", "Application", argocd_namespace, name)
            # Helm writes one of these labels as well: only what the Application lists is its own.
            if application and _lists(application, obj):
                return application
    return None


def _lists(application: Json, obj: Json) -> bool:
    metadata = obj["metadata"]
    return any(
        (one.get("kind"), one.get("name"), one.get("namespace", metadata.get("namespace")))
        == (obj.get("kind"), metadata["name"], metadata.get("namespace"))
        for one in (application.get("status") or {}).get("resources") or ()
    )


def _of_application(application: Json) -> Found:
    metadata, spec = application["metadata"], application.get("spec") or {}
    by = f"Application {metadata['namespace']}/{metadata['name']}"
    owner = controller_of(application)
    if owner is not None and owner.kind == "ApplicationSet":
        by += f" of ApplicationSet {owner.name}"
    from_git = [one for one in _sources(spec) if one.get("repoURL") and not one.get("chart")]
    with_path = [one for one in from_git if one.get("path")]
    chosen = with_path or from_git  # without a path: only values, by its `ref`
    if not chosen:
        return Elsewhere("source_not_git", f"{by} applies a chart that is in no git repository.")
    if len({(one["repoURL"], one.get("path")) for one in chosen}) > 1:
        listed = ", ".join(sorted(str(one.get("path") or one.get("ref") or "/") for one in chosen))
        return Elsewhere("source_ambiguous", f"{by} has several sources ({listed}).")
    revision = str(chosen[0].get("targetRevision") or "HEAD")
    branch = None if revision == "HEAD" else revision.removeprefix("refs/heads/")
    return Source(str(chosen[0]["repoURL"]), branch, _folder(chosen[0].get("path")), by)
