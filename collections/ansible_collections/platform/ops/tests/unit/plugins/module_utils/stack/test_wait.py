# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import Clock, wait_gone, wait_ready
from ansible_collections.platform.ops.tests.unit.plugins.module_utils.stack.fake import (
    config_map,
    namespace,
    server_with,
)

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "x", "generation": 1},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
    "status": {"observedGeneration": 1},
}
POD = {
    "metadata": {"name": "web-1", "namespace": "x"},
    "status": {
        "phase": "Pending",
        "containerStatuses": [
            {"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
        ],
    },
}
EVENT = {
    "type": "Warning",
    "reason": "Failed",
    "message": "pull access denied",
    "lastTimestamp": "2026-01-01T00:00:00Z",
}


class Ticking:
    """Time that passes only by sleeping; something may happen then."""

    def __init__(self, then: Any = None) -> None:
        self.time, self.then = 0.0, then

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.then:
            self.then(self.time)


def test_waiting_ends_when_the_object_is_ready() -> None:
    server, api = server_with(namespace("x"), DEPLOYMENT)

    def happens(time: float) -> None:
        if time > 5:
            api.stored[server.path(DEPLOYMENT)]["status"].update(replicas=1, updatedReplicas=1, availableReplicas=1)

    assert 5 < wait_ready(server, [DEPLOYMENT], timeout=60, clock=Ticking(happens).clock()) < 10


def test_the_last_word_names_object_pod_state_and_event() -> None:
    server, api = server_with(namespace("x"), DEPLOYMENT)
    api.stored["/api/v1/namespaces/x/pods/web-1"] = POD
    api.stored["/api/v1/namespaces/x/events/e"] = EVENT
    with pytest.raises(UnavailableError) as caught:
        wait_ready(server, [DEPLOYMENT], timeout=30, clock=Ticking().clock())
    for part in (
        "Deployment x/web: 0 of 1 replicas available",
        "pod web-1: container web is ImagePullBackOff: no such image",
        "Failed: pull access denied",
        "not ready after 30 s",
    ):
        assert part in caught.value.message


def test_what_is_not_there_is_said_to_be_missing() -> None:
    server, _api = server_with(namespace("x"))
    with pytest.raises(UnavailableError, match="ConfigMap x/a: is not there"):
        wait_ready(server, [config_map("a")], timeout=1, clock=Ticking().clock())


def test_what_does_not_go_away_is_named_with_what_holds_it() -> None:
    held = config_map("a", finalizers=["example.org/hold"])
    server, _api = server_with(namespace("x"), held)
    with pytest.raises(UnavailableError, match=r"ConfigMap x/a \(held by example.org/hold\)"):
        wait_gone(server, [held], timeout=1, clock=Ticking().clock())
