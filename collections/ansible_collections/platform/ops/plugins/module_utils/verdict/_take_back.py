# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pull request that takes a bump back: what its merge did to each file, undone in the files as they are now."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._body import code
from ansible_collections.platform.ops.plugins.module_utils.forge._branches import bumps_on_base
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import (
    Clone,
    add_worktrees,
    common_folder,
    locked,
    new_run,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._key import Subject, key_in_body, slug
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Item, Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._publish import Publisher
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, PullRequest
from ansible_collections.platform.ops.plugins.module_utils.verdict._revert import only_numbers, take_back, verified

Block = Mapping[str, Any]
_FURTHEST = 20  # commits that one pull request may have brought in by a rebase


@dataclass(frozen=True, slots=True)
class Revert(Subject):
    """A pull request to be taken back: an identity of its own, made from that of the workload and its number."""

    number: int = 0

    @property
    def key(self) -> str:
        parts = ["revert", Subject.key.fget(self), self.number]  # type: ignore[attr-defined]
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:16]

    def branch(self, prefix: str = "platform-ops/") -> str:
        return f"{prefix}revert-{self.number}-{slug(self.namespace, self.name)}-{self.key[:12]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Files as they shall be (None: gone), and in words what was left as others have it now."""

    files: Mapping[str, bytes | None]
    left: tuple[str, ...]


def plan(git: Git, pull: PullRequest, block: Block, base: str) -> Plan:
    """Work out how to take back what a merged pull request did."""
    merge = _merge_commit(git, pull, base)
    if merge is None:
        return Plan({}, ("The merge is not to be found on the base branch.",))
    paths = [change.get("yaml_path") or "" for change in block["changes"]]
    numbers = {change.get("file"): change for change in block["changes"]}
    for start in _starts(git, merge, key_in_body(pull.body) or ""):
        names = [name for name in git.run("diff", "--name-only", "-z", start, merge).text.split("\0") if name]
        if set(numbers) - {None} <= set(names):
            return _planned(git, (start, merge, base), names, paths)
    return Plan({}, ("What the merge changed is not to be found in its commit.",))


def _planned(git: Git, commits: tuple[str, str, str], names: Sequence[str], paths: Sequence[str]) -> Plan:
    files: dict[str, bytes | None] = {}
    left: list[str] = []
    stuck = False  # a file that the bump had made and that others have changed: what points to it has to stay
    for name in names:
        before, after, now = (_blob(git, commit, name) for commit in commits)
        if before is None:
            if now == after:
                files[name] = None
            elif now is not None:
                stuck = True
                left.append(f"{code(name)} was made by it and has been changed since.")
        elif after is None or now is None:
            left.append(f"{code(name)} is gone.")
        elif name.endswith((".yaml", ".yml", ".json")):
            made, why = _file(name, before, after, now, paths)
            left += why
            if made != now:
                files[name] = made
    return Plan({}, tuple(left)) if stuck else Plan(files, tuple(left))


def _file(name: str, before: bytes, after: bytes, now: bytes, paths: Sequence[str]) -> tuple[bytes, list[str]]:
    kustomization = name.rpartition("/")[2] in ("kustomization.yaml", "kustomization.yml")  # names a patch it made
    if not kustomization and not only_numbers(before, after, name, paths):
        return now, [f"{code(name)}: the merge changed more in it than numbers."]
    taken = take_back(before, after, now)
    if not verified(before, after, now, taken.data, name):
        return now, [f"{code(name)} has been changed so that the numbers cannot be told any more."]
    return taken.data, [f"{code(f'{name}:{line}')} has been changed since." for line in taken.left]


def _merge_commit(git: Git, pull: PullRequest, base: str) -> str | None:
    if pull.merge_sha and git.resolve(pull.merge_sha):
        return pull.merge_sha
    key = key_in_body(pull.body)
    fitting = [one.sha for one in bumps_on_base(git, base, pull.created_at) if one.key == key]
    return fitting[0] if fitting else None


