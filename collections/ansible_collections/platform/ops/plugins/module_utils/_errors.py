# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that this collection raises on purpose.

OpsError
├── InputError        what the user gave cannot be used; nothing was touched
├── NotFoundError     the thing named is not there
├── AmbiguousError    several things answer to the name; all are listed
├── ConflictError     somebody else changed the thing meanwhile; trying again may work
├── AuthError         the other side refused our credentials or our rights
└── UnavailableError  the other side did not answer, or asked us to come back later

A message says what was tried, on what, why it failed and what to do next. It never holds a secret.
Modules catch OpsError once, in main(), and hand it to fail_json.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath


class OpsError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: one or two sentences: what was tried, on what, why it failed, what to do next.
        reason: stable snake_case code for programs; the class default when omitted.
    """

    default_reason = "failed"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason


class InputError(OpsError):
    default_reason = "invalid_input"


class NotFoundError(OpsError):
    default_reason = "not_found"


class AmbiguousError(OpsError):
    default_reason = "ambiguous"


class ConflictError(OpsError):
    default_reason = "conflict"


class AuthError(OpsError):
    default_reason = "unauthorized"


class UnavailableError(OpsError):
    """`retry_after` is the number of seconds the other side asked us to wait, when it said so."""

    default_reason = "unavailable"

    def __init__(self, message: str, *, reason: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


def unforeseen(error: Exception) -> str:
    """Name an error that nobody foresaw by its type and place. What it says itself may hold a secret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {PurePath(place.filename).name}, line {place.lineno}"
