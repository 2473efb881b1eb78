# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an alert over HTTP to a playbook, through the real engine."""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.rulebook.conftest import Scene, alert, eventually, metrics, payload

pytestmark = [pytest.mark.timeout(240)]


def has_run(scene: Scene, times: int) -> bool:
    return len(scene.runs()) == times


def test_alerts_reach_the_playbook_in_batches_in_order_and_once(scene: Scene) -> None:
    with scene.start() as running:
        for number in range(3):
            assert running.post("/alertmanager", payload(alert(number))).status == 202
            eventually(partial(has_run, scene, number + 1), running)
        # A storm while a run is going on: it coalesces into the next run or two.
        for number in range(100, 150):
            assert running.post("/alertmanager", payload(*(alert(n) for n in range(number, number + 20)))).status == 202
        assert running.post("/newrelic", {"app_name": "checkout", "max_memory": 480, "max_cpu": 0.9}).status == 202
        eventually(lambda: len(scene.handed_over()) == 3 + 69 + 2, running)
        assert len(scene.runs()) <= 3 + 4

        ids = [remediation["id"] for remediation in scene.handed_over()]
        assert len(set(ids)) == len(ids)
        # The log says what the playbook decided, and nothing is left to decide.
        eventually(lambda: 'decision="unchanged",reason=""} 74' in metrics(running), running)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
        assert all(run["hosts"] == ["localhost"] for run in scene.runs())


def test_a_failed_run_does_not_delay_newer_alerts_and_is_repeated(scene: Scene) -> None:
    scene.fail_bumps()
    with scene.start(remediation_retry_after=4) as running:
        running.post("/alertmanager", payload(alert(1)))
        eventually(lambda: "this run fails" in running.output(), running)
        scene.decide_bumps()
        running.post("/alertmanager", payload(alert(2)))
        eventually(lambda: len(scene.runs()) >= 2, running)
        assert scene.runs()[1]["remediations"][0]["pod"]["name"] == "app-2"
        eventually(lambda: len(scene.runs()) >= 3, running)
        assert scene.runs()[2]["remediations"][0]["pod"]["name"] == "app-1"
        assert "left undecided by their run" in running.output()


def test_what_was_accepted_survives_kill_9_and_is_handed_over_after_the_restart(scene: Scene) -> None:
    with scene.start() as running:
        # The answer is the promise; the process dies right after it, in the middle of whatever it does.
        for number in range(40):
            assert running.post("/alertmanager", payload(alert(number))).status == 202
        running.kill()
    with scene.start() as running:
        assert running.post("/alertmanager", payload(alert(3), alert(4))).status == 202
        eventually(lambda: 'decision="unchanged"' in metrics(running), running)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
    assert {remediation["pod"]["name"] for remediation in scene.handed_over()} == {f"app-{n}" for n in range(40)}


def test_ticks_do_not_pile_up_behind_a_run_and_do_not_wait_for_bumps(scene: Scene) -> None:
    scene.playbook("ticks", "    - name: Take long\n      ansible.builtin.pause: {{seconds: 4}}\n")
    scene.playbook("bumps", "    - name: Take long\n      ansible.builtin.pause: {{seconds: 8}}\n")
    with scene.start(remediation_tick_seconds=1) as running:
        running.post("/alertmanager", payload(alert(1)))
        eventually(lambda: len(scene.runs("bumps")) == 1, running)
        started = time.monotonic()
        eventually(lambda: len(scene.runs("ticks")) >= 3, running, 60)
        # Each tick starts only after the run before ended, a second later.
        assert time.monotonic() - started > 5


def test_it_stops_on_sigterm(scene: Scene) -> None:
    with scene.start() as running:
        running.process.terminate()
        running.process.wait(20)
