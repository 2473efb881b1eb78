# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the results of one module become the input of the next on the way from work to pull requests. Pure.

An item is what `assign` made; its label ties the results of checkout, bump_limits and open_pr together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = Mapping[str, Any]


def checkout_items(items: Sequence[Data]) -> list[dict[str, Any]]:
    """Return what `checkout` has to prepare: a folder per workload."""
    return [{"label": item["label"], **item["workload"]} for item in items]


def bump_items(items: Sequence[Data], checkout: Data) -> list[dict[str, Any]]:
    """Return the items for `bump_limits`: what to raise, in which folder, after which history."""
    prepared = {one["label"]: one for one in checkout["items"]}
    return [
        {
            **item["bump"],
            "kind": item["bump"].get("kind") or prepared[item["label"]]["kind"],
            "label": item["label"],
            **{name: prepared[item["label"]][name] for name in ("worktree", "start", "history")},
        }
        for item in items
    ]


def by_workload(items: Sequence[Data], checkout: Data, bump: Data) -> list[dict[str, Any]]:
    """Bring together what belongs into one pull request: all containers and resources of a workload.

    Each has `item` (the first, for its workload), `prepared` (of checkout), `results` (of bump_limits, only those that
    found numbers) and `remediations`.
    """
    prepared = {one["label"]: one for one in checkout["items"]}
    found: dict[str, dict[str, Any]] = {}
    for item, result in zip(items, bump["results"], strict=True):
        if result["failed"]:
            continue
        workload = {**item["workload"], "kind": result["target"]["kind"] or item["workload"]["kind"]}
        here = prepared[item["label"]]
        group = found.setdefault(
            here["key"], {"workload": workload, "prepared": here, "results": [], "remediations": [], "labels": []}
        )
        group["results"].append(result)
        group["remediations"] += item["remediations"]
        group["labels"].append(item["label"])
    return [group for group in found.values() if _has_work(group)]


def _has_work(group: Data) -> bool:
    """An open pull request is looked at again even if there is nothing to add: it may have become obsolete."""
    return group["prepared"]["state"] == "open" or any(result["changes"] for result in group["results"])


def pull_request_items(items: Sequence[Data], checkout: Data, bump: Data) -> list[dict[str, Any]]:
    """Return the items for `open_pr`, one per workload; each label is the list of the labels it stands for."""
    return [
        {
            "label": group["labels"],
            **group["workload"],
            "worktree": group["prepared"]["worktree"],
            "start": group["prepared"]["start"],
            "files": sorted({file for result in group["results"] for file in result["files"]}),
            "changes": [change for result in group["results"] for change in result["changes"]],
            "title": "Raise limits",
        }
        for group in by_workload(items, checkout, bump)
    ]
