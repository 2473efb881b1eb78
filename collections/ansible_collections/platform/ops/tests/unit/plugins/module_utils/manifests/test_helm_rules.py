# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Helm does with values, as tables; and that what we hand to it means what the author wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_chart import charts
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_release import (
    Release,
    closeness,
    may_deploy_to,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_render import HelmError, Kitchen
from ansible_collections.platform.ops.plugins.module_utils.manifests._helm_values import (
    PathError,
    candidates,
    dotted,
    dump,
    merge,
    probe,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import Node, Place, parse
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Target
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.manifests.layouts_support import tool, write_tree
from hypothesis import given, settings
from hypothesis import strategies as st


def node(text: str, file: str = "values.yaml") -> Any:
    return parse(text, Place(file, "helm-values"))[0]


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{a: {b: 1}}", "{a: {c: 2}}", {"a": {"b": "1", "c": "2"}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": ["3"]}),
        ("{a: {b: 1}}", "{a: null}", {"a": None}),
        ("{a: {b: 1}}", "{a: 1}", {"a": "1"}),
        ("{a: 1}", "{a: {b: 1}}", {"a": {"b": "1"}}),
    ],
)
def test_layers_merge_as_helm_merges_them(base: str, over: str, result: object) -> None:
    assert merge(node(base), node(over)) == result


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("resources", ("resources",)),
        ("server.resources", ("server", "resources")),
        ("workers[0].resources", ("workers", 0, "resources")),
        ("a[1][2].b", ("a", 1, 2, "b")),
        (r"a\.b.c", ("a.b", "c")),
    ],
)
def test_paths_are_read_as_helm_reads_them(text: str, path: tuple[str | int, ...]) -> None:
    assert dotted(text) == path


@pytest.mark.parametrize("text", ["", ".", "a..b", "a.", "[0]", "a[x]", "a]b"])
def test_paths_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(PathError):
        dotted(text)


def test_candidates_are_mappings_of_numbers_siblings_of_images_and_lonely_numbers() -> None:
    values = node(
        "{image: x, worker: {image: y, resources: {limits: {memory: 1Mi}}}, sidecarResources: {}, jobs: [{image: z}],"
        " quota: {limits: {cpu: 1}}, memoryLimit: 512Mi, port: 8080, cpus: 2, name: checkout}"
    )
    found = {(".".join(map(str, one.path)), one.alone) for one in candidates(values)}
    assert found == {
        ("resources", False),
        ("worker.resources", False),
        ("sidecarResources", False),
        ("jobs.0.resources", False),
        ("quota", False),
        ("memoryLimit", True),
        ("cpus", True),
    }


