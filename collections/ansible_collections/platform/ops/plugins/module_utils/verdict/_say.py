# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the one comment about a verdict says. Pure: the same inputs give the same bytes.

What the cluster says is shown as code, in which no host renders markup, links or mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._body import code
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import HANDED_OVER, Mark, mark_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

TITLES = {
    "fixed": "fixed",
    "not_fixed": "not fixed",
    "stalled": "stalled",
    "superseded": "superseded",
    None: "watched again",
}
REASONS = {
    "resolved": "it ran with the new numbers, the alert went away, and nothing was killed",
    "killed_again": "a container was killed for its memory again",
    "alert_firing": "the alert went on firing",
    "unschedulable": "its pods fitted on no node",
    "denied": "the API server refused its pods",
    "rolled_back": "Flagger rolled it back",
}
LONGEST_SAID = 600


def comment(
    pull: PullRequest,
    mark: Mark,
    message: str,
    *,
    said: str = "",
    notes: Sequence[str] = (),
    tried: Sequence[PullRequest] = (),
) -> str:
    """Return the text of the comment.

    Args:
        message: the verdict in our words.
        said: what the cluster said.
        notes: further sentences of ours.
        tried: merged bumps of this workload, oldest first, shown when it is handed over.
    """
    lines = [f"### Verdict: {TITLES[mark.verdict]}", "", message]
    if said.strip():
        lines += ["", f"The cluster says: {code(said, longest=LONGEST_SAID)}"]
    for note in notes:
        lines += ["", note]
    lines += ["", "| | |", "|---|---|", *_steps(pull, mark)]
    if mark.until is not None:
        lines += ["", *_handed_over(pull, mark, tried)]
    return "\n".join(lines)


def _steps(pull: PullRequest, mark: Mark) -> list[str]:
    commit = f" as {code(pull.merge_sha[:12])}" if pull.merge_sha else ""
    rows: list[tuple[str, datetime | None, str]] = [
        ("opened", pull.created_at, ""),
        ("merged", pull.merged_at, commit),
        ("seen applied", mark.applied, ""),
        ("seen rolled out", mark.rolled, ""),
        ("judged", mark.at, f" ({code(mark.reason)})" if mark.reason else ""),
    ]
    return [f"| {name} | {_shown(at)}{more} |" for name, at, more in rows if at is not None]


def _handed_over(pull: PullRequest, mark: Mark, tried: Sequence[PullRequest]) -> list[str]:
    lines = ["**People have to look now.** What was tried:", ""]
    for one in tried:
        known = mark if one.number == pull.number else mark_in_body(one.body)
        came = REASONS.get(known.reason, TITLES[known.verdict]) if known.verdict else "not judged"
        lines.append(f"- #{one.number}: {', '.join(_numbers(one)) or 'its numbers cannot be read'}: {came}")
    until = _shown(mark.until) if mark.until else ""
    return [
        *lines,
        "",
        f"Further alerts for this workload are refused until {until}. "
        f"Take the label {code(HANDED_OVER)} off to have them answered again before that.",
    ]


def _numbers(pull: PullRequest) -> list[str]:
    block: dict[str, Any] = block_in_body(pull.body) or {}
    return [
        f"{code(change.get('container') or 'pod')} {code(change['field'] + '.' + change['resource'])} "
        f"{code(change.get('before') or 'none')} -> {code(change['after'])}"
        for change in block.get("changes", ())
    ]


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
