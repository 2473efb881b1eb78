# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy of one pool, as read from its record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def duration(text: str) -> float:
    """Seconds of a duration written like 1h30m, 10m or 45s."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise InputError(f"{text!r} is no duration: write hours, minutes and seconds like 1h30m, 10m or 45s.")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)


@dataclass(frozen=True, slots=True)
class OutRules:
    pod_delay: float = 0.0  # how long a pod must be unschedulable before it counts
    min_priority: int = -10  # pods below it are expendable and bring no node
    max_in_flight: int = 5
    per_hour: int = 10
    provision_timeout: float = 900.0
    ready_timeout: float = 600.0
    backoff_first: float = 300.0
    backoff_most: float = 1800.0
    backoff_forget: float = 10800.0


@dataclass(frozen=True, slots=True)
class InRules:
    enabled: bool = True
    threshold: float = 0.5  # requests / allocatable, both cpu and memory below it
    unneeded_for: float = 600.0
    after_out: float = 600.0
    after_failure: float = 180.0
    retry_after: float = 300.0  # the same node again
    max_in_flight: int = 1
    per_hour: int = 10
    max_unready_share: float = 0.45
    max_unready: int = 3
    bare_pods: bool = False  # consent to delete pods that nothing brings back
    local_storage: bool = False  # consent to lose emptyDir and hostPath content
    drain_timeout: float = 1800.0
    pod_timeout: float = 600.0
    reset_timeout: float = 600.0
    settle_timeout: float = 600.0  # replacements Ready and volumes detached


# pylint takes modules for Python 3.9 code; this collection needs 3.12 (tests/config.yml)
# pylint: disable-next=using-generic-type-syntax-in-unsupported-version
def _read[T](kind: type[T], raw: Mapping[str, Any] | None, where: str) -> T:
    values: dict[str, Any] = {}
    known = {_camel(item.name): item for item in fields(kind)}  # type: ignore[arg-type]
    for key, value in (raw or {}).items():
        if key not in known:
            raise InputError(f"{where} has no setting {key}; it knows {', '.join(sorted(known))}.")
        item = known[key]
        values[item.name] = duration(value) if item.type == "float" and isinstance(value, str) else value
    return kind(**values)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def out_rules(raw: Mapping[str, Any] | None) -> OutRules:
    return _read(OutRules, raw, "scaleOut")


def in_rules(raw: Mapping[str, Any] | None) -> InRules:
    rules = _read(InRules, raw, "scaleIn")
    if not 0 <= rules.threshold <= 1:
        raise InputError(f"scaleIn.threshold is {rules.threshold}; it is a share between 0 and 1.")
    return rules
