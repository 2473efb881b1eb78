# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the results of one module become the input of the next on the way from work to pull requests. Pure.

An item is what `assign` made; its label ties the results of checkout, bump_limits and open_pr together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump._again import items_of_block
from ansible_collections.platform.ops.plugins.module_utils.bump._assign import RESOURCE_OPTIONS
from ansible_collections.platform.ops.plugins.module_utils.forge._body import Part, describe

Data = Mapping[str, Any]

_AGAIN = "again/"  # before a key: what a pull request in conflict had proposed


def checkout_items(items: Sequence[Data]) -> list[dict[str, Any]]:
    """Return what `checkout` has to prepare: a folder per workload."""
    return [{"label": item["label"], **item["workload"]} for item in items]


def bump_items(items: Sequence[Data], checkout: Data) -> list[dict[str, Any]]:
    """Return the items for `bump_limits`: what to raise, in which folder, after which history."""
    prepared = {one["label"]: one for one in checkout["results"]}
    made: list[dict[str, Any]] = []
    for item in items:
        here = prepared[item["label"]]
        made.append(
            {
                **item["bump"],
                "kind": item["bump"].get("kind") or here["kind"],
                "label": item["label"],
                **{name: here[name] for name in ("worktree", "start", "history")},
            }
        )
    for item in {prepared[item["label"]]["key"]: item for item in items}.values():
        here = prepared[item["label"]]
        if here["rebuild"] and here["described"]:
            options = {key: value for key, value in item["bump"].items() if key not in RESOURCE_OPTIONS.values()}
            folder = {name: here[name] for name in ("worktree", "start")}
            again = items_of_block(here["described"], {**options, "policy": None})
            made += [{**one["bump"], **folder, "label": _AGAIN + here["key"]} for one in again]
    return made


def pull_request_items(
    items: Sequence[Data],
    checkout: Data,
    bumped: Data,
    *,
    cluster: str,
    declined_for: str,
    usage: Mapping[str, Sequence[Data]] | None = None,
) -> list[dict[str, Any]]:
    """Return the items for `open_pr`, one per workload: all its containers and resources share a pull request.

    The label of each is the list of the labels it stands for. `usage` is what was measured, by the label of an item.
    """
    files: dict[str, set[str]] = {}
    for result in bumped["results"]:
        files.setdefault(result["worktree"], set()).update(result["files"])
    made = []
    for group in _by_workload(items, checkout, bumped, usage or {}):
        here = group["prepared"]
        told = describe(
            {"cluster": cluster, **group["workload"]},
            group["parts"],
            history=here["history"],
            declined_for=declined_for,
            previous=here["described"],
        )
        made.append(
            {
                "label": group["labels"],
                **group["workload"],
                "worktree": here["worktree"],
                "start": here["start"],
                "files": sorted(files[here["worktree"]]),
                "title": told.title,
                "commit_message": told.commit_message,
                "body": told.body,
                "changes": list(told.changes),
            }
        )
    return made


def _by_workload(
    items: Sequence[Data], checkout: Data, bumped: Data, usage: Mapping[str, Sequence[Data]]
) -> list[dict[str, Any]]:
    prepared = {one["label"]: one for one in checkout["results"]}
    results = {one["label"]: one for one in bumped["results"]}
    # Without all that the pull request had, what is there now must not be taken for the whole.
    incomplete = {one["label"] for one in bumped["results"] if one["failed"] and one["label"].startswith(_AGAIN)}
    groups: dict[str, dict[str, Any]] = {}
    for item in items:
        here, result = prepared[item["label"]], results[item["label"]]
        if result["failed"] or _AGAIN + here["key"] in incomplete:
            continue
        kind = result["target"]["kind"] or item["workload"]["kind"]
        group = groups.setdefault(
            here["key"],
            {"workload": {**item["workload"], "kind": kind}, "prepared": here, "labels": [], "parts": []},
        )
        group["labels"].append(item["label"])
        group["parts"].append(Part(item["bump"], result, item["remediations"], usage.get(item["label"], ())))
    return [group for group in groups.values() if _has_work(group)]


def _has_work(group: Data) -> bool:
    """An open pull request is looked at again even if there is nothing to add: it may have become obsolete."""
    return group["prepared"]["state"] == "open" or any(part.result["changes"] for part in group["parts"])
