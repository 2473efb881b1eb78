# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remediation service's own alerts, and what every alert's labels become at its receiver."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._alertmanager import parse
from ansible_collections.platform.ops.plugins.module_utils.remediation._refusals import Code
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings

from lab import rules
from tests.alerts.conftest import EVERY, FAILING, NOT_HELPING, PAUSED, STUCK, Judge, selector

FAILED = selector("platform_ops_decisions_total", kind="bump_limits", decision="failed", reason="unavailable")
OPENED = selector("platform_ops_decisions_total", kind="bump_limits", decision="opened", reason="near_limit")
NOT_FIXED = selector("platform_ops_pull_request_verdicts", verdict="not_fixed")


def test_failures_that_pile_up_are_reported_and_good_decisions_are_not(judge: Judge) -> None:
    judge({OPENED: "0+5x120", FAILED: "0x10 1x10 2x10 4x90"}, {29: [], 40: [FAILING], 110: []})


def test_a_restart_of_the_service_is_no_failure(judge: Judge) -> None:
    """It reads its counters from the decision log again."""
    judge({FAILED: "7x20 stale _x3 7x20"}, {19: [], 30: [], 40: []})


def test_a_remediation_that_waits_too_long_is_reported(judge: Judge) -> None:
    judge({selector("platform_ops_inbox_oldest_seconds", lane="bump_limits"): "0+60x30"}, {19: [], 22: [STUCK]})


def test_a_pause_of_an_evening_is_nobodys_business_and_one_of_days_is(judge: Judge) -> None:
    switch = {selector("platform_ops_paused"): "1x1500 0x20"}
    judge(switch, {1400: [], 1441: [PAUSED], 1510: []})


def test_bumps_that_do_not_help_are_reported_for_a_day_when_they_are_many(judge: Judge) -> None:
    fixed = selector("platform_ops_pull_request_verdicts", verdict="fixed")
    series = {NOT_FIXED: "4x10 5x10 6x10 7x1500", fixed: "0+1x1530"}
    judge(series, {31: [], 35: [NOT_HELPING], 1400: [NOT_HELPING], 1520: []})


def test_verdicts_read_again_after_a_restart_are_nothing_new(judge: Judge) -> None:
    """The oldest part of the log may be gone by then; and a pull request that is fixed in the end counts no more."""
    judge({NOT_FIXED: "7x20 stale _x3 5x20 6x20 5x20 7x20"}, {19: [], 30: [], 60: [], 80: [], 95: []})


@pytest.mark.parametrize("alert", EVERY, ids=lambda alert: alert["alertname"])
def test_every_alert_becomes_the_remediation_it_asks_for_or_none(alert: dict[str, str]) -> None:
    body: dict[str, Any] = {"status": "firing", "labels": alert, "annotations": {}, "startsAt": "2026-01-31T07:00:00Z"}
    parsed = parse({"alerts": [body]}, Settings())
    if alert["remediation"] == "none":
        assert [refusal.code for refusal in parsed.refusals] == [Code.FOR_PEOPLE]
        return
    (remediation,) = parsed.remediations
    assert (remediation.kind, remediation.resource) == (alert["remediation"], alert.get("resource"))
    target = remediation.node if remediation.kind == "scale_in" else remediation.pod and remediation.pod.name
    assert target in (alert.get("pod"), alert.get("node"))


def test_no_rule_that_names_a_remediation_is_left_out_here() -> None:
    named = {
        rule["alert"]: rule["labels"]
        for group in rules.groups(monitoring_remediation_url="https://example.org")
        for rule in group["rules"]
        if "remediation" in rule.get("labels", {})
    }
    known = {
        alert["alertname"]: {key: alert[key] for key in ("severity", "remediation", "resource") if key in alert}
        for alert in EVERY
    }
    assert named == known
