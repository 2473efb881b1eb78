# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The number is written where Helm takes it from: proven by rendering before and after with the real helm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm import find
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_pantry import pantry
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number, Target
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.manifests.layouts_support import (
    changed,
    chosen,
    leaves_of_object,
    tool,
    write_number,
    write_tree,
)

FULLNAME = (
    '{{ .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name)'
    " (contains .Chart.Name .Release.Name)) }}"
)
CHART = {
    "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    "charts/app/values.yaml": """
        image: app:1
        resources: {}
        worker:
          enabled: true
          resources:
            limits:
              memory: 64Mi
        """,
    "charts/app/templates/server.yaml": f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {FULLNAME}
        spec:
          template:
            spec:
              containers:
                - name: server
                  image: {{{{ .Values.image }}}}
                  {{{{- with .Values.resources }}}}
                  resources: {{{{- toYaml . | nindent 12 }}}}
                  {{{{- end }}}}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata:
          name: {FULLNAME}-worker
        spec:
          template:
            spec:
              containers:
                - name: server
                  image: worker
                  resources:
                    limits:
                      memory: {{{{ .Values.worker.resources.limits.memory }}}}
        """,
}


@pytest.fixture(autouse=True)
def _helm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PLATFORM_OPS_HELM", tool("helm"))
    yield


def argocd(helm: str, *, name: str = "shop", more: str = "") -> str:
    text = (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\nspec:\n"
        "  destination:\n    namespace: shop\n  source:\n    repoURL: https://git.example/fleet.git\n"
        "    path: charts/app\n    helm:\n"
    )
    return text + "".join(f"      {line}\n" for line in helm.splitlines()) + more


def flux(values: str, *, name: str = "shop", spec: str = "") -> str:
    return (
        f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: {name}\n  namespace: shop\n"
        "spec:\n  interval: 5m\n  chart:\n    spec:\n      chart: ./charts/app\n"
        "      sourceRef: {kind: GitRepository, name: fleet}\n" + spec + values
    )


@dataclass(frozen=True)
class Case:
    files: dict[str, str]
    target: Target
    file: str
    layout: str
    path: tuple[str | int, ...]
    affects: tuple[str, ...] = ()
    before: str | None = None


MEMORY: Number = ("limits", "memory")
SHOP = Target("shop-app", "Deployment", "shop", "server")
LIMIT = "resources: {limits: {memory: 300Mi}}"

