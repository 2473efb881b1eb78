# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source platform.ops.tick: an event at intervals, for work that waits on others."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[7]))  # ansible-rulebook does not make collections importable

from ansible_collections.platform.ops.plugins.module_utils.remediation import _engine
from ansible_collections.platform.ops.plugins.module_utils.remediation._options import Options

DOCUMENTATION = r"""
---
short_description: Emits an event at intervals, never while the run of an earlier one goes on.
options:
  ruleset:
    description: Name of the ruleset this source stands in; tells whether a run goes on.
    type: str
    required: true
  seconds:
    description: Time from the end of one run to the next event.
    type: float
    default: 60
"""

EXAMPLES = r"""
- platform.ops.tick:
    ruleset: tick
    seconds: 60
"""


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    options = Options("platform.ops.tick", args)
    ruleset, seconds = options.text("ruleset"), options.number("seconds", 60, least=1)
    options.finish()
    number = 0
    while True:
        await asyncio.sleep(seconds)
        while _engine.busy(ruleset):
            await asyncio.sleep(0.5)
        number += 1
        await queue.put({"tick": number})
