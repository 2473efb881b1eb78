# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation


def test_what_the_receiver_stored_comes_out_of_the_lane_as_one_event(start_receiver, start_source, tmp_path):
    post = start_receiver()
    lane = start_source("lane", lane="bump_limits", ruleset="bumps", state_dir=str(tmp_path / "state"))
    post("/newrelic", {"app_name": "checkout", "max_memory": 480, "max_cpu": 0.9})
    lane.wait(lambda: lane.events)
    (event,) = lane.events
    assert event["lane"] == "bump_limits"
    assert [(r["app"], r["resource"]) for r in event["remediations"]] == [("checkout", "cpu"), ("checkout", "memory")]
    assert "meta" not in event


def test_alerts_for_nodes_wait_in_a_lane_of_their_own(start_source, tmp_path):
    inbox = Inbox(tmp_path)
    inbox.put([Remediation(kind="scale_in", id="t:1", source="t", status="firing", node="node-1")])
    bumps = start_source("lane", lane="bump_limits", ruleset="bumps", state_dir=str(tmp_path), gather_seconds=0)
    inbox.put([Remediation(kind="bump_limits", id="t:2", source="t", status="firing", app="a", resource="cpu")])
    bumps.wait(lambda: bumps.events)
    assert [r["id"] for event in bumps.events for r in event["remediations"]] == ["t:2"]
    assert len(inbox.pending("nodes")) == 1
    inbox.close()


@pytest.mark.parametrize(
    ("name", "args", "named"),
    [
        ("lane", {"ruleset": "bumps"}, "lane is required"),
        ("lane", {"lane": "bump_limits"}, "ruleset is required"),
        ("lane", {"lane": "x", "ruleset": "y", "max_batch": 0}, "max_batch must be a number from 1"),
        ("lane", {"lane": "x", "ruleset": "y", "colour": "red"}, "colour is not an option"),
        ("tick", {}, "ruleset is required"),
        ("tick", {"ruleset": "tick", "seconds": "often"}, "seconds must be a number"),
    ],
)
def test_what_is_configured_wrongly_stops_it_with_a_reason(start_source, tmp_path, name, args, named):
    if name == "lane":
        args = {"state_dir": str(tmp_path), **args}
    source = start_source(name, **args)
    source.thread.join(10)
    assert isinstance(source.error, InputError)
    assert named in str(source.error)


def test_ticks_come_at_intervals(start_source):
    tick = start_source("tick", ruleset="tick", seconds=1)
    tick.wait(lambda: len(tick.events) == 2)
    assert tick.events == [{"tick": 1}, {"tick": 2}]
