# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from fractions import Fraction

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import (
    LARGEST,
    Quantity,
    write,
    write_exactly,
)
from hypothesis import given
from hypothesis import strategies as st

SUFFIXES = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E6", "e9"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("+1", 1),
        ("-1", -1),
        ("010", 10),
        ("5.", 5),
        (".5", Fraction(1, 2)),
        ("0.5", Fraction(1, 2)),
        ("100m", Fraction(1, 10)),
        ("250u", Fraction(1, 4000)),
        ("1n", Fraction(1, 10**9)),
        ("1k", 1000),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 1024),
        ("1Mi", 2**20),
        ("1Gi", 2**30),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1.5Gi", 3 * 2**29),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1e+3", 1000),
        ("1E-3", Fraction(1, 1000)),
        ("12e6", 12 * 10**6),
        ("128974848", 128974848),
        ("129e6", 129 * 10**6),
        ("129M", 129 * 10**6),
        ("128974848000m", 128974848),
        ("123Mi", 123 * 2**20),
    ],
)
def test_the_documented_grammar_is_read(text: str, value: Fraction | int) -> None:
    assert Quantity.parse(text).value == value


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "Mi", ".", "+", "1K", "1KI", "1ki", "1mi", "1GB", "1MiB", "1 Gi", " 1Gi", "1Gi ", "1Gi\n", "1_000"),
        *("1,5", "1e", "1e3Mi", "1Mie3", "0x10", "0o10", "1e1.5", "--1", "1.2.3", "1Gi Gi", "١", "１Gi", "nan", "inf"),
        *(".inf", "1e99", "9Ei", "1" * 80, "100%", "{{ x }}", "ENC[AES256]", "1e-99", "1h", "null", "true", "Ki1"),
    ],
)
def test_what_the_api_server_would_refuse_or_cap_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Quantity.parse(text)
    assert caught.value.reason == "invalid_quantity"


@pytest.mark.parametrize(
    ("author", "resource", "factor", "expected"),
    [
        ("256Mi", "memory", "1.5", "384Mi"),
        ("1Gi", "memory", "1.5", "1536Mi"),
        ("1Gi", "memory", "2", "2Gi"),
        ("1Gi", "memory", "1.2", "1280Mi"),
        ("1.5Gi", "memory", "1.5", "2.25Gi"),
        ("1.0Gi", "memory", "2", "2Gi"),
        ("333Mi", "memory", "1.5", "500Mi"),
        ("64Gi", "memory", "1.2", "77Gi"),
        ("5Ki", "memory", "1.01", "6Ki"),
        ("500M", "memory", "1.5", "750M"),
        ("1G", "memory", "1.25", "1250M"),
        ("1G", "memory", "1.2345", "1240M"),
        ("268435456", "memory", "1.5", "402653184"),
        ("268435456", "memory", "1.2", "322961408"),
        ("200000000", "memory", "1.2345", "247000000"),
        ("1e9", "memory", "1.5", "1500e6"),
        ("1E9", "memory", "2", "2E9"),
        ("1", "cpu", "1.5", "1500m"),
        ("2", "cpu", "1.3333", "2670m"),
        ("0.5", "cpu", "1.5", "0.75"),
        ("0.5", "cpu", "2", "1"),
        ("0.25", "cpu", "1.333", "0.34"),
        ("0.125", "cpu", "1.5", "0.188"),
        ("100m", "cpu", "1.2", "120m"),
        ("333m", "cpu", "1.2", "400m"),
        ("5m", "cpu", "1.5", "8m"),
        ("1500m", "cpu", "2", "3000m"),
        ("32", "cpu", "1.3", "42"),
        ("1Gi", "ephemeral-storage", "1.5", "1536Mi"),
    ],
)
def test_a_raised_number_keeps_its_author_s_notation(author: str, resource: str, factor: str, expected: str) -> None:
    quantity = Quantity.parse(author)
    assert write(quantity.value * Fraction(factor), quantity, resource).text == expected


@pytest.mark.parametrize(
    ("value", "author", "expected"),
    [
        ("1Gi", "256Mi", "1024Mi"),
        ("1536Mi", "1Gi", "1536Mi"),
        ("1536Mi", "1.0Gi", "1.5Gi"),
        ("1500Ki", "1Gi", "1500Ki"),
        ("1G", "1Gi", None),
        ("1G", "500M", "1000M"),
        ("1Gi", "1000000", "1073741824"),
    ],
)
def test_an_exact_value_is_written_in_the_author_s_family_or_not_at_all(
    value: str, author: str, expected: str | None
) -> None:
    shown = write_exactly(Quantity.parse(value).value, Quantity.parse(author), "memory")
    assert (shown.text if shown else None) == expected


quantities = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.one_of(
        st.integers(1, 4000).map(str),
        st.decimals(min_value="0.001", max_value=4000, places=3).map(str),
        st.decimals(min_value="0.1", max_value=4000, places=1).map(str),
    ),
    st.sampled_from(SUFFIXES),
)


@given(quantities, st.sampled_from(["cpu", "memory", "ephemeral-storage"]), st.fractions(1, 8, max_denominator=1000))
def test_rounding_goes_up_by_little_and_stays_in_the_family(author: str, resource: str, factor: Fraction) -> None:
    like = Quantity.parse(author)
    raw = like.value * factor
    shown = write(raw, like, resource)
    assert shown.value >= raw
    assert shown.value <= LARGEST
    assert shown.binary == like.binary
    assert shown.exponent == like.exponent
    unit = Quantity.parse(f"1{like.suffix}").value
    assert shown.value - raw <= max(unit, raw / 10)
    assert Quantity.parse(shown.text) == shown


@given(quantities, st.sampled_from(["cpu", "memory"]))
def test_writing_a_whole_number_again_changes_nothing(author: str, resource: str) -> None:
    like = Quantity.parse(author)
    once = write(like.value, like, resource)
    if not like.decimals:
        assert once.value == like.value
    assert write(once.value, once, resource).value == once.value


@given(st.text(max_size=20))
def test_no_text_makes_the_parser_do_anything_but_parse_or_refuse(text: str) -> None:
    try:
        quantity = Quantity.parse(text)
    except InputError:
        return
    assert quantity.text == text
    assert text.isascii()
    assert text.strip() == text
