# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that dies at any point leaves nothing that the next run does not put right.

A `git` in front of the real one counts its calls and stands still at the one that is to be the last: before the call,
or after it, when the other side has acted and nobody knows. There the whole run is killed. So a run is ended at every
boundary between its steps, without a hook in the product.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lab.process import with_children
from tests.spine.conftest import Fleet, remediation

# The product runs git with an environment of its own, so the shim carries what it needs in its text.
SHIM = """#!{python} -IS
import os, signal, subprocess, sys

with open("{folder}/count", "a") as out:
    out.write(".")
number = os.path.getsize("{folder}/count")


def stand_still():
    open("{folder}/stands-still", "w").close()
    signal.pause()


if "{last}" == f"{{number}}-before":
    stand_still()
status = subprocess.run(["{git}", *sys.argv[1:]]).returncode
if "{last}" == f"{{number}}-after":
    stand_still()
sys.exit(status)
"""
ALERTS = [remediation("adservice", "283Mi"), remediation("checkoutservice", "250Mi")]


def run(fleet: Fleet, last: str) -> int:
    """Run until that call of git, and kill it there; return how often git was called."""
    shim = fleet.folder / "shim"
    shim.mkdir()
    (shim / "git").write_text(SHIM.format(python=sys.executable, folder=shim, last=last, git=shutil.which("git")))
    (shim / "git").chmod(0o755)
    env = {"PATH": f"{shim}:{os.environ['PATH']}"}
    process = fleet.start("platform.ops.bump_limits", env=env, remediations=ALERTS)
    until = time.monotonic() + 120
    while process.poll() is None and not (shim / "stands-still").exists():
        assert time.monotonic() < until, fleet.output()
        time.sleep(0.01)
    if last == "never":
        assert process.returncode == 0, fleet.output()
    else:
        assert process.poll() is None, f"the run ended before its git call {last}: {fleet.output()}"
        for pid in with_children([process.pid]):
            with suppress(ProcessLookupError):  # a child may end by itself, or because its parent was killed just now
                os.kill(pid, signal.SIGKILL)
        process.wait()
    return (shim / "count").stat().st_size


def assert_one_right_pull_request_each(fleet: Fleet) -> None:
    pulls = {pull.branch.split("/")[1].rsplit("-", 1)[0]: pull for pull in fleet.pulls() if pull.state == "open"}
    assert sorted(pulls) == ["shop-adservice", "shop-checkoutservice"]
    assert len(fleet.pulls()) == 2
    for name, before, after in (("adservice", "300Mi", "400Mi"), ("checkoutservice", "256Mi", "356Mi")):
        pull, file = pulls[f"shop-{name}"], f"apps/shop/{name}.yaml"
        wanted = fleet.file(file).replace(f"memory: {before}", f"memory: {after}")
        assert fleet.file(file, pull.head_sha) == wanted
        assert fleet.git("log", "--format=%an", f"main..{pull.head_sha}").split() == ["platform.ops"]
        assert "limits" in pull.labels


def check(folder: Path, kill_at: str) -> Fleet:
    folder.mkdir()
    fleet = Fleet(folder)
    run(fleet, kill_at)
    fleet.bump(*ALERTS)
    assert_one_right_pull_request_each(fleet)
    return fleet


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often an undisturbed run calls git."""
    fleet = Fleet(tmp_path_factory.mktemp("undisturbed"))
    count = run(fleet, "never")
    assert_one_right_pull_request_each(fleet)
    return count


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8, 0.95])
def test_a_run_killed_on_its_way_is_completed_by_the_next(tmp_path, calls, share, moment):
    fleet = check(tmp_path / "fleet", f"{1 + int(share * (calls - 1))}-{moment}")
    fleet.bump(*ALERTS)  # and once more: delivered twice
    assert_one_right_pull_request_each(fleet)


@pytest.mark.campaign
@pytest.mark.timeout(1800)  # some 170 playbooks, one after another
def test_a_run_killed_at_every_step_is_completed_by_the_next(tmp_path, calls):
    for call in range(1, calls + 1):
        for moment in ("before", "after"):
            check(tmp_path / f"{call}-{moment}", f"{call}-{moment}")
            shutil.rmtree(tmp_path / f"{call}-{moment}")
