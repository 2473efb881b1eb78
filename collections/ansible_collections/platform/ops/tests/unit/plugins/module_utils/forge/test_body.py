# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ansible_collections.platform.ops.plugins.module_utils.cluster._usage import Usage
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._body import Part, cell, code, describe
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body, marker
from ansible_collections.platform.ops.plugins.module_utils.forge._verify import verify
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import bump, open_tree
from hypothesis import given
from hypothesis import strategies as st

WORKLOAD = {"cluster": "prod", "namespace": "shop", "kind": "Deployment", "name": "checkout"}


def part(resource="memory", before="256Mi", after="384Mi", rounded=None, **more):
    numbers = {
        "memory": ({"factor": 1.5, "floor": "100Mi", "max": "4Gi", "usage": "250Mi"}, "max(base + 100Mi, base * 1.5)"),
        "cpu": ({"factor": 2}, "base * 2"),
    }
    given_rule, rule = numbers[resource]
    raw = {"memory": "402653184", "cpu": "1"}[resource]
    change = {
        "file": "apps/checkout.yaml",
        "line": 9,
        "yaml_path": "spec.x",
        "container": "server",
        "resource": resource,
        "field": "limits",
        "before": before,
        "after": after,
        "layout": "manifest",
    }
    sums = {
        "container": "server",
        "resource": resource,
        "field": "limits",
        "limit": before,
        "usage": given_rule.get("usage"),
        "base": before,
        "rule": rule,
        "raw": raw,
        "cap": given_rule.get("max"),
        "rounded": rounded or after,
    }
    alert = {
        "kind": "bump_limits",
        "id": f"a/{resource}",
        "source": "alertmanager",
        "status": "firing",
        "resource": resource,
        "evidence": {"value": "250Mi", "limit": "256Mi", "alertname": "NearLimit", "startsAt": "2026-11-21T10:00:00Z"},
    }
    result = {"changes": [change], "arithmetic": [sums], "replicas": 3, "notes": [], "affects": [], **more}
    return Part({resource: given_rule}, result, [alert])


CPU = part("cpu", "500m", "1000m")


def test_the_body_tells_all_and_can_be_recomputed():
    past = [
        {
            "at": "2026-11-01T00:00:00+00:00",
            "container": "server",
            "field": "limits",
            "resource": "memory",
            "before": "128Mi",
            "after": "256Mi",
            "state": "merged",
            "number": 3,
        }
    ]
    made = describe(WORKLOAD, [part(), CPU], history=past, declined_for="7d")
    for text in ("NearLimit", "250Mi", "256Mi", "384Mi", "apps/checkout.yaml:9", "(#3)", "`7d`", "max(base + 100Mi"):
        assert text in made.body
    assert made.title == "Raise cpu and memory of shop/checkout"
    assert verify(made.body) == []


def test_one_limit_stands_in_the_title():
    made = describe(WORKLOAD, [part()])
    assert made.title == "Raise memory of shop/checkout to 384Mi"
    assert made.commit_message.endswith("server limits.memory: 256Mi -> 384Mi")


def test_the_same_inputs_make_the_same_bytes():
    assert describe(WORKLOAD, [part(), CPU]).body == describe(dict(reversed(WORKLOAD.items())), [part(), CPU]).body


def test_what_the_open_pull_request_has_besides_is_kept():
    first = describe(WORKLOAD, [part()])
    second = describe(WORKLOAD, [CPU], previous=block_in_body(first.body))
    block = block_in_body(second.body)
    assert [change["resource"] for change in block["changes"]] == ["cpu", "memory"]
    assert [alert["id"] for alert in block["alerts"]] == ["a/cpu", "a/memory"]
    assert [change["resource"] for change in second.changes] == ["cpu"], "trailers are those of this commit"
    assert verify(second.body) == []


def test_a_number_that_the_branch_had_higher_keeps_its_arithmetic():
    first = describe(WORKLOAD, [part()])
    lower = part(after="384Mi", rounded="356Mi")
    again = describe(WORKLOAD, [lower], previous=block_in_body(first.body))
    assert verify(again.body) == []


@pytest.mark.parametrize(("request_", "after"), [("{memory: 200Mi}", "472Mi"), ("{cpu: 1}", "494814814")])
def test_a_limit_that_was_not_there_before_can_be_recomputed_in_the_notation_of_its_request(tmp_path, request_, after):
    container = f"{{name: server, resources: {{requests: {request_}}}}}"
    manifest = (
        f"kind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {{containers: [{container}]}}}}}}\n"
    )
    (tmp_path / "web.yaml").write_text("apiVersion: apps/v1\n" + manifest)
    asked = {"name": "web", "memory": {"factor": 1.2, "usage": "412345678"}, "create_missing": True}
    (result,) = bump(open_tree(str(tmp_path)), [asked], now=datetime(2026, 11, 21, tzinfo=UTC)).results
    assert [change.after for change in result.changes] == [after]
    assert verify(describe(WORKLOAD, [Part(asked, result.as_dict(), [])]).body) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"after": "384Mi"', '"after": "512Mi"', "512Mi in the block, recomputed it is 384Mi"),
        ('"raw": "402653184"', '"raw": "402653185"', "raw"),
        ('"factor": "1.5"', '"factor": "3"', "recomputed"),
        ('"before": "256Mi"', '"before": "128Mi"', "from 128Mi"),
        ('"base": "256Mi"', '"base": "200Mi"', "base"),
        ('"limit": "256Mi",\n   "raw"', '"limit": "x",\n   "raw"', "cannot be read"),
        ("```json platform.ops", "```json", "no machine-readable block"),
    ],
)
def test_verify_finds_every_forgery(old, new, said):
    body = describe(WORKLOAD, [part()]).body
    assert old in body
    assert any(said in line for line in verify(body.replace(old, new)))


