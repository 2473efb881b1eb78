# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Decision, Present, Rule, decide
from ansible_collections.platform.ops.plugins.module_utils.manifests._policy import (
    Budget,
    Policy,
    cooling,
    duration,
    first_value,
    history,
    too_often,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def quantity(text: str | None) -> Quantity | None:
    return Quantity.parse(text) if text else None


def decided(rule: dict[str, Any], limit: str | None = "256Mi", request: str | None = None, **more: Any) -> Decision:
    resource = more.pop("resource", "memory")
    mode = more.pop("requests", "keep")
    first = quantity(more.pop("first", None))
    present = Present(quantity(limit), quantity(request), first=first, **more)
    return decide(resource, Rule.read(rule, resource), present, mode)


def said(decision: Decision) -> dict[str, str]:
    return {change.field: change.after.text for change in decision.changes}


@pytest.mark.parametrize(
    ("rule", "limit", "after"),
    [
        ({"factor": 1.5}, "256Mi", "384Mi"),
        ({"add": "100Mi"}, "256Mi", "356Mi"),
        ({"set": "1Gi"}, "256Mi", "1024Mi"),
        ({"set": "1G"}, "256Mi", "1G"),
        ({"factor": 1.2, "floor": "100Mi"}, "256Mi", "356Mi"),
        ({"factor": 1.2, "floor": "100Mi"}, "1000Mi", "1200Mi"),
        ({"factor": 1.2, "usage": "400Mi"}, "256Mi", "480Mi"),
        ({"factor": 1.2, "usage": "100Mi"}, "250Mi", "300Mi"),
        ({"factor": 2, "max": "300Mi"}, "256Mi", "300Mi"),
        ({"factor": 2, "max": "1Gi"}, "1000Mi", "1024Mi"),
        ({"factor": 1.1, "round": "64Mi"}, "256Mi", "320Mi"),
        ({"factor": 1.1, "round": "1Gi"}, "1Gi", "2Gi"),
        ({"set": "512Mi"}, "512m", "512Mi"),
    ],
)
def test_the_new_limit_follows_the_rule(rule: dict[str, Any], limit: str, after: str) -> None:
    decision = decided(rule, limit)
    assert decision.reason == "bumped"
    assert said(decision) == {"limits": after}


@pytest.mark.parametrize(
    ("rule", "more", "reason"),
    [
        ({"set": "128Mi"}, {}, "sufficient"),
        ({"set": "256Mi"}, {}, "sufficient"),
        ({"factor": 0.5}, {}, "sufficient"),
        ({"factor": 1.5, "max": "256Mi"}, {}, "capped"),
        ({"factor": 1.5, "max": "200Mi"}, {}, "capped"),
        ({"factor": 1.5, "max": "300Mi", "usage": "300Mi"}, {}, "capped"),
        ({"factor": 1.5, "max_factor": 2}, {"first": "128Mi"}, "capped"),
        ({"factor": 1.5}, {"limit": "512m"}, "suspicious_quantity"),
        ({"factor": 1.5}, {"limit": "0"}, "suspicious_quantity"),
        ({"factor": 1.5}, {"limit": None, "request": "1Gi"}, "no_resources"),
        ({"factor": 1.5}, {"limit": None, "create_missing": True}, "no_resources"),
        ({"factor": 1.5}, {"request": "2Gi"}, "request_above_limit"),
    ],
)
def test_nothing_changes_where_it_must_not(rule: dict[str, Any], more: dict[str, Any], reason: str) -> None:
    decision = decided(rule, **more)
    assert decision.reason == reason
    assert decision.changes == ()
    assert decision.message


@pytest.mark.parametrize(
    ("request_", "mode", "keep_equal", "expected"),
    [
        ("128Mi", "keep", False, {"limits": "384Mi"}),
        ("128Mi", "scale", False, {"limits": "384Mi", "requests": "192Mi"}),
        ("128Mi", "match", False, {"limits": "384Mi", "requests": "384Mi"}),
        ("256Mi", "keep", True, {"limits": "384Mi", "requests": "384Mi"}),
        ("256Mi", "keep", False, {"limits": "384Mi"}),
        ("0.25Gi", "match", False, {"limits": "384Mi", "requests": "0.375Gi"}),
        (None, "match", False, {"limits": "384Mi"}),
        (None, "scale", True, {"limits": "384Mi"}),
    ],
)
def test_the_request_goes_with_the_limit_as_asked(
    request_: str | None, mode: str, keep_equal: bool, expected: dict[str, str]
) -> None:
    assert said(decided({"factor": 1.5}, "256Mi", request_, requests=mode, keep_equal=keep_equal)) == expected


def test_a_missing_limit_starts_from_request_or_usage() -> None:
    assert said(decided({"factor": 1.5}, None, "128Mi", create_missing=True)) == {"limits": "192Mi"}
    assert said(decided({"factor": 1.5, "usage": "200Mi"}, None, create_missing=True)) == {"limits": "300Mi"}
    assert said(decided({"set": "1Gi"}, None, create_missing=True)) == {"limits": "1Gi"}


def test_the_arithmetic_can_be_checked_with_a_calculator() -> None:
    (sums,) = decided({"factor": 1.5, "floor": "100Mi", "usage": "250Mi", "max": "4Gi"}).arithmetic
    assert sums == {
        "resource": "memory",
        "field": "limits",
        "limit": "256Mi",
        "usage": "250Mi",
        "base": "256Mi",
        "rule": "max(base + 100Mi, base * 1.5)",
        "raw": "402653184",
        "cap": "4Gi",
        "rounded": "384Mi",
    }


@pytest.mark.parametrize(
    "rule",
    [
        *({}, {"factor": 1.5, "add": "1Mi"}, {"floor": "1Mi"}, {"floor": "1Mi", "set": "1Gi"}, {"factor": "x"}),
        *({"factor": 0}, {"factor": -1}, {"factor": 1e9}, {"add": "1K"}, {"set": "-1Gi"}, {"factor": 2, "cap": "1Gi"}),
        {"factor": "1/0"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Rule.read(rule, "memory")


numbers = st.integers(1, 64_000).map(lambda one: f"{one}Mi")


@given(
    numbers,
    st.none() | numbers,
    st.floats(0.1, 20),
    numbers,
    st.sampled_from(["keep", "scale", "match"]),
    st.booleans(),
)
def test_a_bump_only_raises_within_the_cap_and_keeps_the_request_below_the_limit(
    limit: str, request_: str | None, factor: float, cap: str, mode: str, equal: bool
) -> None:
    decision = decided(
        {"factor": factor, "max": cap},
        limit,
        limit if equal and request_ else request_,
        requests=mode,
        keep_equal=equal,
    )
    after = {change.field: change.after.value for change in decision.changes}
    for change in decision.changes:
        assert change.before is not None
        assert change.after.value > change.before.value
    if after:
        assert after["limits"] <= Quantity.parse(cap).value
        request = after.get("requests", Quantity.parse(request_).value if request_ and not equal else Fraction(0))
        assert request <= after["limits"]
        if equal and request_:
            assert after["requests"] == after["limits"]


# --- the past


def entry(hours_ago: float, before: str | None, after: str, state: str = "merged", **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours_ago)).isoformat()
    return {
        "container": "app",
        "resource": "memory",
        "before": before,
        "after": after,
        "at": at,
        "state": state,
        **more,
    }


def test_the_cap_as_a_multiple_counts_from_the_first_merged_bump() -> None:
    past = history([entry(2, "512Mi", "1Gi"), entry(90, "256Mi", "512Mi"), entry(99, "1Mi", "2Mi", "closed")])
    first = first_value(past, "app", "memory")
    assert first is not None
    assert first.text == "256Mi"
    assert first_value(past, "other", "memory") is None


def test_a_limit_that_we_wrote_first_is_the_first_one() -> None:
    sizes = ["1Gi", "2Gi", "4Gi", "8Gi"]
    past = history([entry(99, None, "1Gi"), *(entry(90 - n, *sizes[n : n + 2]) for n in range(3))])
    first = first_value(past, "app", "memory")
    decision = decided({"factor": 2, "max_factor": 8}, "8Gi", first=first and first.text)
    assert (first and first.text, decision.reason) == ("1Gi", "capped")


@pytest.mark.parametrize(
    ("hours_ago", "state", "waits"),
    [(1, "merged", True), (7, "merged", False), (1, "open", False), (1, "closed", False)],
)
def test_the_cool_down_counts_from_the_last_merge(hours_ago: float, state: str, waits: bool) -> None:
    past = history([entry(hours_ago, "256Mi", "512Mi", state), entry(100, "128Mi", "256Mi")])
    assert bool(cooling(Policy.read({"cooldown": "6h"}), past, "app", "memory", NOW)) == waits
    assert not cooling(Policy(), past, "app", "memory", NOW)


def test_a_workload_has_only_so_many_bumps_a_day() -> None:
    past = history([entry(1, "1Gi", "2Gi"), entry(20, "512Mi", "1Gi"), entry(30, "256Mi", "512Mi")])
    assert too_often(Policy(bumps_per_day=2), past, NOW)
    assert not too_often(Policy(bumps_per_day=3), past, NOW)


def test_the_fleet_s_budget_counts_what_was_added_today_and_in_this_run() -> None:
    policy, more = Policy.read({"memory_per_day": "2Gi"}), Policy.read({"memory_per_day": "3Gi"})
    fleet = history(
        [entry(1, "512Mi", "1Gi", "open", replicas=2), entry(30, "1Gi", "9Gi"), entry(1, "1Gi", "9Gi", "closed")]
    )
    budget = Budget(fleet, NOW)
    assert budget.refusal(policy, {"memory": Fraction(2**30 + 1)})
    assert not budget.refusal(policy, {"memory": Fraction(2**30), "cpu": Fraction(99)})
    budget.spend({"memory": Fraction(2**30)})
    assert budget.refusal(policy, {"memory": Fraction(1)})
    assert not budget.refusal(more, {"memory": Fraction(2**30)})
    assert not budget.refusal(Policy(), {"memory": Fraction(2**40)})


@pytest.mark.parametrize("text", ["", "x", "-1h", "1w", "1.5h", "٣h", "9999999999"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        duration(text)


@pytest.mark.parametrize(
    "bad", [{}, {"resource": "memory", "after": "1Gi"}, entry(1, "1K", "1Gi"), {**entry(1, "1Gi", "2Gi"), "at": "soon"}]
)
def test_a_history_that_cannot_be_read_is_never_guessed_at(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        history([bad])
