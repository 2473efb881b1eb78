# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided about each remediation in the end, from the results of the modules. Pure.

Every remediation of an item gets exactly one decision, whatever failed on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = Mapping[str, Any]

# state of open_pr -> decision
_OF_PULL_REQUEST = {
    "created": "opened",
    "updated": "updated",
    "unchanged": "unchanged",
    "declined": "declined",
    "limited": "limited",
    "foreign": "refused",
    "obsolete": "closed",
    "failed": "failed",
}
# reasons of bump_limits that are no refusal: enough already, or ask again later
_OF_BUMP = {"sufficient": "unchanged", "cooldown": "limited", "budget": "limited"}


def decisions(
    items: Sequence[Data], bump: Data | None, opened: Data | None, *, act: bool, failure: str | None, seconds: float
) -> list[dict[str, Any]]:
    """Return the decisions for `record_decisions`.

    Args:
        items: what was to be done in one repository.
        bump: the result of bump_limits, None if it did not come to that.
        opened: the result of open_pr, whose labels are lists of the items' labels; None if it did not come to that.
        act: False when nothing was to be written (observe mode).
        failure: what stopped the run, if something did.
        seconds: how long the run took.
    """
    bumped = {result["label"]: result for result in (bump or {}).get("results", ())}
    pulls = {label: result for result in (opened or {}).get("results", ()) for label in result["label"]}
    return [
        {
            "id": remediation["id"],
            "kind": remediation["kind"],
            "source": remediation["source"],
            "cluster": remediation.get("cluster"),
            "target": item["label"],
            "resource": remediation.get("resource"),
            "seconds": round(seconds, 3),
            **_outcome(bumped.get(item["label"]), pulls.get(item["label"]), act, failure),
        }
        for item in items
        for remediation in item["remediations"]
    ]


def _outcome(bumped: Data | None, pull: Data | None, act: bool, failure: str | None) -> dict[str, Any]:
    if bumped and bumped["failed"]:
        # The gate says "failed" where it could not look, and "limited" where the hindrance passes by itself.
        decision = bumped.get("decision") or "refused"
        return {"decision": decision, "reason": bumped["reason"], "message": bumped["message"]}
    if pull:
        decision = _OF_PULL_REQUEST[pull["state"]]
        if not act and decision in ("opened", "updated"):
            decision = "would_open"
        bump = bumped or {}
        # the number is the news where there is one; else why there is none
        told = bump if decision in ("opened", "updated", "would_open") else pull
        return {
            "decision": decision,
            "reason": told["reason"],
            "message": told["message"],
            "pull_request": pull["url"],
            "branch": pull["branch"],
            "changes": bump.get("changes"),
            "not_before": pull["until"] if decision == "limited" else None,
        }
    if bumped and not bumped["changes"]:
        decision = _OF_BUMP.get(bumped["reason"], "refused")
        return {"decision": decision, "reason": bumped["reason"], "message": bumped["message"]}
    return {"decision": "failed", "reason": "failed", "message": failure or "The run ended before this was decided."}
