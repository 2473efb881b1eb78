# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions of Kustomize as tables: selectors, merges, JSON patches, paths, new entries."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_file import is_remote, read, resolve
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    PatchError,
    apply_operations,
    pointer,
    strategic_merge,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_patch import scalar, with_patch
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    Identity,
    label_match,
    selects,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import Place, parse
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import RefusedError


def node(text: str, file: str = "f.yaml") -> Any:
    return parse(text, Place(file, "test"))[0]


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier!=db", True),
        ("app!=web", False),
        ("absent!=x", True),
        ("app in (api, web)", True),
        ("app notin (api,web)", False),
        ("absent notin (x)", True),
        ("app", True),
        ("!app", False),
        ("!absent,app", True),
        ("absent", False),
        ("app=web;rm", False),
        ("app in web", False),
    ],
)
def test_label_selectors_follow_the_kubernetes_grammar(selector: str, holds: bool) -> None:
    assert label_match(selector, node("{app: web, tier: front}")) is holds


OBJECT = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: p-web, namespace: prod, labels: {app: web}}}"


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ("{}", True),
        ("{kind: Deployment}", True),
        ("{kind: Deploy}", False),
        ("{kind: 'Deploy.*'}", True),
        ("{name: web}", True),  # as it was
        ("{name: p-web}", True),  # as it is
        ("{name: 'we'}", False),
        ("{name: 'web|api'}", True),
        ("{group: apps, version: v1}", True),
        ("{group: batch}", False),
        ("{namespace: prod}", True),
        ("{namespace: default}", True),  # the original had none
        ("{namespace: test}", False),
        ("{labelSelector: app=web}", True),
        ("{labelSelector: app=api}", False),
        ("{annotationSelector: owner}", False),
        ("{name: '(a+)+$'}", False),  # would take forever if it were run
        ("{name: '[unclosed'}", False),
    ],
)
def test_targets_are_anchored_expressions_over_the_old_and_the_new_identity(target: str, hit: bool) -> None:
    assert selects(node(target), node(OBJECT), Identity("apps/v1", "Deployment", "web", "")) is hit


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        ("{a: 1, b: {c: 2}}", "{b: {d: 3}}", {"a": "1", "b": {"c": "2", "d": "3"}}),
        ("{a: 1, b: 2}", "{a: null}", {"b": "2"}),
        ("{a: {b: 1, c: 2}}", "{a: {$patch: replace, d: 3}}", {"a": {"d": "3"}}),
        ("{a: {b: 1}, c: 2}", "{a: {$patch: delete}}", {"c": "2"}),
        ("{l: [1, 2]}", "{l: [3]}", {"l": ["3"]}),
        (
            "{containers: [{name: a, x: 1}, {name: b}]}",
            "{containers: [{name: b, y: 2}, {name: c}]}",
            {"containers": [{"name": "b", "y": "2"}, {"name": "c"}, {"name": "a", "x": "1"}]},
        ),
        (
            "{containers: [{name: a}, {name: b}]}",
            "{containers: [{name: a, $patch: delete}]}",
            {"containers": [{"name": "b"}]},
        ),
        ("{containers: [{name: a}]}", "{containers: [{$patch: replace}, {name: b}]}", {"containers": [{"name": "b"}]}),
    ],
)
def test_strategic_merge(base: str, patch: str, result: object) -> None:
    assert strategic_merge(node(base), node(patch)) == result


def test_a_merge_remembers_which_file_said_what() -> None:
    merged = strategic_merge(node("{r: {memory: 1Mi, cpu: 1}}", "base.yaml"), node("{r: {memory: 2Mi}}", "patch.yaml"))
    assert merged is not None
    assert {key: place.file for key, place in merged["r"].leaves.items()} == {
        "memory": "patch.yaml",
        "cpu": "base.yaml",
    }
    assert [place.file for place in merged["r"].homes] == ["base.yaml", "patch.yaml"]


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("{op: add, path: /a~1b, value: 1}", {"l": ["x", "y"], "a/b": "1"}),
        ("{op: replace, path: /l/1, value: z}", {"l": ["x", "z"]}),
        ("{op: add, path: /l/0, value: z}", {"l": ["z", "x", "y"]}),
        ("{op: add, path: /l/2, value: z}", {"l": ["x", "y", "z"]}),
        ("{op: add, path: /l/-, value: z}", {"l": ["x", "y", "z"]}),
        ("{op: remove, path: /l/0}", {"l": ["y"]}),
        ("{op: copy, from: /l/0, path: /m}", {"l": ["x", "y"], "m": "x"}),
        ("{op: move, from: /l, path: /m}", {"m": ["x", "y"]}),
        ("{op: test, path: /l/0, value: x}", {"l": ["x", "y"]}),
    ],
)
def test_json_patches(operation: str, result: object) -> None:
    base = node("{l: [x, y]}")
    apply_operations(base, [node(operation)])
    assert base == result


