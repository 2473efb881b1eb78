# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the results of one module become the input of the next on the way from work to pull requests. Pure.

An item is what `assign` made; its label ties the results of checkout, bump_limits and open_pr together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump._assign import RESOURCE_OPTIONS
from ansible_collections.platform.ops.plugins.module_utils.forge._body import Part, describe

Data = Mapping[str, Any]


def checkout_items(items: Sequence[Data]) -> list[dict[str, Any]]:
    """Return what `checkout` has to prepare: a folder per workload."""
    return [{"label": item["label"], **item["workload"]} for item in items]


def bump_items(items: Sequence[Data], checkout: Data) -> list[dict[str, Any]]:
    """Return the items for `bump_limits`: what to raise, in which folder, after which history."""
    prepared = {one["label"]: one for one in checkout["items"]}
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
    again = {one["key"]: one for one in checkout["items"] if one["rebuild"] and one["described"]}
    for one in again.values():
        made += proposed_again(one)
    return made


def proposed_again(prepared: Data) -> list[dict[str, Any]]:
    """Return bump items that raise what an open pull request has raised, in a folder that starts from the base branch.

    `set` never lowers: what the base branch has got meanwhile stays.
    """
    made = []
    for change in prepared["described"]["changes"]:
        option = RESOURCE_OPTIONS.get(change["resource"])
        if option is None or change["field"] != "limits":
            continue
        container = change.get("container")
        made.append(
            {
                **{name: prepared[name] for name in ("namespace", "kind", "name", "worktree", "start")},
                "container": None if container == "pod" else container or None,
                option: {"set": change["after"]},
                "label": f"{prepared['key']} again",
            }
        )
    return made


def pull_request_items(
    items: Sequence[Data], checkout: Data, bumped: Data, cluster: str, declined_for: str
) -> list[dict[str, Any]]:
    """Return the items for `open_pr`, one per workload: all its containers and resources share a pull request.

    The label of each is the list of the labels it stands for.
    """
    made = []
    for group in _by_workload(items, checkout, bumped):
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
                "title": told.title,
                "commit_message": told.commit_message,
                "body": told.body,
                "changes": list(told.changes),
            }
        )
    return made


def _by_workload(items: Sequence[Data], checkout: Data, bumped: Data) -> list[dict[str, Any]]:
    prepared = {one["label"]: one for one in checkout["items"]}
    results = {one["label"]: one for one in bumped["results"]}
    groups: dict[str, dict[str, Any]] = {}
    for item in items:
        here, result = prepared[item["label"]], results[item["label"]]
        if result["failed"]:
            continue
        kind = result["target"]["kind"] or item["workload"]["kind"]
        group = groups.setdefault(
            here["key"],
            {"workload": {**item["workload"], "kind": kind}, "prepared": here, "labels": [], "parts": []},
        )
        group["labels"].append(item["label"])
        group["parts"].append(Part(item["bump"], result, item["remediations"]))
    return [group for group in groups.values() if _has_work(group)]


def _has_work(group: Data) -> bool:
    """An open pull request is looked at again even if there is nothing to add: it may have become obsolete."""
    return group["prepared"]["state"] == "open" or any(part.result["changes"] for part in group["parts"])
