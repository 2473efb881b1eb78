# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How GitHub puts its refusals."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.server import Response

DOCS = "https://docs.github.com/rest"


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"message": message, "documentation_url": DOCS}
    return Response(status, body if status not in (404, 401, 403) else {**body, "status": str(status)}, headers or {})


def invalid(field: str | None, code: str, resource: str, message: str = "") -> Response:
    problem = {
        "resource": resource,
        "code": code,
        **({"field": field} if field else {}),
        **({"message": message} if message else {}),
    }
    return Response(422, {"message": "Validation Failed", "errors": [problem], "documentation_url": DOCS})


def secondary_limit(retry_after: int | None = None) -> Response:
    """GitHub's secondary rate limit, with or without the header that says for how long."""
    body = {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    }
    return Response(403, body, {"Retry-After": str(retry_after)} if retry_after is not None else {})
