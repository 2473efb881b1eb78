# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json

from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import HOUR, Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import Intake
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry

ALERT = {
    "labels": {"remediation": "bump_limits", "resource": "memory", "namespace": "shop", "pod": "a-0"},
    "annotations": {},
    "startsAt": "2026-08-22T10:00:00.123Z",
    "fingerprint": "0123456789abcdef",
}


def test_a_poll_tells_that_an_alert_fires_which_a_post_called_resolved(tmp_path):
    now = [1_000_000.0]
    inbox = Inbox(tmp_path, clock=lambda: now[0])
    intake = Intake(inbox, DecisionLog(tmp_path), Settings.parse(), Counts(), Telemetry())

    def take(content, via):
        return asyncio.run(intake.take("alertmanager", json.dumps(content).encode(), via))["stored"]

    def decide():
        inbox.done([entry["id"] for entry in inbox.take("bump_limits", 9)])

    take({"alerts": [{**ALERT, "status": "firing"}]}, "post")
    inbox.later([entry["id"] for entry in inbox.take("bump_limits", 9)], now[0] + 3600, "limited")
    take({"alerts": [{**ALERT, "status": "resolved"}]}, "post")
    decide()
    now[0] += HOUR
    assert take({"alerts": [{**ALERT, "status": "firing"}]}, "post")["late"] == 1
    assert take([{**ALERT, "status": {"state": "active"}}], "poll")["updated"] == 1
    assert inbox.depths()["bump_limits"].waiting == 1
    inbox.close()
