# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be edited is named, what is hostile is harmless, and GitOps objects are layers like any other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.manifests._flux import flux_releases
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import charts
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts import explicit, find
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Place,
    UnreadableError,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._numbers import held
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reason, Target
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.manifests.layouts_support import (
    chosen,
    deployment,
    tool,
    write_tree,
)

MEMORY = ("limits", "memory")
WORKLOAD = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: "{{{{ .Release.Name }}}}-app"}}
    spec: {{template: {{spec: {{containers: [{{name: server, resources: {resources}}}]}}}}}}
    """
CHART = {
    "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    "charts/app/values.yaml": "resources: {limits: {memory: 64Mi}}\n",
    "charts/app/templates/d.yaml": WORKLOAD.format(resources="{{ toJson .Values.resources }}"),
}


def flux(spec: str = "", chart: str = "{chart: ./charts/app, sourceRef: {kind: GitRepository, name: fleet}}") -> str:
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop, namespace: shop}\n"
        f"spec:\n  chart: {{spec: {chart}}}\n{spec}"
    )


@pytest.fixture
def helm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_OPS_HELM", tool("helm"))


def test_a_values_file_may_have_a_key_kind_of_its_own(tmp_path: Path) -> None:
    own = "{chart: ./charts/app, sourceRef: {kind: GitRepository}, valuesFiles: [./charts/app/values.yaml]}"
    values = "kind: DaemonSet  # as the public chart of Fluent Bit has it\nresources: {limits: {memory: 64Mi}}\n"
    tree = write_tree(tmp_path, {**CHART, "charts/app/values.yaml": values, "r.yaml": flux(chart=own)})
    (release,) = flux_releases(tree, charts(tree))
    assert release.external is None
    assert release.values["kind"] == "DaemonSet"


TARGET = Target("shop-app", namespace="shop")

REFUSED = {
    "a public chart": (
        {"r.yaml": flux(chart="{chart: app, sourceRef: {kind: HelmRepository, name: public}}")},
        Reason.CHART_UNAVAILABLE,
    ),
    "a dependency that is not vendored": (
        {
            **CHART,
            "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: redis}]\n",
            "r.yaml": flux(),
        },
        Reason.CHART_UNAVAILABLE,
    ),
    "numbers in a template": (
        {
            **CHART,
            "charts/app/templates/d.yaml": WORKLOAD.format(resources="{limits: {memory: 1Gi}}"),
            "r.yaml": flux(),
        },
        Reason.TEMPLATED,
    ),
    "values from a Secret": (
        {**CHART, "r.yaml": flux("  valuesFrom: [{kind: Secret, name: shop}]\n")},
        Reason.VALUES_EXTERNAL,
    ),
    "values from a ConfigMap that is not here": (
        {**CHART, "r.yaml": flux("  valuesFrom: [{kind: ConfigMap, name: shop}]\n")},
        Reason.VALUES_EXTERNAL,
    ),
    "values from a web address": (
        {
            **CHART,
            "a.yaml": (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
                "  destination: {namespace: shop}\n"
                "  source: {path: charts/app, helm: {valueFiles: ['https://x.example/v.yaml']}}\n"
            ),
        },
        Reason.VALUES_EXTERNAL,
    ),
    "values encrypted by SOPS": (
        {
            **CHART,
            "a.yaml": (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
                "  destination: {namespace: shop}\n  source: {path: charts/app, helm: {valueFiles: [/v.yaml]}}\n"
            ),
            "v.yaml": "resources: {limits: {memory: 'ENC[AES256_GCM,data:x]'}}\nsops: {mac: x}\n",
        },
        Reason.ENCRYPTED,
    ),
    "a chart that does not render": (
        {**CHART, "charts/app/templates/x.yaml": '{{ fail "no" }}\n', "r.yaml": flux()},
        Reason.HELM_FAILED,
    ),
}


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(("files", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_edited_is_named(files: dict[str, str], reason: Reason, tmp_path: Path) -> None:
    found = find(write_tree(tmp_path, files), TARGET)
    assert found.sites == ()
    assert reason in {refusal.reason for refusal in found.refusals}
    assert all(refusal.message.endswith((".", "no")) or ":" in refusal.message for refusal in found.refusals)


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("optional", ["  valuesFrom: [{kind: Secret, name: shop, optional: true}]\n", ""])
def test_a_stronger_inline_value_does_not_care_what_a_secret_holds(optional: str, tmp_path: Path) -> None:
    spec = optional or "  valuesFrom: [{kind: Secret, name: shop}]\n"
    values = "  values: {resources: {limits: {memory: 1Gi}}}\n"
    tree = write_tree(tmp_path, {**CHART, "r.yaml": flux(spec + values)})
    assert chosen(tree, find(tree, TARGET), MEMORY).resources == ("spec", "values", "resources")


def test_without_helm_the_refusal_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_OPS_HELM", str(tmp_path / "none"))
    found = find(write_tree(tmp_path, {**CHART, "r.yaml": flux()}), TARGET)
    (refusal,) = found.refusals
    assert refusal.reason is Reason.HELM_MISSING
    assert "PLATFORM_OPS_HELM" in refusal.message


def test_without_charts_helm_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_OPS_HELM", str(tmp_path / "none"))
    assert find(write_tree(tmp_path, {"d.yaml": deployment()}), Target("web")).refusals == ()


@pytest.mark.parametrize(
    ("path", "resources"),
    [
        ("server.resources", ("server", "resources")),
        ("server.resources.limits", ("server", "resources")),
        ("server.resources.limits.memory", ("server", "resources")),
        ("jobs[1].resources", ("jobs", 1, "resources")),
        ("spec.values.resources", ("spec", "values", "resources")),
    ],
)
def test_an_explicit_path_names_the_resources_or_something_in_them(
    path: str, resources: tuple[str | int, ...], tmp_path: Path
) -> None:
    tree = write_tree(tmp_path, {"v.yaml": "server: {resources: {}}\n"})
    site = chosen(tree, explicit(tree, Target("web", container="server"), "./v.yaml", path), MEMORY)
    assert (site.file, site.resources, site.layout) == ("v.yaml", resources, "helm-values")


@pytest.mark.parametrize(
    ("file", "path", "reason"),
    [
        ("v.yaml", "a..b", Reason.INVALID_INPUT),
        ("none.yaml", "a", Reason.NOT_FOUND),
        ("../v.yaml", "a", Reason.OUTSIDE_PATH),
        ("bad.yaml", "a", Reason.INVALID_YAML),
        ("latin.yaml", "a", Reason.NOT_UTF8),
        ("sops.yaml", "a", Reason.ENCRYPTED),
    ],
)
def test_an_explicit_path_that_cannot_be_used_is_refused(file: str, path: str, reason: Reason, tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "in", {"v.yaml": "a: {}\n", "bad.yaml": "a: [\n", "sops.yaml": "a: x\nsops: {mac: y}\n"}
    )
    (tmp_path / "v.yaml").write_text("a: {}\n")
    (tmp_path / "in" / "latin.yaml").write_bytes("a: \xe4\n".encode("latin-1"))
    (refusal,) = explicit(tree, Target("web"), file, path).refusals
    assert refusal.reason is reason


FLUX_KUSTOMIZATION = """
    apiVersion: kustomize.toolkit.fluxcd.io/v1
    kind: Kustomization
    metadata: {name: apps, namespace: flux-system}
    spec:
      path: ./apps
      targetNamespace: mall
      namePrefix: live-
      patches:
      - target: {kind: Deployment, name: web}
        patch: |
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: any}
          spec: {template: {spec: {containers: [{name: server, resources: {limits: {memory: 900Mi}}}]}}}
    """
ARGO_KUSTOMIZE = """
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: apps}
    spec:
      destination: {namespace: mall}
      source:
        path: apps
        kustomize:
          namePrefix: live-
          patches:
          - target: {kind: Deployment, name: web}
            patch: |
              - {op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 900Mi}
    """


@pytest.mark.parametrize(
    ("text", "outer", "layout", "kustomization"),
    [
        (FLUX_KUSTOMIZATION, ("spec", "patches", 0, "patch"), "kustomize-inline", True),
        (FLUX_KUSTOMIZATION, ("spec", "patches", 0, "patch"), "kustomize-inline", False),
        (ARGO_KUSTOMIZE, ("spec", "source", "kustomize", "patches", 0, "patch"), "kustomize-json6902", True),
    ],
    ids=["Flux", "Flux without a kustomization", "Argo CD"],
)
def test_what_gitops_lays_over_a_folder_decides(
    text: str, outer: tuple[str | int, ...], layout: str, kustomization: bool, tmp_path: Path
) -> None:
    files = {"apps/web.yaml": deployment(), "cluster/apps.yaml": text}
    if kustomization:
        files["apps/kustomization.yaml"] = "resources: [web.yaml]\n"
    tree = write_tree(tmp_path, files)
    found = find(tree, Target("live-web", namespace="mall"))
    site = chosen(tree, found, MEMORY)
    assert (site.file, site.outer, site.layout) == ("cluster/apps.yaml", outer, layout)
    assert ("apps/web.yaml", 0) in found.claimed


def test_the_folder_that_flux_names_is_a_source(tmp_path: Path) -> None:
    flux_file = FLUX_KUSTOMIZATION.replace("namePrefix: live-", "prune: true").replace("900Mi", "1Gi")
    tree = write_tree(
        tmp_path,
        {
            "apps/kustomization.yaml": "resources: [../base]\n",
            "test/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": deployment(),
            "cluster/apps.yaml": flux_file,
        },
    )
    assert chosen(tree, find(tree, Target("web", source="./apps")), MEMORY).file == "cluster/apps.yaml"


def test_several_environments_with_numbers_of_their_own_are_several_workloads(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": deployment(),
            "east/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
            "east/p.yaml": deployment(memory="512Mi").replace("cpu: 100m, ", ""),
            "west/kustomization.yaml": "resources: [../base]\n",
        },
    )
    found = find(tree, Target("web"))
    assert {site.source for site in found.sites} == {"east", "west"}
    assert chosen(tree, find(tree, Target("web", source="east")), MEMORY).file == "east/p.yaml"
    assert chosen(tree, find(tree, Target("web", source="west")), MEMORY).scaffold is not None
    assert chosen(tree, find(tree, Target("web", source="west"), "edit"), MEMORY).file == "base/web.yaml"
    refused = find(tree, Target("web", source="west"), "refuse")
    assert [refusal.decisive for refusal in refused.refusals] == [True]


def test_a_patch_that_means_several_workloads_is_not_edited_for_one(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path,
        {
            "kustomization.yaml": (
                "resources: [web.yaml, api.yaml]\npatches:\n- {path: p.yaml, target: {kind: Deployment}}\n"
            ),
            "web.yaml": deployment(),
            "api.yaml": deployment("api"),
            "p.yaml": deployment("any", memory="512Mi"),
        },
    )
    site = chosen(tree, find(tree, Target("web")), MEMORY)
    assert site.scaffold is not None
    assert site.effective[MEMORY] == "512Mi"


@pytest.mark.parametrize(
    "patch",
    [
        deployment().replace("memory: 256Mi", "memory: null"),
        "- {op: remove, path: /spec/template/spec/containers/0/resources/limits/memory}\n",
    ],
    ids=["null", "remove"],
)
def test_a_number_that_a_patch_takes_away_is_not_taken_from_the_base(patch: str, tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path,
        {
            "kustomization.yaml": (
                "resources: [base]\npatches:\n- {path: p.yaml, target: {kind: Deployment, name: web}}\n"
            ),
            "p.yaml": patch,
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": deployment(),
        },
    )
    found = find(tree, Target("web"))
    place = held(tree, found.sites, MEMORY)
    assert place is None or place.quantity is None


def test_replacements_that_write_resources_are_decisive(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path,
        {
            "kustomization.yaml": """
                resources: [web.yaml]
                replacements:
                - source: {kind: ConfigMap, name: sizes, fieldPath: data.memory}
                  targets:
                  - select: {kind: Deployment}
                    fieldPaths: [spec.template.spec.containers.0.resources.limits.memory]
                """,
            "web.yaml": deployment(),
        },
    )
    (refusal,) = find(tree, Target("web")).refusals
    assert (refusal.reason, refusal.decisive) == (Reason.GENERATED, True)


@pytest.mark.parametrize("inline", [True, False])
def test_what_a_patch_sets_over_a_remote_base_is_decided_here(inline: bool, tmp_path: Path) -> None:
    remote = "namespace: mall\nresources: ['https://github.com/example/upstream//deploy?ref=v1']\n"
    body = "\n".join(f"    {line}" for line in deployment(memory="512Mi").splitlines())
    patches = f"patches:\n- patch: |\n{body}\n" if inline else "patches: [{path: p.yaml}]\n"
    tree = write_tree(tmp_path, {"kustomization.yaml": remote + patches, "p.yaml": deployment(memory="512Mi")})
    site = chosen(tree, find(tree, Target("web", namespace="mall")), MEMORY)
    assert site.file == ("kustomization.yaml" if inline else "p.yaml")
    assert any("github.com/example/upstream" in note for note in site.notes)


def test_a_chart_that_kustomize_inflates_is_named(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, {"kustomization.yaml": "helmCharts: [{name: redis, releaseName: cache}]\n"})
    (refusal,) = find(tree, Target("cache-redis")).refusals
    assert refusal.reason is Reason.CHART_UNAVAILABLE
    assert find(tree, Target("web")).refusals == ()


# --- hostile input


def test_a_base_outside_the_tree_is_not_read(tmp_path: Path) -> None:
    write_tree(tmp_path, {"else/kustomization.yaml": "resources: [web.yaml]\n", "else/web.yaml": deployment()})
    for resource in ("../../else", "/etc", "../../else/web.yaml"):
        tree = write_tree(tmp_path / "in", {"prod/kustomization.yaml": f"resources: ['{resource}']\n"})
        assert find(tree, Target("web")).sites == ()


def test_what_is_taken_from_outside_or_by_program_is_noted(tmp_path: Path) -> None:
    text = "resources: [web.yaml]\npatches: [{path: ../p.yaml}]\ntransformers: [t.yaml]\n"
    tree = write_tree(tmp_path, {"kustomization.yaml": text, "web.yaml": deployment()})
    notes = " ".join(chosen(tree, find(tree, Target("web")), MEMORY).notes)
    assert "../p.yaml, which lies outside" in notes
    assert "transformers" in notes


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"else/kustomization.yaml": "resources: [web.yaml]\n", "else/web.yaml": deployment()})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "base").symlink_to(tmp_path / "else")
    (tmp_path / "in" / "web.yaml").symlink_to(tmp_path / "else" / "web.yaml")
    tree = write_tree(tmp_path / "in", {"kustomization.yaml": "resources: [base, web.yaml]\n"})
    assert find(tree, Target("web")).sites == ()


def test_bases_in_a_circle_end(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path,
        {
            "a/kustomization.yaml": "resources: [../b, web.yaml]\nnamePrefix: x-\n",
            "b/kustomization.yaml": "resources: [../a]\ncomponents: [../b]\n",
            "a/web.yaml": deployment(),
            "top/kustomization.yaml": "resources: [../a]\n",
        },
    )
    found = find(tree, Target("x-web"))
    assert found.sites == ()
    assert any("circle" in refusal.message for refusal in found.refusals)


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 60))
HOSTILE = {
    "aliases": BOMB,
    "merges": MERGES,
    "itself": "a: &a [*a]\n",
    "depth": "[" * 5000,
    "keys": "? [a, b]\n: {? {c: d} : e}\n",
    "size": "#" + "x" * (9 * 1024 * 1024),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_bombs_are_refused_at_once(text: str) -> None:
    started = time.monotonic()
    try:
        parse(text, Place("f.yaml", "test"))
    except UnreadableError as error:
        assert error.code == "invalid_yaml"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", [*HOSTILE.values(), "\xff", "resources: {a: b}", "resources: [[a], {b: c}, 1]", "- x"])
def test_an_unreadable_kustomization_hides_nothing_else(text: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"ok/kustomization.yaml": "resources: [web.yaml]\n", "ok/web.yaml": deployment()})
    (tmp_path / "kustomization.yaml").write_bytes(text.encode("latin-1"))
    tree = write_tree(tmp_path, {})
    assert chosen(tree, find(tree, Target("web")), MEMORY).file == "ok/web.yaml"
