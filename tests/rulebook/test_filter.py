# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event filter behind a source that is not ours, found by its full name."""

from __future__ import annotations

import json
import urllib.request

import pytest
import yaml

from tests.rulebook.conftest import TOKEN, Scene, alert, eventually, payload
from tests.support.rulebook import rulebook

pytestmark = [pytest.mark.timeout(120)]


def test_events_of_the_builtin_webhook_become_remediations_and_nothing_else(scene: Scene) -> None:
    rules = [
        {
            "name": "webhook",
            "hosts": "localhost",
            "sources": [
                {
                    "eda.builtin.webhook": {"host": "127.0.0.1", "port": scene.port, "token": TOKEN},
                    "filters": [{"platform.ops.remediation": {"sender": "alertmanager", "cluster": "prod"}}],
                }
            ],
            "rules": [
                {
                    "name": "raise limits",
                    "condition": "event.remediations is defined",
                    "action": {
                        "run_playbook": {
                            "name": str(scene.folder / "bumps-playbook/playbook.yml"),
                            "extra_vars": {"remediations": "{{ event.remediations }}"},
                        }
                    },
                }
            ],
        }
    ]
    path = scene.folder / "webhook.yml"
    path.write_text(yaml.safe_dump(rules))
    (scene.folder / "vars.yml").write_text(f"remediation_listen_port: {scene.port}\n")
    body = payload(alert(1), alert(2, pod="{{ 7*7 }}")) | {"meta": {"hosts": "victim"}}
    with rulebook(scene.folder / "vars.yml", scene.inventory, name=str(path), wait=False) as running:
        request = urllib.request.Request(
            f"{running.url}/alerts", json.dumps(body).encode(), {"Authorization": f"Bearer {TOKEN}"}
        )

        def posted() -> bool:
            try:
                return urllib.request.urlopen(request, timeout=10).status == 200
            except OSError:
                return False

        eventually(posted, running)
        eventually(scene.runs, running)
    (run,) = scene.runs()
    assert run["hosts"] == ["localhost"]
    assert [(r["pod"]["name"], r["cluster"]) for r in run["remediations"]] == [("app-1", "prod")]
