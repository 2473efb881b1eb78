# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quality-of-service classes, as the API server computes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number

Numbers = Mapping[Number, Fraction]


def qos_class(containers: Iterable[Numbers], pod: Numbers | None = None) -> str:
    """Guaranteed, Burstable or BestEffort. Numbers of the pod as a whole decide alone when there are any."""
    judged = [pod] if pod else list(containers)
    counted = [
        one.get((field, resource), Fraction(0))
        for one in judged
        for field in ("limits", "requests")
        for resource in ("cpu", "memory")
    ]
    if not any(counted):
        return "BestEffort"
    return "Guaranteed" if judged and all(_equal(one) for one in judged) else "Burstable"


def _equal(one: Numbers) -> bool:
    for resource in ("cpu", "memory"):
        limit = one.get(("limits", resource), Fraction(0))
        # a request that is not written is taken from the limit
        if not limit or one.get(("requests", resource), limit) != limit:
            return False
    return True
