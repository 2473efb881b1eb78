# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab with everything the loop needs: a machine, monitoring, a git host, GitOps, and the rulebook in its network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cgroups, lifecycle, machine, parts, prepare
from lab.__main__ import build
from lab.place import Lab, place
from tests.support.loop import PARTS, Loop, closed_loop, watched


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    if why := prepare.obstacle():
        pytest.skip(why)
    if "memory" not in cgroups.hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    build(machines=True)
    lab = place(f"loop-{os.getpid()}")
    try:
        lifecycle.up(lab)
        machine.add(lab, "worker-1")
        for part in PARTS:
            parts.add(lab, part)
        yield lab
    finally:
        lifecycle.down(lab)


@pytest.fixture
def loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    with closed_loop(lab, tmp_path) as running:
        yield running


@pytest.fixture
def watched_loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    with closed_loop(lab, tmp_path, watched(lab)) as running:
        yield running
