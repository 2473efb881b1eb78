# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a merged pull request has been followed, as one hidden line in its body. Pure.

The body is the one place that every host returns with its list and that nobody but maintainers and we can write.
What stands there are times and codes, never text from elsewhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

Verdict = Literal["fixed", "not_fixed", "stalled", "superseded"]
VERDICTS: tuple[Verdict, ...] = ("fixed", "not_fixed", "stalled", "superseded")
FINAL: frozenset[str] = frozenset({"fixed", "not_fixed", "superseded"})
LABELS: dict[Verdict, str] = {verdict: f"verdict-{verdict.replace('_', '-')}" for verdict in VERDICTS}
HANDED_OVER = "handed-over"

_LINE = re.compile(r"^<!-- platform\.ops verdict (\{[^\n]*\}) -->[ \t]*\r?$", re.MULTILINE)
_CODE = re.compile(r"[a-z0-9_/.-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """What was seen first when, and what came of it.

    Attributes:
        applied: the numbers were in force in the cluster, by a revision that has the merge.
        rolled: every pod ran with them.
        verdict: None while it is watched.
        at: when the verdict was given.
        left: what was not fixed, as container/resource.
        until: handed over to people; further alerts are refused until then.
        revert: number of the pull request that takes the bump back.
    """

    applied: datetime | None = None
    rolled: datetime | None = None
    verdict: Verdict | None = None
    reason: str = ""
    at: datetime | None = None
    left: tuple[str, ...] = ()
    until: datetime | None = None
    revert: int | None = None

    @property
    def handed_over(self) -> bool:
        return self.until is not None

    @property
    def final(self) -> bool:
        return self.verdict in FINAL


def mark_in_body(body: str) -> Mark:
    """Return the mark; an empty one where there is none, or none that can be read."""
    found = _LINE.findall(body)
    try:
        data = json.loads(found[-1]) if found else {}
        return _read(data)
    except (ValueError, TypeError, RecursionError):
        return Mark()


def with_mark(body: str, mark: Mark) -> str:
    """Return the body with this mark in the place of the one that it had."""
    values: dict[str, Any] = {}
    for field in fields(Mark):
        value = getattr(mark, field.name)
        if isinstance(value, datetime):
            values[field.name] = value.astimezone(UTC).isoformat(timespec="seconds")
        elif value:
            values[field.name] = list(value) if isinstance(value, tuple) else value
    bare = _LINE.sub("", body).rstrip()
    return f"{bare}\n\n<!-- platform.ops verdict {json.dumps(values, sort_keys=True)} -->\n"


def _read(data: Any) -> Mark:
    if not isinstance(data, dict) or data.get("verdict") not in (None, *VERDICTS):
        return Mark()
    times = {name: _time(data.get(name)) for name in ("applied", "rolled", "at", "until")}
    left = tuple(name for name in data.get("left", ()) if isinstance(name, str) and _CODE.fullmatch(name))
    reason, revert = data.get("reason", ""), data.get("revert")
    return Mark(
        **times,
        verdict=data.get("verdict"),
        reason=reason if isinstance(reason, str) and _CODE.fullmatch(reason) else "",
        left=left,
        revert=revert if isinstance(revert, int) and not isinstance(revert, bool) else None,
    )


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    read = datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
