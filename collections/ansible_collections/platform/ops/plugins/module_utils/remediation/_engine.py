# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a ruleset of this ansible-rulebook process still running an action?

Sources run in the event loop of ansible-rulebook, which names the task of each action
`action::<action>::<ruleset>::<rule>` (1.0 to 1.3, covered by a test against the real engine). A source that knows
when the run it caused has ended neither piles up events nor waits for a time-out after a failed playbook. Where the
names differ, `busy` is never true and the callers fall back to their time-outs.
"""

from __future__ import annotations

import asyncio


def busy(ruleset: str) -> bool:
    return any(
        len(parts := task.get_name().split("::")) >= 3 and parts[0] == "action" and parts[2] == ruleset
        for task in asyncio.all_tasks()
    )
