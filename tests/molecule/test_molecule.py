# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`molecule test` from the root of the repository, as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import backend
from lab.place import ROOT

pytestmark = pytest.mark.timeout(1500)


def molecule(*words: str) -> subprocess.CompletedProcess[str]:
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    command = [str(binaries / "molecule"), *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1400)


@pytest.mark.real
@pytest.mark.scenario("molecule default")
@pytest.mark.stand_in("stand-in-chart")
def test_scenario_default_converges_is_idempotent_and_verifies() -> None:
    if why := backend.obstacle():
        pytest.skip(f"molecule scenario default not executed: {why}")
    done = molecule("test")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.real
@pytest.mark.scenario("molecule kind")
@pytest.mark.stand_in("stand-in-chart")
def test_scenario_kind_does_the_same_on_kind() -> None:
    if why := backend.obstacle(backend.KIND):
        pytest.skip(f"molecule scenario kind not executed: {why}")
    done = molecule("test", "--scenario-name", "kind")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_scenario_kind_says_what_it_misses() -> None:
    if backend.docker_answers():
        pytest.skip("Docker answers here")
    done = molecule("create", "--scenario-name", "kind")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert "Scenario kind needs a Docker daemon, and none answers here" in said
