# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging without a working folder, and commits from trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git


@dataclass(frozen=True, slots=True)
class Identity:
    """Author or committer of a commit."""

    name: str
    email: str

    def __post_init__(self) -> None:
        for text in (self.name, self.email):
            if not text.strip() or any(c in text for c in "<>\n\r\0"):
                raise InputError(f"{text!r} cannot stand in a commit as a name or e-mail address; use plain text.")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who and when. The same stamp, tree, parents and message make the same commit."""

    author: Identity
    committer: Identity
    date: datetime

    @property
    def env(self) -> dict[str, str]:
        date = git_date(self.date)
        return {
            "GIT_AUTHOR_NAME": self.author.name,
            "GIT_AUTHOR_EMAIL": self.author.email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": self.committer.name,
            "GIT_COMMITTER_EMAIL": self.committer.email,
            "GIT_COMMITTER_DATE": date,
        }


def git_date(date: datetime) -> str:
    offset = date.strftime("%z") or "+0000"
    return f"@{int(date.timestamp())} {offset[:5]}"


# For objects that only exist while a merge is computed; a fixed stamp, so that trying again makes no new objects.
_SCRATCH = Stamp(
    Identity("platform.ops", "platform-ops@localhost"),
    Identity("platform.ops", "platform-ops@localhost"),
    datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True)
class Signing:
    """How commits are signed: `format` is openpgp or ssh, `key` what git takes as user.signingKey for it."""

    format: str
    key: str

    @property
    def settings(self) -> tuple[str, ...]:
        return ("-c", f"gpg.format={self.format}", "-c", f"user.signingKey={self.key}")


def commit_tree(
    git: Git, tree: str, parents: Sequence[str], message: str, stamp: Stamp, *, signing: Signing | None = None
) -> str:
    flags = [part for parent in parents for part in ("-p", parent)]
    settings, sign = (signing.settings, ("-S",)) if signing else ((), ())
    return git.run(*settings, "commit-tree", *sign, *flags, tree, stdin=message.encode(), env=stamp.env).line


def tree_of(git: Git, revision: str) -> str:
    return git.text("rev-parse", "--verify", "--end-of-options", revision + "^{tree}")


def merged_tree(git: Git, ours: str, theirs: str) -> str | None:
    """Return the tree that a merge of two commits gives, None on a conflict."""
    done = git.run("merge-tree", "--write-tree", "--no-messages", ours, theirs, ok=(0, 1))
    return done.text.splitlines()[0] if done.code == 0 else None


def picked_tree(git: Git, *, before: str, after: str, onto: str) -> str | None:
    """Return the tree that the change from `before` to `after` gives on top of `onto`, None on a conflict.

    All three may be commits or trees.
    """
    root = commit_tree(git, tree_of(git, before), (), "before", _SCRATCH)
    ours = commit_tree(git, tree_of(git, onto), (root,), "onto", _SCRATCH)
    theirs = commit_tree(git, tree_of(git, after), (root,), "after", _SCRATCH)
    return merged_tree(git, ours, theirs)