HOSTILE = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        [
            "`` ` ```\n```\n# big",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "@everyone #1",
            "a|b\n| c |",
            "<!-- platform.ops key=0123456789abcdef -->",
            "</details>\n```json platform.ops\n{}\n```",
            "{{ 7*7 }} ${x} $(id)",
            "\u202e\u0000\x1b[31m",
        ]
    ),
)


@given(HOSTILE)
def test_code_is_one_line_that_nothing_ends(text):
    shown = code(text)
    assert re.fullmatch(r"`[^`\n\r]+`", shown)
    assert shown.isprintable() and len(shown) <= 203
    assert re.search(r"(?<!\\)\|", cell(text)) is None


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_changes_the_form_of_the_body(name, value, note):
    alert = {
        "id": name,
        "source": value,
        "resource": note,
        "evidence": {"alertname": name, "value": value, "limit": note},
    }
    normal = part()
    made = describe(WORKLOAD, [Part(normal.bump, {**normal.result, "notes": [note], "affects": [name]}, [alert])])
    body = f"{made.body}\n{marker('f' * 16)}\n"
    assert key_in_body(made.body) is None
    assert key_in_body(body) == "f" * 16
    assert block_in_body(body)["changes"] == block_in_body(describe(WORKLOAD, [normal]).body)["changes"]
    assert block_in_body(body)["alerts"][0]["id"] == name
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert headings == [
        "### Why",
        "### How the numbers came about",
        "### What was checked",
        "### How to say no",
    ]
    outside = re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", body, flags=re.DOTALL))
    assert set(re.findall(r"<[^>]*>", outside)) == {
        "<details>",
        "<summary>",
        "</summary>",
        "</details>",
        f"{marker('f' * 16)}",
    }
    json.dumps(body)


def test_a_body_of_many_alerts_stays_below_what_hosts_take():
    many = [
        {"id": f"{number:05}" + "x" * 3000, "source": "s", "evidence": {"alertname": "n" * 3000}}
        for number in range(300)
    ]
    normal = part()
    made = describe(WORKLOAD, [Part(normal.bump, {**normal.result, "notes": ["y" * 9000] * 200}, many)])
    assert len(made.body) < 65536
    assert verify(made.body) == []


USED = Usage("server", "memory", 1764122400, 3600, (None,) * 40 + (100, 120, 200, 250 << 20, 90, 80, 70, 60), 95, 2)


def test_usage_is_shown_and_can_be_computed_again():
    made = describe(WORKLOAD, [replace(part(), usage=[USED.as_dict()])])
    assert "### Usage\n\n```text\nserver memory, limit 256Mi, new limit 384Mi\n" in made.body
    assert "peak 250Mi, 95th percentile 250Mi, from 8 h of measurements in the last 2 d, killed 2 times" in made.body
    assert verify(made.body) == []
    assert made.body == describe(WORKLOAD, [replace(part(), usage=[USED.as_dict()])]).body


def test_usage_of_a_number_that_stays_is_kept_with_its_number():
    first = describe(WORKLOAD, [replace(part(), usage=[USED.as_dict()])])
    second = describe(WORKLOAD, [CPU], previous=block_in_body(first.body))
    assert block_in_body(second.body)["usage"] == [USED.as_dict()]
    assert verify(second.body) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"peak": 262144000', '"peak": 362144000', "peak is 362144000 in the block, recomputed it is 262144000"),
        ('"percentile": 262144000', '"percentile": 1', "percentile is 1"),
        ('"history": 28800', '"history": 604800', "history is 604800"),
        ('"columns": [', '"columns": "[', "machine-readable block"),
        ("   120,", "   300000000,", "peak is 262144000"),
        ("   120,", '   "many",', "cannot be read"),
    ],
)
def test_verify_finds_forged_usage(old, new, said):
    made = describe(WORKLOAD, [replace(part(), usage=[USED.as_dict()])])
    assert old in made.body
    assert any(said in line for line in verify(made.body.replace(old, new)))


def test_what_the_gate_looked_at_is_told():
    made = describe(WORKLOAD, [part(checked=["LimitRange: none in the namespace", "QoS `x`"])])
    assert "- `LimitRange: none in the namespace`" in made.body
    assert "- `QoS 'x'`" in made.body
