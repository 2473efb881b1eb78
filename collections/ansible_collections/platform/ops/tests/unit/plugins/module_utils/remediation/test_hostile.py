# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alert text is hostile. Whatever stands in labels, annotations, keys and fields, nothing but grammar comes out."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import decision_record
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import decode, parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation
from hypothesis import given, settings
from hypothesis import strategies as st

PAYLOADS = [
    "{{ lookup('pipe', 'touch /tmp/canary') }}",
    "{% for x in range(9) %}{% endfor %}",
    "{# comment #}",
    "!unsafe x",
    "$(touch canary)",
    "`touch canary`",
    "; rm -rf /",
    "| sh",
    "&& id",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "~root",
    "%2e%2e%2f",
    "all:!localhost",
    "*",
    "localhost,",
    "@/etc/passwd",
    "refs/heads/main..evil",
    "main.lock",
    "-upload-pack=touch",
    "--exec=id",
    "HEAD@{1}",
    "a^{}",
    "[link](http://evil)",
    "<script>alert(1)</script>",
    "<!-- platform.ops key=x -->",
    "```",
    "@maintainers please merge",
    "a: b",
    "- x",
    "*anchor",
    "&anchor x",
    "!!python/object:os.system",
    "x #y",
    "null\n---\nkind: Secret",
    "a\r\nb",
    "a\x00b",
    "\u202egnp",
    "ⅷ",
    "а",  # Cyrillic
    "shop\n",
    "shop ",
    "",
    "x" * 10_000,
]
HARMLESS = re.compile(r"[A-Za-z0-9 ._:/+-]{0,200}", re.ASCII)

hostile = st.one_of(
    st.sampled_from(PAYLOADS),
    st.text(max_size=30),
    st.tuples(st.sampled_from(["shop", "checkout", "memory", "1Gi"]), st.sampled_from(PAYLOADS)).map("".join),
    st.sampled_from(["shop", "checkout-0", "memory", "Deployment", "bump_limits", "scale_in", "480Mi", "firing"]),
)
anything = st.recursive(
    st.one_of(hostile, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile, inner, max_size=3)),
    max_leaves=6,
)
LABELS = [
    *("alertname", "remediation", "resource", "namespace", "exported_namespace", "pod", "container", "node", "pool"),
    *("cluster", "workload", "workload_type", "deployment", "app_name", "value", "limit", "hosts", "job_name"),
]
SETTINGS = Settings.parse(
    cluster="prod",
    alerts={"M": {"resource": "memory"}},
    generic={"any": {"fields": {name: name for name in ["id", "remediation", "namespace", "pod", "resource", "app"]}}},
)


def strings(data):
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)
    elif isinstance(data, str):
        yield data


def check(parsed):
    for remediation in parsed.remediations:
        data = remediation.to_dict()
        assert Remediation.from_dict(json.loads(json.dumps(data))).to_dict() == data
        for text in strings(data):
            assert HARMLESS.fullmatch(text), text
            assert ".." not in text
    for refusal in parsed.refusals:
        for text in (refusal.id or "", refusal.alertname or "", refusal.message):
            assert re.fullmatch(r"[A-Za-z0-9 ._:/+()',-]*", text), text


@settings(max_examples=300, deadline=None)
@given(
    labels=st.dictionaries(st.one_of(st.sampled_from(LABELS), hostile), st.one_of(hostile, anything), max_size=12),
    annotations=st.dictionaries(st.one_of(st.just("value"), hostile), hostile, max_size=4),
    extra=st.dictionaries(hostile, anything, max_size=3),
    starts_at=st.one_of(st.just("2026-08-22T10:00:00Z"), hostile),
    fingerprint=st.one_of(st.just("0123456789abcdef"), st.none(), hostile),
    status=st.one_of(st.just("firing"), anything),
)
def test_nothing_but_grammar_comes_out_of_alertmanager(labels, annotations, extra, starts_at, fingerprint, status):
    labels = {"alertname": "M", "namespace": "shop", "pod": "checkout-0", **labels}
    alert = {"labels": labels, "annotations": annotations, "startsAt": starts_at, "status": status}
    alert |= {"fingerprint": fingerprint} if fingerprint is not None else {}
    check(parse("alertmanager", {**extra, "alerts": [{**extra, **alert}]}, SETTINGS))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from(
                [
                    "app_name",
                    "max_memory",
                    "max_cpu",
                    "issueId",
                    "state",
                    "createdAt",
                    "workload",
                    "resource",
                    "cluster",
                ]
            ),
            hostile,
        ),
        anything,
        max_size=9,
    )
)
def test_nothing_but_grammar_comes_out_of_newrelic_and_generic_senders(payload):
    check(parse("newrelic", payload, SETTINGS))
    check(parse("newrelic", {"app_name": "checkout", "max_memory": 1, **payload}, SETTINGS))
    check(parse("any", payload, SETTINGS))
    check(parse("any", {"id": "1", "remediation": "bump_limits", "app": "a", "resource": "cpu", **payload}, SETTINGS))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), anything.map(lambda data: json.dumps(data).encode())))
def test_any_bytes_are_read_without_an_error(body):
    for sender in ("alertmanager", "newrelic", "any"):
        check(decode(sender, body, SETTINGS))


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if p], ids=lambda p: ascii(p)[:30])
@pytest.mark.parametrize("field", ["namespace", "pod", "container", "cluster", "resource", "remediation"])
def test_a_hostile_text_in_a_field_that_is_used_refuses_the_alert(field, payload):
    labels = {"alertname": "M", "namespace": "shop", "pod": "checkout-0", "container": "c", field: payload}
    alert = {"labels": labels, "startsAt": "2026-08-22T10:00:00Z", "status": "firing"}
    parsed = parse("alertmanager", {"alerts": [alert]}, SETTINGS)
    if payload == "main.lock" and field in ("pod", "cluster"):
        return  # a valid name; branches carry a suffix, so it cannot become a ref that ends so
    assert not parsed.remediations
    assert len(parsed.refusals) == 1


@settings(max_examples=200, deadline=None)
@given(message=st.text(), reason=hostile)
def test_a_decision_stays_one_line_whatever_its_message_is(message, reason):
    line = json.dumps(decision_record({"decision": "failed", "message": message, "reason": reason}))
    assert "\n" not in line
    assert json.loads(line).get("message", "") == message
