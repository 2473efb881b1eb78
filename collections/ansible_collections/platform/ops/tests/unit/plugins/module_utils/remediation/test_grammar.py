# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation import _grammar as grammar
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import RefusedError


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("480Mi", "480Mi"),
        (480, "480"),
        (0.9, "0.9"),
        ("0.50", "0.5"),
        ("2.68435456e+08", "268435456"),
        ("1e3", "1000"),
        ("5E", "5E"),
        ("9E9", "9000000000"),
        ("900m", "900m"),
        ("0.93270000000001", "0.9327"),
        (1e-12, "0"),
    ],
)
def test_quantities_become_plain_digits_with_a_suffix(written, kept):
    assert grammar.quantity(written, "value") == kept


@pytest.mark.parametrize(
    "written",
    [
        *("", "-1", "+1", "1 Gi", "1K", "1gi", "0x10", "1_000", "NaN", "inf", "93%", "1e99", "100Ei", "٣"),
        *(float("nan"), float("inf"), -1.0, -5, True, None, [], {}, "9" * 65),
        pytest.param(10**5000, id="an integer of thousands of digits"),
    ],
)
def test_what_is_no_positive_finite_quantity_is_refused(written):
    with pytest.raises(RefusedError) as refused:
        grammar.quantity(written, "value")
    assert refused.value.reason == "invalid_number"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-08-22T10:00:00.123456789Z", "2026-08-22T10:00:00.123Z"),
        ("2026-08-22T10:00:00.123Z", "2026-08-22T10:00:00.123Z"),
        ("2026-08-22T12:00:00.123+02:00", "2026-08-22T10:00:00.123Z"),
        ("2026-08-22T10:00:00Z", "2026-08-22T10:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_an_instant_has_one_spelling(written, kept):
    assert grammar.timestamp(written, "startsAt") == kept


@pytest.mark.parametrize(
    "written",
    [
        *("2026-08-22", "2026-08-22 10:00:00Z", "2026-08-22T10:00:00", "2026-13-01T00:00:00Z", "20260822T100000Z"),
        *("0001-01-01T00:00:00+14:00", "2026-08-22T10:00:00Z\n", "", None, 1755856800),
    ],
)
def test_what_is_no_rfc_3339_time_is_refused(written):
    with pytest.raises(RefusedError) as refused:
        grammar.timestamp(written, "startsAt")
    assert refused.value.reason == "invalid_timestamp"


@pytest.mark.parametrize("name", ["a", "checkout-7d9f4c5b6-x2x4z", "0", "a" * 63])
def test_names_of_kubernetes_pass(name):
    assert grammar.label(name, "namespace") == name
    assert grammar.subdomain(name, "pod") == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 64, "a b", "ä", "a\n", "{{a}}", None, 7])
def test_what_is_no_rfc_1123_label_is_refused(name):
    with pytest.raises(RefusedError):
        grammar.label(name, "namespace")


@pytest.mark.parametrize("name", ["a..b", ".a", "a.", "../a", "a/b", "a" * 254, "a." * 130])
def test_what_is_no_rfc_1123_subdomain_is_refused(name):
    with pytest.raises(RefusedError):
        grammar.subdomain(name, "pod")


@pytest.mark.parametrize("name", ["Checkout Service", "shop_cart", "web-frontend (prod)"[:12], "a.b", "a--b"])
def test_names_of_applications_pass(name):
    assert grammar.app(name, "app_name") == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a  b", "..", "a..b", "a/b", "a:b", "a%20b", "-a", "a;b", "`a`", "$a"]
)
def test_names_of_applications_hold_no_special_characters(name):
    with pytest.raises(RefusedError):
        grammar.app(name, "app_name")


def test_kinds_are_spelled_as_kubernetes_does():
    assert grammar.workload_kind("statefulset", "kind") == "StatefulSet"
    with pytest.raises(RefusedError):
        grammar.workload_kind("secret", "kind")
