# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the decisions of a run on record: into the log, to the collector, and back to the inbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog, decision_record
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry

# Decisions that say "not now": the remediation stands back and is handed out again.
TRANSIENT = frozenset({"failed", "limited"})


def _until(decision: Mapping[str, Any], default: float) -> float:
    text = decision.get("not_before")
    if not text:
        return default
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputError(f"not_before must be a time with its zone, as in 2026-01-31T07:00:00Z, not {text!r}.")
    return at.timestamp()


def record(
    state_dir: str | Path,
    decisions: Sequence[Mapping[str, Any]],
    *,
    retry_seconds: float = 300.0,
    check: bool = False,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Returns how many were recorded and which ids are done and which stand back.

    The log comes first: when we are killed in between, the remediation is decided once more, not forgotten.
    """
    done: list[str] = []
    later: list[tuple[str, float, str]] = []
    records = [decision_record({k: v for k, v in decision.items() if k != "not_before"}) for decision in decisions]
    for decision in decisions:
        if not (identity := decision.get("id")):
            continue
        if decision.get("not_before") or decision["decision"] in TRANSIENT:
            until = _until(decision, clock() + retry_seconds)
            later.append((identity, until, str(decision.get("reason") or decision["decision"])))
        else:
            done.append(identity)
    # Several decisions may stand on one remediation; it is done when none of them wants it again.
    waiting = {identity for identity, _until_, _why in later}
    done = [identity for identity in dict.fromkeys(done) if identity not in waiting]
    if not check and decisions:
        DecisionLog(state_dir).append(records)
        inbox = Inbox(state_dir, clock=clock)
        try:
            inbox.done(done)
            for identity, until, why in later:
                inbox.later([identity], until, why)
        finally:
            inbox.close()
        with Telemetry() as telemetry:
            for entry in records:
                telemetry.decision(entry)
    return {"recorded": len(records), "done": done, "later": [identity for identity, _until_, _why in later]}
