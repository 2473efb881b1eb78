# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait until objects are ready: one polling loop on monotonic time, with a deadline and a useful last word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import title
from ansible_collections.platform.ops.plugins.module_utils.stack._explain import explain
from ansible_collections.platform.ops.plugins.module_utils.stack._ready import Readiness, readiness, waits
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

Object = Mapping[str, Any]
MISSING = waits("is not there")


@dataclass(frozen=True, slots=True)
class Clock:
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Waiting:
    """What is not ready yet, with the last thing seen of each."""

    pending: list[tuple[Object, Object | None, Readiness]] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        return any(state.hopeless for _thing, _live, state in self.pending)


def look(server: Server, wanted: Iterable[Object]) -> Waiting:
    result = Waiting()
    for thing in wanted:
        live = server.find(thing)
        state = MISSING if live is None else readiness(live)
        if not state.ready:
            result.pending.append((thing, live, state))
    return result


def wait_ready(server: Server, wanted: Iterable[Object], *, timeout: float, clock: Clock | None = None) -> float:
    """Return the seconds waited; raise with what, why and the cluster's last word when the deadline passes."""
    clock = clock or Clock()
    started = clock.now()
    left, pause = list(wanted), 0.25
    while True:
        waiting = look(server, left)
        if not waiting.pending:
            return clock.now() - started
        waited = clock.now() - started
        if waiting.hopeless or waited >= timeout:
            raise UnavailableError(last_word(server, waiting, waited), reason="not_ready")
        left = [thing for thing, _live, _state in waiting.pending]
        clock.sleep(min(pause, max(0.0, timeout - waited)))
        pause = min(pause * 1.5, 3.0)


def last_word(server: Server, waiting: Waiting, waited: float) -> str:
    lines = []
    for thing, live, state in waiting.pending[:8]:
        more = explain(server.api, live) if live is not None else ""
        lines.append(f"{title(live or thing)}: {state.why}" + (f"; {more}" if more else ""))
    if len(waiting.pending) > 8:
        lines.append(f"and {len(waiting.pending) - 8} more")
    end = "cannot become ready" if waiting.hopeless else f"not ready after {waited:.0f} s"
    return f"{len(waiting.pending)} object(s) {end}: " + " | ".join(lines)


def wait_gone(server: Server, things: Iterable[Object], *, timeout: float, clock: Clock | None = None) -> None:
    clock = clock or Clock()
    started = clock.now()
    left, pause = list(things), 0.25
    while left := [thing for thing in left if server.find(thing) is not None]:
        waited = clock.now() - started
        if waited >= timeout:
            held = []
            for thing in left[:8]:
                live = server.find(thing) or {}
                finalizers = (live.get("metadata") or {}).get("finalizers") or []
                held.append(f"{title(thing)}" + (f" (held by {', '.join(finalizers)})" if finalizers else ""))
            raise UnavailableError(
                f"{len(left)} object(s) still there {waited:.0f} s after their deletion: {' | '.join(held)}. "
                "The controller that clears these finalizers must run while they are removed.",
                reason="not_gone",
            )
        clock.sleep(min(pause, max(0.0, timeout - waited)))
        pause = min(pause * 1.5, 3.0)
