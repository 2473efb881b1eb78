# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source platform.ops.lane: hands the inbox to a ruleset in batches, one at a time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[7]))  # ansible-rulebook does not make collections importable

from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._lane import Lane, run
from ansible_collections.platform.ops.plugins.module_utils.remediation._options import Options

DOCUMENTATION = r"""
---
short_description: Hands out what platform.ops.receiver accepted, in batches.
description:
  - Emits one event C({lane, remediations}) and the next one only when every remediation of it was decided
    (M(platform.ops.record_decisions)), or when the run it caused has ended.
  - What a run leaves undecided is offered again after O(retry_after) seconds; newer alerts do not wait for it.
options:
  lane:
    description: Name of the lane, V(bump_limits) or V(nodes).
    type: str
    required: true
  ruleset:
    description: Name of the ruleset this source stands in; tells when the run has ended.
    type: str
    required: true
  state_dir:
    description: The remediation state folder, the same as the receiver's.
    type: path
    default: ~/.local/state/platform.ops
  gather_seconds:
    description: How long to gather after the first alert.
    type: float
    default: 0.25
  max_batch:
    description: Most remediations in one event.
    type: int
    default: 500
  retry_after:
    description: Seconds after which undecided remediations are offered again.
    type: float
    default: 300
"""

EXAMPLES = r"""
- platform.ops.lane:
    lane: bump_limits
    ruleset: bumps
    state_dir: "{{ remediation_state_dir }}"
"""


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    options = Options("platform.ops.lane", args)
    lane = Lane(
        name=options.text("lane"),
        ruleset=options.text("ruleset"),
        gather_seconds=options.number("gather_seconds", 0.25),
        max_batch=int(options.number("max_batch", 500, least=1)),
        retry_after=options.number("retry_after", 300, least=1),
    )
    inbox = Inbox(options.state_dir())
    options.finish()
    try:
        await run(inbox, lane, queue.put)
    finally:
        inbox.close()
