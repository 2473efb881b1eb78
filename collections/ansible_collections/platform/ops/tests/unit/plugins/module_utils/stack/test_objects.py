# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, InputError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.stack._objects import (
    Guards,
    apply_objects,
    delete_objects,
    instances_of,
    keep_on_uninstall,
)
from ansible_collections.platform.ops.plugins.module_utils.stack._secret import ensure_secret
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.stack.fake import (
    config_map,
    namespace,
    server_with,
)


def test_check_do_check_again_and_do_again() -> None:
    server, api = server_with(namespace("x"))
    things = [config_map("a")]
    would = apply_objects(server, things, Guards(), dry_run=True)
    assert would.changed
    assert api.writes == []
    assert apply_objects(server, things, Guards(), dry_run=False).changed
    assert len(api.writes) == 1
    assert not apply_objects(server, things, Guards(), dry_run=True).changed
    assert not apply_objects(server, things, Guards(), dry_run=False).changed
    assert len(api.writes) == 1


def test_check_mode_lives_with_kinds_and_namespaces_that_earlier_steps_would_bring() -> None:
    server, _api = server_with()
    strange = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"}}
    outcome = apply_objects(server, [config_map("a"), strange], Guards(), dry_run=True)
    assert outcome.changed
    assert len(outcome.notes) == 2
    with pytest.raises(NotFoundError, match="does not serve Thing"):
        apply_objects(server, [strange], Guards(), dry_run=False)


def test_what_a_helm_release_owns_is_not_taken_over_by_accident() -> None:
    notes = {"meta.helm.sh/release-name": "stack", "meta.helm.sh/release-namespace": "other"}
    server, api = server_with(namespace("x"), config_map("a", annotations=notes))
    with pytest.raises(ConflictError, match="release other/stack owns it"):
        apply_objects(server, [config_map("a", "2")], Guards(), dry_run=False)
    assert api.writes == []
    assert apply_objects(server, [config_map("a", "2")], Guards(take_ownership=True), dry_run=False).changed


def test_what_is_newer_stays() -> None:
    live = config_map("a", "new", annotations={"version": "v1.7.0"})
    server, _api = server_with(namespace("x"), live)
    guards = Guards(version_annotation="version")
    outcome = apply_objects(server, [config_map("a", "old", annotations={"version": "v1.6.1"})], guards, dry_run=False)
    assert not outcome.changed
    assert outcome.notes == ["ConfigMap x/a stays at v1.7.0: it is newer than the pinned v1.6.1."]


def test_what_is_only_to_be_made_where_it_is_missing_is_left_to_whoever_made_it() -> None:
    server, api = server_with(namespace("x"))
    guards = Guards(create_only=True)
    assert apply_objects(server, [config_map("a", "ours")], guards, dry_run=False).changed
    outcome = apply_objects(server, [config_map("a", "other")], guards, dry_run=False)
    assert (outcome.changed, len(api.writes)) == (False, 1)
    assert outcome.notes == ["ConfigMap x/a is there and stays as it is."]


def test_a_removal_is_repeatable_and_a_preview_removes_nothing() -> None:
    server, api = server_with(namespace("x"), config_map("a"))
    assert delete_objects(server, [config_map("a")], dry_run=True).changed
    assert api.writes == []
    assert delete_objects(server, [config_map("a")], dry_run=False).changed
    assert not delete_objects(server, [config_map("a")], dry_run=False).changed


def test_an_object_without_its_namespace_is_refused_by_name() -> None:
    server, _api = server_with()
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with pytest.raises(InputError, match="ConfigMap a lives in a namespace and names none"):
        apply_objects(server, [bare], Guards(), dry_run=True)


def test_kinds_that_are_kept_keep_their_other_annotations() -> None:
    kept = keep_on_uninstall(config_map("a", annotations={"one": "1"}))
    assert kept["metadata"]["annotations"] == {"one": "1", "helm.sh/resource-policy": "keep"}


def test_a_plain_equals_sign_and_a_date_stay_text() -> None:
    (crd,) = read_objects("kind: A\nenum: [=, '!=']\nday: 2026-01-01\n---\n", "a file")
    assert crd == {"kind": "A", "enum": ["=", "!="], "day": "2026-01-01"}


def test_lists_are_unpacked_and_what_is_no_object_is_refused() -> None:
    assert len(read_objects("kind: CRDList\nitems: [{kind: A}, {kind: B}]", "a file")) == 2
    with pytest.raises(InputError, match="a file: a document of it is no Kubernetes object"):
        read_objects("- 1", "a file")


def test_a_generated_secret_is_made_once_and_kept() -> None:
    server, api = server_with(namespace("x"))

    def ensure(check_mode: bool = False, **given: str) -> dict[str, object]:
        return ensure_secret(server, "x", "s", generate={"password": 20}, given=given, labels={}, check_mode=check_mode)

    assert ensure(check_mode=True)["changed"]
    assert api.writes == []
    assert ensure(user="admin")["created"]
    first = api.stored["/api/v1/namespaces/x/secrets/s"]["data"]["password"]
    assert not ensure(user="admin")["changed"]
    assert ensure(user="root")["touched"] == ["user"]
    assert api.stored["/api/v1/namespaces/x/secrets/s"]["data"]["password"] == first


def test_every_object_of_a_kind_is_found_by_its_definition_and_none_where_the_kind_is_not_there() -> None:
    def crd(plural: str, kind: str) -> dict[str, Any]:
        versions = [{"name": "v1beta1", "storage": False}, {"name": "v1", "storage": True}]
        spec = {"group": "flagger.app", "names": {"plural": plural, "kind": kind}, "versions": versions}
        return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}

    server, api = server_with()
    for namespace_, name in (("shop", "cart"), ("web", "front")):
        metadata = {"name": name, "namespace": namespace_, "uid": "1"}
        api.stored[f"/apis/flagger.app/v1/canaries/{namespace_}/{name}"] = {"metadata": metadata}
    policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "spec": {}}
    found = instances_of(server, [policy, crd("canaries", "Canary"), crd("metrictemplates", "MetricTemplate")])
    assert found == [
        {"apiVersion": "flagger.app/v1", "kind": "Canary", "metadata": {"name": "cart", "namespace": "shop"}},
        {"apiVersion": "flagger.app/v1", "kind": "Canary", "metadata": {"name": "front", "namespace": "web"}},
    ]
