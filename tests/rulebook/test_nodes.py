# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts on nodes go their own way through the engine."""

from __future__ import annotations

import pytest

from tests.rulebook.conftest import Scene, alert, eventually, payload

pytestmark = [pytest.mark.timeout(400)]


def test_nodes_and_bumps_do_not_wait_for_each_other(scene: Scene) -> None:
    wait_for_nodes = f"""\
    - name: Wait until the nodes' run is over
      ansible.builtin.wait_for:
        path: {scene.folder}/nodes-done
        timeout: 180
"""
    done = f"""\
    - name: Say that it is over
      ansible.builtin.copy: {{{{dest: {scene.folder}/nodes-done, content: "", mode: "0600"}}}}
"""
    scene.playbook("bumps", wait_for_nodes)
    scene.playbook("nodes", done)
    with scene.start() as running:
        running.post("/alertmanager", payload(alert(1)))
        eventually(lambda: scene.runs("bumps"), running, 180)
        # the run of bumps goes on for as long as nothing is done about the nodes
        nodes = [
            alert(2, remediation="scale_out", pod="big-1", container=""),
            alert(3, remediation="scale_in", node="worker-3"),
        ]
        running.post("/alertmanager", payload(*nodes))
        [run] = eventually(lambda: scene.runs("nodes"), running, 180)
    kinds = {item["kind"]: item for item in run["remediations"]}
    assert kinds["scale_out"]["pod"] == {"namespace": "shop", "name": "big-1"}
    assert kinds["scale_in"]["node"] == "worker-3"
    assert "pod" not in kinds["scale_in"]
    assert run["hosts"] == ["localhost"]
