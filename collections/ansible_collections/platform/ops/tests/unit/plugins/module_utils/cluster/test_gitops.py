# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a running object to the place of its manifest."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster._gitops import (
    Elsewhere,
    Source,
    addresses,
    source_of,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._owners import Reference

FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
RELEASE = {"helm.toolkit.fluxcd.io/name": "cart", "helm.toolkit.fluxcd.io/namespace": "shop"}


def obj(kind: str = "Deployment", name: str = "cart", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"{kind}/{namespace}/{name}"}
    metadata |= {key: more.pop(key) for key in ("labels", "annotations", "ownerReferences") if key in more}
    return {"kind": kind, "metadata": metadata, **more}


class Cluster:
    def __init__(self, *objects: dict[str, Any]) -> None:
        self.objects = {(o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]): o for o in objects}

    def __call__(self, reference: Reference) -> Any:
        if reference.api_version.endswith(("/v1beta1", "/v1beta2", "/v2beta1", "/v2beta2")):
            return None
        return self.objects.get((reference.kind, reference.namespace, reference.name))


def kustomization(**spec: Any) -> dict[str, Any]:
    given = {"path": "./apps/", "sourceRef": {"kind": "GitRepository", "name": "fleet"}, **spec}
    return obj("Kustomization", "apps", "flux-system", spec=given)


def repository(ref: Any = None, url: str = "https://git.example.org/acme/fleet") -> dict[str, Any]:
    return obj("GitRepository", "fleet", "flux-system", spec={"url": url, **({"ref": ref} if ref else {})})


def application(name: str = "shop", namespace: str = "argocd", **spec: Any) -> dict[str, Any]:
    return obj("Application", name, namespace, spec=spec)


GIT = {"repoURL": "https://git.example.org/acme/fleet", "path": "shop/overlays/prod", "targetRevision": "main"}
CHART = {"repoURL": "https://charts.example.org", "chart": "cart", "targetRevision": "1.2.3"}


@pytest.mark.parametrize(
    ("ref", "branch"),
    [({"branch": "main"}, "main"), ({"name": "refs/heads/live"}, "live"), (None, "master")],
)
def test_flux_names_address_branch_and_folder(ref: Any, branch: str) -> None:
    found = source_of(obj(labels=FLUX), Cluster(kustomization(), repository(ref)))
    assert found == Source("https://git.example.org/acme/fleet", branch, "apps", "Kustomization flux-system/apps")


@pytest.mark.parametrize("path", [None, "", "./", "."])
def test_the_root_of_a_repository_is_no_folder(path: str | None) -> None:
    found = source_of(obj(labels=FLUX), Cluster(kustomization(path=path), repository({"branch": "main"})))
    assert isinstance(found, Source)
    assert found.path is None


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ((kustomization(), repository({"tag": "v1"})), "pinned_revision"),
        ((kustomization(), repository({"branch": "main", "commit": "abc"})), "pinned_revision"),
        ((kustomization(), repository({"semver": ">1"})), "pinned_revision"),
        ((kustomization(), repository({"name": "refs/tags/v1"})), "pinned_revision"),
        ((kustomization(sourceRef={"kind": "OCIRepository", "name": "fleet"}),), "source_not_git"),
        ((kustomization(),), "source_not_git"),
    ],
)
def test_what_is_no_branch_of_a_git_repository_is_said(objects: Any, reason: str) -> None:
    found = source_of(obj(labels=FLUX), Cluster(*objects))
    assert isinstance(found, Elsewhere)
    assert found.reason == reason


def test_the_values_of_a_helm_release_are_where_the_release_is_applied_from() -> None:
    release = obj("HelmRelease", labels=FLUX, spec={})
    found = source_of(obj(labels=RELEASE), Cluster(release, kustomization(), repository({"branch": "main"})))
    assert isinstance(found, Source)
    assert found.path == "apps"


def test_a_helm_release_that_people_applied_by_hand_is_nowhere() -> None:
    assert source_of(obj(labels=RELEASE), Cluster(obj("HelmRelease", spec={}))) is None
    assert source_of(obj(labels=RELEASE), Cluster()) is None
    assert source_of(obj(), Cluster()) is None


TRACKED = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}


