# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A storm: 1,000 alerts for 200 workloads, posted within 10 s, as an outage of a node pool would bring them.

Right is: 200 pull requests, each raising its own workload once and by the highest peak that any of its alerts told.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections"), str(ROOT / "scripts")]

import demo
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost

from benchmarks.latency import many_workloads
from benchmarks.report import machine, publish, table
from tests.support.rulebook import rulebook

WORKLOADS, ALERTS, SECONDS, DEADLINE = 200, 1000, 10.0, 120.0


def main() -> int:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        fleet = demo.make_fleet(folder, {f"apps/many/{n}.yaml": many_workloads(n, 1) for n in range(WORKLOADS)})
        variables = demo.make_inventory(folder, fleet)
        more = {"remediation_tick_seconds": 86400, "limit_bump_pull_request": {"labels": ["limits"]}}
        variables.write_text(yaml.safe_dump(yaml.safe_load(variables.read_text()) | more))
        order = random.Random(1)
        peaks = [(n % WORKLOADS, 60 + order.randrange(200)) for n in range(ALERTS)]
        order.shuffle(peaks)
        highest = {n: max(peak for other, peak in peaks if other == n) for n in range(WORKLOADS)}
        with rulebook(variables, folder / "inventory") as running:
            start = time.monotonic()
            for first in range(0, ALERTS, 10):
                alerts = [
                    demo.near_limit("memory", f"{peak}Mi", **demo.pod("shop", f"app{n}-6d5f7c9b8d-x2x4z", "server"))
                    for n, peak in peaks[first : first + 10]
                ]
                if running.post("/alertmanager", demo.payload(*alerts)).status != 202:
                    raise RuntimeError("alerts were not taken")
                time.sleep(max(0.0, start + SECONDS * (first + 10) / ALERTS - time.monotonic()))
            posted = time.monotonic() - start
            host, opened = LocalHost(str(fleet)), None
            # right numbers, not merely open: later alerts may still raise what the first ones opened
            while time.monotonic() - start < DEADLINE:
                pulls = host.list("platform-ops/", demo.LONG_AGO)
                if opened is None and len(pulls) >= WORKLOADS:
                    opened = time.monotonic() - start
                wrong = wrong_ones(fleet, pulls, highest) if len(pulls) == WORKLOADS else ["some are missing"]
                if not wrong:
                    break
                time.sleep(0.5)
            took = time.monotonic() - start
            runs = running.output().count("PLAY [Raise limits")
    rows = [
        ("alerts, workloads", f"{ALERTS}, {WORKLOADS}"),
        ("posted within", f"{posted:.1f} s"),
        ("playbook runs", runs),
        ("pull requests", len(pulls)),
        ("all open after", f"{opened:.1f} s" if opened else "never"),
        ("all with the right number after", "never" if wrong else f"{took:.1f} s"),
    ]
    data = {"machine": machine(), "wrong": wrong, "opened": opened, "took": took}
    publish("storm", data, table(("What", "Seen"), rows))
    return 1 if wrong else 0


def wrong_ones(fleet: Path, pulls: list[demo.PullRequest], highest: dict[int, int]) -> list[str]:
    """Return the workloads whose pull request is missing or does not raise to what its highest peak asks for."""
    by_name = {pull.branch.split("/shop-")[1].rsplit("-", 1)[0]: pull for pull in pulls}
    refs = "".join(f"{by_name[f'app{n}'].head_sha}:apps/many/{n}.yaml\n" for n in highest if f"app{n}" in by_name)
    found = demo.git(fleet, "cat-file", "--batch", given=refs)
    limits = [line.split()[1] for line in found.splitlines() if line.startswith("            memory: ")][::2]
    wanted = [f"{max(peak + 100, -(-peak * 12 // 10))}Mi" for peak in highest.values()]
    return [f"app{n}: {got}, not {want}" for n, got, want in zip(highest, limits, wanted, strict=False) if got != want]


if __name__ == "__main__":
    sys.exit(main())
