# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What shares a lab runs on one worker, and starts before what is short."""

from __future__ import annotations

from pathlib import Path

from tests.support.schedule import TOGETHER, rank, unit

ROOT = Path(__file__).parent.parent.parent


def test_files_of_a_folder_that_shares_a_lab_are_one_unit_and_others_are_units_of_their_own() -> None:
    assert unit("tests/e2e/test_gate.py::test_a") == unit("tests/e2e/test_faults.py::test_b[x::y]") == "tests/e2e"
    assert unit("tests/site/test_frame.py::test_a[tests/e2e]") == "tests/site/test_frame.py"


def test_long_units_start_first() -> None:
    ids = ["ops/x/test_a.py::t", "tests/site/test_b.py::t", "tests/nodes/test_c.py::t", "tests/e2e/test_d.py::t"]
    assert sorted(ids, key=rank) == ids[::-1]


def test_folders_that_run_together_exist_and_are_packages() -> None:
    """Fixtures of package scope would else live as long as the worker."""
    assert [name for name in TOGETHER if not (ROOT / name / "__init__.py").is_file()] == []