def test_argo_cd_names_address_branch_and_folder_by_its_tracking_id() -> None:
    found = source_of(obj(annotations=TRACKED), Cluster(application(source=GIT)))
    assert found == Source(GIT["repoURL"], "main", GIT["path"], "Application argocd/shop")


def test_an_application_may_live_in_any_namespace() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "team-a_shop:apps/Deployment:shop/cart"}
    found = source_of(obj(annotations=tracked), Cluster(application(namespace="team-a", source=GIT)))
    assert isinstance(found, Source)


def test_an_annotation_that_was_copied_from_another_object_says_nothing() -> None:
    copied = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/other"}
    assert source_of(obj(annotations=copied), Cluster(application(source=GIT))) is None


def test_the_instance_label_counts_only_when_the_application_lists_the_object() -> None:
    labelled = obj(labels={"app.kubernetes.io/instance": "shop"})
    assert source_of(labelled, Cluster(application(source=GIT))) is None
    listing = application(source=GIT)
    listing["status"] = {"resources": [{"kind": "Deployment", "name": "cart", "namespace": "shop"}]}
    assert isinstance(source_of(labelled, Cluster(listing)), Source)


def test_an_application_of_an_application_set_says_so() -> None:
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "all", "controller": True}
    made = application(source=GIT)
    made["metadata"]["ownerReferences"] = [owner]
    found = source_of(obj(annotations=TRACKED), Cluster(made))
    assert isinstance(found, Source)
    assert found.by == "Application argocd/shop of ApplicationSet all"


@pytest.mark.parametrize(
    ("spec", "path", "branch"),
    [
        ({"source": {**GIT, "targetRevision": "HEAD"}}, "shop/overlays/prod", None),
        ({"source": {**GIT, "targetRevision": "refs/heads/live"}}, "shop/overlays/prod", "live"),
        ({"sources": [CHART, {"repoURL": GIT["repoURL"], "ref": "values", "targetRevision": "main"}]}, None, "main"),
        ({"sources": [GIT, {"repoURL": GIT["repoURL"], "ref": "values"}]}, "shop/overlays/prod", "main"),
        ({"sourceHydrator": {"drySource": GIT}}, "shop/overlays/prod", "main"),
    ],
)
def test_forms_of_an_application(spec: Any, path: str | None, branch: str | None) -> None:
    found = source_of(obj(annotations=TRACKED), Cluster(application(**spec)))
    assert isinstance(found, Source)
    assert (found.path, found.branch) == (path, branch)


def test_a_chart_s_values_are_where_the_application_itself_is_applied_from() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/shop"}
    of_chart = application(source=CHART)
    assert getattr(source_of(obj(annotations=TRACKED), Cluster(of_chart)), "reason", "") == "source_not_git"
    of_chart["metadata"]["annotations"] = tracked
    root = application("root", source={**GIT, "path": "applications"})
    found = source_of(obj(annotations=TRACKED), Cluster(of_chart, root))
    assert isinstance(found, Source)
    assert found.path == "applications"


def test_several_folders_are_for_people_to_tell_apart() -> None:
    spec = {"sources": [GIT, {**GIT, "path": "shop/more"}]}
    found = source_of(obj(annotations=TRACKED), Cluster(application(**spec)))
    assert isinstance(found, Elsewhere)
    assert found.reason == "source_ambiguous"


def test_an_application_that_tracks_itself_ends_the_search() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Application:argocd/shop"}
    itself = application(source=CHART)
    itself["metadata"]["annotations"] = tracked
    assert isinstance(source_of(obj(annotations=TRACKED), Cluster(itself)), Elsewhere)


class Lists:
    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = lists

    def items(self, path: str) -> Any:
        plural, version = path.rpartition("/")[2], path.split("/")[3]
        if plural not in self.lists or version == "v1beta2":
            raise NotFoundError(path)
        return self.lists[plural]


def test_all_addresses_of_the_cluster_are_listed_once() -> None:
    applications = [application(source=GIT), application("b", sources=[CHART, {"repoURL": "https://b.example.org/x"}])]
    there = Lists(gitrepositories=[repository()], applications=applications)
    assert addresses(there) == [  # type: ignore[arg-type]
        "https://b.example.org/x",
        "https://charts.example.org",
        "https://git.example.org/acme/fleet",
    ]
    assert addresses(Lists()) == []  # type: ignore[arg-type]