def test_probes_are_all_different_and_leave_other_values_alone() -> None:
    values = node("{image: x, worker: {resources: {limits: {memory: 1Mi}}}, keep: {this: [1, a]}}")
    made = probe(values)
    assert len(made.meaning) == 2 * 6
    assert made.values["keep"] == values["keep"]
    assert values["worker"]["resources"]["limits"]["memory"] == "1Mi"


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(
        ["yes", "on", "1e3", "0x10", "1_000", "null", "~", "1.5", "- x", "a: b", "#", "{{ x }}", "2024-01-01"]
    ),
)
_VALUES = st.dictionaries(
    st.text("abcXYZ", min_size=1, max_size=4),
    st.recursive(
        _SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(_VALUES, st.booleans())
def test_values_written_out_read_the_same(values: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(values, default_flow_style=flow, allow_unicode=True)
    assert yaml.safe_load(dump(node(text))) == values


TYPES = """
number: 1
text: "1"
big: 12345678901234567890
half: 0.5
exponent: 1e3
truth: true
said: "true"
answer: yes
octal: 0o17
nothing: null
date: 2024-01-01
version: 1.2.3
list: [1, "1", a]
deep: {a: {b: 1Gi}}
"""


def test_helm_sees_the_same_types_in_what_we_hand_over(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
            "c/templates/t.yaml": (
                "kind: T\ntypes:\n{{- range $k, $v := .Values }}\n"
                "  {{ $k }}: {{ kindOf $v }} {{ toJson $v }}\n{{- end }}\n"
            ),
        },
    )
    tree = write_tree(tmp_path, {})
    kitchen = Kitchen(tool("helm"))
    chart = charts(tree)["c"]
    assert kitchen.render(chart, "r", "n", TYPES) == kitchen.render(chart, "r", "n", dump(node(TYPES)))


def release(
    name: str, values: str = "{}", namespace: str = "", defaults: str = "{}", chart_name: str = "app"
) -> Release:
    class FakeChart:
        folder = "charts/app"
        name = chart_name
        template_text = b"metadata: {name: x}"

    FakeChart.defaults = node(defaults)  # type: ignore[attr-defined]
    return Release("release.yaml", name, namespace, FakeChart(), node(values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "target", "score"),
    [
        (release("shop"), "shop-app", 3),
        (release("shop-app"), "shop-app", 3),
        (release("shop", "{nameOverride: till}"), "shop-till", 3),
        (release("shop", "{fullnameOverride: till}"), "till", 3),
        (release("shop"), "shop-app-worker", 2),
        (release("shop"), "shop", 2),
        (release("shop"), "the-shop", 1),
        (release("shop", "{worker: {name: packer}}"), "packer", 1),
        (release("shop", "{worker: {title: packer}}"), "packer", 0),
        (release("shop"), "checkout", 0),
    ],
)
def test_releases_are_tried_in_the_order_in_which_their_names_fit(made: Release, target: str, score: int) -> None:
    assert closeness(made, Target(target)) == score


def test_a_release_of_another_namespace_is_not_rendered() -> None:
    assert may_deploy_to(release("shop", namespace="shop"), "shop")
    assert may_deploy_to(release("shop"), "shop")
    assert not may_deploy_to(release("shop", namespace="till"), "shop")


def chart_that(tmp_path: Path, template: str) -> tuple[Kitchen, Any]:
    files = {"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/t.yaml": template}
    return Kitchen(tool("helm")), charts(write_tree(tmp_path, files))["c"]


def test_hooks_and_tests_are_not_rendered(tmp_path: Path) -> None:
    hook = 'kind: Job\nmetadata: {name: h, annotations: {"helm.sh/hook": pre-install}}\n'
    kitchen, chart = chart_that(tmp_path, hook)
    assert kitchen.render(chart, "r", "n", "{}") == []


def test_a_chart_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.platform.ops.plugins.module_utils.manifests._helm_render.SECONDS", 1.0)
    loop = "{{ range $i := until 9999 }}"
    kitchen, chart = chart_that(tmp_path, loop * 6 + "{{ end }}" * 6)
    with pytest.raises(HelmError, match="longer than"):
        kitchen.render(chart, "r", "n", "{}")


def test_a_chart_that_wants_all_memory_is_stopped(tmp_path: Path) -> None:
    kitchen, chart = chart_that(tmp_path, "{{ range $i := until 999999999 }}{{ end }}")
    # which of the two bounds it meets first depends on how fast the machine is
    with pytest.raises(HelmError, match=r"memory|took longer"):
        kitchen.render(chart, "r", "n", "{}")


def test_a_chart_that_says_too_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.platform.ops.plugins.module_utils.manifests._helm_render.MAX_OUTPUT", 10_000
    )
    kitchen, chart = chart_that(tmp_path, 'kind: T\nx: {{ repeat 20000 "a" }}\n')
    with pytest.raises(HelmError, match="more than"):
        kitchen.render(chart, "r", "n", "{}")


def test_a_chart_sees_no_files_outside_the_tree_through_links(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree" / "c" / "files").mkdir(parents=True)
    (tmp_path / "tree" / "c" / "files" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "tree" / "c" / "values.schema.json").symlink_to(tmp_path / "secret")
    kitchen, chart = chart_that(
        tmp_path / "tree",
        'kind: T\nseen: {{ .Files.Get "files/link" | quote }}\n',
    )
    assert json.dumps(kitchen.render(chart, "r", "n", "{}")) == '[{"kind": "T", "seen": ""}]'


def test_a_helm_that_cannot_be_run_says_so(tmp_path: Path) -> None:
    _tree, chart = chart_that(tmp_path, "kind: T\n")
    with pytest.raises(HelmError, match="cannot be run"):
        Kitchen(str(tmp_path / "none")).render(chart, "r", "n", "{}")


def test_values_keep_the_place_of_the_layer_that_decides() -> None:
    merged: Node = merge(node("{r: {a: 1, b: 1}}", "one.yaml"), node("{r: {b: 2}}", "two.yaml"))
    assert {key: place.file for key, place in merged["r"].leaves.items()} == {"a": "one.yaml", "b": "two.yaml"}
