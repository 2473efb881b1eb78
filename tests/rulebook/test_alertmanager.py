# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Alertmanager in front of the real rulebook."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.rulebook.conftest import Scene, eventually, metrics
from tests.support.alertmanager import Alertmanager, alertmanager

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not shutil.which("prometheus-alertmanager"),
        reason="needs Alertmanager (Debian package prometheus-alertmanager)",
    ),
]

LABELS = {
    "alertname": "ContainerMemoryNearLimit",
    "remediation": "bump_limits",
    "resource": "memory",
    "namespace": "shop",
    "pod": "checkout-0",
    "container": "server",
}
SINCE = "2026-08-22T10:00:00.123456789Z"


@pytest.fixture
def sender(scene: Scene) -> Iterator[Alertmanager]:
    webhook = f"http://127.0.0.1:{scene.port}/alertmanager"
    with alertmanager(scene.folder, webhook, scene.token_file) as running:
        yield running


def test_a_posted_alert_and_the_same_one_read_from_the_api_are_one(scene: Scene, sender: Alertmanager) -> None:
    with scene.start(remediation_alertmanager_url=sender.url, remediation_alertmanager_interval=1) as running:
        sender.fire(LABELS, SINCE)
        eventually(scene.handed_over, running)
        eventually(lambda: 'received_total{source="alertmanager",via="post"}' in metrics(running), running)
        eventually(lambda: 'received_total{source="alertmanager",via="poll"}' in metrics(running), running)
        assert 'stored_total{outcome="new"} 1\n' in metrics(running)
        sender.fire(LABELS, SINCE, resolved=True)
        eventually(lambda: len(scene.handed_over()) == 2, running)
    first, last = scene.handed_over()
    assert first["id"] == last["id"]
    assert first["id"].endswith(":2026-08-22T10:00:00.123Z")
    assert (first["status"], last["status"]) == ("firing", "resolved")
    assert first["pod"] == {"namespace": "shop", "name": "checkout-0", "container": "server"}
    assert first["evidence"]["value"] == "480000000"


def test_alerts_that_fired_while_nobody_listened_are_handled_after_the_start(
    scene: Scene, sender: Alertmanager
) -> None:
    for number in range(30):
        sender.fire({**LABELS, "pod": f"checkout-{number}"}, SINCE)
    sender.fire({**LABELS, "pod": "quiet-0"}, SINCE)
    sender.fire({"alertname": "Watchdog"}, SINCE)
    sender.silence("pod", "quiet-0")
    with scene.start(remediation_alertmanager_url=sender.url) as running:
        eventually(lambda: len(scene.handed_over()) == 30, running)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)
    assert {r["pod"]["name"] for r in scene.handed_over()} == {f"checkout-{number}" for number in range(30)}


def test_what_was_answered_503_comes_again_from_alertmanager_itself(scene: Scene, sender: Alertmanager) -> None:
    with scene.start(remediation_max_items=1, remediation_gather_seconds=8) as running:
        assert running.post("/newrelic", {"app_name": "first", "max_cpu": 1}).status == 202
        sender.fire(LABELS, SINCE)
        eventually(lambda: 'endpoint="/alertmanager",code="503"' in metrics(running), running)
        eventually(lambda: any("pod" in remediation for remediation in scene.handed_over()), running, 60)
