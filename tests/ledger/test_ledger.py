# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger at the end of a run: complete, and never good news about what did not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.place import ROOT

NOT_ROOT = "import os\nos.geteuid = lambda: 1000\n"
NO_GO = """
import subprocess
real = subprocess.run
def run(command, *args, **options):
    if "scripts/tool" in str(command[0]):
        return subprocess.CompletedProcess(command, 3, stdout="")
    return real(command, *args, **options)
subprocess.run = run
"""


def ledger(tmp_path: Path, *records: dict[str, Any]) -> tuple[int, str]:
    file = tmp_path / "ledger.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    command = [sys.executable, "scripts/ledger.py", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def record(name: str, verdict: str = "passed", **more: Any) -> dict[str, Any]:
    known = {"test": f"tests/x.py::{name}", "folder": "tests", "verdict": verdict, "reason": "", "stand_ins": []}
    return {**known, "scenarios": [], "seconds": 1.0, **more}


def test_it_shows_failures_skips_with_reasons_stand_ins_and_slow_tests(tmp_path: Path) -> None:
    code, text = ledger(
        tmp_path,
        record("a", stand_ins=["kwok-node"]),
        record("b", "failed"),
        record("c", "skipped", reason="the lab needs root"),
        record("d", seconds=95.2),
    )
    assert code == 1
    assert "FAILED  tests/x.py::b" in text
    assert "skipped  1 x: the lab needs root" in text
    assert "stand-in  kwok-node: instead of a machine with a kubelet" in text
    assert "95 s  tests/x.py::d" in text
    assert "ledger: 2 passed, 1 failed, 1 skipped" in text


def test_a_scenario_that_was_skipped_is_named_as_not_executed(tmp_path: Path) -> None:
    skipped = record("kind", "skipped", reason="kind needs Docker", scenarios=["molecule kind"])
    code, text = ledger(tmp_path, skipped, record("default", scenarios=["molecule default"]))
    assert code == 0
    assert "scenario  molecule kind: NOT EXECUTED: kind needs Docker" in text
    assert "scenario  molecule default: executed" in text


def test_a_run_that_left_no_record_is_no_success(tmp_path: Path) -> None:
    assert ledger(tmp_path)[0] == 1


def outcome(tmp_path: Path, plugin: str, *tests: str) -> str:
    """A run of these tests on a host that lacks something."""
    (tmp_path / "lacking.py").write_text(plugin)
    paths = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "collections")])
    environment = {**os.environ, "PYTHONPATH": paths, "PLATFORM_OPS_LEDGER": str(tmp_path / "ledger.jsonl")}
    environment.pop("PYTEST_XDIST_WORKER", None)
    environment.pop("PYTEST_CURRENT_TEST", None)
    options = ["-q", "-n0", "-rs", "-p", "lacking", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_without_root_the_tests_of_the_lab_say_so(tmp_path: Path) -> None:
    told = outcome(tmp_path, NOT_ROOT, "tests/e2e/test_closed_loop.py", "tests/molecule", "-k", "not says_what")
    assert "the lab needs root" in told
    assert "passed" not in told.splitlines()[-1]


def test_without_go_the_tests_of_the_lab_say_so(tmp_path: Path) -> None:
    told = outcome(tmp_path, NO_GO, "tests/e2e/test_closed_loop.py")
    assert "the lab needs Go, or pip to install it" in told
    assert "passed" not in told.splitlines()[-1]
