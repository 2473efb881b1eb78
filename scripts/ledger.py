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
    used = sorted({name for r in tests if r["verdict"] == "passed" for name in r["stand_ins"]})
    for name in used:
        print(f"stand-in  {name}: instead of {known[name]['replaces']}; {known[name]['why']}")
    if not used:
        print("stand-in  none")
    print(f"\nledger: {verdicts['passed']} passed, {verdicts['failed']} failed, {verdicts['skipped']} skipped")
    if not tests:
        print("ledger: no test ran", file=sys.stderr)
    return 1 if verdicts["failed"] or not tests else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
