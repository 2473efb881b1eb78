# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How pytest-xdist shares the tests among its workers: what uses one lab runs on one worker, the long parts first.

A worker gets a whole file, or a whole folder where the files share a lab (a fixture of package scope in the folder's
conftest). So no lab is started twice, and there are never more labs than workers. Marks of xdist's own (`xdist_group`)
would say the same, but pytest-xdist 3.8 does not see them under pytest 9.2.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from xdist.scheduler.loadscope import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest

# Folders whose files share a lab, or programs too heavy to run beside each other; the longest first.
TOGETHER = ("tests/e2e", "tests/nodes", "tests/lab", "tests/cluster", "tests/rulebook")


def unit(nodeid: str) -> str:
    """What runs on one worker with this test: its folder or its file."""
    file = nodeid.partition("::")[0]
    folder = str(PurePath(file).parent)
    return folder if folder in TOGETHER else file


def rank(nodeid: str) -> tuple[int, int]:
    """Where its unit stands in the queue. Short units last, so that all workers end at about the same time."""
    name = unit(nodeid)
    if name in TOGETHER:
        return 0, TOGETHER.index(name)
    return (1, 0) if name.startswith("tests/") else (2, 0)


class ByLab(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Stable: within a unit the order of the files stays. (A unit's tests have to stand together for fixtures of
    # package scope.)
    items.sort(key=lambda item: (*rank(item.nodeid), unit(item.nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByLab:
    return ByLab(config, log)
