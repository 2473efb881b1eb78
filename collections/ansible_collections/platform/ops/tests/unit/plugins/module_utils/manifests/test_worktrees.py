# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import Outcome, bump, open_tree

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILE = "fleet/apps/web.yaml"
TEXT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: app
        resources:
          limits: {cpu: 1, memory: 256Mi}
"""


def git(folder: Path, *args: str) -> str:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *settings, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "fleet/apps").mkdir(parents=True)
    (root / "other").mkdir()
    (root / FILE).write_text(TEXT)
    (root / "other/file").write_text("x\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def sparse(repository: Path, name: str, start: str = "HEAD", *, cone: bool = True) -> Path:
    """As platform.ops.checkout makes it: an index, and no files but the root's."""
    folder = repository.parent / name
    git(repository, "worktree", "add", "--quiet", "--no-checkout", "--detach", str(folder), start)
    git(folder, "sparse-checkout", "set", *(("--cone",) if cone else ("--no-cone", "/nothing")))
    git(folder, "read-tree", "-mu", "HEAD")
    assert not (folder / FILE).exists()
    return folder


def bumped(repository: Path, folder: Path, **more: Any) -> Outcome:
    check = more.pop("check", False)
    item = {"name": "web", "memory": {"factor": 1.5}, "worktree": str(folder), **more}
    return bump(open_tree(str(repository / "fleet")), [item], now=NOW, check=check)


@pytest.mark.parametrize("cone", [True, False])
def test_an_absent_file_is_brought_in_and_nothing_else_differs(repository: Path, cone: bool) -> None:
    folder = sparse(repository, "tree", cone=cone)
    (result,) = bumped(repository, folder, start=git(repository, "rev-parse", "HEAD")).results
    assert result.changed
    assert (folder / FILE).read_text() == TEXT.replace("256Mi", "384Mi")
    assert (repository / FILE).read_text() == TEXT
    assert git(folder, "status", "--porcelain") == f"M {FILE}"
    git(folder, "add", FILE)
    git(folder, "commit", "-qm", "bump")
    assert git(folder, "diff", "--stat", "HEAD~1", "--", ".").endswith("1 file changed, 1 insertion(+), 1 deletion(-)")


def test_check_mode_reads_the_commit_and_leaves_the_worktree_alone(repository: Path) -> None:
    folder = sparse(repository, "tree")
    outcome = bumped(repository, folder, check=True)
    assert outcome.results[0].changed
    ((_file, before, after),) = outcome.files
    assert (before, after) == (TEXT.encode(), TEXT.replace("256Mi", "384Mi").encode())
    assert not (folder / FILE).exists()


def test_a_second_bump_starts_from_the_base_and_changes_nothing(repository: Path) -> None:
    folder = sparse(repository, "tree")
    first = bumped(repository, folder).results[0]
    again = bumped(repository, folder).results[0]
    assert (first.changed, again.changed) == (True, False)
    assert again.reason == "bumped"
    assert again.changes == first.changes


def test_what_the_branch_has_raised_further_stays(repository: Path) -> None:
    (repository / FILE).write_text(TEXT.replace("256Mi", "512Mi"))
    git(repository, "commit", "-qam", "a higher bump")
    tip = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "HEAD~1")
    folder = sparse(repository, "tree", tip)
    (result,) = bumped(repository, folder, start=tip).results
    assert not result.changed
    assert [(one.before, one.after) for one in result.changes] == [("256Mi", "512Mi")]
    both = bumped(repository, folder, cpu={"factor": 2}).results[0]
    assert both.changed
    assert (folder / FILE).read_text() == TEXT.replace("256Mi", "512Mi").replace("cpu: 1", "cpu: 2")


def test_items_that_share_a_worktree_meet_in_it(repository: Path) -> None:
    folder = sparse(repository, "tree")
    common = {"name": "web", "worktree": str(folder)}
    items = [{**common, "memory": {"factor": 1.5}}, {**common, "cpu": {"factor": 2}}]
    outcome = bump(open_tree(str(repository / "fleet")), items, now=NOW)
    assert [one.changed for one in outcome.results] == [True, True]
    assert (folder / FILE).read_text() == TEXT.replace("256Mi", "384Mi").replace("cpu: 1", "cpu: 2")


def test_a_branch_that_went_another_way_is_refused(repository: Path) -> None:
    (repository / FILE).write_text(TEXT.replace("name: web", "name: renamed"))
    git(repository, "commit", "-qam", "rename")
    tip = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "HEAD~1")
    folder = sparse(repository, "tree", tip)
    assert bumped(repository, folder, start=tip).results[0].reason == "diverged"
    git(repository, "rm", "-q", FILE)
    git(repository, "commit", "-qm", "remove")
    gone = sparse(repository, "gone")
    git(repository, "checkout", "-q", tip + "~1")
    assert bumped(repository, gone).results[0].reason == "diverged"


def test_a_link_in_the_worktree_does_not_lead_out(repository: Path, tmp_path: Path) -> None:
    folder = sparse(repository, "tree")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "web.yaml").write_text(TEXT)
    (folder / "fleet").mkdir()
    (folder / "fleet/apps").symlink_to(outside)
    assert bumped(repository, folder).results[0].reason == "outside_path"
    assert (outside / "web.yaml").read_text() == TEXT


def test_a_worktree_that_is_not_there_is_refused(repository: Path, tmp_path: Path) -> None:
    result = bumped(repository, tmp_path / "nope").results[0]
    assert result.failed
    assert "nope" in result.message


@pytest.mark.parametrize("start", ["--upload-pack=x", "a b", "-x", "$(id)"])
def test_a_start_that_is_no_commit_is_refused(repository: Path, start: str) -> None:
    assert bumped(repository, sparse(repository, "tree"), start=start).results[0].reason == "invalid_input"
