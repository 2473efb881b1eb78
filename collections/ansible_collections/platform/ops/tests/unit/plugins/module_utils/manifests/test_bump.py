# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests import _bump
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import Outcome, bump, open_tree
from ansible_collections.platform.ops.plugins.module_utils.manifests._result import Result

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MORE = {"memory": {"factor": 1.5}}


def workload(
    name: str = "web",
    *,
    kind: str = "Deployment",
    api: str = "apps/v1",
    namespace: str | None = None,
    containers: str = "- name: app\n  resources: {limits: {cpu: 1, memory: 256Mi}, requests: {memory: 64Mi}}\n",
    pod: str = "",
    replicas: int = 3,
) -> str:
    inner = "".join(f"        {line}\n" for line in (f"{pod}containers:\n" + containers).splitlines())
    where = f"  namespace: {namespace}\n" if namespace else ""
    return (
        f"apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n{where}"
        f"spec:\n  replicas: {replicas}\n  template:\n      spec:\n{inner}"
    )


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    return root


def bumped(root: Path, *items: dict[str, Any], check: bool = False, **more: Any) -> Outcome:
    return bump(open_tree(str(root)), items, now=NOW, check=check, **more)


def only(root: Path, item: dict[str, Any], **more: Any) -> Result:
    (result,) = bumped(root, item, **more).results
    return result


def after(result: Result) -> dict[str, str]:
    return {f"{one.container}.{one.field}.{one.resource}": one.after for one in result.changes}


# --- what is found


def test_the_whole_answer_names_file_line_and_path(tmp_path: Path) -> None:
    result = only(
        write(tmp_path, web=workload(namespace="shop")), {"name": "web", "label": {"id": 7}, **MORE}
    ).as_dict()
    assert result["reason"] == "bumped"
    assert result["target"] == {"kind": "Deployment", "name": "web", "namespace": "shop", "container": "app"}
    assert result["changes"] == [
        {
            "file": "web.yaml",
            "line": 12,
            "yaml_path": "spec.template.spec.containers[0].resources.limits.memory",
            "container": "app",
            "resource": "memory",
            "field": "limits",
            "before": "256Mi",
            "after": "384Mi",
            "layout": "manifest",
        }
    ]
    assert result["label"] == {"id": 7}
    assert result["replicas"] == 3
    assert result["files"] == ["web.yaml"]


def test_two_workloads_that_answer_to_a_name_are_listed_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path, a=workload(namespace="one"), b=workload(namespace="two"))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = only(tmp_path, {"name": "web", **MORE})
    assert result.reason == "ambiguous"
    assert "one/web" in result.message
    assert "two/web" in result.message
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert only(tmp_path, {"name": "web", "namespace": "two", **MORE}).changes[0].file == "b.yaml"


def test_the_same_workload_twice_in_one_file_is_ambiguous(tmp_path: Path) -> None:
    write(tmp_path, a=workload() + "---\n" + workload())
    assert only(tmp_path, {"name": "web", **MORE}).reason == "ambiguous"


def test_a_kind_tells_workloads_of_one_name_apart(tmp_path: Path) -> None:
    write(tmp_path, a=workload(), b=workload(kind="StatefulSet"))
    assert only(tmp_path, {"name": "web", "kind": "StatefulSet", **MORE}).changes[0].file == "b.yaml"


def test_a_named_namespace_wins_over_an_open_one(tmp_path: Path) -> None:
    write(tmp_path, a=workload(), b=workload(namespace="shop"))
    assert only(tmp_path, {"name": "web", "namespace": "shop", **MORE}).changes[0].file == "b.yaml"
    assert only(tmp_path, {"name": "web", "namespace": "other", **MORE}).changes[0].file == "a.yaml"


def test_a_source_narrows_the_search(tmp_path: Path) -> None:
    for folder in ("prod", "staging"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, web=workload())
    assert only(tmp_path, {"name": "web", **MORE}).reason == "ambiguous"
    assert only(tmp_path, {"name": "web", "source": "prod", **MORE}).changes[0].file == "prod/web.yaml"


def test_a_single_file_can_be_the_path(tmp_path: Path) -> None:
    write(tmp_path, a=workload(), b=workload())
    assert only(tmp_path / "a.yaml", {"name": "web", **MORE}).changes[0].file == "a.yaml"
    assert "256Mi" in (tmp_path / "b.yaml").read_text()


def test_a_path_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        open_tree(str(tmp_path / "nope"))


