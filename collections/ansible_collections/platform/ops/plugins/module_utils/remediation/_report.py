# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What observe mode saw, as Markdown that a team can decide on: would we have wanted these pull requests?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.manifests._quantity import Quantity

# Decisions that stand for a pull request, opened or only thought of.
_WANTED = frozenset({"would_open", "opened", "updated"})


@dataclass(slots=True)
class _Change:
    """What happened to one number of one workload over the period."""

    times: int = 0
    before: str | None = None
    after: str | None = None


@dataclass(slots=True)
class Summary:
    changes: dict[tuple[str, str, str, str], _Change] = field(default_factory=lambda: defaultdict(_Change))
    decisions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    messages: dict[tuple[str, str], str] = field(default_factory=dict)


def summarize(records: Iterable[Mapping[str, Any]]) -> Summary:
    summary = Summary()
    for record in records:
        decision, count = str(record.get("decision")), int(record.get("count", 1))
        summary.decisions[decision] += count
        if decision in _WANTED:
            for change in record.get("changes") or ():
                _add(summary, _text(record.get("target")), change)
        elif decision in ("refused", "declined", "limited", "failed"):
            key = (decision, str(record.get("reason", "")))
            summary.refusals[key] += count
            summary.messages.setdefault(key, str(record.get("message", "")))
    return summary


def _text(target: object) -> str:
    if isinstance(target, Mapping):
        return "/".join(str(target[key]) for key in ("namespace", "kind", "name") if target.get(key))
    return str(target)


def _add(summary: Summary, target: str, change: Mapping[str, Any]) -> None:
    key = (target, str(change.get("container") or ""), str(change.get("resource")), str(change.get("field", "limits")))
    known = summary.changes[key]
    known.times += 1
    # Nothing is merged while observing, so each alert proposes again from the same start: the last word counts.
    known.before = known.before if known.times > 1 else change.get("before")
    known.after = change.get("after")


def _value(text: str | None) -> Fraction | None:
    try:
        return Quantity.parse(text).value if text else None
    except InputError:
        return None


def _added(summary: Summary, resource: str, field_name: str) -> Fraction:
    total = Fraction(0)
    for (_target, _container, of, where), change in summary.changes.items():
        before, after = _value(change.before), _value(change.after)
        if (of, where) == (resource, field_name) and before is not None and after is not None:
            total += after - before
    return total


def _shown(resource: str, amount: Fraction) -> str:
    return f"{ceil(amount * 1000)}m" if resource == "cpu" else f"{ceil(amount / 2**20)}Mi"


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def report(records: Iterable[Mapping[str, Any]], since: datetime, until: datetime) -> str:
    """Markdown; the same records and period give the same bytes."""
    earliest, latest = (at.astimezone(UTC).isoformat(timespec="milliseconds")[:23] for at in (since, until))
    summary = summarize(r for r in records if earliest <= str(r.get("at", ""))[:23] < latest)
    lines = [
        f"# Remediation from {since:%Y-%m-%d} to {until:%Y-%m-%d}",
        "",
        f"{sum(summary.decisions.values())} decisions: "
        + (", ".join(f"{count} {name}" for name, count in summary.decisions.most_common()) or "none")
        + ".",
        "",
        "## What would have been raised",
        "",
    ]
    if not summary.changes:
        lines += ["Nothing.", ""]
    else:
        lines += [_row("workload", "container", "number", "times", "from", "to"), "|---|---|---|--:|--:|--:|"]
        ordered = sorted(summary.changes.items(), key=lambda item: (-item[1].times, item[0]))
        lines += [
            _row(target, container, f"{where}.{resource}", change.times, change.before or "unset", change.after)
            for (target, container, resource, where), change in ordered
        ]
        lines.append("")
        for where in ("limits", "requests"):
            amounts = {name: _added(summary, name, where) for name in ("memory", "cpu", "ephemeral-storage")}
            shown = [f"{_shown(name, amount)} {name}" for name, amount in amounts.items() if amount]
            if shown:
                lines.append(f"Added {where} per replica, over all workloads: {', '.join(shown)}.")
        lines.append("")
    lines += ["## What was not acted on", ""]
    if not summary.refusals:
        return "\n".join([*lines, "Nothing.", ""])
    lines += [_row("decision", "reason", "times", "for example"), "|---|---|--:|---|"]
    for (decision, reason), count in sorted(summary.refusals.items(), key=lambda item: (-item[1], item[0])):
        lines.append(_row(decision, reason, count, summary.messages[decision, reason]))
    return "\n".join([*lines, ""])