def _starts(git: Git, merge: str, key: str) -> list[str]:
    """Where the base branch may have been before: the first parent; further back after a rebase of several commits."""
    listed = git.run("log", f"--max-count={_FURTHEST}", "--first-parent", "--format=%H %P%x00%B%x01", merge).text
    starts: list[str] = []
    for entry in filter(None, (part.lstrip("\n") for part in listed.split("\x01"))):
        ids, _zero, message = entry.partition("\0")
        parents = ids.split()[1:]
        if not parents or (starts and key not in message):
            break
        starts.append(parents[0])
        if len(parents) > 1:
            break
    return starts


def _blob(git: Git, commit: str, name: str) -> bytes | None:
    shown = git.run("cat-file", "blob", f"{commit}:{name}", ok=(0, 128))
    return shown.out if shown.code == 0 else None


class Reverter:
    """Opens the pull request that takes another one back, or finds it open already."""

    def __init__(self, git: Git, host: Host, settings: Settings, now: datetime, *, cluster: str, url: str) -> None:
        self._git, self._host, self._settings, self._now = git, host, settings, now
        self._cluster, self._url = cluster, url

    def branch(self, pull: PullRequest, block: Block) -> str:
        return self._subject(pull, block).branch(self._settings.remote.prefix)

    def revert(self, pull: PullRequest, block: Block, why: str, *, check_mode: bool) -> tuple[dict[str, Any], Plan]:
        """Return what came of it, in the form of open_pr, and the plan; nothing where there is nothing to take back."""
        base = self._git.text("rev-parse", "--verify", f"refs/remotes/origin/{self._settings.remote.base}")
        planned = plan(self._git, pull, block, base)
        if not planned.files:
            return {}, planned
        common = common_folder(self._git)
        clone = Clone(common.parent.parent, self._git, self._settings.remote.base, base)
        with locked(clone.folder):
            run = new_run(clone, self._now.timestamp())
            folder = run / f"revert-{pull.number}"
            add_worktrees(clone, [(folder, base)])
        try:
            _write(self._git.at(folder), planned.files)
            item = self._item(pull, block, (folder, base), why, planned)
            publisher = Publisher(self._git, self._host, self._settings, self._now)
            (result,) = publisher.publish([item], check_mode=check_mode)
        finally:
            shutil.rmtree(run, ignore_errors=True)  # it is looked at again with each tick until it is merged
        if result["failed"]:
            raise OpsError(result["message"], reason=result["reason"])
        return result, planned

    def _subject(self, pull: PullRequest, block: Block) -> Revert:
        target, base = block["target"], self._settings.remote.base
        return Revert(
            self._cluster, self._url, base, target.get("namespace"), target.get("kind"), target["name"], pull.number
        )

    def _item(self, pull: PullRequest, block: Block, at: tuple[Path, str], why: str, planned: Plan) -> Item:
        subject = self._subject(pull, block)
        # Numbers that were not there before have no value to go back to; their lines are in the commit alone.
        back = [
            {**change, "before": change["after"], "after": change["before"]}
            for change in block["changes"]
            if change.get("before")
        ]
        merged = f"{pull.merged_at or pull.updated_at:%Y-%m-%d %H:%M} UTC"
        title = f"Take back the bump of {'/'.join(filter(None, (subject.namespace, subject.name)))} (#{pull.number})"
        lines = [
            f"#{pull.number} was merged on {merged} and did not help: {why}",
            "",
            "This takes back the numbers that it had changed, byte by byte, and keeps what others have changed since.",
            *([""] if planned.left else []),
            *[f"- Left as it is: {left}" for left in planned.left],
            "",
            "Close it without merging to keep the numbers.",
            "",
            "<details><summary>As data</summary>",
            "",
            fenced({"target": dict(block["target"]), "changes": back, "reverts": pull.number}),
            "",
            "</details>",
        ]
        return Item(
            label=pull.number,
            subject=subject,
            folder=at[0],
            start=at[1],
            title=title,
            message=f"{title}\n\n{why}",
            body="\n".join(lines),
            changes=tuple(back),
        )


def _write(git: Git, files: Mapping[str, bytes | None]) -> None:
    """Write into a worktree that holds no more than the root's own files until somebody asks for others."""
    folders = sorted({name.rpartition("/")[0] for name in files} - {""})
    if folders:
        git.run("sparse-checkout", "add", "--stdin", stdin="\n".join(folders).encode())
    for name, data in files.items():
        path = git.path / name
        if data is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(data)