def test_links_that_lead_outside_are_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    write(outside, web=workload())
    (inside / "file.yaml").symlink_to(outside / "web.yaml")
    (inside / "folder").symlink_to(outside)
    assert only(inside, {"name": "web", **MORE}).reason == "not_found"
    assert "256Mi" in (outside / "web.yaml").read_text()


CONTAINERS = "- name: app\n  resources: {limits: {memory: 1Gi}}\n- name: log\n  resources: {limits: {memory: 256Mi}}\n"
INIT = (
    "initContainers:\n- name: mesh\n  restartPolicy: Always\n  resources: {limits: {memory: 128Mi}}\n"
    "- name: setup\n  resources: {limits: {memory: 64Mi}}\n"
)


@pytest.mark.parametrize(("container", "memory"), [("log", "384Mi"), ("mesh", "192Mi"), ("setup", "96Mi")])
def test_containers_of_all_sorts_are_found_by_name(tmp_path: Path, container: str, memory: str) -> None:
    write(tmp_path, web=workload(containers=CONTAINERS, pod=INIT))
    result = only(tmp_path, {"name": "web", "container": container, **MORE})
    assert after(result) == {f"{container}.limits.memory": memory}


def test_one_of_several_containers_has_to_be_named(tmp_path: Path) -> None:
    write(tmp_path, web=workload(containers=CONTAINERS))
    result = only(tmp_path, {"name": "web", **MORE})
    assert result.reason == "ambiguous"
    assert "app, log" in result.message
    missing = only(tmp_path, {"name": "web", "container": "nope", **MORE})
    assert missing.reason == "not_found"
    assert "app, log" in missing.message


def test_a_rollout_that_refers_to_a_workload_leads_to_it(tmp_path: Path) -> None:
    rollout = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n"
        "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web-base}}\n"
    )
    write(tmp_path, rollout=rollout, web=workload("web-base"))
    result = only(tmp_path, {"name": "web", "kind": "Rollout", **MORE})
    assert result.changes[0].file == "web.yaml"
    assert "web-base" in " ".join(result.notes)


def test_a_canary_is_never_edited_and_its_target_is_named(tmp_path: Path) -> None:
    canary = (
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web}\n"
        "spec: {targetRef: {kind: Deployment, name: web}}\n"
    )
    write(tmp_path, canary=canary, web=workload())
    result = only(tmp_path, {"name": "web", "kind": "Canary", **MORE})
    assert result.reason == "canary"
    assert "Deployment web" in result.message
    assert only(tmp_path, {"name": "web", **MORE}).changes[0].file == "web.yaml"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("web.jsonnet", "{metadata: {name: 'web'}}", "generated"),
        ("web.cue", 'metadata: name: "web"', "generated"),
        ("web.yaml.tpl", "name: web", "templated"),
        ("chart/templates/web.yaml", "kind: Deployment\nmetadata:\n  name: web\n", "templated"),
        ("web.yaml", "kind: Deployment\nmetadata:\n  name: web\n{{ if x }}\n", "templated"),
        ("web.yaml", "kind: Deployment\nmetadata:\n  name: web\n x", "invalid_yaml"),
    ],
)
def test_what_makes_manifests_by_program_is_named(tmp_path: Path, file: str, text: str, reason: str) -> None:
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("name: chart\nversion: 1.0.0\n")
    (tmp_path / file).write_text(text)
    result = only(tmp_path, {"name": "web", **MORE})
    assert result.reason == reason, result.message
    assert result.failed


def test_a_heap_size_that_does_not_follow_the_limit_is_mentioned(tmp_path: Path) -> None:
    java = "- name: app\n  args: [-Xmx200m]\n  resources: {limits: {cpu: 1, memory: 256Mi}}\n"
    result = only(write(tmp_path, web=workload(containers=java)), {"name": "web", **MORE})
    assert "-Xmx200m" in " ".join(result.notes)


@pytest.mark.parametrize("name", ['"w\\u0065b"', "!!str web", "&n web", ">-\n    web", "\n    web", "web # it"])
def test_a_name_written_in_any_way_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, web=workload("@@").replace("@@", name))
    assert only(tmp_path, {"name": "web", **MORE}).reason == "bumped"


# --- what is decided


def test_a_guaranteed_pod_stays_guaranteed(tmp_path: Path) -> None:
    numbers = "{limits: {cpu: 1, memory: 256Mi}, requests: {cpu: 1, memory: 256Mi}}"
    write(tmp_path, web=workload(containers=f"- name: app\n  resources: {numbers}\n"))
    result = only(tmp_path, {"name": "web", **MORE})
    assert after(result) == {"app.limits.memory": "384Mi", "app.requests.memory": "384Mi"}
    assert "Guaranteed" in " ".join(result.notes)


