# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of every test: the ledger, and one hypothesis profile."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from lab.shell import MissingError

pytest_plugins = ["tests.support.ledger_plugin", "tests.support.schedule"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("default")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    """Where a lab can't run its tests say what is missing. A build that fails is a failure."""
    try:
        return (yield)
    except MissingError as error:
        pytest.skip(str(error))
