# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From changes in folders to exactly one right pull request each.

Every step can be the last one before a crash: a run that finds half of the work done (commit, push, pull request,
labels) does the other half. So a look at the host stands before each write, and what was pushed is recognised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, InputError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body, numbers
from ansible_collections.platform.ops.plugins.module_utils.forge._branches import Branches, branches
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import common_folder, fetch
from ansible_collections.platform.ops.plugins.module_utils.forge._commit import Draft, change_in, make_commits
from ansible_collections.platform.ops.plugins.module_utils.forge._decide import (
    HOUR,
    Action,
    Situation,
    Tally,
    decide,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._history import trailers
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body, marker
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import may_merge
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import (
    DONE,
    ROUNDS,
    Item,
    Settings,
    View,
    Work,
    digest,
    fail,
    lost_race,
    plain,
    shown,
    undecided,
    wish,
    with_pull_request,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._push import Push, push
from ansible_collections.platform.ops.plugins.module_utils.forge._retire import retire
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import (
    commit_tree,
    merged_tree,
    picked_tree,
    tree_of,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, NewPullRequest, PullRequest


class Publisher:
    """Works through a list of items against one repository.

    Args:
        git: in any checkout or worktree of the repository, logged in.
        step: called with the name of each step that was just done; tests end the process there.
    """

    def __init__(
        self,
        git: Git,
        host: Host,
        settings: Settings,
        now: datetime,
        step: Callable[[str], None] = lambda _: None,
    ) -> None:
        common = common_folder(git)
        self._git = git.at(common.parent if common.name == ".git" else common)
        self._host = host
        self._settings = settings
        self._remote = settings.remote
        self._now = now
        self._step = step

    def publish(self, items: Sequence[Item], *, check_mode: bool = False) -> list[dict[str, Any]]:
        """Return a result per item, in their order."""
        works = [Work(item, item.subject.branch(self._remote.prefix)) for item in items]
        self._refuse_duplicates(works)
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            list(pool.map(lambda work: self._guard(work, self._read), undecided(works)))
        self._draft(undecided(works))
        for attempt in range(ROUNDS):
            pending = undecided(works)
            if not pending:
                break
            view = self._look(pending, again=attempt > 0)
            self._decide(pending, view)
            if check_mode:
                for work in undecided(works):
                    work.result = shown(work)
                break
            refused = self._push(undecided(works), view)
            for work in undecided(works):
                if work.branch not in refused:
                    self._guard(work, self._act)
                elif attempt == ROUNDS - 1:
                    fail(work, lost_race(work, refused[work.branch]))
        return [work.result or {} for work in works]

    def diffs(self, results: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Return what each created or updated branch changes."""
        return [
            {
                "prepared": self._git.run(
                    "diff", "--no-color", "--no-ext-diff", result["start"], result["commit"]
                ).out.decode("utf-8", "replace")
            }
            for result in results
            if result["state"] in DONE.values() and result["commit"]
        ]

    # Looking

    def _look(self, pending: Sequence[Work], *, again: bool) -> View:
        since = self._now - max(self._settings.policy.declined_for, HOUR)
        pull_requests = self._host.list(self._remote.prefix, since)
        if again:
            fetch(self._git, self._remote)
        wanted = [work.branch for work in pending]
        known = branches(self._git, self._remote, wanted)
        heads = {one.branch: one.head_sha for one in pull_requests if one.state == "open" and one.branch in wanted}
        if not again and any(known.tips.get(branch) != head for branch, head in heads.items()):
            fetch(self._git, self._remote)
            known = branches(self._git, self._remote, wanted)
        return View(pull_requests, known)

    def _read(self, work: Work) -> None:
        work.change = change_in(self._git, work.item.folder, work.item.start, work.item.files)

    def _draft(self, works: Sequence[Work]) -> None:
        drafts = {}
        for work in works:
            if work.change and work.change.files:
                drafts[work.branch] = Draft(work.change, self._message(work))
        made = make_commits(self._git, list(drafts.values()), self._settings.stamp)
        for work in works:
            if work.branch in drafts:
                work.draft = made[list(drafts).index(work.branch)]
        self._step("committed")

    def _message(self, work: Work) -> str:
        return f"{work.item.message.strip()}\n\n{trailers(work.key, work.item.changes)}\n"

    # Deciding

    def _decide(self, pending: Sequence[Work], view: View) -> None:
        tally = Tally.of(view.pull_requests, self._now)
        for work in pending:
            try:
                situation = self._situation(work, view)
            except OpsError as error:
                fail(work, error)
                continue
            work.decision = decide(situation, self._settings.policy, tally, self._now)
            if work.decision.action == Action.CREATE:
                tally = tally.plus_one()

    def _situation(self, work: Work, view: View) -> Situation:
        own = view.of(work.branch, self._remote.base)
        tip = view.known.tips.get(work.branch)
        current = next((one for one in own if one.state == "open"), None)
        foreign = bool(view.known.foreign(work.branch, work.key, self._settings.stamp.committer.email))
        if foreign and current is None:
            # A closed pull request keeps its commits on the host, so nothing is lost when the branch is used again.
            foreign = tip not in {one.head_sha for one in own}
        work.commit = None
        on_branch = False
        if work.draft and not foreign:
            on_branch = self._settle(work, view, tip if current else None)
            if current is None and tip and view.known.own(work.branch):
                # Pushed by a run that did not get any further: use it if it is what we want.
                on_branch = tree_of(self._git, tip) == tree_of(self._git, work.commit or work.draft)
        if on_branch:
            work.commit = None
        return Situation(
            pull_requests=own,
            branch_exists=tip is not None,
            foreign=foreign,
            wanted=work.draft is not None,
            on_branch=on_branch,
            obsolete=bool(current and tip and not foreign and not work.draft and self._obsolete(work, view.known, tip)),
            described=current is None or self._described(work, current),
        )

    def _settle(self, work: Work, view: View, tip: str | None) -> bool:
        """Find the commit that the branch shall point to; return whether it has the change already."""
        start, draft = work.item.start, work.draft
        if draft is None:
            raise AssertionError("only what is drafted can be settled")
        parent, tree = start, None
        if tip is not None and tip != start and self._mergeable(view.known, work.branch):
            # The folder started elsewhere than the branch stands: carry the change over.
            parent = tip
            tree = picked_tree(self._git, before=start, after=draft, onto=tip)
            if tree is None:
                raise ConflictError(
                    f"The change of {work.item.subject} does not fit on branch {work.branch}, which changed the same "
                    "lines since the checkout. Run again from a new checkout.",
                    reason="diverged",
                )
            if tree == tree_of(self._git, tip):
                return True
        # A branch in conflict is made anew even if its files would be the same: only then can it be merged.
        if tip is not None and tip == start and tree_of(self._git, draft) == tree_of(self._git, tip):
            return True
        if tree is None and self._settings.signing is None:
            work.commit = draft
        else:
            work.commit = commit_tree(
                self._git,
                tree or tree_of(self._git, draft),
                (parent,),
                self._message(work),
                self._settings.stamp,
                signing=self._settings.signing,
            )
        return False

    def _mergeable(self, known: Branches, branch: str) -> bool:
        return branch in known.current or merged_tree(self._git, known.base, known.tips[branch]) is not None

    def _obsolete(self, work: Work, known: Branches, tip: str) -> bool:
        tree = merged_tree(self._git, known.base, tip)
        if tree is None:
            # In conflict, and made anew on the base branch there was nothing left to change.
            return self._git.is_ancestor(work.item.start, known.base)
        return tree == tree_of(self._git, known.base)

    def _described(self, work: Work, current: PullRequest) -> bool:
        if set(self._settings.labels) - set(current.labels):
            return False
        if work.item.body is None:
            return True
        there, wanted = block_in_body(current.body), block_in_body(work.item.body)
        if key_in_body(current.body) != work.key:
            return False
        if there and wanted:
            # A duplicate alert has another value at another time; only other numbers are worth an edit.
            return numbers(there) == numbers(wanted)
        return (plain(current.title), plain(current.body)) == (plain(work.item.title), plain(self._body(work)))

    # Writing

    def _push(self, works: Sequence[Work], view: View) -> Mapping[str, str]:
        pushing = [work for work in works if work.commit and work.decision and work.decision.action in DONE]
        if not pushing:
            return {}
        pushes = [Push(work.branch, str(work.commit), view.known.tips.get(work.branch)) for work in pushing]
        try:
            refused = push(self._git, self._remote.address, pushes)
        except OpsError as error:
            for work in pushing:
                fail(work, error)
            return {}
        self._step("pushed")
        return refused

    def _act(self, work: Work) -> None:
        decision = work.decision
        if decision is None:
            raise AssertionError("only what is decided can be done")
        done: PullRequest | None = decision.pull_request
        changed = decision.action in {*DONE, Action.OBSOLETE}
        if decision.action == Action.CREATE:
            done = self._finish(work, self._create(work))
        elif decision.action == Action.UPDATE and done:
            before = done
            done = self._finish(work, self._update(work, done))
            if work.commit is None and replace(done, updated_at=before.updated_at) == before:
                # The host cannot have it otherwise, for example a label it does not let us make.
                work.decision = replace(decision, action=Action.UNCHANGED, reason="already_proposed")
                changed = False
        elif decision.action == Action.FOREIGN and done:
            changed = self._host.comment(done.number, wish(work), f"foreign-{work.key}-{digest(work)}")
        elif decision.action == Action.OBSOLETE and done:
            done = retire(self._host, done, decision.message)
        work.result = {**shown(with_pull_request(work, done)), "changed": changed}
        if decision.action == Action.CREATE and done:
            work.result["message"] = f"Pull request {done.number} was opened: {done.url}"

    def _create(self, work: Work) -> PullRequest:
        made = self._host.create(
            NewPullRequest(
                work.branch,
                self._remote.base,
                work.item.title,
                self._body(work),
                () if self._asks_people else self._settings.labels,
                self._settings.draft,
            )
        )
        self._step("created")
        return made

    def _update(self, work: Work, current: PullRequest) -> PullRequest:
        if work.item.body is None:
            return current
        done = self._host.update(current.number, title=work.item.title, body=self._body(work))
        self._step("described")
        return done

    @property
    def _asks_people(self) -> bool:
        return bool(self._settings.reviewers or self._settings.team_reviewers)

    def _finish(self, work: Work, done: PullRequest) -> PullRequest:
        """Do what is left. The labels come last: where they are, all the rest has been done."""
        settings = self._settings
        if self._asks_people:
            self._host.request_reviewers(done.number, users=settings.reviewers, teams=settings.team_reviewers)
            self._step("reviewers asked")
        # None of its checks can have reported on what was pushed just now; where one has to, a later run hands it over.
        if settings.merge.by == "host" and not settings.merge.require_checks:
            block = block_in_body(self._body(work))
            if may_merge(done, block, settings.merge, self._now, foreign=False) is None:
                self._host.enable_auto_merge(done.number, method=settings.merge.method)
                self._step("auto-merge on")
        if set(settings.labels) - set(done.labels):
            done = self._host.update(done.number, labels=settings.labels)
            self._step("labelled")
        return done

    def _body(self, work: Work) -> str:
        body = (work.item.body or work.item.message).strip()
        return body if key_in_body(body) == work.key else f"{body}\n\n{marker(work.key)}\n"

    def _guard(self, work: Work, do: Callable[[Work], None]) -> None:
        try:
            do(work)
        except OpsError as error:
            fail(work, error)

    def _refuse_duplicates(self, works: Sequence[Work]) -> None:
        seen: set[str] = set()
        for work in works:
            if work.key in seen:
                fail(
                    work,
                    InputError(
                        f"{work.item.subject} is in the list twice. All changes of a workload share one pull request: "
                        "make them in one folder and give one item.",
                        reason="duplicate_item",
                    ),
                )
            seen.add(work.key)