def test_a_bump_that_changes_the_class_needs_consent(tmp_path: Path) -> None:
    write(tmp_path, web=workload(containers="- name: app\n  image: x\n"))
    item = {"name": "web", "memory": {"set": "1Gi"}}
    assert only(tmp_path, item).reason == "no_resources"
    assert only(tmp_path, {**item, "create_missing": True}).reason == "qos_change"
    assert not only(tmp_path, {**item, "create_missing": True}).failed
    result = only(tmp_path, {**item, "create_missing": True, "allow_qos_change": True})
    assert after(result) == {"app.limits.memory": "1Gi"}
    assert "          image: x\n          resources:\n" in (tmp_path / "web.yaml").read_text()


def test_the_pod_s_own_limit_grows_with_a_container_that_reaches_it(tmp_path: Path) -> None:
    pod = "resources: {limits: {memory: 300Mi, cpu: 1}, requests: {memory: 100Mi}}\n"
    write(tmp_path, web=workload(pod=pod))
    result = only(tmp_path, {"name": "web", **MORE})
    assert after(result) == {"app.limits.memory": "384Mi", ".limits.memory": "428Mi"}


def test_a_pod_limit_with_room_stays(tmp_path: Path) -> None:
    write(tmp_path, web=workload(pod="resources: {limits: {memory: 2Gi}, requests: {memory: 1Gi}}\n"))
    assert after(only(tmp_path, {"name": "web", **MORE})) == {"app.limits.memory": "384Mi"}


def test_the_pod_s_limit_is_raised_where_the_container_has_none(tmp_path: Path) -> None:
    pod = "resources: {limits: {memory: 1Gi}, requests: {memory: 1Gi}}\n"
    write(tmp_path, web=workload(pod=pod, containers="- name: app\n  image: x\n"))
    assert after(only(tmp_path, {"name": "web", **MORE})) == {".limits.memory": "1536Mi"}


