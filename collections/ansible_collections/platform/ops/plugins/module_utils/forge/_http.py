# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all git hosts that are asked over HTTP share: when to ask again, how long to wait, what a refusal means."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

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
    import tenacity
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

T = TypeVar("T")

TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds of silence while reading
ATTEMPTS = 4
BUDGET = 20.0  # seconds all waits of one call may take together: no playbook waits for minutes
RESET_UNKNOWN = 60.0  # what GitHub asks for when a limit comes without a time
TRANSIENT = frozenset({500, 502, 503, 504})
DETAIL_LENGTH = 400


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970, as the hosts count in x-ratelimit-reset."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Refusal(Exception):
    """The host answered with a status of 400 or more."""

    def __init__(self, status: int, headers: Mapping[str, str], data: Any) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.data = data


class NoAnswer(Exception):
    """No answer came: refused connection, time-out, connection cut. The host may have acted all the same."""


def no_answer(error: Exception) -> NoAnswer | None:
    """Says in a few words why `requests` got no answer; never with the text of the library, which names URLs."""
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer("the TLS certificate was not accepted; REQUESTS_CA_BUNDLE names a private authority")
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswer("the proxy did not connect")
    if isinstance(error, requests.exceptions.Timeout):
        return NoAnswer("timed out")
    if isinstance(error, requests.exceptions.RequestException):
        return NoAnswer("connection refused or cut, or unknown host name")
    return None


def raise_refusal(response: requests.Response, *_: Any, **__: Any) -> None:
    """Response hook of a requests session: a status of 400 or more becomes a Refusal."""
    if response.status_code >= 400:
        try:
            data = response.json()
        except ValueError:
            data = response.text
        raise Refusal(response.status_code, response.headers, data)


def asked_to_wait(refusal: Refusal, now: float) -> float | None:
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


