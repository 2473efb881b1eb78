# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tick does with the pull requests that follow_pull_requests looked at. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump._again import items_of_block, subject_of_block
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import (
    Config,
    Sources,
    no_sources,
    options_for,
)

Data = Mapping[str, Any]

_DECISIONS = {"merged": "merged", "obsolete": "closed"}


def follow_decisions(results: Sequence[Data]) -> list[dict[str, Any]]:
    """Return what goes on record: what was merged or closed in this run."""
    return [
        {
            "kind": "bump_limits",
            "decision": _DECISIONS[one["state"]],
            "reason": one["reason"],
            "message": one["message"],
            "pull_request": one["url"],
            "branch": one["branch"],
        }
        for one in results
        if one["changed"] and one["state"] in _DECISIONS
    ]


def verdict_decisions(results: Sequence[Data]) -> list[dict[str, Any]]:
    """Return what goes on record of judge_pull_requests: new verdicts, what was handed over, what is taken back."""
    made = []
    for one in results:
        common = {"kind": "bump_limits", "target": one["target"]}
        told = {"reason": one["reason"], "message": one["message"]}
        if one["news"] and one["state"] != "watching":
            verdict = {**common, **told, "pull_request": one["url"], "branch": one["branch"]}
            made.append({**verdict, "decision": one["state"], "stages": one["seconds"]})
            if one["handed_over_until"]:
                made.append({**verdict, "decision": "handed_over"})
        elif one["state"] == "failed":
            made.append({**common, **told, "decision": "failed", "pull_request": one["url"]})
        revert = one["revert"]
        if revert and revert["changed"]:
            opened = {"decision": "opened", "reason": "takes_back", "message": revert["message"]}
            made.append({**common, **opened, "pull_request": revert["url"], "branch": revert["branch"]})
    return made


def conflicting_items(results: Sequence[Data], config: Config, sources: Sources = no_sources) -> list[dict[str, Any]]:
    """Return items that propose anew what is in conflict with the base branch."""
    blocks = [one["block"] for one in results if one["state"] == "conflict" and one["block"]]
    # One that takes a bump back is made anew by the next look at that bump.
    blocks = [block for block in blocks if not block.get("reverts")]
    return [
        item
        for block in blocks
        for item in items_of_block(block, options_for(subject_of_block(block), config, sources))
    ]


def unverified(pull_requests: Sequence[Data]) -> list[str]:
    """Return a line for each pull request whose numbers do not follow from its block."""
    return [
        f"{one['url']}: {'; '.join(one['differences'] or ['it has no machine-readable block'])}"
        for one in pull_requests
        if one["differences"] or one["block"] is None
    ]


def pull_request_table(pull_requests: Sequence[Data], results: Sequence[Data]) -> list[str]:
    """Return a line for each pull request: number, state, title, and what an open one waits for."""
    waits = {one["number"]: f": {one['state']}, {one['message']}" for one in results}
    return [
        f"#{one['number']} {one['state']} {one['title']} ({one['url']}){waits.get(one['number'], '')}"
        for one in sorted(pull_requests, key=lambda one: one["number"])
    ]
