# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert rules of role monitoring under `promtool test rules`: what fires, and when, for series given here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import rules

Series = Mapping[str, str]
# Minute: the labels of every alert that fires then, in full.
Firing = Mapping[int, list[Mapping[str, str]]]
Judge = Callable[[Series, Firing], None]
# RemediationDown fires wherever the service has no series, so in most of these tests.
WATCHED = 'ALERTS{alertstate="firing", alertname!="RemediationDown"}'


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("needs promtool (Debian package prometheus)")
    groups = rules.groups(monitoring_remediation_url="https://remediation.example.org/alertmanager")
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))

    def check(series: Series, firing: Firing) -> None:
        questions = [
            {"expr": WATCHED, "eval_time": f"{minute}m", "exp_samples": [sample(alert) for alert in alerts]}
            for minute, alerts in firing.items()
        ]
        run(promtool, tmp_path, series, {"promql_expr_test": questions})

    return check


def sample(alert: Mapping[str, str]) -> dict[str, Any]:
    return {"labels": selector("ALERTS", alertstate="firing", **alert), "value": 1}


def never(*minutes: int) -> Firing:
    return {minute: [] for minute in minutes}


def run(promtool: str, folder: Path, series: Series, asked: Mapping[str, Any]) -> None:
    """One sample a minute, evaluated each minute."""
    test = {"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series.items()]}
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [{**test, **asked}]}
    (folder / "test.yml").write_text(yaml.safe_dump(document, sort_keys=False))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def selector(name: str, **labels: str) -> str:
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


POD = {"namespace": "shop", "pod": "cart-7c9b8d6d5f-k9x2z", "container": "server"}


def of_container(name: str, identity: str = "one", **labels: str) -> str:
    """A series of cAdvisor about the one container that these tests are about."""
    return selector(name, **{**POD, "id": f"/kubepods/{identity}", "image": "shop/cart:1", "job": "kubelet", **labels})


def alert(name: str, severity: str, remediation: str, resource: str = "", **labels: str) -> dict[str, str]:
    known = {"alertname": name, "severity": severity, "remediation": remediation}
    return known | ({"resource": resource} if resource else {}) | labels


NEAR_MEMORY = alert("ContainerMemoryNearLimit", "warning", "bump_limits", "memory", **POD)
OUT_OF_MEMORY = alert("ContainerOutOfMemory", "critical", "bump_limits", "memory", **POD)
NEAR_CPU = alert("ContainerCpuNearLimit", "warning", "bump_limits", "cpu", **POD)
THROTTLED = alert("ContainerCpuThrottled", "warning", "bump_limits", "cpu", **POD)
LEAK = alert("ContainerMemoryLeak", "warning", "none", "memory", **POD)
UNSCHEDULABLE = alert("PodsUnschedulable", "warning", "scale_out", namespace="shop", pod="big")
IDLE = alert("NodeIdle", "info", "scale_in", node="worker-1")
PRESSURE = alert("NodeUnderPressure", "critical", "none", node="worker-1", condition="MemoryPressure")
NOT_READY = alert("NodeNotReady", "critical", "none", node="worker-1")
FAILING = alert("RemediationFailing", "warning", "none", kind="bump_limits")
STUCK = alert("RemediationStuck", "critical", "none", lane="bump_limits")
PAUSED = alert("RemediationPaused", "warning", "none")
NOT_HELPING = alert("RemediationNotHelping", "warning", "none", verdict="not_fixed")
DOWN = alert("RemediationDown", "critical", "none")
EVERY = [
    *(NEAR_MEMORY, OUT_OF_MEMORY, NEAR_CPU, THROTTLED, LEAK, UNSCHEDULABLE, IDLE, PRESSURE, NOT_READY),
    *(FAILING, STUCK, PAUSED, NOT_HELPING, DOWN),
]
