# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of the loop are killed and come back, at different moments: it still ends with one merged pull request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from lab import git_host, gitops, monitoring, parts
from tests.support.loop import REPOSITORY, Loop, deployment

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1200),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
]
LONG = 300  # seconds; only a wrong result shall fail, not a busy machine
AWAY = 4.0  # seconds that a part is gone: others notice, and have to try again
RULEBOOK = "rulebook"
PARTS = ("prometheus", "alertmanager", RULEBOOK, "gitea", "kube-apiserver")
MOMENTS: dict[str, Callable[[Loop], object]] = {
    "the alert fires": lambda loop: loop.alerts("cart"),
    "the pull request is open": lambda loop: loop.pulls(),
    "it is merged": lambda loop: any(pull["merged"] for pull in loop.pulls()),
}
# Two moments each, in one loop: the second comes when the part has been back for a while.
CAMPAIGN = {
    "kube-apiserver": ("the alert fires", "it is merged"),
    "gitea": ("the alert fires", "the pull request is open"),
    RULEBOOK: ("the alert fires", "the pull request is open"),
    "alertmanager": ("the alert fires", "the pull request is open"),
    "prometheus": ("the alert fires", "it is merged"),
}
MANIFEST = deployment("cart", "-memory=90", limits={"memory": "64Mi", "cpu": "500m"})


def kill(loop: Loop, part: str) -> None:
    if part != RULEBOOK:
        parts.kill(loop.lab, part)
        return
    assert loop.running
    loop.running.kill()
    loop.stop()


def start(loop: Loop, part: str) -> None:
    if part == RULEBOOK:
        loop.start()
    else:
        parts.start(loop.lab, part)


def kill_and_start(loop: Loop, *names: str) -> None:
    for name in names:
        kill(loop, name)
    threading.Event().wait(AWAY)  # the outage itself, not a wait for something
    for name in reversed(names):
        start(loop, name)


def resolved(loop: Loop) -> bool:
    """By Prometheus, with its targets up, and by Alertmanager, which forgets what fires when it is killed."""
    up = {series["metric"]["job"] for series in monitoring.query(loop.lab, "up == 1")}
    firing = monitoring.query(loop.lab, 'ALERTS{alertstate="firing", pod=~"cart-.*"}')
    return {"kubelet", "kube-state-metrics"} <= up and not firing and not loop.alerts("cart")


def ends_right(loop: Loop) -> None:
    loop.until("a pull request is merged", lambda: any(pull["merged"] for pull in loop.pulls()), LONG)
    gitops.wait_applied(loop.lab, REPOSITORY, git_host.head(loop.lab, REPOSITORY), deadline=LONG)
    loop.until("one pod is left, and stays up", lambda: loop.well("cart"), LONG)
    loop.until("the alert resolves", lambda: resolved(loop), LONG)
    assert [pull["merged"] for pull in loop.pulls()] == [True]
    text = git_host.text(loop.lab, REPOSITORY, "apps/cart.yaml")
    assert text == MANIFEST.replace("memory: 64Mi", "memory: 164Mi")


@pytest.mark.campaign
@pytest.mark.parametrize("part", CAMPAIGN)
def test_the_loop_ends_right_when_a_part_is_killed_twice(loop: Loop, part: str) -> None:
    git_host.commit(loop.lab, REPOSITORY, {"apps/cart.yaml": MANIFEST}, "Add the cart")
    for moment in CAMPAIGN[part]:
        loop.until(moment, partial(MOMENTS[moment], loop), LONG)
        kill_and_start(loop, part)
    ends_right(loop)


def test_the_loop_ends_right_when_all_of_it_is_killed_at_once(loop: Loop) -> None:
    git_host.commit(loop.lab, REPOSITORY, {"apps/cart.yaml": MANIFEST}, "Add the cart")
    loop.until("the alert fires", lambda: loop.alerts("cart"), LONG)
    kill_and_start(loop, *PARTS)
    ends_right(loop)
