# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what a run proved: passed, failed, skipped and why, and every stand-in that took the place of a real part.

Reads the JSON lines that scripts/check and tests/support/ledger_plugin.py wrote. Exits with 1 when the record is
missing or shows a failure, so that a run which died half way cannot read as a good one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

STAND_INS = Path(__file__).parent.parent / "tests" / "stand_ins.yml"


def main(path: Path) -> int:
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    stages = [r for r in records if "stage" in r]
    tests = [r for r in records if "test" in r]
    verdicts = Counter(r["verdict"] for r in [*stages, *tests])
    known = {entry["name"]: entry for entry in yaml.safe_load(STAND_INS.read_text())}

    print("\n==== Ledger ====")
    for record in stages:
        print(f"{record['verdict']:>8}  {record['stage']} ({record['seconds']} s)")
    for folder, count in sorted(Counter((r["folder"], r["verdict"]) for r in tests).items()):
        print(f"{folder[1]:>8}  {folder[0]}: {count}")
    for record in tests:
        if record["verdict"] == "failed":
            print(f"  FAILED  {record['test']}")
    skipped = Counter(r["reason"] for r in tests if r["verdict"] == "skipped")
    for reason, count in sorted(skipped.items()):
        print(f" skipped  {count} x: {reason}")
    for name, why in sorted(scenarios(tests).items()):
        print(f"scenario  {name}: {why}")
    for record in slowest(tests):
        print(f"{record['seconds']:6.0f} s  {record['test']}")
    used = sorted({name for r in tests if r["verdict"] == "passed" for name in r["stand_ins"]})
    for name in used:
        print(f"stand-in  {name}: instead of {known[name]['replaces']}; {known[name]['why']}")
    if not used:
        print("stand-in  none")
    print(f"\nledger: {verdicts['passed']} passed, {verdicts['failed']} failed, {verdicts['skipped']} skipped")
    if not tests:
        print("ledger: no test ran", file=sys.stderr)
    return 1 if verdicts["failed"] or not tests else 0


def scenarios(tests: list[dict[str, Any]]) -> dict[str, str]:
    """Executed, or why not: what needs parts that not every host has must not be missed silently."""
    found: dict[str, str] = {}
    for record in tests:
        for name in record.get("scenarios", []):
            ran = record["verdict"] != "skipped"
            if ran or name not in found:
                found[name] = "executed" if ran else f"NOT EXECUTED: {record['reason']}"
    return found


def slowest(tests: list[dict[str, Any]], count: int = 10, over: float = 20) -> list[dict[str, Any]]:
    """Of what ran; `make test` has to stay a matter of minutes."""
    ran = [record for record in tests if record.get("seconds", 0) > over]
    return sorted(ran, key=lambda record: -record["seconds"])[:count]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
