# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten thousand alerts, doubled, late and out of order, while the rulebook is killed again and again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.rulebook.conftest import Scene, alert, eventually, metrics, payload
from tests.support.rulebook import Rulebook

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(900)]

ALERTS, KILLS = 10_000, 3


def deliveries(rng: random.Random) -> list[list[dict[str, Any]]]:
    """Every alert twice, every tenth resolved as well, in any order, 100 to a delivery."""
    alerts = [alert(number) for number in range(ALERTS)] * 2
    alerts += [alert(number, "resolved") for number in range(0, ALERTS, 10)]
    alerts += [alert(ALERTS + number, pod="{{ 7*7 }}") for number in range(100)]
    rng.shuffle(alerts)
    return [alerts[start : start + 100] for start in range(0, len(alerts), 100)]


class Sender(threading.Thread):
    """As Alertmanager does: delivers until it is answered 2xx, whatever happens to the other side."""

    def __init__(self, work: list[list[dict[str, Any]]]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.target: Rulebook | None = None

    def is_down_to(self, deliveries: float) -> bool:
        return len(self.work) <= deliveries

    def run(self) -> None:
        while self.work:
            try:
                delivered = self.target is not None and self.target.post("/alertmanager", payload(*self.work[-1]))
            except OSError:
                delivered = False
            if delivered and delivered.status == 202:
                self.work.pop()
            else:
                time.sleep(0.05)


def test_each_alert_is_handled_and_none_is_lost(scene: Scene) -> None:
    rng = random.Random(1)
    sender = Sender(deliveries(rng))
    sender.start()
    for kill in range(KILLS):
        with scene.start() as running:
            sender.target = running
            eventually(partial(sender.is_down_to, len(sender.work) * (KILLS - kill) / (KILLS + 1)), running, 60)
            time.sleep(rng.uniform(0, 6))  # into whatever the engine and its playbook are doing
            running.kill()
    with scene.start() as running:
        sender.target = running
        eventually(lambda: not sender.work, running, 120)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running, 600)

    handed = Counter((r["id"], r["status"]) for r in scene.handed_over())
    firing_or_gone = {identity for identity, _status in handed}
    # An alert whose resolution came first needs no handling; every other one was handed over.
    missing = {alert_id(number) for number in range(ALERTS)} - firing_or_gone
    assert missing <= {alert_id(number) for number in range(0, ALERTS, 10)}
    # Only what a killed run had in its hands was handed over again: a batch per kill.
    again = sum(times - 1 for times in handed.values())
    assert again <= KILLS * 500
    # The resolution of an alert never comes before its firing.
    seen: dict[str, str] = {}
    for remediation in scene.handed_over():
        assert not (seen.get(remediation["id"]) == "resolved" and remediation["status"] == "firing")
        seen[remediation["id"]] = remediation["status"]
    assert all(run["hosts"] == ["localhost"] for run in scene.runs())


def alert_id(number: int) -> str:
    return f"alertmanager:{number:016x}:2026-08-22T10:00:00.123Z"
