# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.stack._turn import tell, wait
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import Clock


def clock_with(folder: Path, events: dict[int, tuple[str, str]]) -> tuple[Clock, list[float]]:
    """A clock on which something happens at given seconds, and what it shows."""
    at = [0.0]

    def sleep(seconds: float) -> None:
        at[0] += seconds
        for when in [when for when in events if when <= at[0]]:
            tell(folder, *events.pop(when))

    return Clock(now=lambda: at[0], sleep=sleep), at


def test_it_is_ones_turn_once_all_that_go_first_are_done(tmp_path: Path) -> None:
    clock, at = clock_with(tmp_path, {5: ("istio", "done"), 9: ("monitoring", "done")})
    assert wait(tmp_path, "kiali", ["istio", "monitoring"], timeout=60, clock=clock) == {
        "istio": "done",
        "monitoring": "done",
    }
    assert 9 <= at[0] < 10


def test_who_waits_for_nobody_begins_at_once(tmp_path: Path) -> None:
    assert wait(tmp_path, "priority_classes", [], timeout=0) == {}


def test_one_that_failed_is_named_without_waiting_for_the_rest(tmp_path: Path) -> None:
    clock, at = clock_with(tmp_path, {5: ("istio", "failed")})
    with pytest.raises(ConflictError, match=r"kiali was not tried: istio, which goes first, failed"):
        wait(tmp_path, "kiali", ["istio", "monitoring"], timeout=60, clock=clock)
    assert at[0] < 6


def test_waiting_ends_with_the_name_of_what_has_not_ended(tmp_path: Path) -> None:
    clock, _at = clock_with(tmp_path, {5: ("istio", "done")})
    with pytest.raises(UnavailableError, match=r"kiali waited 60 s for monitoring, which has not ended"):
        wait(tmp_path, "kiali", ["istio", "monitoring"], timeout=60, clock=clock)


def test_a_folder_that_is_gone_is_an_error_with_words(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="kiali could not tell the others"):
        tell(tmp_path / "gone", "kiali", "done")
