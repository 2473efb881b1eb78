# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare versions as charts and Kubernetes write them (v1.2.3, 1.36.1-gke.5, 1.31.0-rc.0). Pure."""

from __future__ import annotations

import re

NUMBERS = re.compile(r"^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?")
BOUND = re.compile(r"(>=|<=|>|<|=)?\s*(v?\d[\w.+-]*)")


def version_key(text: str) -> tuple[int, int, int, int]:
    """Sorts a pre-release (rc, alpha, beta) before its release; other suffixes are a vendor's and mean nothing."""
    match = NUMBERS.match(text.strip())
    if not match:
        return (0, 0, 0, 0)
    major, minor, patch = (int(match[index] or 0) for index in (1, 2, 3))
    early = bool(match[4]) and bool(re.match(r"-(rc|alpha|beta|0$)", match[4]))
    return (major, minor, patch, 0 if early else 1)


def is_newer(one: str, other: str) -> bool:
    return version_key(one) > version_key(other)


def satisfies(version: str, bounds: str) -> bool:
    """`bounds` is a list such as ">=1.32, <1.37"; all must hold."""
    ours = version_key(version)
    for sign, text in BOUND.findall(bounds):
        other = version_key(text)
        verdict = {
            ">=": ours >= other,
            "<=": ours <= other,
            ">": ours > other,
            "<": ours < other,
            "=": ours == other,
            "": ours == other,
        }[sign]
        if not verdict:
            return False
    return True
