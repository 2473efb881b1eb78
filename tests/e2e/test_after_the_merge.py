# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bump that does not help: one further step, and then people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import git_host
from lab.place import Lab
from tests.e2e.conftest import watched
from tests.support.loop import REPOSITORY, Loop, closed_loop, deployment

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1200),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
]
# Each test has a workload of its own name: what a workload of that name used before counts as its history.
LONG = 300  # seconds; only a wrong result shall fail, not a busy machine
LIMITS = {"memory": "64Mi", "cpu": "500m"}
SMALL_STEPS = {"memory": {"factor": 1.1, "floor": "20Mi", "max": "1Gi"}, "cooldown": "1h"}


@pytest.fixture
def small_steps(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    with closed_loop(lab, tmp_path, watched(lab, limit_bump_policy=SMALL_STEPS, limit_bump_retry_seconds=5)) as running:
        yield running


def test_too_small_a_step_gets_one_further_step_and_then_people(small_steps: Loop) -> None:
    loop = small_steps
    manifest = deployment("basket", "-memory=150", limits=LIMITS)
    git_host.commit(loop.lab, REPOSITORY, {"apps/basket.yaml": manifest}, "Add the basket")
    first = loop.until("the first step is merged", lambda: merged(loop, 1), LONG)
    assert loop.until("it did not help", lambda: loop.verdict(first["number"]), LONG)["labels"] >= {"verdict-not-fixed"}
    second = loop.until("the further step is merged, within the cool-down", lambda: merged(loop, 2), LONG)
    verdict = loop.until("neither did that", lambda: loop.verdict(second["number"]), LONG)
    assert verdict["labels"] == {"limits", "verdict-not-fixed", "handed-over"}
    (text,) = verdict["texts"]
    assert f"#{first['number']}: `server` `limits.memory` `64Mi` -> `84Mi`" in text
    assert f"#{second['number']}: `server` `limits.memory` `84Mi` -> `104Mi`" in text
    loop.until("a further alert is refused with its reason", lambda: refused(loop), LONG)
    assert len(loop.pulls()) == 2
    text = git_host.text(loop.lab, REPOSITORY, "apps/basket.yaml")
    assert text == manifest.replace("memory: 64Mi", "memory: 104Mi")


def merged(loop: Loop, count: int) -> dict[str, Any] | None:
    """The newest, once there are so many."""
    found = sorted((one for one in loop.pulls() if one["merged"]), key=lambda one: one["number"])
    return found[-1] if len(found) == count else None


def refused(loop: Loop) -> list[dict[str, Any]]:
    return [one for one in loop.decisions() if (one["decision"], one["reason"]) == ("refused", "handed_over")]
