# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a git host's refusal or silence means: which error, how long to stay away, which right was missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)

try:
    import requests
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

RESET_UNKNOWN = 60.0  # what GitHub asks for when a limit comes without a time
DETAIL_LENGTH = 400
MOVED = "the repository or the server has a new address"
NOT_JSON = "what came is not the host's API; a login page or proxy stands before it, or api_url is wrong"


class RefusalError(Exception):
    """The host answered with a status of 400 or more, or sent a write elsewhere."""

    def __init__(self, status: int, headers: Mapping[str, str], data: Any) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.data = data


class NoAnswerError(Exception):
    """No answer came: refused connection, time-out, connection cut. The host may have acted all the same."""


def no_answer(error: Exception) -> NoAnswerError | None:
    """Says in a few words why `requests` got no answer; never with the text of the library, which names URLs."""
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswerError("the TLS certificate was not accepted; REQUESTS_CA_BUNDLE names a private authority")
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswerError("the proxy did not connect")
    if isinstance(error, requests.exceptions.Timeout):
        return NoAnswerError("timed out")
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return NoAnswerError(NOT_JSON)
    if isinstance(error, requests.exceptions.RequestException):
        return NoAnswerError("connection refused or cut, or unknown host name")
    return None


def raise_refusal(response: requests.Response, *_: Any, **__: Any) -> None:
    """Response hook of a requests session: a status of 400 or more becomes a RefusalError.

    So does the redirect of a write: `requests` would follow it as a read, and nothing would be written.
    """
    if response.is_redirect and response.request.method not in ("GET", "HEAD"):
        raise RefusalError(response.status_code, response.headers, {"message": MOVED})
    if response.status_code >= 400:
        try:
            data = response.json()
        except ValueError:
            data = response.text
        raise RefusalError(response.status_code, response.headers, data)


def asked_to_wait(refusal: RefusalError, now: float) -> float | None:
    """Seconds the host wants us to stay away, None when the refusal is no rate limit."""
    if refusal.status not in (403, 429, 503):
        return None
    after = refusal.headers.get("retry-after", "")
    if after:
        return max(0.0, _seconds(after, now))
    if refusal.status == 503:
        return None
    for prefix in ("x-ratelimit-", "ratelimit-"):
        if refusal.headers.get(prefix + "remaining") == "0" and refusal.headers.get(prefix + "reset", "").isdigit():
            return max(1.0, float(refusal.headers[prefix + "reset"]) - now)
    if refusal.status == 429 or _secondary_limit(refusal.data):
        return RESET_UNKNOWN
    return None


def _seconds(after: str, now: float) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", after.strip()):
        return float(after)
    try:
        date = parsedate_to_datetime(after)
    except ValueError:
        return RESET_UNKNOWN
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now


def _secondary_limit(data: Any) -> bool:
    # GitHub's secondary limit is a 403 like any other when it has no retry-after; only the body tells.
    if not isinstance(data, Mapping):
        return False
    return "secondary-rate-limits" in str(data.get("documentation_url", "")) or "secondary rate limit" in str(
        data.get("message", "")
    )


def said(data: Any) -> str:
    """The host's own words out of an error body, on one line and of bounded length."""
    return " ".join("".join(c if c.isprintable() else " " for c in "; ".join(_words(data))).split())[:DETAIL_LENGTH]


def _words(data: Any) -> Iterable[str]:
    if isinstance(data, bytes):
        data = data.decode("utf-8", "replace")
    if isinstance(data, str):
        # An HTML page is the proxy talking; its text helps nobody.
        yield "" if data.lstrip().startswith("<") else data
    elif isinstance(data, Mapping):
        for name in ("message", "error_description", "error", "errors"):
            if data.get(name):
                yield from _words(data[name])
        if "code" in data and not data.get("message"):
            yield f"{data.get('field', '')} {data['code']}"
        elif not {"message", "error_description", "error", "errors", "code"} & set(data):
            for name, value in data.items():  # GitLab: {"title": ["can't be blank"]}
                yield f"{name}: {', '.join(_words(value))}"
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _words(item)


