# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The number is written where Kustomize takes it from: proven by building before and after with the real tool."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize import find
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number, Target
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.manifests.layouts_support import (
    changed,
    chosen,
    deployment,
    kustomize_build,
    write_number,
    write_tree,
)

BASE = {"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": deployment()}


@dataclass(frozen=True)
class Case:
    files: dict[str, str]
    target: Target
    file: str
    layout: str
    environments: tuple[str, ...] = ("prod",)
    moves: tuple[str, ...] = ("prod",)  # environments in which the number may move
    number: Number = ("limits", "memory")
    affects: tuple[str, ...] = ()
    container: str = "server"
    extra: dict[str, str] = field(default_factory=dict)


def patch(memory: str = "512Mi", name: str = "web", container: str = "server") -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n        - name: {container}\n          resources: {{limits: {{memory: {memory}}}}}\n"
    )


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


CASES = {
    "base alone": Case(BASE, Target("web"), "base/web.yaml", "kustomize-base", ("base",), ("base",)),
    "prefix and namespace of the only overlay lead to the base": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: live-\nnameSuffix: -v2\nnamespace: shop\n",
        },
        Target("live-web-v2", namespace="shop"),
        "base/web.yaml",
        "kustomize-base",
    ),
    "prefixes of two levels": Case(
        {
            **BASE,
            "mid/kustomization.yaml": "resources: [../base]\nnamePrefix: b-\n",
            "prod/kustomization.yaml": "resources: [../mid]\nnamePrefix: a-\n",
        },
        Target("a-b-web"),
        "base/web.yaml",
        "kustomize-base",
    ),
    "patch by path": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n",
            "prod/p.yaml": patch(),
        },
        Target("web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "inline patch": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\npatches:\n- patch: |-\n" + indented(patch(), 4),
        },
        Target("web"),
        "prod/kustomization.yaml",
        "kustomize-inline",
    ),
    "deprecated patchesStrategicMerge by path": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\npatchesStrategicMerge: [p.yaml]\n",
            "prod/p.yaml": patch(),
        },
        Target("web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "deprecated patchesStrategicMerge inline": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\npatchesStrategicMerge:\n- |\n" + indented(patch(), 2),
        },
        Target("web"),
        "prod/kustomization.yaml",
        "kustomize-inline",
    ),
    "the later of two patches wins": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n- path: q.yaml\n",
            "prod/p.yaml": patch("512Mi"),
            "prod/q.yaml": patch("768Mi"),
        },
        Target("web"),
        "prod/q.yaml",
        "kustomize-patch",
    ),
    "patches win over patchesStrategicMerge": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n- path: p.yaml\npatchesStrategicMerge:\n- q.yaml\n"
            ),
            "prod/p.yaml": patch("512Mi"),
            "prod/q.yaml": patch("768Mi"),
        },
        Target("web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "JSON6902 replace by index in the built base": Case(
        {
            "base/kustomization.yaml": "resources: [web.yaml]\npatches:\n- path: sidecar.yaml\n",
            "base/web.yaml": deployment(),
            # the patch's container comes first in what is built, so that the server is number 1
            "base/sidecar.yaml": patch("64Mi", container="proxy").replace(
                "- name: proxy\n", "- name: proxy\n          image: proxy:1\n"
            ),
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n"
                "    - op: replace\n      path: /spec/template/spec/containers/1/resources/limits/memory\n"
                "      value: 300Mi\n"
            ),
        },
        Target("web", container="server"),
        "prod/kustomization.yaml",
        "kustomize-json6902",
    ),
    "JSON6902 file that adds limits whole": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatchesJson6902:\n"
                "- target: {group: apps, version: v1, kind: Deployment, name: web}\n"
                "  path: j.yaml\n"
            ),
            "prod/j.yaml": (
                "- op: add\n  path: /metadata/annotations\n  value: {a~b: c}\n"
                "- op: add\n  path: /spec/template/spec/containers/0/resources/limits\n"
                "  value: {memory: 300Mi, ephemeral-storage: 1Gi}\n"
            ),
        },
        Target("web"),
        "prod/j.yaml",
        "kustomize-json6902",
    ),
    "JSON6902 that adds resources": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n- target: {kind: Deployment}\n  path: j.json\n"
            ),
            "prod/j.json": (
                '[{"op": "add", "path": "/spec/template/spec/containers/0/resources",'
                ' "value": {"limits": {"memory": "300Mi"}}}]\n'
            ),
        },
        Target("web"),
        "prod/j.json",
        "kustomize-json6902",
    ),
    "patchesJson6902 win over patches": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n- path: p.yaml\npatchesJson6902:\n"
                "- target: {version: v1, kind: Deployment, name: web}\n  patch: |-\n    - op: replace\n"
                "      path: /spec/template/spec/containers/0/resources/limits/memory\n      value: 300Mi\n"
            ),
            "prod/p.yaml": patch("512Mi"),
        },
        Target("web"),
        "prod/kustomization.yaml",
        "kustomize-json6902",
    ),
    "component": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../big]\n",
            "big/kustomization.yaml": (
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: p.yaml\n"
            ),
            "big/p.yaml": patch(),
        },
        Target("web"),
        "big/p.yaml",
        "kustomize-patch",
    ),
    "the overlay's own patch wins over its component": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../big]\npatches: [{path: p.yaml}]\n",
            "prod/p.yaml": patch("700Mi"),
            "big/kustomization.yaml": (
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: p.yaml\n"
            ),
            "big/p.yaml": patch(),
        },
        Target("web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "target by label selector and anchored name": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n"
                "- {path: p.yaml, target: {labelSelector: 'app in (web,api),app!=db'}}\n"
                "- {path: q.yaml, target: {kind: Deployment, name: we}}\n"
                "- {path: q.yaml, target: {kind: Deployment, name: 'web.+'}}\n"
            ),
            "prod/p.yaml": patch(name="any"),
            "prod/q.yaml": patch("999Mi", name="any"),
        },
        Target("web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "a patch may name the object as it was or as it is": Case(
        {
            **BASE,
            "mid/kustomization.yaml": "resources: [../base]\nnamePrefix: m-\nnamespace: shop\n",
            "prod/kustomization.yaml": "resources: [../mid]\nnamePrefix: p-\npatches:\n- path: p.yaml\n",
            "prod/p.yaml": patch(),
        },
        Target("p-m-web"),
        "prod/p.yaml",
        "kustomize-patch",
    ),
    "a patch of the overlay without this number takes the number of a shared base": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\npatches:\n- path: p.yaml\n",
            "prod/p.yaml": patch().replace("limits: {memory: 512Mi}", "requests: {memory: 200Mi}"),
            "test/kustomization.yaml": "resources: [../base]\nnamespace: test\n",
        },
        Target("web", namespace="prod"),
        "prod/p.yaml",
        "kustomize-patch",
        ("prod", "test"),
    ),
    "a shared base gets a new patch in the overlay": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources:\n  - ../base\nnamespace: prod\nnamePrefix: x-\n",
            "test/kustomization.yaml": "resources: [../base]\nnamespace: test\n",
        },
        Target("x-web", namespace="prod"),
        "prod/web-deployment-server.yaml",
        "kustomize-patch",
        ("prod", "test"),
    ),
    "the new patch is the last of those there are": Case(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:   # ours\n  - path: p.yaml   # replicas\n\n# the end\nnamespace: prod\n"
            ),
            "prod/p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
            "test/kustomization.yaml": "resources: [../base]\nnamespace: test\n",
        },
        Target("web", namespace="prod"),
        "prod/web-deployment-server.yaml",
        "kustomize-patch",
        ("prod", "test"),
    ),
    "the new patch goes into the lowest kustomization that is the target's alone": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\n",
            "test/kustomization.yaml": "resources: [../base]\nnamespace: test\n",
            "cluster/kustomization.yaml": "resources: [../prod]\n",
        },
        Target("web", namespace="prod"),
        "prod/web-deployment-server.yaml",
        "kustomize-patch",
        ("prod", "test", "cluster"),
        ("prod", "cluster"),
    ),
    "a base whose numbers other overlays all patch is the target's alone": Case(
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\n",
            "test/kustomization.yaml": "resources: [../base]\nnamespace: test\npatches: [{path: p.yaml}]\n",
            "test/p.yaml": patch("1Gi, cpu: 1}, requests: {cpu: 1, memory: 1Gi"),
        },
        Target("web", namespace="prod"),
        "base/web.yaml",
        "kustomize-base",
        ("prod", "test"),
    ),
    "environments that build the same object from one number change together": Case(
        {
            **BASE,
            "apps/kustomization.yaml": "resources: [../base]\nnamespace: shop\n",
            "east/kustomization.yaml": "resources: [../apps]\n",
            "west/kustomization.yaml": "resources: [../apps]\n",
        },
        Target("web", namespace="shop"),
        "base/web.yaml",
        "kustomize-base",
        ("east", "west"),
        ("east", "west"),
        affects=("east", "west"),
    ),
    "a kind List within a base": Case(
        {
            "base/kustomization.yaml": "resources: [all.yaml]\n",
            "base/all.yaml": "apiVersion: v1\nkind: List\nitems:\n- "
            + deployment("other").replace("\n", "\n  ").rstrip()
            + "\n- "
            + deployment().replace("\n", "\n  ").rstrip()
            + "\n",
        },
        Target("web"),
        "base/all.yaml",
        "kustomize-base",
        ("base",),
        ("base",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_build_changes_in_exactly_the_one_number(case: Case, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, case.files)
    before = {name: kustomize_build(tmp_path / name) for name in case.environments}

    found = find(tree, case.target)
    site = chosen(tree, found, case.number, case.container)

    assert (site.file, site.layout, site.affects) == (case.file, case.layout, case.affects)
    write_number(tmp_path, site, "1234Mi", case.number)
    for name in case.environments:
        difference = changed(before[name], kustomize_build(tmp_path / name))
        if name in case.moves:
            ((path, value),) = difference.items()
            assert value == "1234Mi"
            assert path[2] == site.name or name != "prod"
            assert path[-2:] == case.number
        else:
            assert difference == {}