class Calls:
    """Runs the calls of one host: reads again after a hiccup, writes again only when a look-up proves they did not happen.

    Args:
        host: how messages name the host, for example "GitHub (github.com)".
        secrets: strings that never may stand in a message.
        write_gap: least seconds between two writes.
        translate: makes a Refusal or NoAnswer of what the host's library raises, None of what is no affair of the host.
    """

    def __init__(
        self,
        host: str,
        *,
        secrets: Iterable[str] = (),
        clock: Clock | None = None,
        write_gap: float = 0.0,
        budget: float = BUDGET,
        translate: Callable[[Exception], Refusal | NoAnswer | None] | None = None,
    ) -> None:
        self.host = host
        self._secrets = [secret for secret in secrets if secret]
        self._clock = clock or SystemClock()
        self._write_gap = write_gap
        self._budget = budget
        self._translate = translate or no_answer
        self._next_write = 0.0

    def once(self, do: Callable[[], T]) -> T:
        """Runs `do` and raises what its library raises as Refusal or NoAnswer."""
        try:
            return do()
        except Exception as error:
            failure = self._translate(error)
            if failure is None:
                raise
            # `from None`: the library's exception may carry request headers.
            raise failure from None

    def read(self, what: str, do: Callable[[], T]) -> T:
        """Runs `do`, again after time-outs and 5xx. `what` completes the sentence "Could not …"."""
        return self._run(what, lambda: self.once(do))

    def write(self, what: str, do: Callable[[], T], happened: Callable[[], T | None]) -> T:
        """Runs `do`; when its outcome is unknown, `happened` is asked first and its answer, unless None, returned."""
        unsure = False

        def attempt() -> T:
            nonlocal unsure
            if unsure:
                found = happened()
                if found is not None:
                    return found
            self._pace()
            try:
                return self.once(do)
            except NoAnswer:
                unsure = True
                raise
            except Refusal as refusal:
                unsure = unsure or refusal.status in TRANSIENT
                raise

        return self._run(what, attempt)

    def refused(self, what: str, failure: Refusal | NoAnswer) -> OpsError:
        """The error to raise for a failure that is not worth another try."""
        return explain(self.host, what, failure, self._clock.now(), self.scrub)

    def conflict(self, what: str, refusal: Refusal, reason: str) -> ConflictError:
        """The error for what the host refuses in the present state, in the host's words."""
        return ConflictError(
            f"Could not {what} on {self.host} (HTTP {refusal.status}: {self.scrub(said(refusal.data))}). Required checks or "
            "reviews, a conflict or a protection rule stand against it, or it changed meanwhile. A later run looks again.",
            reason=reason,
        )

    def pause(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def keep_secret(self, secret: str) -> None:
        if secret and secret not in self._secrets:
            self._secrets.append(secret)

    def _pace(self) -> None:
        wait = self._next_write - self._clock.now()
        if wait > 0:
            self._clock.sleep(wait)
        self._next_write = self._clock.now() + self._write_gap

    def _run(self, what: str, attempt: Callable[[], T]) -> T:
        spent = 0.0

        def wait(state: tenacity.RetryCallState) -> float:
            nonlocal spent
            pause = self._pause(_failure(state), state.attempt_number)
            spent += pause
            return pause

        def again(state: tenacity.RetryCallState) -> bool:
            failure = _failure(state)
            if isinstance(failure, Refusal) and not (
                failure.status in TRANSIENT or asked_to_wait(failure, self._clock.now()) is not None
            ):
                return False
            if not isinstance(failure, Refusal | NoAnswer):
                return False
            return spent + self._pause(failure, state.attempt_number) <= self._budget

        retrying = tenacity.Retrying(
            retry=again,
            wait=wait,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except (Refusal, NoAnswer) as failure:
            raise self.refused(what, failure) from None

    def _pause(self, failure: BaseException | None, attempt: int) -> float:
        asked = asked_to_wait(failure, self._clock.now()) if isinstance(failure, Refusal) else None
        return asked if asked is not None else 0.5 * 2 ** (attempt - 1)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def explain(
    host: str, what: str, failure: Refusal | NoAnswer, now: float, scrub: Callable[[str], str] = str
) -> OpsError:
    """What the failure means to the person who reads it."""
    if isinstance(failure, NoAnswer):
        return UnavailableError(
            f"Could not {what} on {host}: no answer ({scrub(str(failure))}). "
            "Check the address, DNS, proxy and firewall between here and the host; a later run picks up from there.",
            reason="no_answer",
        )
    status, detail = failure.status, scrub(said(failure.data))
    answer = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
    start = f"Could not {what} on {host} ({answer})."
    asked = asked_to_wait(failure, now)
    if asked is not None:
        return UnavailableError(
            f"{start} The host asks to stay away for {asked:.0f} s; nothing was changed by this call. Run again after that.",
            reason="rate_limited",
            retry_after=asked,
        )
    if status == 401:
        return AuthError(
            f"{start} The token is expired, revoked or mistyped. Put a valid one in place (runbook: token rotation).",
            reason="token_rejected",
        )
    if status == 403:
        return _forbidden(start, failure)
    if status in (404, 410):
        return NotFoundError(
            f"{start} It is not there, or the token may not see it. Check the address and the token's repository access."
        )
    if status in (405, 406, 409, 412, 423):
        return ConflictError(
            f"{start} The host does not allow it in the present state. Look at it there; a later run tries again."
        )
    if status in (400, 413, 422):
        return InputError(
            f"{start} The host does not accept these values. Correct them and run again.", reason="rejected"
        )
    if status >= 500:
        return UnavailableError(f"{start} The host itself has a problem. Run again later.", reason="host_error")
    return OpsError(f"{start} Look at the host's own log for the reason.")


def _forbidden(start: str, refusal: Refusal) -> AuthError:
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


def _missing_scope(refusal: Refusal) -> str:
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
    # Gitea and Forgejo give no code: "token does not have at least one of required scope(s), required=[write:repository]"
    found = re.search(
        r"required scope\(s\).*?required=\[([^\]]*)\]|required scope\(s\): \[([^\]]*)\]", str(data.get("message", ""))
    )
    return (found.group(1) or found.group(2) or "") if found else ""


def _names(header: str) -> set[str]:
    return {name.strip() for name in header.split(",") if name.strip()}