REDIRECTS = (301, 302, 303, 307, 308)
# Class of the error, its reason code, and what the reader can do.
MEANINGS: dict[int, tuple[type[OpsError], str, str]] = {
    401: (
        AuthError,
        "token_rejected",
        "The token is expired, revoked or mistyped. Put a valid one in place (runbook: token rotation).",
    ),
    **dict.fromkeys(
        REDIRECTS,
        (NotFoundError, "moved", "Give the repository's present address (https, not http, if the server wants that)."),
    ),
    **dict.fromkeys(
        (404, 410),
        (
            NotFoundError,
            "not_found",
            "It is not there, or the token may not see it. Check the address and the token's repository access.",
        ),
    ),
    **dict.fromkeys(
        (405, 406, 409, 412, 423),
        (ConflictError, "conflict", "The host does not allow it in the present state. A later run tries again."),
    ),
    **dict.fromkeys(
        (400, 413, 422),
        (InputError, "rejected", "The host does not accept these values. Correct them and run again."),
    ),
}
HOST_TROUBLE = (UnavailableError, "host_error", "The host itself has a problem. Run again later.")
UNKNOWN = (OpsError, "failed", "The host's own log may have the reason.")


def explain(
    host: str, what: str, failure: RefusalError | NoAnswerError, now: float, scrub: Callable[[str], str] = str
) -> OpsError:
    """What the failure means to the person who reads it."""
    if isinstance(failure, NoAnswerError):
        return UnavailableError(
            f"Could not {what} on {host}: no answer ({scrub(str(failure))}). "
            "Check the address, DNS, proxy and firewall between here and the host; a later run picks up from there.",
            reason="no_answer",
        )
    status, detail = failure.status, scrub(said(failure.data))
    start = f"Could not {what} on {host} (HTTP {status}{': ' if detail else ''}{detail})."
    asked = asked_to_wait(failure, now)
    if asked is not None:
        return UnavailableError(
            f"{start} The host asks to stay away for {asked:.0f} s; this call changed nothing. Run again after that.",
            reason="rate_limited",
            retry_after=asked,
        )
    if status == 403:
        return _forbidden(start, failure)
    error, reason, advice = MEANINGS.get(status, HOST_TROUBLE if status >= 500 else UNKNOWN)
    return error(f"{start} {advice}", reason=reason)


def _forbidden(start: str, refusal: RefusalError) -> AuthError:
    scope = _missing_scope(refusal)
    if scope:
        return AuthError(
            f"{start} The token lacks the right {scope}. Grant it or use another token.", reason="missing_scope"
        )
    return AuthError(
        f"{start} The token is valid but its owner may not do this here. Grant write access to the repository, "
        "or look for a protection rule that forbids it.",
        reason="forbidden",
    )


def _missing_scope(refusal: RefusalError) -> str:
    """The right that was wanted, as far as the host names it."""
    permissions = refusal.headers.get("x-accepted-github-permissions", "")
    if permissions:
        return permissions
    if "x-accepted-oauth-scopes" in refusal.headers and "x-oauth-scopes" in refusal.headers:
        wanted = _names(refusal.headers["x-accepted-oauth-scopes"])
        return "" if wanted & _names(refusal.headers["x-oauth-scopes"]) else " or ".join(sorted(wanted))
    data = refusal.data if isinstance(refusal.data, Mapping) else {}
    if data.get("error") == "insufficient_scope":  # GitLab, RFC 6750
        return str(data.get("scope", "api"))
    # Gitea and Forgejo give no code: "token does not have at least one of required scope(s), required=[…]"
    found = re.search(
        r"required scope\(s\).*?required=\[([^\]]*)\]|required scope\(s\): \[([^\]]*)\]", str(data.get("message", ""))
    )
    return (found.group(1) or found.group(2) or "") if found else ""


def _names(header: str) -> set[str]:
    return {name.strip() for name in header.split(",") if name.strip()}
