# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of every test: the ledger, and one hypothesis profile."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from lab.shell import MissingError

pytest_plugins = ["tests.support.ledger_plugin"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("default")

# Each worker that runs one of these starts labs of its own, with real machines: more than two at once run out of the
# kernel's inotify instances.
LAB_FOLDERS = {"cluster", "lab", "nodes", "e2e", "molecule"}
LAB_FIXTURES = {"kubeconfig", "flagger_lab", "_lab"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    """Where a lab can't run its tests say what is missing. A build that fails is a failure."""
    try:
        return (yield)
    except MissingError as error:
        pytest.skip(str(error))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent.name in LAB_FOLDERS or LAB_FIXTURES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.xdist_group("labs"))
