# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.manifests._edit import Edit, edit
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path, RefusedError
from hypothesis import given
from hypothesis import strategies as st

ROOT: Path = ("spec", "containers", 0, "resources")
INNER = "spec:\n  containers:\n  - name: a\n    resources:\n      limits:\n        memory: 256Mi # c\n"


def one(resources: str, after: str = "  - name: b\n") -> str:
    return f"spec:\n  containers:\n  - name: a\n{textwrap.indent(resources, '    ')}\n{after}"


def number(*path: str, value: str = "1Gi", **more: object) -> Edit:
    return Edit((*ROOT, *path), value, **more)  # type: ignore[arg-type]


MEMORY, CPU, REQUEST = number("limits", "memory"), number("limits", "cpu", value="2"), number("requests", "memory")


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        ("resources: {}", [MEMORY], "resources:\n  limits:\n    memory: 1Gi"),
        ("resources:", [MEMORY], "resources:\n  limits:\n    memory: 1Gi"),
        (
            "resources: {}  # none",
            [MEMORY, REQUEST],
            "resources:  # none\n  limits:\n    memory: 1Gi\n  requests:\n    memory: 1Gi",
        ),
        ("resources: ~", [MEMORY, CPU], "resources:\n  limits:\n    memory: 1Gi\n    cpu: 2"),
        ("image: x # img\n# about b", [MEMORY], "image: x # img\nresources:\n  limits:\n    memory: 1Gi\n# about b"),
        ("resources:\n  limits:\n    cpu: '1'", [MEMORY], "resources:\n  limits:\n    cpu: '1'\n    memory: '1Gi'"),
        (
            "resources: {limits: {cpu: 1}}",
            [MEMORY, REQUEST],
            "resources: {limits: {cpu: 1, memory: 1Gi}, requests: {memory: 1Gi}}",
        ),
        (
            "resources: { limits: { cpu: 1 } }",
            [REQUEST],
            "resources: { limits: { cpu: 1 }, requests: { memory: 1Gi } }",
        ),
        ('resources: {"limits":{"cpu":"1"}}', [MEMORY], 'resources: {"limits":{"cpu":"1","memory":"1Gi"}}'),
        ("resources:\n    limits:\n        memory:", [MEMORY], "resources:\n    limits:\n        memory: 1Gi"),
        ("resources:\n  limits:\n    memory: null # n", [MEMORY], "resources:\n  limits:\n    memory: 1Gi # n"),
        ("args:\n- |+\n  x\n\n", [MEMORY], "args:\n- |+\n  x\n\n\nresources:\n  limits:\n    memory: 1Gi"),
        ("env: &e [a]\nmore: *e", [MEMORY], "env: &e [a]\nmore: *e\nresources:\n  limits:\n    memory: 1Gi"),
    ],
)
def test_what_is_missing_is_written_in_the_style_around_it(before: str, edits: list[Edit], after: str) -> None:
    assert edit(one(before).encode(), "f", edits).data.decode() == one(after)


def test_missing_keys_of_pretty_json_get_a_line_each() -> None:
    before = '{"spec": {"containers": [\n\t{\n\t\t"name": "a",\n\t\t"resources": {}\n\t}]}}'
    after = before.replace("{}", '{\n\t\t\t"limits": {\n\t\t\t\t"memory": "1Gi"\n\t\t\t}\n\t\t}')
    assert edit(before.encode(), "f.json", [MEMORY]).data.decode() == after


def test_new_lines_end_like_their_neighbours_and_the_end_of_the_file_stays_as_it_is() -> None:
    before = (
        "spec:\r\n    containers:\r\n    - name: a\r\n      resources:\r\n          limits:\r\n              cpu: 1"
    )
    assert edit(before.encode(), "f", [MEMORY]).data.decode() == before + "\r\n              memory: 1Gi"


OUTER: dict[str, Any] = {"outer": ("patch",)}


