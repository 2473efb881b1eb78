# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate around a run where neither a cluster nor a Prometheus is named: everything passes.

_gated.py has the one that asks them. It stands apart because importing it, with all that judges a cluster, takes a
third of what is imported to answer an alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.platform.ops.plugins.module_utils.bump._assign import Sources, no_sources

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.gate._look import Look

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Items that go on, with what was found out about each by label, and results for those that were stopped."""

    items: list[dict[str, Any]]
    stopped: list[dict[str, Any]]
    checked: Mapping[str, Sequence[str]]
    usage: Mapping[str, Sequence[Data]]


class OpenGate:
    """Knows no cluster, so no owners and no sources, and lets everything pass."""

    look: Look | None = None

    def owners(self, _remediations: Sequence[Data]) -> dict[str, dict[str, str]]:
        return {}

    @property
    def sources(self) -> Sources:
        return no_sources

    def admit(self, items: Sequence[dict[str, Any]]) -> Admitted:
        return Admitted(list(items), [], {}, {})

    def judge(self, _items: Sequence[Data], results: Sequence[Data]) -> list[dict[str, Any]]:
        return [dict(result) for result in results]
