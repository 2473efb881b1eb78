# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locate and edit in a fleet of 10,000 files, side by side with ripgrep (the floor) and yq.

    python benchmarks/locate.py [FILES [TARGETS]]

ripgrep only finds lines that say a name, yq only selects objects by name; neither finds a name that Kustomize or Helm
makes, and neither edits. Everything is run in turn, three times; the table shows the median. The first run of each
round reads a tree whose files are in the page cache, as after a checkout.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import bump, open_tree

from benchmarks.fleet_generator import Goal, generate
from benchmarks.report import machine, publish, table, tool, version

ROUNDS = 3
LIMITS = {"one": 1.0, "all": 3.0}


def ours(fleet: Path, goals: list[Goal]) -> int:
    """Bump all goals; the number of those whose right file was edited."""
    items = [{"name": goal.name, "namespace": goal.namespace, "memory": {"factor": 1.5}} for goal in goals]
    results = bump(open_tree(str(fleet)), items, now=datetime.now(UTC)).results
    return sum(
        result.changed and all(change.file.startswith(goal.folder) for change in result.changes)
        for goal, result in zip(goals, results, strict=True)
    )


def ripgrep(fleet: Path, goals: list[Goal]) -> int:
    patterns = "\n".join(f"name: {goal.name}$" for goal in goals)
    command = ["rg", "-oIN", "--no-ignore", "-f", "-", str(fleet)]
    done = subprocess.run(command, input=patterns, capture_output=True, text=True, check=False)
    return len({line.strip() for line in done.stdout.splitlines()})


def yq(fleet: Path, goals: list[Goal], binary: str) -> int:
    names = "|".join(goal.name for goal in goals)
    expression = f'select(.kind == "Deployment") | .metadata.name | select(test("^({names})$"))'
    files = [str(path) for path in sorted(fleet.rglob("*.yaml")) if path.parent.name != "templates"]
    found = 0
    for start in range(0, len(files), 5000):
        command = [binary, "-N", expression, *files[start : start + 5000]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found += len(done.stdout.split())
    return found


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu: float  # of all processes together: what a busy machine does not distort
    found: int


def _wall(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def main() -> None:
    given = [int(one) for one in sys.argv[1:]]
    files, targets = (*given, *(10_000, 200)[len(given) :])
    binary = tool("yq")
    os.environ["PLATFORM_OPS_HELM"] = tool("helm")
    with tempfile.TemporaryDirectory(prefix="platform-ops-bench-") as scratch:
        fleet = Path(scratch, "fleet")
        goals = generate(fleet, files, targets)
        literal = sum(goal.literal for goal in goals)
        pristine = {path: path.read_bytes() for path in fleet.rglob("*") if path.is_file()}

        def measure(run: Callable[[], int]) -> Run:
            start, before = time.perf_counter(), os.times()
            found = run()
            seconds, after = time.perf_counter() - start, os.times()
            for path in [path for path in fleet.rglob("*") if path.is_file()]:
                if path not in pristine:
                    path.unlink()
                elif path.read_bytes() != pristine[path]:
                    path.write_bytes(pristine[path])
            return Run(seconds, sum(after[:4]) - sum(before[:4]), found)

        jobs: dict[str, tuple[int, Callable[[], int]]] = {
            "ripgrep, one name": (1, lambda: ripgrep(fleet, goals[:1])),
            "bump_limits, one target": (1, lambda: ours(fleet, goals[:1])),
            "yq, one name": (1, lambda: yq(fleet, goals[:1], binary)),
            f"ripgrep, {targets} names": (targets, lambda: ripgrep(fleet, goals)),
            f"bump_limits, {targets} targets": (targets, lambda: ours(fleet, goals)),
            f"yq, {targets} names": (targets, lambda: yq(fleet, goals, binary)),
        }
        measured: dict[str, list[Run]] = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, (_, run) in jobs.items():
                measured[name].append(measure(run))
    rows = [
        (
            name,
            f"{_wall(runs):.2f} s",
            f"{statistics.median(run.cpu for run in runs):.2f} s",
            f"{runs[-1].found} of {jobs[name][0]}",
        )
        for name, runs in measured.items()
    ]
    data = {
        "machine": machine(),
        "files": files,
        "targets": targets,
        "named_in_a_file": literal,
        "versions": {"yq": version(binary, "--version"), "ripgrep": version("rg", "--version")},
        "runs": {name: [asdict(run) for run in runs] for name, runs in measured.items()},
    }
    head = ("What", "Median of 3", "Processor time", "Found")
    note = f"{files} files, {targets} targets, {literal} of them named literally in a file. bump_limits also edits."
    publish("locate", data, f"{table(head, rows)}\n\n{note}")
    one, every = _wall(measured["bump_limits, one target"]), _wall(measured[f"bump_limits, {targets} targets"])
    missed = targets - measured[f"bump_limits, {targets} targets"][-1].found
    slow = (files, targets) == (10_000, 200) and (one > LIMITS["one"] or every > LIMITS["all"])
    if missed or slow:
        sys.exit(f"missed the aim: {one:.2f} s for one, {every:.2f} s for {targets}, {missed} not found")


if __name__ == "__main__":
    main()
