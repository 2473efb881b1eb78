# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which record applies a workload and what it says of itself."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.verdict._gitops import (
    Record,
    Revision,
    lists,
    records_of,
    revision_of,
)

A, B = "a" * 40, "b" * 40
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"


def thing(labels=None, annotations=None):
    meta = {"name": "cart", "namespace": "shop", "labels": labels or {}, "annotations": annotations or {}}
    return {"kind": "Deployment", "metadata": meta}


@pytest.mark.parametrize(
    ("labels", "annotations", "records"),
    [
        ({}, {}, []),
        (
            {f"{KUSTOMIZE}/name": "fleet", f"{KUSTOMIZE}/namespace": "flux-system"},
            {},
            ["Kustomization flux-system/fleet"],
        ),
        (
            {"helm.toolkit.fluxcd.io/name": "cart", "helm.toolkit.fluxcd.io/namespace": "shop"},
            {},
            ["HelmRelease shop/cart"],
        ),
        ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}, ["Application shop"]),
        ({}, {"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:shop/cart"}, ["Application team/shop"]),
        ({"app.kubernetes.io/instance": "shop"}, {}, ["Application shop"]),
        ({f"{KUSTOMIZE}/name": "../x", f"{KUSTOMIZE}/namespace": "flux-system"}, {}, []),
        ({"app.kubernetes.io/instance": "a b"}, {}, []),
    ],
)
def test_the_records_that_may_apply_an_object(labels, annotations, records):
    assert [str(one) for one in records_of(thing(labels, annotations))] == records


def test_an_application_owns_only_what_it_lists():
    application = {"status": {"resources": [{"kind": "Deployment", "name": "cart", "namespace": "shop"}]}}
    assert lists(application, thing())
    assert not lists(application, {"kind": "Deployment", "metadata": {"name": "cart", "namespace": "other"}})
    assert not lists({}, thing())


def kustomization(spec=None, ready="True", message="", **status):
    conditions = [{"type": "Ready", "status": ready, "message": message}]
    return {"kind": "Kustomization", "spec": spec or {}, "status": {"conditions": conditions, **status}}


def application(sync, operation=None):
    return {"kind": "Application", "status": {"sync": sync, "operationState": operation or {}}}


@pytest.mark.parametrize(
    ("record", "revision"),
    [
        (
            kustomization(lastAppliedRevision=f"main@sha1:{A}", lastAttemptedRevision=f"main@sha1:{B}"),
            Revision((A,), (B,)),
        ),
        (kustomization(lastAppliedRevision=f"main/{A}"), Revision((A,))),
        (kustomization(lastAppliedRevision="6.3.1"), Revision()),
        (kustomization({"suspend": True}, "False", "x"), Revision(trouble="it is suspended")),
        (kustomization(ready="False", message="build failed"), Revision(trouble="build failed")),
        (application({"status": "Synced", "revision": A}), Revision((A,), (A,))),
        (application({"status": "Synced", "revisions": [A, "1.2.3"]}), Revision((A,), (A,))),
        (application({"status": "OutOfSync", "revision": B}), Revision((), (B,), "it is OutOfSync")),
        (
            application({"status": "OutOfSync", "revision": B}, {"phase": "Succeeded", "syncResult": {"revision": A}}),
            Revision((A,), (B,), "it is OutOfSync"),
        ),
        (
            application({"status": "OutOfSync"}, {"phase": "Failed", "message": "one or more objects failed"}),
            Revision(trouble="one or more objects failed"),
        ),
    ],
)
def test_what_a_record_has_applied(record, revision):
    assert revision_of(record) == revision


def test_a_record_without_namespace_is_shown_by_its_name():
    assert str(Record("argoproj.io", "Application", "shop", None)) == "Application shop"
