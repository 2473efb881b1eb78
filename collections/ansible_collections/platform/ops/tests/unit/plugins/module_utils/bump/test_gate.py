# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys

# In an interpreter of its own: here, other tests have imported all of it.
IMPORT = """
import json, sys
import ansible.plugins.action
before = set(sys.modules)
import ansible_collections.platform.ops.plugins.plugin_utils._answer
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_an_alert_is_answered_without_importing_what_asks_a_cluster() -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        check=True,
        capture_output=True,
        text=True,
    )
    imported = json.loads(run.stdout)
    ours = "ansible_collections.platform.ops.plugins"
    assert f"{ours}.module_utils.bump._gate" in imported
    parts = (f"{ours}.module_utils.{name}." for name in ("gate", "capacity"))
    clients = ("kubernetes", "requests", "urllib3")
    unwanted = (*parts, *clients)
    assert [name for name in imported if name.startswith(unwanted)] == []
