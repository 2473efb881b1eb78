# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clone that is kept between runs, with folders to read and to write in.

<clones>/<repository>/repo      the clone; nothing is checked out in it
<clones>/<repository>/base/…    the base branch checked out, one folder per commit, shared by all runs, only read
<clones>/<repository>/runs/…    worktrees of one run each, to write in

All of it can be deleted at any time that no playbook runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.forge._key import identity, is_local, slug
from ansible_collections.platform.ops.plugins.module_utils.forge._local import folder_of

TRACKING = "refs/remotes/origin/"
# Folders of base commits are left alone this long after their last use, as a playbook may be reading them.
BASE_IN_USE = 600.0
RUN_IN_USE = 3600.0
# Bytes in a checkout are the bytes in git: no line ending, keyword, filter or encoding is converted.
_ATTRIBUTES = "* -text -ident !eol !filter !working-tree-encoding\n"


@dataclass(frozen=True, slots=True)
class Remote:
    """What of a repository is fetched: its base branch and the branches of ours."""

    url: str
    base: str
    prefix: str

    @property
    def address(self) -> str:
        """The address as git is given it."""
        return str(folder_of(self.url)) if is_local(self.url) else self.url

    @property
    def refspecs(self) -> tuple[str, ...]:
        names = (self.base, f"{self.prefix}*")
        return tuple(f"+refs/heads/{name}:{TRACKING}{name}" for name in names)


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone, brought up to date."""

    folder: Path
    git: Git
    base: str
    base_sha: str


def locked(folder: Path) -> AbstractContextManager[None]:
    """Let one process at a time work on a clone; a killed one leaves nothing locked."""
    folder.mkdir(parents=True, exist_ok=True)
    return _exclusive(folder / "lock")


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def common_folder(git: Git) -> Path:
    """Return the folder that all worktrees of a repository share."""
    if (git.path / ".git").is_dir():
        return git.path / ".git"
    return Path(git.text("rev-parse", "--path-format=absolute", "--git-common-dir"))


def clone_folder(clones: Path, url: str) -> Path:
    """Return where the clone of a repository lives."""
    where = identity(url)
    return clones / f"{slug(where)[-40:].strip('-')}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"


def fetch(git: Git, remote: Remote, *flags: str) -> str:
    """Bring the base branch and our branches up to date; return the commit of the base branch."""
    with _exclusive(common_folder(git) / "platform-ops.lock"):
        quietly = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head")
        git.run("fetch", *quietly, *flags, "--", remote.address, *remote.refspecs)
    tip = git.resolve(TRACKING + remote.base)
    if tip is None:
        raise NotFoundError(
            f"Branch {remote.base} was fetched, but cannot be read in {git.path}. Delete that clone and run again."
        )
    return tip


def refresh(folder: Path, git: Git, remote: Remote, depth: int | None) -> Clone:
    """Clone, or bring the clone up to date; one that is damaged is made anew. Call it with the folder locked."""
    repo = folder / "repo"
    if repo.exists():
        try:
            return Clone(folder, git.at(repo), remote.base, _update(git.at(repo), remote))
        except (AuthError, UnavailableError):
            raise
        except OpsError:
            # If the remote side answers for the branch, the fault is in the clone.
            _insist_on_branch(git.at(folder), remote)
    return Clone(folder, git.at(repo), remote.base, _make(folder, git, remote, depth))


def _update(git: Git, remote: Remote) -> str:
    tip = fetch(git, remote)
    git.run("cat-file", "-e", f"{tip}^{{tree}}")
    return tip


def _make(folder: Path, git: Git, remote: Remote, depth: int | None) -> str:
    fresh = folder / f"repo.{uuid4().hex[:8]}"
    fresh.mkdir()
    try:
        made = git.at(fresh)
        made.run("init", "--quiet", f"--initial-branch={remote.base}")
        for name, value in (("extensions.worktreeConfig", "true"), ("core.logAllRefUpdates", "false")):
            made.run("config", name, value)
        info = fresh / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(_ATTRIBUTES)
        _insist_on_branch(made, remote)
        tip = fetch(made, remote, *([f"--depth={depth}"] if depth else []))
        for old in (folder / "repo", folder / "base", folder / "runs"):
            if old.exists():
                shutil.rmtree(old)
        fresh.rename(folder / "repo")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return tip


def _insist_on_branch(git: Git, remote: Remote) -> None:
    listed = git.run("ls-remote", "--exit-code", "--", remote.address, f"refs/heads/{remote.base}", ok=(0, 2))
    if listed.code == 2:
        raise InputError(
            f"The repository {identity(remote.url)} has no branch {remote.base}. "
            "Name the branch that is deployed, or push it first.",
            reason="no_base_branch",
        )


def deepen(git: Git, remote: Remote) -> None:
    """Fetch the history that a shallow clone lacks."""
    fetch(git, remote, "--unshallow")


def base_tree(clone: Clone, now: float) -> Path:
    """Return a folder with the base branch checked out; the same one as long as the branch does not move."""
    home = clone.folder / "base"
    home.mkdir(exist_ok=True)
    wanted = home / f"{slug(clone.base)}-{clone.base_sha[:12]}"
    if not (wanted / ".git").exists():
        spare = _spare(home, now)
        if spare is not None and _moved(clone, spare, wanted):
            return _used(wanted, now)
        shutil.rmtree(wanted, ignore_errors=True)
        clone.git.run("worktree", "add", "--quiet", "--force", "--detach", str(wanted), clone.base_sha)
    return _used(wanted, now)


def _used(folder: Path, now: float) -> Path:
    os.utime(folder, (now, now))
    return folder


def _spare(home: Path, now: float) -> Path | None:
    """Return a folder of an older commit that nobody uses any more; the others of its kind are removed."""
    idle = sorted(path for path in home.iterdir() if now - path.stat().st_mtime > BASE_IN_USE)
    for path in idle[1:]:
        shutil.rmtree(path, ignore_errors=True)
    return idle[0] if idle else None


def _moved(clone: Clone, spare: Path, wanted: Path) -> bool:
    """Move a folder on to the wanted commit, which touches only the files that differ."""
    try:
        clone.git.run("worktree", "move", "--force", str(spare), str(wanted))
        clone.git.at(wanted).run("checkout", "--quiet", "--force", "--detach", clone.base_sha)
        clone.git.at(wanted).run("clean", "--quiet", "-ffdx")
    except OpsError:
        shutil.rmtree(spare, ignore_errors=True)
        shutil.rmtree(wanted, ignore_errors=True)
        return False
    return True


def new_run(clone: Clone, now: float) -> Path:
    """Return a new folder for the worktrees of one run, after removing those of runs long gone."""
    home = clone.folder / "runs"
    home.mkdir(exist_ok=True)
    stale = [path for path in home.iterdir() if now - path.stat().st_mtime > RUN_IN_USE]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    clone.git.run("worktree", "prune", "--expire=now")
    run = home / f"{int(now)}-{uuid4().hex[:8]}"
    run.mkdir()
    return run


def add_worktrees(clone: Clone, wanted: Sequence[tuple[Path, str]]) -> None:
    """Make a worktree at each path, starting at the commit, with an index but no more than the root's own files.

    What is to be edited is not known yet; who edits a file brings it in from the commit.
    """
    for path, start in wanted:  # one after the other: git numbers worktrees without a lock
        clone.git.run("worktree", "add", "--quiet", "--force", "--no-checkout", "--detach", str(path), start)

    def fill(path: Path) -> None:
        git = clone.git.at(path)
        git.run("sparse-checkout", "set", "--cone", "--sparse-index")
        git.run("read-tree", "-mu", "HEAD")

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(fill, [path for path, _start in wanted]))
