# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters of role node_scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity import _alerts, _failure


def ended_decisions(operations: list[dict[str, Any]], pool: str) -> list[dict[str, Any]]:
    return _alerts.ended(pool, operations)


def failed_job(result: dict[str, Any]) -> str:
    return _failure.text(result)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ended_decisions": ended_decisions, "failed_job": failed_job}