CASES = {
    "HelmRelease values": Case(
        {"release.yaml": flux("  values:\n    resources: {limits: {memory: 300Mi}}\n")},
        SHOP,
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "HelmRelease that leaves it to the chart gets the value itself": Case(
        {"release.yaml": flux("  values:\n    image: app:2\n")},
        Target("shop-app-worker"),
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "worker", "resources"),
        before="64Mi",
    ),
    "HelmRelease without values": Case(
        {"release.yaml": flux("")},
        Target("shop-app-worker"),
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "worker", "resources"),
        before="64Mi",
    ),
    "releaseName and fullnameOverride": Case(
        {"release.yaml": flux("  values:\n    fullnameOverride: till\n    resources: {limits: {memory: 3Mi}}\n")},
        Target("till"),
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "targetNamespace is part of the release name": Case(
        {"release.yaml": flux(f"  values:\n    {LIMIT}\n", spec="  targetNamespace: east\n")},
        Target("east-shop-app", namespace="east"),
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "HelmRelease valuesFrom a ConfigMap in the tree": Case(
        {
            "release.yaml": flux("", spec="  valuesFrom:\n  - {kind: ConfigMap, name: shop-values}\n"),
            "map.yaml": (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-values}\ndata:\n  values.yaml: |\n"
                f"    # ours\n    {LIMIT}\n"
            ),
        },
        SHOP,
        "map.yaml",
        "helm-values",
        ("resources",),
    ),
    "HelmRelease values win over valuesFrom": Case(
        {
            "release.yaml": flux(
                f"  values:\n    {LIMIT}\n", spec="  valuesFrom:\n  - {kind: ConfigMap, name: shop-values}\n"
            ),
            "map.yaml": (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-values}\ndata:\n  values.yaml: |\n"
                "    resources: {limits: {memory: 1Mi}}\n"
            ),
        },
        SHOP,
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "valuesFrom a ConfigMap that a kustomization generates": Case(
        {
            "kustomization.yaml": (
                "resources: [release.yaml]\nconfigMapGenerator:\n- name: shop-values\n"
                "  files: [values.yaml=shop.yaml]\n"
            ),
            "release.yaml": flux("", spec="  valuesFrom:\n  - {kind: ConfigMap, name: shop-values}\n"),
            "shop.yaml": f"{LIMIT}\n",
        },
        SHOP,
        "shop.yaml",
        "helm-values",
        ("resources",),
    ),
    "HelmRelease patched in an overlay": Case(
        {
            "base/kustomization.yaml": "resources: [release.yaml]\n",
            "base/release.yaml": flux(f"  values:\n    {LIMIT}\n"),
            "prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n",
            "prod/p.yaml": (
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: shop\n  namespace: shop\n"
                "spec:\n  values:\n    resources: {limits: {memory: 400Mi}}\n"
            ),
        },
        SHOP,
        "prod/p.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "HelmRelease postRenderers win over values": Case(
        {
            "release.yaml": flux(
                f"  values:\n    {LIMIT}\n",
                spec="""\
  postRenderers:
  - kustomize:
      patches:
      - target: {kind: Deployment}
        patch: |
          - op: replace
            path: /spec/template/spec/containers/0/resources/limits/memory
            value: 500Mi
""",
            )
        },
        SHOP,
        "release.yaml",
        "kustomize-json6902",
        (0, "value"),
    ),
    "a HelmRelease shared by two environments is patched in the one meant": Case(
        {
            "base/kustomization.yaml": "resources: [release.yaml]\n",
            "base/release.yaml": flux(f"  values:\n    {LIMIT}\n"),
            "prod/kustomization.yaml": "resources: [../base]\n",
            "test/kustomization.yaml": "resources: [../base]\n",
        },
        Target("shop-app", source="prod"),
        "prod/shop-helmrelease-values.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
        before="300Mi",
    ),
    "a HelmRelease that two environments apply unchanged is edited for both": Case(
        {
            "base/kustomization.yaml": "resources: [release.yaml]\n",
            "base/release.yaml": flux(f"  values:\n    {LIMIT}\n"),
            "apps/kustomization.yaml": "resources: [../base]\n",
            "prod/kustomization.yaml": "resources: [../apps]\n",
            "test/kustomization.yaml": "resources: [../apps]\n",
        },
        Target("shop-app"),
        "base/release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
        affects=("prod", "test"),
    ),
    "Flux gives the namespace in which a release is found": Case(
        {
            "apps/shop/kustomization.yaml": "resources: [release.yaml]\n",
            "apps/shop/release.yaml": flux(f"  values:\n    {LIMIT}\n").replace("  namespace: shop\n", ""),
            "cluster/shop.yaml": (
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: shop}\nspec:\n"
                "  path: ./apps/shop\n  targetNamespace: mall\n"
            ),
        },
        Target("shop-app", namespace="mall"),
        "apps/shop/release.yaml",
        "flux-helmrelease",
        ("spec", "values", "resources"),
    ),
    "Argo CD valuesObject": Case(
        {"app.yaml": argocd(f"valuesObject:\n  {LIMIT}")},
        SHOP,
        "app.yaml",
        "argocd-valuesobject",
        ("spec", "source", "helm", "valuesObject", "resources"),
    ),
    "Argo CD values string": Case(
        {"app.yaml": argocd(f"values: |\n  {LIMIT}")},
        SHOP,
        "app.yaml",
        "argocd-values",
        ("resources",),
    ),
    "Argo CD parameters win over valuesObject": Case(
        {
            "app.yaml": argocd(
                f"valuesObject:\n  {LIMIT}\nparameters:\n- {{name: image, value: x}}\n"
                "- name: resources.limits.memory\n  value: 123Mi"
            )
        },
        SHOP,
        "app.yaml",
        "argocd-parameters",
        ("spec", "source", "helm", "parameters", 1, "value"),
    ),
    "Argo CD valuesObject makes values void": Case(
        {"app.yaml": argocd(f"values: |\n  resources: {{limits: {{memory: 1Mi}}}}\nvaluesObject:\n  {LIMIT}")},
        SHOP,
        "app.yaml",
        "argocd-valuesobject",
        ("spec", "source", "helm", "valuesObject", "resources"),
    ),
    "Argo CD values win over valueFiles": Case(
        {
            "app.yaml": argocd(f"valueFiles: [values-prod.yaml]\nvalues: |\n  {LIMIT}"),
            "charts/app/values-prod.yaml": "resources: {limits: {memory: 1Mi}}\n",
        },
        SHOP,
        "app.yaml",
        "argocd-values",
        ("resources",),
    ),
    "the last of Argo CD's valueFiles wins": Case(
        {
            "app.yaml": argocd("valueFiles: [a.yaml, /env/b.yaml]"),
            "charts/app/a.yaml": "resources: {limits: {memory: 1Mi}}\n",
            "env/b.yaml": f"{LIMIT}\n",
        },
        SHOP,
        "env/b.yaml",
        "helm-values",
        ("resources",),
    ),
    "the chart's own values.yaml among valueFiles does not weaken those after it": Case(
        {
            "app.yaml": argocd("valueFiles: [values.yaml, values-prod.yaml]"),
            "charts/app/values-prod.yaml": f"{LIMIT}\n",
        },
        SHOP,
        "charts/app/values-prod.yaml",
        "helm-values",
        ("resources",),
    ),
    "a pattern in valueFiles expands in the order of names": Case(
        {
            "app.yaml": argocd("valueFiles: ['values-*.yaml']"),
            "charts/app/values-10.yaml": "resources: {limits: {memory: 1Mi}}\n",
            "charts/app/values-9.yaml": f"{LIMIT}\n",
        },
        SHOP,
        "charts/app/values-9.yaml",
        "helm-values",
        ("resources",),
    ),
    "values files of another source": Case(
        {
            "app.yaml": (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n"
                "  destination: {namespace: shop}\n  sources:\n"
                "  - {repoURL: https://git.example/fleet.git, ref: here}\n"
                "  - repoURL: https://git.example/fleet.git\n    path: charts/app\n"
                "    helm: {releaseName: kiosk, valueFiles: [$here/env/b.yaml]}\n"
            ),
            "env/b.yaml": f"{LIMIT}\n",
        },
        Target("kiosk-app", namespace="shop"),
        "env/b.yaml",
        "helm-values",
        ("resources",),
    ),
    "ApplicationSet with a list": Case(
        {
            "set.yaml": """
                apiVersion: argoproj.io/v1alpha1
                kind: ApplicationSet
                metadata: {name: shops}
                spec:
                  generators:
                  - list:
                      elements:
                      - {env: east}
                  template:
                    metadata: {name: 'shop-{{env}}'}
                    spec:
                      destination: {namespace: '{{env}}'}
                      source:
                        path: charts/app
                        helm:
                          valuesObject:
                            resources: {limits: {memory: 300Mi}}
                """
        },
        Target("shop-east-app", namespace="east"),
        "set.yaml",
        "argocd-valuesobject",
        ("spec", "template", "spec", "source", "helm", "valuesObject", "resources"),
    ),
    "ApplicationSet over folders": Case(
        {
            "set.yaml": """
                apiVersion: argoproj.io/v1alpha1
                kind: ApplicationSet
                metadata: {name: all}
                spec:
                  goTemplate: true
                  generators:
                  - git:
                      directories:
                      - {path: env/*}
                      - {path: env/old, exclude: true}
                  template:
                    metadata: {name: '{{ .path.basename }}'}
                    spec:
                      destination: {namespace: '{{.path.basename}}'}
                      source:
                        path: charts/app
                        helm: {valueFiles: ['/{{ .path.path }}/values.yaml']}
                """,
            "env/east/values.yaml": f"{LIMIT}\n",
            "env/west/values.yaml": f"{LIMIT}\n",
            "env/old/values.yaml": f"{LIMIT}\n",
            "env/east/deeper/x.yaml": "a: 1\n",
        },
        Target("east-app", namespace="east"),
        "env/east/values.yaml",
        "helm-values",
        ("resources",),
    ),
    "ApplicationSet over files": Case(
        {
            "set.yaml": """
                apiVersion: argoproj.io/v1alpha1
                kind: ApplicationSet
                metadata: {name: all}
                spec:
                  generators:
                  - git: {files: [{path: 'env/**/app.json'}]}
                  template:
                    metadata: {name: '{{app.name}}'}
                    spec:
                      destination: {namespace: shop}
                      source:
                        path: charts/app
                        helm: {valueFiles: ['/{{path}}/values.yaml']}
                """,
            "env/eu/east/values.yaml": f"{LIMIT}\n",
            "env/eu/east/app.json": '{"app": {"name": "till"}}',
        },
        Target("till-app", namespace="shop"),
        "env/eu/east/values.yaml",
        "helm-values",
        ("resources",),
    ),
    "values shared with another Application give way to the Application's own": Case(
        {
            "a.yaml": argocd("valueFiles: [/common.yaml]"),
            "b.yaml": argocd("valueFiles: [/common.yaml]", name="other"),
            "common.yaml": f"{LIMIT}\n",
        },
        SHOP,
        "a.yaml",
        "argocd-valuesobject",
        ("spec", "source", "helm", "valuesObject", "resources"),
        before="300Mi",
    ),
    "the values of an ApplicationSet's template are those of all its Applications": Case(
        {
            "set.yaml": """
                apiVersion: argoproj.io/v1alpha1
                kind: ApplicationSet
                metadata: {name: shops}
                spec:
                  generators:
                  - list: {elements: [{env: east}, {env: west}]}
                  template:
                    metadata: {name: 'shop-{{env}}'}
                    spec:
                      destination: {namespace: '{{env}}'}
                      source:
                        path: charts/app
                        helm:
                          values: |
                            resources: {limits: {memory: 300Mi}}
                """
        },
        Target("shop-east-app", namespace="east"),
        "set.yaml",
        "argocd-values",
        ("resources",),
        affects=("set.yaml#shop-west",),
    ),
    "a chart that nothing deploys, with its own values": Case(
        {},
        Target("app-worker"),
        "charts/app/values.yaml",
        "helm-values",
        ("worker", "resources"),
    ),
    "a values file beside a chart": Case(
        {"charts/app/values-prod.yaml": "image: app:3\n"},
        Target("app-worker"),
        "charts/app/values-prod.yaml",
        "helm-values",
        ("worker", "resources"),
        before="64Mi",
    ),
    "a value of a subchart is set through its parent": Case(
        {
            "charts/app/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
            "charts/app/charts/db/values.yaml": "resources: {limits: {memory: 1Gi}}\n",
            "charts/app/charts/db/templates/db.yaml": """
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: "{{ .Release.Name }}-db"}
                spec:
                  template:
                    spec:
                      containers:
                      - name: server
                        image: db
                        resources: {{- toYaml .Values.resources | nindent 10 }}
                """,
            "release.yaml": flux("  values:\n    image: app:2\n"),
        },
        Target("shop-db"),
        "release.yaml",
        "flux-helmrelease",
        ("spec", "values", "db", "resources"),
        before="1Gi",
    ),
    "a dependency that is a folder of this tree needs no vendoring": Case(
        {
            "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n"
            "  - {name: db, version: 1.0.0, repository: 'file://../../shared/db', alias: store}\n",
            "charts/app/values-prod.yaml": "store: {resources: {limits: {memory: 2Gi}}}\n",
            "shared/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
            "shared/db/values.yaml": "resources: {limits: {memory: 1Gi}}\n",
            "shared/db/templates/db.yaml": """
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: "{{ .Release.Name }}-store"}
                spec:
                  template:
                    spec:
                      containers:
                      - name: server
                        image: db
                        resources: {{- toYaml .Values.resources | nindent 10 }}
                """,
            "app.yaml": argocd("valueFiles: [values-prod.yaml]"),
        },
        Target("shop-store"),
        "charts/app/values-prod.yaml",
        "helm-values",
        ("store", "resources"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_value_that_reaches_the_container_is_the_one_edited(case: Case, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, {**CHART, **case.files})
    before = rendered(tree)

    found = find(tree, case.target)
    site = chosen(tree, found, MEMORY)

    assert (site.file, site.layout, site.leaf.get(MEMORY, site.resources)) == (case.file, case.layout, case.path)
    assert site.affects == case.affects
    assert site.effective.get(MEMORY) == case.before
    write_number(tmp_path, site, "1234Mi")
    difference = changed(before, rendered(Tree(tmp_path)))
    assert {path[0] for path in difference} == {site.source, *case.affects}
    assert len(difference) == len({site.source, *case.affects})
    for path, value in difference.items():
        assert (path[1], path[-2:], value) == (site.kind, MEMORY, "1234Mi")


def rendered(tree: Tree) -> dict[tuple[Any, ...], Any]:
    """Every scalar of everything that the tree deploys through charts, by release."""
    held = pantry(tree)
    made: dict[tuple[Any, ...], Any] = {}
    for release in held.releases:
        for body in held.unprobed(release):
            made.update(leaves_of_object(body, (release.source,)))
    return made
