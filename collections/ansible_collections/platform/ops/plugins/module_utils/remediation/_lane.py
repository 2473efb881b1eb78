# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop of a lane source: one event with a batch, and none more until that batch is decided or its run is over."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation import _engine
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox

logger = logging.getLogger("platform.ops.lane")

POLL_SECONDS = 0.02
RECHECK_SECONDS = 1.0  # items that stand back fall due without any change in the inbox


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    ruleset: str
    gather_seconds: float = 0.25
    max_batch: int = 500
    retry_after: float = 300.0


async def _changed(inbox: Inbox, timeout: float) -> None:
    """Returns when another connection wrote to the inbox, at the latest after `timeout` seconds."""
    version, until = inbox.version(), time.monotonic() + timeout
    while time.monotonic() < until and inbox.version() == version:
        await asyncio.sleep(POLL_SECONDS)


# pylint takes modules for Python 3.9 code; this collection needs 3.12 (tests/config.yml)
# pylint: disable-next=using-generic-type-syntax-in-unsupported-version
async def _persist[T](step: Callable[[], Awaitable[T]]) -> T:
    """Again until the inbox answers. Between an event and the end of its run nothing else will do: who goes on without
    the answer loses the batch, or lets another run out beside it."""
    while True:
        try:
            return await step()
        except UnavailableError as error:
            logger.error("%s", error)
            await asyncio.sleep(RECHECK_SECONDS)


async def _gathered(inbox: Inbox, lane: Lane) -> list[dict[str, Any]]:
    """The next batch: what waits, `gather_seconds` after the oldest of it came."""
    while (waited := inbox.due(lane.name)) is None:
        await _changed(inbox, RECHECK_SECONDS)
    if waited < lane.gather_seconds:
        await asyncio.sleep(lane.gather_seconds - waited)
    return await asyncio.to_thread(inbox.take, lane.name, lane.max_batch)


async def _finished(inbox: Inbox, lane: Lane, busy: Callable[[str], bool]) -> None:
    """Waits until the batch is decided, the run it caused has ended, or no run was seen for `retry_after` seconds."""
    running, idle_since = False, time.monotonic()
    while await _persist(partial(asyncio.to_thread, inbox.offered, lane.name)):
        if busy(lane.ruleset):
            running, idle_since = True, time.monotonic()
        # Half a second: the run's last step may still be writing its decisions, or the rule has a further action.
        elif time.monotonic() - idle_since > (0.5 if running else lane.retry_after):
            return
        await _persist(partial(_changed, inbox, 0.1))


@asynccontextmanager
async def _alone(inbox: Inbox, lane: Lane) -> AsyncIterator[None]:
    """One process hands out a lane; others stand by until it is gone. The lock goes with its process."""
    with inbox.path.with_name(f"{lane.name}.lock").open("a") as lock:
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    logger.warning("Another process hands out lane %s; standing by.", lane.name)
                waiting = True
                await asyncio.sleep(RECHECK_SECONDS)
        yield


async def run(
    inbox: Inbox,
    lane: Lane,
    emit: Callable[[dict[str, Any]], Awaitable[None]],
    busy: Callable[[str], bool] = _engine.busy,
) -> None:
    """Never returns. What an earlier process offered and did not see decided is offered again first."""
    async with _alone(inbox, lane):
        inbox.release(lane.name)
        await _work(inbox, lane, emit, busy)


async def _work(
    inbox: Inbox, lane: Lane, emit: Callable[[dict[str, Any]], Awaitable[None]], busy: Callable[[str], bool]
) -> None:
    while True:
        batch = await _persist(partial(_gathered, inbox, lane))
        if not batch:
            continue
        await emit({"lane": lane.name, "remediations": batch})
        await _finished(inbox, lane, busy)
        again = time.time() + lane.retry_after
        why = "the run ended without a decision"
        left = await _persist(partial(asyncio.to_thread, inbox.release, lane.name, again, why))
        if left:
            logger.error(
                "%d of %d remediations of lane %s were left undecided by their run; again in %.0f s. "
                "The playbook's output above says why.",
                left,
                len(batch),
                lane.name,
                lane.retry_after,
            )