def test_memory_and_cpu_are_answered_together(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    result = only(tmp_path, {"name": "web", **MORE, "cpu": {"set": "500m"}})
    assert after(result) == {"app.limits.memory": "384Mi"}
    assert "cpu limit is 1 already" in " ".join(result.notes)
    assert [one["resource"] for one in result.arithmetic] == ["memory", "cpu"]


def test_one_item_s_refusal_never_touches_the_others(tmp_path: Path) -> None:
    write(tmp_path, a=workload("a"), b=workload("b"))
    items: list[dict[str, Any]] = [
        {"name": "a", **MORE},
        {"name": "A!", **MORE},
        {"name": "x", **MORE},
        {"memory": {}},
        {"name": "b"},
        {"name": "b", **MORE},
    ]
    results = bumped(tmp_path, *items).results
    assert [str(one.reason) for one in results] == [
        *("bumped", "invalid_input", "not_found", "invalid_input", "invalid_input", "bumped")
    ]
    assert [one.failed for one in results] == [False, True, True, True, True, False]


def test_items_for_one_file_meet_in_it(tmp_path: Path) -> None:
    write(tmp_path, web=workload(containers=CONTAINERS))
    outcome = bumped(tmp_path, {"name": "web", "container": "app", **MORE}, {"name": "web", "container": "log", **MORE})
    assert [one.changed for one in outcome.results] == [True, True]
    assert len(outcome.files) == 1
    text = (tmp_path / "web.yaml").read_text()
    assert "1536Mi" in text
    assert "384Mi" in text


def test_check_mode_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    before = (tmp_path / "web.yaml").read_bytes()
    checked = bumped(tmp_path, {"name": "web", **MORE}, check=True)
    assert (tmp_path / "web.yaml").read_bytes() == before
    assert bumped(tmp_path, {"name": "web", **MORE}) == checked
    assert list(tmp_path.iterdir()) == [tmp_path / "web.yaml"]
    ((_file, old, new),) = checked.files
    assert old == before
    assert (tmp_path / "web.yaml").read_bytes() == new


def test_a_set_limit_is_reached_once(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    item = {"name": "web", "memory": {"set": "1Gi"}}
    assert only(tmp_path, item).changed
    again = only(tmp_path, item)
    assert (again.changed, again.reason) == (False, "sufficient")


def test_the_file_keeps_its_rights(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    (tmp_path / "web.yaml").chmod(0o640)
    only(tmp_path, {"name": "web", **MORE})
    assert (tmp_path / "web.yaml").stat().st_mode & 0o777 == 0o640


def merged(before: str, after_: str, at: str, state: str = "merged") -> dict[str, Any]:
    return {"container": "app", "resource": "memory", "before": before, "after": after_, "at": at, "state": state}


def test_the_past_is_taken_from_what_was_given(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    item = {"name": "web", **MORE, "history": [merged("128Mi", "256Mi", "2026-06-01T10:00:00Z")]}
    assert only(tmp_path, item, policy={"cooldown": "6h"}).reason == "cooldown"
    assert only(tmp_path, {**item, "policy": {"bumps_per_day": 1}}).reason == "budget"
    capped = {**item, "memory": {"factor": 1.5, "max_factor": 2}}
    assert only(tmp_path, capped).reason == "capped"
    assert only(tmp_path, {**item, "policy": {"cooldown": "1h"}}, policy={"cooldown": "6h"}).changed


def test_what_was_not_enough_is_raised_again_without_waiting_and_what_was_handed_over_is_not(tmp_path: Path) -> None:
    write(tmp_path, web=workload())
    last = merged("128Mi", "256Mi", "2026-06-01T10:00:00Z")
    over = {**last, "unmet": False, "refused_until": "2026-06-08T00:00:00+00:00"}

    def reason(*history: dict[str, Any]) -> str:
        return only(tmp_path, {"name": "web", **MORE, "history": list(history)}, policy={"cooldown": "6h"}).reason

    assert reason({**last, "unmet": True}) == "bumped"
    write(tmp_path, web=workload())
    assert reason(over) == "handed_over"
    assert reason(over, merged("256Mi", "512Mi", "2026-06-01T11:00:00Z")) == "cooldown"  # the newest counts
    assert reason({**over, "refused_until": "2026-06-01T10:30:00+00:00"}) == "cooldown"


def test_the_fleet_s_budget_is_spent_item_by_item_and_replicas_count(tmp_path: Path) -> None:
    write(tmp_path, a=workload("a"), b=workload("b"))
    items = ({"name": "a", **MORE}, {"name": "b", **MORE})
    results = bumped(tmp_path, *items, policy={"memory_per_day": "500Mi"}).results
    assert [str(one.reason) for one in results] == ["bumped", "budget"]
    assert "256Mi" in (tmp_path / "b.yaml").read_text()


ODD = {
    "annotations that are none": {
        "web": workload().replace("  name: web\n", "  name: web\n  annotations:\n"),
        "kustomization": "resources: [web.yaml]\ncommonAnnotations: {team: shop}\n",
    },
    "labels that are none": {
        "web": workload().replace("  name: web\n", "  name: web\n  labels: true\n"),
        "kustomization": "resources: [web.yaml]\ncommonLabels: {team: shop}\n",
    },
    "a patch that is none": {
        "web": workload(),
        "flux": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: all}\n"
        "spec:\n  path: ./\n  patches:\n    - patch: /\n",
    },
    "an empty entry": {
        "web": workload(),
        "release": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: odd}\n"
        "spec:\n  chart: {spec: {chart: ./app, sourceRef: {kind: GitRepository}}}\n  valuesFrom:\n    -\n    - []\n",
    },
}


@pytest.mark.parametrize("odd", ODD)
def test_a_file_that_nothing_could_apply_hinders_nobody(tmp_path: Path, odd: str) -> None:
    (tmp_path / "healthy").mkdir()
    write(tmp_path / "healthy", other=workload("other"))
    write(tmp_path, **ODD[odd])
    results = bumped(tmp_path, {"name": "other", **MORE}, {"name": "web", **MORE}).results
    assert [str(one.reason) for one in results] == ["bumped", "bumped"]


def test_what_nobody_foresaw_is_one_item_s_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, web=workload("web"), other=workload("other"))
    known = _bump.choose

    def broken(found: Any, target: Any) -> Any:
        if target.name == "web":
            raise TypeError("s3cret")
        return known(found, target)

    def cold(*_: object) -> None:
        raise AttributeError("s3cret")

    monkeypatch.setattr(_bump, "choose", broken)
    monkeypatch.setattr(_bump._layouts, "warm_up", cold)
    odd, healthy = bumped(tmp_path, {"name": "web", **MORE}, {"name": "other", **MORE}).results
    assert (str(odd.reason), str(healthy.reason)) == ("unsupported", "bumped")
    assert "web" in odd.message and "TypeError" in odd.message
    assert "s3cret" not in odd.message  # an error of a library may hold what a file holds


def test_an_item_s_own_policy_has_the_fleet_s_budget_too(tmp_path: Path) -> None:
    write(tmp_path, a=workload("a"), b=workload("b"), c=workload("c"))
    small, large = {"memory_per_day": "500Mi"}, {"memory_per_day": "2Gi"}
    items = [{"name": name, **MORE, "policy": policy} for name, policy in (("a", small), ("b", small), ("c", large))]
    assert [str(one.reason) for one in bumped(tmp_path, *items).results] == ["bumped", "budget", "bumped"]


def test_what_an_open_pull_request_asks_for_is_not_counted_twice(tmp_path: Path) -> None:
    write(tmp_path, a=workload("a"))
    opened = merged("256Mi", "384Mi", "2026-06-01T11:00:00Z", "open") | {"replicas": 3}
    item = {"name": "a", **MORE, "history": [opened]}
    assert only(tmp_path, item, policy={"memory_per_day": "400Mi"}, fleet_history=[opened]).changed


def test_helm_values_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, values="# v\nserver:\n  resources:\n    limits: {memory: 1Gi}   # big\n")
    result = only(tmp_path, {"name": "web", "helm": {"values_file": "values.yaml", "path": "server.resources"}, **MORE})
    assert result.changes[0].layout == "helm-values"
    assert "limits: {memory: 1536Mi}   # big" in (tmp_path / "values.yaml").read_text()


