# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which merged pull requests are to be looked at, and what follows from what is known of the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import Mark, mark_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import HOPELESS

Block = Mapping[str, Any]
SOURCE = "verdict"  # what the remediations of a further step give as their source


@dataclass(frozen=True, slots=True)
class Episode:
    """All that the host lists of one workload. `merged` oldest first, `open` the one that is open."""

    key: str
    merged: tuple[PullRequest, ...]
    open: PullRequest | None

    @property
    def newest(self) -> PullRequest:
        return self.merged[-1]

    @property
    def second_step(self) -> bool:
        """Whether the newest was the further step after one that had not helped."""
        if len(self.merged) < 2:
            return False
        before = mark_in_body(self.merged[-2].body)
        return before.verdict == "not_fixed" and not before.handed_over

    @property
    def tried(self) -> tuple[PullRequest, ...]:
        """The steps that belong together, for those who take over."""
        return self.merged[-2:] if self.second_step else self.merged[-1:]


def episodes(listed: Sequence[PullRequest], base: str, cluster: str) -> list[Episode]:
    """Return the workloads that have a merged bump, those first that were merged first."""
    by_key: dict[str, list[PullRequest]] = {}
    for one in listed:
        key, block = key_in_body(one.body), block_in_body(one.body)
        ours = block is not None and block["target"].get("cluster") in (None, cluster) and not block.get("reverts")
        if key and ours and one.base == base:
            by_key.setdefault(key, []).append(one)
    found = []
    for key, ones in by_key.items():
        merged = sorted((one for one in ones if one.state == "merged"), key=_merged_at)
        if merged:
            found.append(Episode(key, tuple(merged), next((one for one in ones if one.state == "open"), None)))
    return sorted(found, key=lambda episode: _merged_at(episode.newest))


def _merged_at(pull: PullRequest) -> tuple[datetime, int]:
    return pull.merged_at or pull.closed_at or pull.updated_at, pull.number


def overtaken(episode: Episode) -> list[PullRequest]:
    """Return older ones that got no verdict of their own before the next one was merged."""
    return [one for one in episode.merged[:-1] if not mark_in_body(one.body).final]


def settled(mark: Mark, open_numbers: frozenset[int]) -> bool:
    """Tell whether there is no need to look again. While a revert is open, things may still turn out well."""
    return mark.final and mark.revert not in open_numbers


def hands_over(mark: Mark, episode: Episode) -> bool:
    """Tell whether a ruling ends our attempts: a further step would not help, or was made already."""
    return mark.verdict == "not_fixed" and (mark.reason in HOPELESS or episode.second_step)


def wants_further_step(mark: Mark, episode: Episode) -> bool:
    """Tell whether the one further step is due: it did not help, nobody took over, and no next one is open."""
    return mark.verdict == "not_fixed" and not mark.handed_over and episode.open is None


def further_step(pull: PullRequest, block: Block, mark: Mark, cluster: str) -> list[dict[str, Any]]:
    """Return remediations, in their JSON form, for what was not fixed.

    The workload is named by what the pull request had changed: the pods of its alerts are gone.
    """
    target = block["target"]
    made = []
    for change in block["changes"]:
        name = f"{change.get('container') or 'pod'}/{change['resource']}"
        if change["field"] != "limits" or name not in mark.left or not change.get("container"):
            continue
        made.append(
            {
                "kind": "bump_limits",
                "id": f"{SOURCE}:{key_in_body(pull.body)}:{pull.number}:{name}",
                "source": SOURCE,
                "status": "firing",
                "cluster": cluster,
                "workload": {
                    "namespace": target.get("namespace"),
                    "kind": target.get("kind"),
                    "name": target.get("name"),
                    "container": change["container"],
                },
                "resource": change["resource"],
            }
        )
    return made


def refusals(decisions: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return, by pull request, why its further step is not to be had; not for what may be had later."""
    found: dict[int, str] = {}
    opened: set[int] = set()
    for decision in decisions:
        parts = str(decision.get("id") or "").split(":")
        if len(parts) != 4 or parts[0] != SOURCE or not parts[2].isdigit():
            continue
        number = int(parts[2])
        if decision["decision"] in ("refused", "declined", "unchanged"):
            found[number] = str(decision["reason"])
        else:
            opened.add(number)
    return {number: reason for number, reason in found.items() if number not in opened}


def seconds_since_alert(pull: PullRequest, block: Block, mark: Mark) -> dict[str, float]:
    """Return how long it took from the alert (else from the opening) to each stage."""
    starts = [_time((alert.get("evidence") or {}).get("startsAt")) for alert in block.get("alerts", ())]
    start = min([one for one in starts if one] or [pull.created_at])
    stages = {
        "opened": pull.created_at,
        "merged": pull.merged_at,
        "applied": mark.applied,
        "rolled_out": mark.rolled,
        "resolved": mark.at if mark.verdict == "fixed" else None,
    }
    return {name: max(0.0, (at - start).total_seconds()) for name, at in stages.items() if at is not None}


def _time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return read if read and read.tzinfo else None
