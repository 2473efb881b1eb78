# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bumps that do not help: one further step and then people; and bumps that cannot run, which are taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body

from lab import git_host
from lab.control_plane import kubectl
from lab.place import Lab
from tests.support.loop import REPOSITORY, Loop, closed_loop, deployment, watched

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


@pytest.fixture
def by_people(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    """People merge, so that something can happen to the cluster between the pull request and its merge."""
    proposal = {"labels": ["limits"], "merge": {"by": "people"}}
    settings = watched(lab, limit_bump_pull_request=proposal, limit_bump_retry_seconds=5)
    with closed_loop(lab, tmp_path, settings) as running:
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


def test_a_bump_that_fits_on_no_node_any_more_is_taken_back(by_people: Loop) -> None:
    loop = by_people
    git_host.commit(loop.lab, REPOSITORY, {"apps/desk.yaml": deployment("desk", "-memory=90", limits=LIMITS)}, "Add it")
    pull = loop.until("a pull request is open", lambda: next(iter(loop.pulls()), None), LONG)
    kubectl(loop.lab, "cordon", "worker-1")
    try:
        merge(loop, pull)
        others = git_host.text(loop.lab, REPOSITORY, "apps/desk.yaml").replace("measured in spring", "measured in May")
        git_host.commit(loop.lab, REPOSITORY, {"apps/desk.yaml": others}, "Say when it was measured")
        taken_back(loop, pull, "desk", "unschedulable")
    finally:
        kubectl(loop.lab, "uncordon", "worker-1")
    text = deployment("desk", "-memory=90", limits=LIMITS).replace("measured in spring", "measured in May")
    assert git_host.text(loop.lab, REPOSITORY, "apps/desk.yaml") == text


def test_a_bump_that_a_new_limit_range_refuses_is_taken_back(by_people: Loop) -> None:
    loop = by_people
    manifest = deployment("till", "-memory=90", limits=LIMITS)
    git_host.commit(loop.lab, REPOSITORY, {"apps/till.yaml": manifest}, "Add it")
    pull = loop.until("a pull request is open", lambda: next(iter(loop.pulls()), None), LONG)
    limit = {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}
    meta = {"name": "small", "namespace": "shop"}
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta, "spec": limit}
    kubectl(loop.lab, "apply", "-f", "-", stdin=json.dumps(limit_range))
    try:
        merge(loop, pull)
        taken_back(loop, pull, "till", "denied")
    finally:
        kubectl(loop.lab, "-n", "shop", "delete", "limitrange", "small")
    assert git_host.text(loop.lab, REPOSITORY, "apps/till.yaml") == manifest


def taken_back(loop: Loop, pull: dict[str, Any], name: str, reason: str) -> None:
    verdict = loop.until("the verdict is there", lambda: loop.verdict(pull["number"]), LONG)
    assert verdict["labels"] == {"limits", "verdict-not-fixed", "handed-over"}
    # The record is written after the pull request.
    decided = loop.until("it is on record", lambda: not_fixed(loop), LONG)
    assert [one["reason"] for one in decided] == [reason]
    (revert,) = (one for one in loop.pulls() if one["number"] != pull["number"])
    assert f"#{revert['number']} takes it back." in verdict["texts"][0]
    block = block_in_body(pull["body"])
    assert block is not None
    assert loop.limits(name)["memory"] == block["changes"][0]["after"]
    merge(loop, revert)
    loop.until("the old number is in force again", lambda: loop.limits(name) == LIMITS, LONG)
    loop.post([alert(loop, name)])
    loop.until("a further alert is refused", lambda: refused(loop), LONG)
    assert len(loop.pulls()) == 2


def alert(loop: Loop, name: str) -> dict[str, Any]:
    """One that began by now: the one that was answered has never ended."""
    labels = {"alertname": "ContainerMemoryNearLimit", "remediation": "bump_limits", "resource": "memory"}
    pod = {"namespace": "shop", "pod": loop.pods(name)[0]["metadata"]["name"], "container": "server"}
    began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    annotations = {"value": "60Mi", "limit": "64Mi"}
    return {"status": "firing", "labels": labels | pod, "annotations": annotations, "startsAt": began}


def merge(loop: Loop, pull: dict[str, Any]) -> None:
    git_host.api(loop.lab, f"/repos/lab/{REPOSITORY}/pulls/{pull['number']}/merge", body={"Do": "squash"})


def merged(loop: Loop, count: int) -> dict[str, Any] | None:
    """The newest, once there are so many."""
    found = sorted((one for one in loop.pulls() if one["merged"]), key=lambda one: one["number"])
    return found[-1] if len(found) == count else None


def refused(loop: Loop) -> list[dict[str, Any]]:
    return [one for one in loop.decisions() if (one["decision"], one["reason"]) == ("refused", "handed_over")]


def not_fixed(loop: Loop) -> list[dict[str, Any]]:
    return [one for one in loop.decisions() if one["decision"] == "not_fixed"]