@pytest.mark.parametrize(
    "wrapped",
    [
        "patch: |-\n" + textwrap.indent(INNER, "    ") + "# after\n",
        "patch: |\n" + textwrap.indent(INNER, " ") + "other: 1",
        "patch: |2-\n" + textwrap.indent(INNER, "  ") + "\n\n",
        "patch: >+\n",
        "patch: |\r\n" + textwrap.indent(INNER, "  ").replace("\n", "\r\n") + "other: 1\r\n",
        'patch: "' + INNER.replace("\n", "\\n") + '"',
        'patch: "\\\n  ' + INNER.replace("\n", "\\n\\\n  ").replace("\n   ", "\n  \\ ") + '"',
        "patch: '{spec: {containers: [{name: ''a'', resources: {limits: {memory: 256Mi}}}]}}'",
    ],
)
def test_embedded_yaml_is_edited_where_it_stands(wrapped: str) -> None:
    if "256Mi" not in wrapped:
        with pytest.raises(RefusedError):
            edit(wrapped.encode(), "f", [number("limits", "memory", **OUTER)])
        return
    result = edit(wrapped.encode(), "f", [number("limits", "memory", **OUTER)])
    assert result.data.decode() == wrapped.replace("256Mi", "1Gi")


def test_keys_are_added_to_embedded_yaml() -> None:
    wrapped = "patch: |-\n" + textwrap.indent(INNER, "    ") + "# after\n"
    result = edit(wrapped.encode(), "f", [number("limits", "cpu", value="2", **OUTER)]).data.decode()
    assert result == wrapped.replace("# c\n", "# c\n            cpu: 2\n")
    quoted = 'patch: "' + INNER.replace("\n", "\\n") + '"'
    result = edit(quoted.encode(), "f", [number("limits", "cpu", value="2", **OUTER)]).data.decode()
    assert result == quoted.replace("# c\\n", "# c\\n        cpu: 2\\n")


def test_a_folded_scalar_is_refused() -> None:
    wrapped = "patch: >\n" + textwrap.indent(INNER, "    ")
    with pytest.raises(RefusedError) as caught:
        edit(wrapped.encode(), "f", [number("limits", "memory", **OUTER)])
    assert caught.value.reason in ("unsupported", "diverged", "invalid_yaml")


SHARED = "x: &s {memory: 256Mi}\nspec: {containers: [{name: a, resources: {limits: %s}}]}\n"


@pytest.mark.parametrize("use", ["*s", "{<<: *s}"])
def test_a_shared_number_is_changed_only_with_consent(use: str) -> None:
    text = SHARED % use
    with pytest.raises(RefusedError) as caught:
        edit(text.encode(), "f", [MEMORY])
    assert caught.value.reason == "shared_anchor"
    allowed = edit(text.encode(), "f", [number("limits", "memory", allow_shared=True)])
    assert allowed.data.decode() == text.replace("256Mi", "1Gi")


def test_a_key_beside_a_merge_is_own_property() -> None:
    text = "x: &s {cpu: 1}\nspec: {containers: [{name: a, resources: {limits: {<<: *s, memory: 256Mi}}}]}\n"
    assert edit(text.encode(), "f", [MEMORY]).data.decode() == text.replace("256Mi", "1Gi")


@pytest.mark.parametrize(
    "text",
    [
        "&a [*a]",
        "&a {<<: *a}",
        "a: &a [1,1,1]\nb: &b [*a,*a,*a]\nc: [*b,*b]",
        "",
        "---",
        "[]",
        "- " * 500,
        "{{ x }}",
        "a: b: c",
        "\x00",
    ],
)
def test_strange_files_are_refused_and_nothing_worse(text: str) -> None:
    with pytest.raises(RefusedError):
        edit(text.encode(), "f", [MEMORY])


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
plain = st.one_of(words, st.integers(), st.booleans(), st.none())
values = st.recursive(plain, lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=3))


@given(values, values, st.sampled_from(["json", "flow", "block"]), st.booleans(), st.booleans())
def test_any_neighbours_stay_byte_for_byte(before: object, after: object, style: str, crlf: bool, final: bool) -> None:
    tree = {
        "before": before,
        "spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "@@"}}}]},
        "z": after,
    }
    if style == "json":
        text = json.dumps(tree, ensure_ascii=True, indent=2)
    else:
        text = yaml.safe_dump(tree, default_flow_style=style == "flow", allow_unicode=False, sort_keys=False)
    if text.count("@@") != 1:
        return
    if crlf and style != "json":
        text = text.replace("\n", "\r\n")
    text = text if final else text.rstrip("\r\n")
    try:
        result = edit(text.replace("@@", "256Mi").encode(), "f", [MEMORY])
    except RefusedError as error:
        assert error.reason in ("invalid_yaml", "duplicate_key", "templated")  # JSON that libyaml cannot read
        return
    assert result.data.decode() == text.replace("@@", "1Gi")
