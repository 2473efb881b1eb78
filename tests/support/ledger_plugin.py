# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write each test's outcome, and the stand-ins it used, to build/ledger.jsonl.

A test names its stand-ins with `@pytest.mark.stand_in("github-emulator")`; the names are those of tests/stand_ins.yml.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
LEDGER = Path(os.environ.get("PLATFORM_OPS_LEDGER") or ROOT / "build" / "ledger.jsonl")
# What is a scenario of its own by what it needs.
BY_FIXTURE = {"chart_data": "values and CRDs against the pinned charts"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): needs parts that not every host has; the ledger tells")
    config.addinivalue_line("markers", "stand_in(name): uses this entry of tests/stand_ins.yml in place of a real part")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = {entry["name"] for entry in yaml.safe_load((ROOT / "tests" / "stand_ins.yml").read_text())}
    for item in items:
        names = {mark.args[0] for mark in item.iter_markers("stand_in")}
        if unknown := names - known:
            raise pytest.UsageError(f"{item.nodeid} uses stand-ins that tests/stand_ins.yml does not list: {unknown}")
        item.user_properties.append(("stand_ins", sorted(names)))
        item.user_properties.append(("scenarios", sorted(scenarios(item))))


def scenarios(item: pytest.Item) -> set[str]:
    needed = {BY_FIXTURE[name] for name in getattr(item, "fixturenames", ()) if name in BY_FIXTURE}
    return needed | {mark.args[0] for mark in item.iter_markers("scenario")}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # the controller gets every worker's reports and writes them once
        return
    if report.when != "call" and not (report.when == "setup" and report.outcome != "passed"):
        return
    reason = ""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    record = {
        "test": report.nodeid,
        "folder": str(Path(report.nodeid.split("::")[0]).parent).replace(
            "collections/ansible_collections/platform/ops", "ops"
        ),
        "verdict": report.outcome,
        "reason": reason.removeprefix("Skipped: "),
        "stand_ins": dict(report.user_properties).get("stand_ins", []),
        "scenarios": dict(report.user_properties).get("scenarios", []),
        "seconds": round(report.duration, 1),
    }
    LEDGER.parent.mkdir(parents=True, exist_ok=True)
    with LEDGER.open("a") as out:
        out.write(json.dumps(record) + "\n")
