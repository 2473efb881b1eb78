# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for the tests that only look at it, and names for those that need one of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest

from lab import lifecycle, machine, prepare, simulated
from lab.__main__ import build
from lab.cgroups import hierarchies
from lab.place import Lab, place
from lab.state import Machine

_numbers = count(1)


@pytest.fixture(scope="package")
def _possible() -> None:
    if why := prepare.obstacle():
        pytest.skip(why)
    build(machines=True)


@pytest.fixture
def fresh(_possible: None) -> Iterator[Lab]:
    """A lab's name, with nothing behind it yet; nothing is left of it afterwards."""
    lab = place(f"test-{os.getpid()}-{next(_numbers)}")
    yield lab
    lifecycle.down(lab)


@pytest.fixture(scope="package")
def lab(_possible: None) -> Iterator[Lab]:
    """A control plane with two simulated nodes."""
    lab = place(f"test-{os.getpid()}")
    try:
        lifecycle.up(lab)
        simulated.add(lab, ["sim-1", "sim-2"])
        yield lab
    finally:
        lifecycle.down(lab)


@pytest.fixture(scope="package")
def worker(lab: Lab) -> Machine:
    """A real machine in that lab."""
    if "memory" not in hierarchies():
        pytest.skip("real machines need cgroup v1, which this kernel does not mount")
    return machine.add(lab, "worker-1")
