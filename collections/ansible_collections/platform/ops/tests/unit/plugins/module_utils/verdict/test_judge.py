# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict, as a table: what is seen, what was seen before, what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import Mark
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Alert, Policy, Seen, judge
from ansible_collections.platform.ops.plugins.module_utils.verdict._live import Obstacle

MERGED = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
POLICY = Policy()  # watch 15m, settle 5m, stalled after 1h, unfit after 10m
MEMORY = {"container": "server", "field": "limits", "resource": "memory", "before": "64Mi", "after": "164Mi"}
CPU = {"container": "server", "field": "limits", "resource": "cpu", "before": "100m", "after": "200m"}
NEW = Alert("ContainerMemoryNearLimit", "new", "server", "memory")
OLD = Alert("ContainerMemoryNearLimit", "old", "server", "memory")
ALL = Alert("AppMemory", "all", None, "memory")


def at(minutes: float) -> datetime:
    return MERGED + timedelta(minutes=minutes)


def ruled(seen: Seen, minutes: float, mark: Mark | None = None, changes: tuple[dict[str, str], ...] = (MEMORY,)):
    return judge(seen, mark or Mark(), changes, POLICY, merged_at=MERGED, now=at(minutes))


APPLIED = Mark(applied=at(1))
ROLLED = Mark(applied=at(1), rolled=at(2))
NOT_THERE = Seen(differing=("server limits.memory is 64Mi",), source="Kustomization flux-system/fleet", contained=False)
NO_NODE = Obstacle(at(2), "0/3 nodes are available: 3 Insufficient memory.")


@pytest.mark.parametrize(
    ("seen", "minutes", "mark", "verdict", "reason"),
    [
        # on its way
        (NOT_THERE, 5, None, None, ""),
        (NOT_THERE, 60, None, "stalled", "not_applied"),
        (Seen(contained=False), 5, None, None, ""),  # the number is there by hand, the merge is not
        (Seen(contained=False), 61, None, "stalled", "not_applied"),
        (Seen(differing=("x is 1",), contained=True), 61, None, "stalled", "overridden"),
        (Seen(differing=("x is 1",), contained=True), 9, APPLIED, "superseded", "taken_back"),
        (Seen(exists=False), 5, None, None, ""),
        (Seen(exists=False), 60, None, "stalled", "gone"),
        # the rollout
        (Seen(waiting="0 of 1 replicas available"), 5, APPLIED, None, ""),
        (Seen(waiting="0 of 1 replicas available"), 62, APPLIED, "stalled", "rollout"),
        (Seen(waiting="a node restarts"), 18, ROLLED, "fixed", "resolved"),  # it had been complete
        # pods that cannot run
        (Seen(waiting="x", unschedulable=NO_NODE), 11, APPLIED, None, ""),
        (Seen(waiting="x", unschedulable=NO_NODE), 12, APPLIED, "not_fixed", "unschedulable"),
        (Seen(waiting="x", denied=Obstacle(at(2), "exceeded quota")), 12, APPLIED, "not_fixed", "denied"),
        (Seen(differing=("y",), waiting="x", unschedulable=NO_NODE), 30, None, None, ""),  # not for our numbers
        # killed again: at once, complete or not
        (Seen(waiting="x", kills={"server": 2}), 3, APPLIED, "not_fixed", "killed_again"),
        (Seen(kills={"sidecar": 2}), 3, ROLLED, None, ""),
        # alerts
        (Seen(alerts=(NEW,)), 4, ROLLED, None, ""),
        (Seen(alerts=(NEW,)), 7, ROLLED, "not_fixed", "alert_firing"),
        (Seen(alerts=(OLD,)), 7, ROLLED, None, ""),
        (Seen(alerts=(OLD,)), 18, ROLLED, None, ""),  # it may still resolve
        (Seen(alerts=(OLD,)), 33, ROLLED, "fixed", "resolved"),  # of pods that are gone
        (Seen(alerts=(ALL,)), 18, ROLLED, None, ""),
        (Seen(alerts=(ALL,)), 33, ROLLED, "not_fixed", "alert_firing"),
        (Seen(), 16, ROLLED, None, ""),
        (Seen(), 17, ROLLED, "fixed", "resolved"),
        (Seen(alerts=None), 17, ROLLED, "fixed", "resolved"),
        # Flagger
        (Seen(canary="waiting"), 9, APPLIED, None, ""),
        (Seen(canary="analysing", canary_at=at(50)), 70, APPLIED, None, ""),
        (Seen(canary="analysing", canary_at=at(50)), 110, APPLIED, "stalled", "analysis"),
        (Seen(canary="waiting"), 62, APPLIED, "stalled", "analysis"),
        (Seen(canary="rolled_back"), 9, APPLIED, "not_fixed", "rolled_back"),
        (Seen(canary="promoted"), 20, ROLLED, "fixed", "resolved"),
        (Seen(canary="analysing", kills={"server": 1}), 9, APPLIED, None, ""),  # that is for Flagger to say
    ],
)
def test_the_verdict_follows_from_what_is_seen(seen, minutes, mark, verdict, reason):
    ruling = ruled(seen, minutes, mark)
    assert (ruling.verdict, ruling.mark.reason) == (verdict, reason), ruling.message


def test_what_was_seen_first_is_kept():
    first = ruled(Seen(waiting="x"), 3)
    assert first.mark == Mark(applied=at(3))
    second = ruled(Seen(), 4, first.mark)
    assert second.mark == Mark(applied=at(3), rolled=at(4))
    assert ruled(Seen(), 6, second.mark).mark == second.mark


def test_a_verdict_that_holds_on_keeps_its_time_so_that_nothing_is_written_anew():
    first = ruled(NOT_THERE, 60)
    assert ruled(NOT_THERE, 75, first.mark).mark == first.mark


def test_stalled_is_left_again_once_it_gets_on():
    stalled = ruled(NOT_THERE, 60)
    assert ruled(Seen(), 90, stalled.mark).mark == Mark(applied=at(90), rolled=at(90))
    assert ruled(Seen(), 106, Mark(applied=at(90), rolled=at(90), verdict="stalled")).verdict == "fixed"


def test_without_anybody_to_ask_about_alerts_cpu_cannot_be_called_fixed():
    ruling = ruled(Seen(alerts=None), 20, ROLLED, (CPU,))
    assert (ruling.verdict, ruling.mark.reason) == ("stalled", "no_alert_state")
    assert "limit_bump_prometheus" in ruling.message


def test_only_what_is_still_bad_is_left():
    ruling = ruled(Seen(alerts=(NEW,)), 10, ROLLED, (CPU, MEMORY))
    assert ruling.mark.left == ("server/memory",)
    assert ruled(Seen(kills={"server": 1}), 10, ROLLED, (CPU, MEMORY)).mark.left == ("server/memory",)
    unfit = ruled(Seen(waiting="x", unschedulable=NO_NODE), 20, APPLIED, (CPU, MEMORY))
    assert unfit.mark.left == ("server/cpu", "server/memory")
