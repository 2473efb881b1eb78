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

pytest_plugins = ["tests.support.ledger_plugin", "tests.support.node_lab"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("default")

# What starts labs of its own is to run on one of two workers: with more labs at work at once, the processor and the
# kernel's inotify instances run short. (pytest-xdist 3.8 does not see groups under pytest 9.2: both workers then start
# labs of each kind, which two cores bear.)
LAB_GROUPS = {
    **dict.fromkeys(("e2e", "lab", "molecule"), "labs of the loop"),
    **dict.fromkeys(("cluster", "nodes", "providers", "site"), "labs of nodes and charts"),
}
# In these folders only tests that ask for a lab are held together.
ONLY_WITH_LAB = {"providers", "site"}
LAB_FIXTURES = {"kubeconfig", "flagger_lab", "_lab"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    """Where a lab can't run its tests say what is missing. A build that fails is a failure."""
    try:
        return (yield)
    except MissingError as error:
        pytest.skip(str(error))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Here and not in pytest_collection_modifyitems: in that hook xdist has read the marks before us."""
    folder = Path(item.path).parent.name
    if folder in LAB_GROUPS and (folder not in ONLY_WITH_LAB or LAB_FIXTURES & {*getattr(item, "fixturenames", ())}):
        item.add_marker(pytest.mark.xdist_group(LAB_GROUPS[folder]))
