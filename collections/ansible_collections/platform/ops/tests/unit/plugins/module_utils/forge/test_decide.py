# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._decide import (
    Action,
    Policy,
    Situation,
    Tally,
    decide,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import (
    MergePolicy,
    Verdict,
    decide_merge,
    may_merge,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Check, Checks, PullRequest

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OPEN = PullRequest(
    number=1,
    url="u",
    state="open",
    draft=False,
    title="t",
    body="b",
    branch="platform-ops/a",
    head_sha="1" * 40,
    base="main",
    created_at=NOW - DAY,
    updated_at=NOW - DAY,
)
NO = replace(OPEN, number=2, state="closed", closed_at=NOW - DAY)
OLD_NO = replace(NO, number=3, closed_at=NOW - 30 * DAY)
MERGED = replace(OPEN, number=4, state="merged", merged_at=NOW - DAY / 2, closed_at=NOW - DAY / 2)
CLOSED_NOW = Schedule.parse({"blackouts": [{"start": "2026-11-21", "end": "2026-11-22"}]}, "x")
WANTED = Situation(wanted=True)


@pytest.mark.parametrize(
    ("situation", "policy", "tally", "action", "reason"),
    [
        (WANTED, Policy(), Tally(), "create", "wanted"),
        (Situation(), Policy(), Tally(), "unchanged", "nothing_to_change"),
        # people first
        (replace(WANTED, pull_requests=[NO]), Policy(), Tally(), "declined", "closed_unmerged"),
        (replace(WANTED, pull_requests=[NO]), Policy(declined_for=DAY), Tally(), "create", "wanted"),
        (replace(WANTED, pull_requests=[OLD_NO]), Policy(), Tally(), "create", "wanted"),
        (replace(WANTED, pull_requests=[MERGED]), Policy(), Tally(), "create", "wanted"),
        (replace(WANTED, pull_requests=[MERGED, NO]), Policy(), Tally(), "create", "wanted"),
        (replace(WANTED, pull_requests=[OLD_NO, NO]), Policy(), Tally(), "declined", "closed_unmerged"),
        (replace(WANTED, foreign=True), Policy(), Tally(), "foreign", "foreign_branch"),
        (replace(WANTED, foreign=True, pull_requests=[OPEN]), Policy(), Tally(), "foreign", "foreign_commits"),
        # an open one is never held back by limits, nor by an earlier no
        (replace(WANTED, pull_requests=[OPEN, NO]), Policy(open_max=0), Tally(9, 9), "update", "new_change"),
        (replace(WANTED, pull_requests=[OPEN], on_branch=True), Policy(), Tally(), "unchanged", "already_proposed"),
        (Situation([OPEN]), Policy(), Tally(), "unchanged", "already_proposed"),
        (Situation([OPEN], described=False), Policy(), Tally(), "update", "description"),
        (Situation([OPEN], obsolete=True), Policy(), Tally(), "obsolete", "base_has_it"),
        # limits
        (WANTED, Policy(open_max=3), Tally(open=3), "limited", "open_max"),
        (WANTED, Policy(open_max=3), Tally(open=2), "create", "wanted"),
        (WANTED, Policy(per_hour=3), Tally(last_hour=3), "limited", "per_hour"),
        (WANTED, Policy(per_hour=0), Tally(), "limited", "per_hour"),
        (WANTED, Policy(schedule=CLOSED_NOW), Tally(), "limited", "schedule"),
        (replace(WANTED, pull_requests=[NO]), Policy(open_max=0), Tally(), "declined", "closed_unmerged"),
    ],
)
def test_decision(situation, policy, tally, action, reason):
    decision = decide(situation, policy, tally, NOW)
    assert (decision.action, decision.reason) == (Action(action), reason)
    assert decision.message


def test_a_no_says_until_when():
    assert decide(replace(WANTED, pull_requests=[NO]), Policy(), Tally(), NOW).until == NOW - DAY + 14 * DAY


def test_tally_counts_open_ones_and_those_of_the_last_hour():
    young = replace(NO, created_at=NOW - timedelta(minutes=59))
    assert Tally.of([OPEN, young, replace(OPEN, created_at=NOW)], NOW) == Tally(open=2, last_hour=2)
    assert Tally(1, 1).plus_one() == Tally(2, 2)


US = MergePolicy(by="us")
HANDED = Verdict.HAND_OVER
BLOCK = {"changes": [{"container": "a", "field": "limits", "resource": "memory", "before": "1Gi", "after": "1536Mi"}]}


@pytest.mark.parametrize(
    ("policy", "change", "block", "foreign", "reason"),
    [
        (MergePolicy(), {}, BLOCK, False, "people"),
        (US, {}, BLOCK, False, None),
        (US, {}, BLOCK, True, "foreign_commits"),
        (US, {"draft": True}, BLOCK, False, "draft"),
        (replace(US, largest_factor=Fraction(3, 2)), {}, BLOCK, False, None),
        (replace(US, largest_factor=Fraction(7, 5)), {}, BLOCK, False, "large_step"),
        (replace(US, largest_factor=Fraction(2)), {}, None, False, "large_step"),
        (
            replace(US, largest_factor=Fraction(2)),
            {},
            {"changes": [{**BLOCK["changes"][0], "before": None}]},
            False,
            "large_step",
        ),
        (
            replace(US, largest_factor=Fraction(2)),
            {},
            {"changes": [{**BLOCK["changes"][0], "after": "x"}]},
            False,
            "large_step",
        ),
        (replace(US, after=DAY), {}, BLOCK, False, None),
        (replace(US, after=2 * DAY), {}, BLOCK, False, "after"),
        (replace(US, schedule=CLOSED_NOW), {}, BLOCK, False, "schedule"),
    ],
)
def test_what_stands_against_a_merge(policy, change, block, foreign, reason):
    decision = may_merge(replace(OPEN, **change), block, policy, NOW, foreign=foreign)
    assert (decision and decision.reason) == reason


@pytest.mark.parametrize(
    ("policy", "mergeable", "checks", "verdict"),
    [
        (US, True, Checks("success", (Check("ci", "success"),)), Verdict.MERGE),
        (US, None, Checks("success"), Verdict.MERGE),
        (replace(US, require_checks=True), True, Checks("success"), Verdict.WAIT),
        (US, True, Checks("pending", missing=("ci",)), Verdict.WAIT),
        (US, True, Checks("failure", (Check("ci", "failure"),)), Verdict.BLOCKED),
        (US, False, Checks("success"), Verdict.BLOCKED),
        (MergePolicy(by="host"), True, Checks("pending"), HANDED),
        (MergePolicy(by="host"), True, Checks("failure"), Verdict.BLOCKED),
        (MergePolicy(by="host", require_checks=True), True, Checks("success"), Verdict.WAIT),
        (MergePolicy(by="host", require_checks=True), True, Checks("pending", (Check("ci", "pending"),)), HANDED),
        # the host itself waits for one that its branch protection asks for
        (MergePolicy(by="host", require_checks=True), True, Checks("pending", missing=("ci",)), HANDED),
    ],
)
def test_what_its_checks_say(policy, mergeable, checks, verdict):
    assert decide_merge(replace(OPEN, mergeable=mergeable), checks, policy).verdict == verdict
