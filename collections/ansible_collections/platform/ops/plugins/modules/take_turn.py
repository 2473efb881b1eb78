# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: take_turn
short_description: Wait for those that go first, or tell the others how one ended
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - For hosts that one play works on side by side, each of which may have to wait for others.
  - They tell each other through files in one folder of the controller.
  - Does the same in check mode, so that the others do not wait for ever.
options:
  folder:
    description: The folder, the same for all of them.
    type: path
    required: true
  name:
    description: Who waits or tells.
    type: str
    required: true
  waits_for:
    description: Those that go first. The task fails when one of them failed.
    type: list
    elements: str
    default: []
  ended:
    description: How O(name) ended, for those that wait for it. When this is given, nothing is waited for.
    type: str
    choices: [done, failed]
  timeout:
    description: Seconds until waiting is given up.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Wait for the database
  platform.ops.take_turn:
    folder: /tmp/turns
    name: "{{ inventory_hostname }}"
    waits_for: [database]

- name: Tell the others
  platform.ops.take_turn:
    folder: /tmp/turns
    name: "{{ inventory_hostname }}"
    ended: done
"""

RETURN = r"""
ended:
  description: How those that were waited for ended.
  type: dict
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.stack._turn import tell, wait

SPEC: dict[str, Any] = {
    "argument_spec": {
        "folder": {"type": "path", "required": True},
        "name": {"type": "str", "required": True},
        "waits_for": {"type": "list", "elements": "str", "default": []},
        "ended": {"type": "str", "choices": ["done", "failed"]},
        "timeout": {"type": "int", "default": 3600},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    folder = Path(params["folder"])
    if params["ended"]:
        tell(folder, params["name"], params["ended"])
        return {"changed": False, "ended": {}}
    ended = wait(folder, params["name"], params["waits_for"], timeout=params["timeout"])
    return {"changed": False, "ended": ended}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
