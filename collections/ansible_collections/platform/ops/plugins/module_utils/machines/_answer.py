# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a provider answers for one machine, and which class a failure is of. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

QUOTA, STOCK_OUT, OTHER = "quota", "stock_out", "other"

# The words by which clouds say that an account may not have more, or that they have none left at the moment.
_SAID: tuple[tuple[str, str], ...] = (
    # AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    (
        STOCK_OUT,
        r"Insufficient(InstanceCapacity|HostCapacity|ReservedInstanceCapacity|Capacity\b)"
        r"|do(es)? not have sufficient \S+ capacity|UnfulfillableCapacity|SpotMaxPriceTooLow",
    ),
    (
        QUOTA,
        r"VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded|VolumeLimitExceeded|AddressLimitExceeded"
        r"|more vCPU capacity than your current vCPU limit|your quota allows for \d+ more running instance"
        r"|InsufficientFreeAddressesInSubnet",
    ),
    # Google
    (STOCK_OUT, r"ZONE_RESOURCE_POOL_EXHAUSTED|resource pool exhausted|does not have enough resources available"),
    (QUOTA, r"QUOTA_EXCEEDED|Quota '[^']*' exceeded"),
    # Azure
    (STOCK_OUT, r"SkuNotAvailable|AllocationFailed|ZonalAllocationFailed|OverconstrainedAllocationRequest"),
    (QUOTA, r"QuotaExceeded|OperationNotAllowed.{0,200}\bquota\b"),
    # OpenStack, libvirt, vSphere
    (STOCK_OUT, r"No valid host was found|insufficient resources|cannot allocate memory|not enough free disk space"),
    (QUOTA, r"Quota exceeded|quota limit|exceeds? (the |your )?quota"),
)
_CLASSES = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _SAID)


def error_class(text: str) -> str:
    """Which clock a failure backs off on: quota, stock_out or other."""
    return next((kind for kind, pattern in _CLASSES if pattern.search(text)), OTHER)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a role hands to node_scale; docs/machine-providers.md."""

    outcome: str  # done | pending | failed
    message: str = ""
    provider_id: str = ""
    name: str = ""
    address: str = ""
    error_class: str = OTHER

    def result(self, *, changed: bool, **more: Any) -> dict[str, Any]:
        found = {**asdict(self), "changed": changed, **more}
        return {**found, "failed": True, "msg": self.message} if self.outcome == "failed" else found


def failed(message: str, kind: str = "") -> Answer:
    return Answer("failed", message, error_class=kind or error_class(message))


def pending(message: str) -> Answer:
    return Answer("pending", message)


def without(text: str, secrets: Sequence[str]) -> str:
    """The text with each secret blotted out: tools repeat what they were given."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "********")
    return text


def words(value: Any) -> list[str]:
    """Every string inside a value, for without()."""
    if isinstance(value, Mapping):
        return [word for item in value.values() for word in words(item)]
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in words(item)]
    return [value] if isinstance(value, str) and len(value) > 3 else []
