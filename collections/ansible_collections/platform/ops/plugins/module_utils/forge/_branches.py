# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What git tells about our branches and about what went into the base branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils.forge._clone import (
    TRACKING,
    Remote,
    common_folder,
    deepen,
    fetch,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._history import Commit
from ansible_collections.platform.ops.plugins.module_utils.forge._key import KEY_TRAILER

_FORMAT = "--format=%H%x1f%P%x1f%ce%x1f%ct%x1f%B%x00"


@dataclass(frozen=True, slots=True)
class Branches:
    """Our branches as they were fetched last, and the commits that they have and the base branch has not."""

    base: str
    tips: Mapping[str, str]
    ahead: Mapping[str, Commit]
    current: frozenset[str]  # those that have all of the base branch

    def own(self, branch: str) -> tuple[Commit, ...]:
        """Return the commits of a branch that the base branch has not."""
        waiting = [self.tips[branch]] if branch in self.tips else []
        found: dict[str, Commit] = {}
        while waiting:
            sha = waiting.pop()
            if sha in self.ahead and sha not in found:
                found[sha] = self.ahead[sha]
                waiting += self.ahead[sha].parents
        return tuple(found.values())

    def foreign(self, branch: str, key: str, email: str) -> tuple[Commit, ...]:
        """Return those that we did not make for this key."""
        return tuple(one for one in self.own(branch) if one.key != key or one.committer != email)


def branches(git: Git, remote: Remote, only: Sequence[str] | None = None) -> Branches:
    """Read the tracking refs; fetches what a shallow clone lacks."""
    listed = git.run("for-each-ref", "--format=%(objectname) %(refname)", TRACKING).text.splitlines()
    refs = {ref.removeprefix(TRACKING): oid for oid, ref in (line.split(" ", 1) for line in listed)}
    if remote.base not in refs:
        refs[remote.base] = fetch(git, remote)
        return branches(git, remote, only)
    base = refs.pop(remote.base)
    tips = {
        name: oid for name, oid in refs.items() if name.startswith(remote.prefix) and (only is None or name in only)
    }
    if not tips:
        return Branches(base, {}, {}, frozenset())
    ahead = _log(git, "--stdin", stdin="\n".join([*tips.values(), f"^{base}"]) + "\n")
    if _cut_off(git, ahead):
        deepen(git, remote)
        ahead = _log(git, "--stdin", stdin="\n".join([*tips.values(), f"^{base}"]) + "\n")
    having = git.run("for-each-ref", f"--contains={base}", "--format=%(refname)", f"{TRACKING}{remote.prefix}*").text
    current = frozenset(ref.removeprefix(TRACKING) for ref in having.splitlines())
    return Branches(base, tips, {commit.sha: commit for commit in ahead}, current)


def bumps_on_base(git: Git, base: str, since: datetime) -> list[Commit]:
    """Return the commits since then that carry a key trailer, newest first."""
    since_flag = f"--since={int(since.timestamp())}"
    return _log(git, since_flag, "-E", f"--grep=^[[:space:]]*{KEY_TRAILER}: [0-9a-f]{{16}}", base)


def _cut_off(git: Git, ahead: Sequence[Commit]) -> bool:
    """Tell whether a shallow clone ends before a branch meets the base branch."""
    shallow = common_folder(git) / "shallow"
    return shallow.exists() and bool(set(shallow.read_text().split()) & {commit.sha for commit in ahead})


def _log(git: Git, *args: str, stdin: str = "") -> list[Commit]:
    return list(_commits(git.run("log", _FORMAT, *args, stdin=stdin.encode()).text))


def _commits(log: str) -> Iterator[Commit]:
    for entry in log.split("\0"):
        parts = entry.lstrip("\n").split("\x1f", 4)
        if len(parts) == 5:
            sha, parents, committer, seconds, message = parts
            yield Commit(sha, tuple(parents.split()), committer, datetime.fromtimestamp(int(seconds), UTC), message)