@pytest.mark.parametrize(
    "operation",
    [
        "{op: replace, path: /nothing, value: 1}",
        "{op: remove, path: /nothing}",
        "{op: replace, path: /l/2, value: 1}",
        "{op: replace, path: /l/-1, value: 1}",
        "{op: replace, path: /l/٣, value: 1}",
        "{op: add, path: l, value: 1}",
        "{op: explode, path: /l}",
        "text",
    ],
)
def test_json_patches_that_kustomize_would_refuse_are_refused(operation: str) -> None:
    with pytest.raises(PatchError):
        apply_operations(node("{l: [x, y]}"), [node(operation)])


def test_pointers_unescape_slash_before_tilde() -> None:
    assert pointer("/a~1b/c~01") == ("a/b", "c~1")


@pytest.mark.parametrize(
    ("folder", "path", "inside"),
    [
        (".", "base", "base"),
        ("prod", "../base", "base"),
        ("prod", "./p.yaml", "prod/p.yaml"),
        ("prod", "..", "."),
        ("prod", "../..", None),
        ("prod", "../../etc/passwd", None),
        ("prod", "/etc/passwd", None),
        ("prod", "a\0b", None),
        ("prod", "..\\..\\x", None),
    ],
)
def test_paths_never_leave_the_tree(folder: str, path: str, inside: str | None) -> None:
    assert resolve(folder, path) == inside


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("https://example.com/base.yaml", True),
        ("github.com/org/repo//base?ref=v1", True),
        ("git@github.com:org/repo.git", True),
        ("ssh://git@host/x", True),
        ("org/repo.git/base", True),
        ("../base", False),
        ("base.git-notes", False),
        ("apps/github/base", False),
    ],
)
def test_remote_bases_are_recognised_and_not_looked_for(path: str, remote: bool) -> None:
    assert is_remote(path) is remote


def test_a_kustomization_names_what_it_cannot_follow() -> None:
    made = read(
        "prod/kustomization.yaml",
        b"resources: [../base, ../../else, https://x.example/y]\n"
        b"replacements: [{path: r.yaml}]\ntransformers: [t.yaml]\n",
    )
    assert made is not None
    assert (made.resources, made.outside, made.remote) == (["base"], ["../../else"], ["https://x.example/y"])
    assert made.opaque == ("replacements", "transformers")


def test_a_flux_kustomization_in_a_file_of_that_name_is_none() -> None:
    assert read("kustomization.yaml", b"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("resources: [a]\n", "resources: [a]\npatches:\n- path: p.yaml\n"),
        ("resources:\n  - a\n", "resources:\n  - a\npatches:\n  - path: p.yaml\n"),
        ("resources: [a]", "resources: [a]\npatches:\n- path: p.yaml"),
        ("patches: []\n", "patches: [{path: p.yaml}]\n"),
        ("patches: [{path: a}] # x\n", "patches: [{path: a}, {path: p.yaml}] # x\n"),
        (
            "patches:\n- path: a # x\n\n# y\nnamespace: n\n",
            "patches:\n- path: a # x\n- path: p.yaml\n\n# y\nnamespace: n\n",
        ),
        ("patches:\n  - patch: |\n      a\n      b\n", "patches:\n  - patch: |\n      a\n      b\n  - path: p.yaml\n"),
        ("patches:\n  - patch: |\n      a\nx: 1\n", "patches:\n  - patch: |\n      a\n  - path: p.yaml\nx: 1\n"),
        ("patches:\n- {path: a}\n", "patches:\n- {path: a}\n- path: p.yaml\n"),
        ("patches:\nx: 1\n", "patches:\n- path: p.yaml\nx: 1\n"),
        ("resources: [a]\r\n", "resources: [a]\r\npatches:\r\n- path: p.yaml\r\n"),
        ("\ufeffresources: [a]\n", "\ufeffresources: [a]\npatches:\n- path: p.yaml\n"),
        ("# head\nresources: [ä] # ö\n", "# head\nresources: [ä] # ö\npatches:\n- path: p.yaml\n"),
    ],
)
def test_a_new_patch_is_the_last_entry_and_every_other_byte_stays(before: str, after: str) -> None:
    assert with_patch(before.encode(), "p.yaml", "kustomization.yaml").decode() == after


@pytest.mark.parametrize(
    "before",
    [
        "{resources: [a]}\n",
        "resources: [a]\n---\nresources: [b]\n",
        "patches: &p\n- path: a\nother: *p\n",
        "patches: ~\n",
        "resources: [a\n",
        "resources: [a]\n...\n",
    ],
)
def test_a_kustomization_that_cannot_take_one_more_entry_is_refused(before: str) -> None:
    with pytest.raises(RefusedError):
        with_patch(before.encode(), "p.yaml", "kustomization.yaml")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("web", "web"),
        ("apps/v1", "apps/v1"),
        ("1", "'1'"),
        ("on", "'on'"),
        ("1e3", "'1e3'"),
        ("a'b", "'a''b'"),
        ("", "''"),
    ],
)
def test_names_are_written_so_that_they_read_as_text(text: str, written: str) -> None:
    assert scalar(text) == written
