# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the verdicts goes on record."""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.module_utils.bump._follow import verdict_decisions
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import decision_record


def result(**over):
    return {
        "url": "https://git.example.org/fleet/pulls/1",
        "branch": "platform-ops/shop-cart-0123456789ab",
        "target": "shop/Deployment/cart",
        "state": "fixed",
        "reason": "resolved",
        "message": "It runs.",
        "news": True,
        "handed_over_until": None,
        "seconds": {"merged": 9.0},
        "revert": None,
        **over,
    }


def recorded(*results):
    made = verdict_decisions(results)
    return [(one["decision"], decision_record(one)["reason"]) for one in made]


def test_only_news_goes_on_record():
    assert recorded(result()) == [("fixed", "resolved")]
    assert recorded(result(news=False)) == []
    assert recorded(result(state="watching", reason="")) == []


def test_handing_over_and_taking_back_are_decisions_of_their_own():
    revert = {"changed": True, "url": "https://git.example.org/fleet/pulls/2", "branch": "b", "message": "opened"}
    found = result(state="not_fixed", reason="unschedulable", handed_over_until="2026-12-01T00:00:00Z", revert=revert)
    assert recorded(found) == [
        ("not_fixed", "unschedulable"),
        ("handed_over", "unschedulable"),
        ("opened", "takes_back"),
    ]
    assert recorded({**found, "news": False, "revert": {**revert, "changed": False}}) == []


def test_what_could_not_be_looked_at_is_a_failure():
    assert recorded(result(state="failed", reason="unavailable", news=False)) == [("failed", "unavailable")]