RELEASE = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    "spec:\n  values: {app: {resources: {limits: {memory: @@}}}}\n"
)
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
TEXT_VALUES = "      values: |\n        app:\n          resources:\n            limits: {memory: @@}  # kept\n"
OBJECT = "      valuesObject: {app: {resources: {limits: {memory: @@}}}}\n"
PARAMETERS = "      parameters:\n        - {name: app.resources.limits.memory, value: '@@'}\n"


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (RELEASE, "helm-values"),
        (APPLICATION + TEXT_VALUES, "argocd-values"),
        (APPLICATION + OBJECT + TEXT_VALUES.replace("@@", "1Gi"), "argocd-valuesobject"),
        (APPLICATION + PARAMETERS + OBJECT.replace("@@", "1Gi"), "argocd-parameters"),
    ],
)
def test_a_path_in_values_is_found_where_the_release_holds_them(tmp_path: Path, text: str, layout: str) -> None:
    write(tmp_path, web=text.replace("@@", "256Mi"))
    result = only(tmp_path, {"name": "web", "helm": {"values_file": "web.yaml", "path": "app.resources"}, **MORE})
    assert result.changes[0].layout == layout
    assert (tmp_path / "web.yaml").read_text() == text.replace("@@", "384Mi")


def test_a_path_may_lead_through_a_text_that_holds_yaml(tmp_path: Path) -> None:
    write(tmp_path, web=(APPLICATION + TEXT_VALUES).replace("@@", "256Mi"))
    path = "spec.source.helm.values.app.resources"
    assert only(tmp_path, {"name": "web", "helm": {"values_file": "web.yaml", "path": path}, **MORE}).changed


def test_files_name_all_that_a_new_patch_needs(tmp_path: Path) -> None:
    for folder, text in (
        ("base", "resources: [web.yaml]\n"),
        ("prod", "namespace: prod\nresources: [../base]\n"),
        ("test", "namespace: test\nresources: [../base]\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "kustomization.yaml").write_text(text)
    write(tmp_path / "base", web=workload())
    item = {"name": "web", "namespace": "prod", **MORE}
    outcome = bumped(tmp_path, item, check=True)
    result = outcome.results[0]
    assert "prod/kustomization.yaml" in result.files
    assert {Path(path).relative_to(tmp_path).as_posix() for path, _before, _after in outcome.files} == set(result.files)
    assert only(tmp_path, item).changed
    assert only(tmp_path, {**item, "memory": {"set": "384Mi"}}).reason == "sufficient"


@pytest.mark.parametrize("file", ["../secret.yaml", "/etc/passwd", "x/../../secret.yaml", "link.yaml"])
def test_a_values_file_outside_the_path_is_not_read(tmp_path: Path, file: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    secret = write(tmp_path, secret="resources: {limits: {memory: 1Gi}}\n") / "secret.yaml"
    (inside / "link.yaml").symlink_to(secret)
    result = only(inside, {"name": "web", "helm": {"values_file": file, "path": "resources"}, **MORE})
    assert result.reason in ("outside_path", "not_found")
    assert "1Gi" in secret.read_text()
