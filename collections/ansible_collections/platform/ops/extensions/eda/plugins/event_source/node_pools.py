# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source platform.ops.node_pools: an event when a pool of nodes has something to do."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[7]))  # ansible-rulebook does not make collections importable

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _watch
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Connection, connect
from ansible_collections.platform.ops.plugins.module_utils.remediation import _engine
from ansible_collections.platform.ops.plugins.module_utils.remediation._options import Options

DOCUMENTATION = r"""
---
short_description: Emits an event when a node pool has something to do, never while the run of an earlier one goes on.
description:
  - Looks at the NodePools of the cluster at intervals, which costs one or two calls of its API, and emits
    C({pools}), the names of those with operations to get on with, with fewer nodes than their minimum in force, or with
    an outdated prediction.
  - Writes what it sees where the receiver's C(/metrics) finds it.
  - The cluster is the one that the modules would talk to. Where there is none, or no NodePool, it says so once and
    emits nothing.
options:
  ruleset:
    description: Name of the ruleset this source stands in; tells whether a run goes on.
    type: str
    required: true
  state_dir:
    description: The remediation state folder, the same as the receiver's.
    type: path
    default: ~/.local/state/platform.ops
  seconds:
    description: Time from the end of one run to the next look.
    type: float
    default: 30
  inspect_seconds:
    description: How often C({inspect}) is emitted, when a provider can list its machines.
    type: float
    default: 600
"""

EXAMPLES = r"""
- platform.ops.node_pools:
    ruleset: nodes_tick
    seconds: 30
"""

# A pool that limits keep below its minimum is no news at every look.
NO_NEWS_SECONDS = 300.0
logger = logging.getLogger("platform.ops.node_pools")


class Watch:
    def __init__(self, state_dir: Path, inspect_seconds: float) -> None:
        self._state_dir, self._inspect_seconds = state_dir, inspect_seconds
        self._inspected = 0.0
        self._api: Api | None = None
        self._said = ""
        self._filled: dict[str, float] = {}

    def due(self) -> list[dict[str, Any]]:
        """The events to emit now; an error is logged when it is a new one."""
        now = time.time()
        try:
            if self._api is None:
                self._api = connect(Connection())
            views = _watch.look(self._api, now)
            if views:
                _watch.write(self._state_dir, "node_pools", _watch.samples(views, now))
        except OpsError as error:
            self._say(error.message)
            return []
        self._say("")
        events: list[dict[str, Any]] = []
        if pools := [view.pool.name for view in views if self._is_due(view, now)]:
            events.append({"pools": pools})
        listing = [view.pool.name for view in views if view.pool.spec.provider.lists]
        if listing and now - self._inspected >= self._inspect_seconds:
            self._inspected = now
            events.append({"inspect": listing})
        return events

    def _is_due(self, view: _watch.View, now: float) -> bool:
        name = view.pool.name
        if view.due is _watch.Due.UNDER_WAY:
            return True
        if view.due and now - self._filled.get(name, 0.0) >= NO_NEWS_SECONDS:
            self._filled[name] = now
            return True
        return False

    def _say(self, text: str) -> None:
        if text and text != self._said:
            logger.warning("The node pools cannot be looked at: %s", text)
        self._said = text


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    options = Options("platform.ops.node_pools", args)
    ruleset, seconds = options.text("ruleset"), options.number("seconds", 30, least=1)
    watch = Watch(options.state_dir(), options.number("inspect_seconds", 600, least=1))
    options.finish()
    while True:
        await asyncio.sleep(seconds)
        while _engine.busy(ruleset):
            await asyncio.sleep(0.5)
        for event in await asyncio.to_thread(watch.due):
            await queue.put(event)
