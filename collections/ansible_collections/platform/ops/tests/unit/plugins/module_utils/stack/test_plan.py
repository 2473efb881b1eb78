# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError
from ansible_collections.platform.ops.plugins.module_utils.stack._plan import (
    Found,
    is_stuck,
    parse_updated,
    plan_release,
)

GONE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "x"}}
DEPLOYED = Found("deployed", "loki-1.0.0", {"a": 1})


def plan(found: Found | None, **changes: Any) -> str:
    wanted: dict[str, Any] = {"chart": "loki-1.0.0", "values": {"a": 1}, "manifest_differs": False, "missing": []}
    return plan_release(found, **{**wanted, **changes}).action


@pytest.mark.parametrize(
    ("found", "changes", "action"),
    [
        (None, {}, "install"),
        (DEPLOYED, {}, "none"),
        (DEPLOYED, {"chart": "loki-1.0.1"}, "upgrade"),
        (DEPLOYED, {"values": {"a": 2}}, "upgrade"),
        (DEPLOYED, {"manifest_differs": True}, "upgrade"),
        (DEPLOYED, {"missing": [GONE]}, "repair"),
        (Found("failed", "loki-1.0.0", {"a": 1}), {}, "upgrade"),
    ],
)
def test_the_least_that_brings_a_release_to_its_state(
    found: Found | None, changes: dict[str, Any], action: str
) -> None:
    assert plan(found, **changes) == action


def test_a_release_that_is_being_uninstalled_is_left_alone() -> None:
    with pytest.raises(ConflictError, match="being uninstalled"):
        plan(Found("uninstalling", "loki-1.0.0", {}))


def status(state: str, age: timedelta) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "name": "loki",
        "namespace": "x",
        "status": state,
        "updated": at.strftime("%Y-%m-%d %H:%M:%S.%f123 +0000 UTC"),
    }


def test_a_pending_release_counts_as_stuck_only_when_nobody_can_be_at_work_on_it() -> None:
    now = datetime.now(UTC)
    assert is_stuck(status("pending-upgrade", timedelta(hours=1)), now=now, stuck_after=900)
    assert not is_stuck(status("deployed", timedelta(hours=1)), now=now, stuck_after=900)
    with pytest.raises(ConflictError, match="another Helm run seems to be at work"):
        is_stuck(status("pending-install", timedelta(seconds=10)), now=now, stuck_after=900)


def test_helms_time_is_read_with_its_zone() -> None:
    assert parse_updated("2026-11-21 10:24:16.123456789 +0200 CEST").utcoffset() == timedelta(hours=2)
    assert parse_updated("2026-11-21 10:24:16 +0000 UTC").second == 16
