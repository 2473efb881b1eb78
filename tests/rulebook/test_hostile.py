# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile alerts through the real engine: nothing is executed, rendered or aimed at another host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rulebook.conftest import Scene, alert, eventually, metrics, payload

pytestmark = [pytest.mark.timeout(240)]


def attacks(canary: Path) -> list[str]:
    return [
        f"{{{{ lookup('pipe', 'touch {canary}') }}}}",
        f"{{% set x = lookup('pipe', 'touch {canary}') %}}",
        f"{{{{ cycler.__init__.__globals__.os.system('touch {canary}') }}}}",
        f"$(touch {canary})",
        f"`touch {canary}`",
        f"x; touch {canary}",
        f"!!python/object/apply:os.system ['touch {canary}']",
        f"x\n- hosts: all\n  tasks: [{{shell: touch {canary}}}]",
        f"--exec=touch {canary}",
        "victim",
        "all",
        "../../../etc/passwd",
        "\u202evictim",
    ]


def test_nothing_of_a_hostile_alert_is_executed_rendered_or_aimed_at_another_host(scene: Scene) -> None:
    canary = scene.folder / "canary"
    hostile: list[dict[str, Any]] = []
    for attack in attacks(canary):
        for field in (
            "alertname",
            "namespace",
            "pod",
            "container",
            "cluster",
            "resource",
            "node",
            "hosts",
            "meta",
            "x",
        ):
            hostile.append(alert(len(hostile) + 100, **{field: attack}))
        hostile.append({**alert(len(hostile) + 100), "annotations": {attack: attack, "value": attack}})
        hostile.append({**alert(len(hostile) + 100), "startsAt": attack})
        hostile.append({**alert(len(hostile) + 100), "fingerprint": attack})
        hostile.append({**alert(len(hostile) + 100), "generatorURL": attack, attack: attack})
        hostile.append({**alert(len(hostile) + 100), "meta": {"hosts": [attack]}, "hosts": attack})
        hostile.append(alert(len(hostile) + 100, **{attack: attack}))
    body = payload(*hostile)
    body |= {"meta": {"hosts": "victim", "limit": "victim"}, "hosts": "victim", "commonLabels": {"hosts": "victim"}}
    with scene.start() as running:
        answer = running.post("/alertmanager", body, {"X-Hosts": "victim"})
        assert answer.status == 202
        told = answer.json()
        for attack in attacks(canary):
            running.post(
                "/newrelic", {"app_name": attack, "max_memory": attack, "max_cpu": 1, "meta": {"hosts": "all"}}
            )
            running.post("/newrelic", {"app_name": "checkout", "max_memory": attack, attack: attack, "issueId": attack})
        assert running.post("/alertmanager", payload(alert(1))).status == 202
        eventually(lambda: any(r["id"].startswith(f"alertmanager:{1:016x}") for r in scene.handed_over()), running)
        eventually(lambda: "platform_ops_inbox_items{" not in metrics(running), running)

    assert told["received"] == len(hostile)
    assert 0 < told["stored"]["new"] < len(hostile)
    assert sum(told["refused"].values()) + told["stored"]["new"] == len(hostile)
    assert not canary.exists()
    for run in scene.runs():
        assert run["hosts"] == ["localhost"]
        assert json.loads(run["templated"]) == run["remediations"]  # rendering it changed nothing
        text = json.dumps(run["remediations"])
        assert not set("`$;%\\<>!@|&*#'") & set(text)
        assert "{{" not in text and "{%" not in text and "/etc" not in text and str(canary) not in text
