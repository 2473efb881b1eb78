# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare git repository on disk, driven by plumbing: the branches and merges of the emulators are real ones."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Octo Cat",
    "GIT_AUTHOR_EMAIL": "octocat@example.org",
    "GIT_COMMITTER_NAME": "Octo Cat",
    "GIT_COMMITTER_EMAIL": "octocat@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class MergeConflictError(Exception):
    """The two sides changed the same lines."""


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, files: Mapping[str, str], branch: str = "main") -> Repository:
        subprocess.run(["git", "init", "--bare", "-q", "-b", branch, str(path)], check=True, timeout=30)
        repository = cls(path)
        repository.git("config", "http.receivepack", "true")
        repository.commit(branch, files, "Start")
        return repository

    def git(self, *args: str, stdin: str | None = None, ok: tuple[int, ...] = (0,), index: str = "") -> str:
        run = subprocess.run(
            ["git", "-C", str(self.path), *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **IDENTITY, **({"GIT_INDEX_FILE": index} if index else {})},
        )
        if run.returncode not in ok:
            raise RuntimeError(f"git {' '.join(args)}: {run.stderr.strip()}")
        return run.stdout.strip()

    def sha(self, ref: str) -> str | None:
        return self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", ok=(0, 1)) or None

    def branch(self, name: str) -> str | None:
        return self.sha(f"refs/heads/{name}")

    def read(self, ref: str, path: str) -> str:
        return self.git("show", f"{ref}:{path}")

    def commit(self, branch: str, files: Mapping[str, str], message: str, start: str | None = None) -> str:
        """Puts `files` on top of the branch, which begins at `start` when it does not exist yet."""
        parent = self.branch(branch) or (self.sha(start) if start else None)
        with tempfile.TemporaryDirectory() as scratch:
            index = f"{scratch}/index"
            self.git("read-tree", *([parent] if parent else ["--empty"]), index=index)
            for name, text in files.items():
                blob = self.git("hash-object", "-w", "--stdin", stdin=text)
                self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", index=index)
            tree = self.git("write-tree", index=index)
        sha = self._commit_tree(tree, message, *([parent] if parent else []))
        self.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def ahead(self, base: str, head: str) -> int:
        return int(self.git("rev-list", "--count", f"{base}..{head}"))

    def changed_files(self, base: str, head: str) -> int:
        return len(self.git("diff", "--name-only", f"{base}...{head}").split())

    def mergeable(self, base: str, head: str) -> bool:
        try:
            self._merged_tree(base, head)
        except MergeConflictError:
            return False
        return True

    def merge(self, base: str, head: str, method: str, message: str) -> str:
        """Merges commit `head` into branch `base` by merge | squash | rebase; returns the new tip of base."""
        onto = self.branch(base)
        assert onto is not None
        if method == "rebase":
            tip = onto
            for sha in self.git("rev-list", "--reverse", f"{onto}..{head}").split():
                # As if the tip had been made on the parent of the commit to pick: then that parent is the merge base.
                beside = self._commit_tree(f"{tip}^{{tree}}", "pick", f"{sha}^")
                tree = self._merged_tree(beside, sha)
                tip = self._commit_tree(tree, self.git("log", "-1", "--format=%B", sha), tip)
        else:
            tree = self._merged_tree(onto, head)
            tip = self._commit_tree(tree, message, onto, *([head] if method == "merge" else []))
        self.git("update-ref", f"refs/heads/{base}", tip, onto)
        return tip

    def delete_branch(self, name: str) -> None:
        self.git("update-ref", "-d", f"refs/heads/{name}")

    def _commit_tree(self, tree: str, message: str, *parents: str) -> str:
        tree = self.git("rev-parse", "--verify", tree)
        return self.git("commit-tree", tree, *(part for sha in parents for part in ("-p", sha)), stdin=message)

    def _merged_tree(self, base: str, head: str) -> str:
        out = self.git("merge-tree", "--write-tree", base, head, ok=(0, 1)).splitlines()
        if len(out) != 1:
            raise MergeConflictError(f"{head} does not merge into {base}")
        return out[0]
