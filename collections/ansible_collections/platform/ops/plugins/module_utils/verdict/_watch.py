# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tick's look at what was merged: judge, write it down, take back, ask for a further step, hand over.

There is no state but the pull requests: a run that was killed at any point is completed by the next one. The mark in
the body is written last; where it is, comment and labels are as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._body import code
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote, fetch
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import (
    HANDED_OVER,
    LABELS,
    Mark,
    mark_in_body,
    with_mark,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._retire import retire
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, PullRequest
from ansible_collections.platform.ops.plugins.module_utils.verdict._episodes import (
    Episode,
    episodes,
    further_step,
    hands_over,
    overtaken,
    seconds_since_alert,
    settled,
    wants_further_step,
)
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import UNFIT, Policy, Ruling, Seen, judge
from ansible_collections.platform.ops.plugins.module_utils.verdict._look import Case
from ansible_collections.platform.ops.plugins.module_utils.verdict._say import REASONS, comment
from ansible_collections.platform.ops.plugins.module_utils.verdict._take_back import Reverter

MARKER = "verdict"
Block = Mapping[str, Any]


class Looks(Protocol):
    def seen(self, case: Case) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Watcher:
    """Looks after the merged pull requests of one repository; each by itself, so that one's failure stops no other.

    Attributes:
        refused: pull requests whose further step is not to be had, and why.
    """

    git: Git
    host: Host
    remote: Remote
    look: Looks
    reverter: Reverter
    policy: Policy
    cluster: str
    now: datetime
    refused: Mapping[int, str]
    check_mode: bool = False

    def watch(self) -> list[dict[str, Any]]:
        """Return a result for each that was looked at, or that a further step is due for."""
        listed = self.host.list(self.remote.prefix, self.now - self.policy.look_back)
        opened = {one.number: one for one in listed if one.state == "open"}
        found = episodes(listed, self.remote.base, self.cluster)
        due = [one for one in found if not settled(mark_in_body(one.newest.body), frozenset(opened))]
        if due:
            fetch(self.git, self.remote)
        results: list[dict[str, Any]] = []
        for episode in found:
            if results and results[-1]["reason"] == "unavailable":
                break  # each further question would be repeated for as long; a later run picks up from here
            results += [self._guarded(pull, partial(self._overtaken, pull, episode)) for pull in overtaken(episode)]
            if episode in due:
                results.append(self._guarded(episode.newest, partial(self._judged, episode, opened)))
            elif wants_further_step(mark_in_body(episode.newest.body), episode):
                results.append(self._guarded(episode.newest, partial(self._further, episode)))
        return results

    def _guarded(self, pull: PullRequest, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return look()
        except OpsError as error:
            return {**_shown(pull, Mark(), error.message, changed=False), "state": "failed", "reason": error.reason}

    def _overtaken(self, pull: PullRequest, episode: Episode) -> dict[str, Any]:
        message = f"#{episode.newest.number} was merged before it could be judged."
        mark = replace(mark_in_body(pull.body), verdict="superseded", reason="next_merged", at=self.now, left=())
        return self._settle(pull, Ruling(mark, message), episode)

    def _judged(self, episode: Episode, opened: Mapping[int, PullRequest]) -> dict[str, Any]:
        pull, block = episode.newest, _block(episode.newest)
        before = mark_in_body(pull.body)
        ruling = judge(
            self.look.seen(_case(pull, block, before)),
            before,
            block["changes"],
            self.policy,
            merged_at=pull.merged_at or pull.updated_at,
            now=self.now,
        )
        mark, notes = ruling.mark, list[str]()
        revert: dict[str, Any] = {}
        if mark.reason in UNFIT:
            revert, note = self._take_back(pull, block, ruling)
            mark = replace(mark, revert=revert.get("number") or before.revert)
            notes.append(note)
        elif before.revert is not None and before.revert in opened:
            self._keep(opened[before.revert])
            notes.append(f"#{before.revert}, which would have taken it back, was closed: it is not needed any more.")
        if hands_over(mark, episode):
            mark = replace(mark, until=before.until or self.now + self.policy.hand_over_for)
        result = self._settle(pull, replace(ruling, mark=mark), episode, notes)
        if not mark.handed_over and wants_further_step(mark, episode):
            result["further"] = further_step(pull, block, mark, self.cluster)
        return {**result, "revert": revert or None, "changed": result["changed"] or bool(revert.get("changed"))}

    def _further(self, episode: Episode) -> dict[str, Any]:
        """Nothing new about it: it waits for its further step, or is handed over as there is none to be had."""
        pull, block = episode.newest, _block(episode.newest)
        mark = mark_in_body(pull.body)
        message = f"It did not help: {REASONS.get(mark.reason, mark.reason)}."
        if pull.number not in self.refused:
            further = further_step(pull, block, mark, self.cluster)
            return {**_shown(pull, mark, message, changed=False), "further": further}
        mark = replace(mark, until=self.now + self.policy.hand_over_for)
        note = f"A further step was not made: {code(self.refused[pull.number])}."
        return self._settle(pull, Ruling(mark, message), episode, [note])

    def _take_back(self, pull: PullRequest, block: Block, ruling: Ruling) -> tuple[dict[str, Any], str]:
        made, plan = self.reverter.revert(pull, block, ruling.message, check_mode=self.check_mode)
        left = f" Left as it is: {' '.join(plan.left)}" if plan.left else ""
        if not made:
            return {}, f"It is not taken back.{left}"
        if made["number"] is None:
            return made, f"It is not taken back: {made['message']}{left}"
        return made, f"#{made['number']} takes it back.{left}"

    def _keep(self, revert: PullRequest) -> None:
        if not self.check_mode:
            retire(self.host, revert, "The bump that this takes back works by now.")

    def _settle(self, pull: PullRequest, ruling: Ruling, episode: Episode, notes: Sequence[str] = ()) -> dict[str, Any]:
        """Bring comment, labels and mark into agreement with a ruling; nothing is written while nothing changes."""
        before, mark = mark_in_body(pull.body), ruling.mark
        changed = before != mark
        if changed and not self.check_mode:
            if mark.verdict or before.verdict:
                text = comment(pull, mark, ruling.message, said=ruling.said, notes=notes, tried=episode.tried)
                self.host.set_comment(pull.number, text, MARKER)
                wanted = _labels(mark)
                others = {*LABELS.values(), HANDED_OVER} - set(wanted)
                self.host.update(pull.number, labels=wanted, drop_labels=sorted(others))
            self.host.update(pull.number, body=with_mark(pull.body, mark))
        news = (before.verdict, before.reason, before.until) != (mark.verdict, mark.reason, mark.until)
        return {**_shown(pull, mark, " ".join([ruling.message, *notes]), changed=changed), "news": changed and news}


def _labels(mark: Mark) -> list[str]:
    labels = [LABELS[mark.verdict]] if mark.verdict else []
    return [*labels, HANDED_OVER] if mark.handed_over else labels


def _block(pull: PullRequest) -> Block:
    block = block_in_body(pull.body)
    if block is None:
        raise AssertionError("an episode is made of pull requests that have a block")
    return block


def _case(pull: PullRequest, block: Block, mark: Mark) -> Case:
    target = block["target"]
    names = ((alert.get("evidence") or {}).get("alertname") for alert in block.get("alerts", ()))
    return Case(
        namespace=target.get("namespace") or "default",
        kind=target.get("kind"),
        name=target["name"],
        changes=block["changes"],
        alertnames=frozenset(name for name in names if isinstance(name, str)),
        merge_sha=pull.merge_sha,
        merged_at=pull.merged_at or pull.updated_at,
        applied=mark.applied,
    )


def _shown(pull: PullRequest, mark: Mark, message: str, *, changed: bool) -> dict[str, Any]:
    block = block_in_body(pull.body) or {"target": {}, "changes": ()}
    target = block["target"]
    return {
        "number": pull.number,
        "url": pull.url,
        "branch": pull.branch,
        "title": pull.title,
        "target": "/".join(str(target.get(name) or "") for name in ("namespace", "kind", "name")),
        "state": mark.verdict or "watching",
        "reason": mark.reason,
        "message": message,
        "handed_over_until": mark.until.isoformat() if mark.until else None,
        "seconds": seconds_since_alert(pull, block, mark),
        "further": [],
        "revert": None,
        "news": False,
        "changed": changed,
    }
