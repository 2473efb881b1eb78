# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to ask a git host again over HTTP: pauses, retries, and no write twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, OpsError
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import (
    NoAnswerError,
    RefusalError,
    asked_to_wait,
    explain,
    no_answer,
    said,
)

try:
    import tenacity
except ImportError as error:
    MISSING: str | None = error.name
else:
    MISSING = None

T = TypeVar("T")

ATTEMPTS = 4
BUDGET = 20.0  # seconds all waits of one call may take together: no playbook waits for minutes
SLACK = 0.1  # seconds by which the clock may be short of what was slept
TRANSIENT = frozenset({500, 502, 503, 504})


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970, as the hosts count in x-ratelimit-reset."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Calls:
    """Runs the calls of one host: reads again after a hiccup, writes only after proof that they did not happen.

    Args:
        host: how messages name the host, for example "GitHub (github.com)".
        secrets: strings that never may stand in a message.
        write_gap: least seconds between two writes.
        translate: makes a RefusalError or NoAnswerError of what the host's library raises, None of anything else.
    """

    def __init__(
        self,
        host: str,
        *,
        secrets: Iterable[str] = (),
        clock: Clock | None = None,
        write_gap: float = 0.0,
        budget: float = BUDGET,
        translate: Callable[[Exception], RefusalError | NoAnswerError | None] | None = None,
    ) -> None:
        self.host = host
        self._secrets = [secret for secret in secrets if secret]
        self._clock = clock or SystemClock()
        self._write_gap = write_gap
        self._budget = budget
        self._translate = translate or no_answer
        self._next_write = 0.0
        self._away: RefusalError | None = None  # the last time that the host asked us to stay away
        self._away_until = 0.0

    def once(self, do: Callable[[], T]) -> T:
        """Runs `do` and raises what its library raises as RefusalError or NoAnswerError."""
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
            except NoAnswerError:
                unsure = True
                raise
            except RefusalError as refusal:
                unsure = unsure or refusal.status in TRANSIENT
                raise

        return self._run(what, attempt)

    def refused(self, what: str, failure: RefusalError | NoAnswerError) -> OpsError:
        """The error to raise for a failure that is not worth another try."""
        return explain(self.host, what, failure, self._clock.now(), self.scrub)

    def conflict(self, what: str, refusal: RefusalError, reason: str) -> ConflictError:
        """The error for what the host refuses in the present state, in the host's words."""
        return ConflictError(
            f"Could not {what} on {self.host} (HTTP {refusal.status}: {self.scrub(said(refusal.data))}). Required "
            "checks or reviews, a conflict or a protection rule stand against it, or it changed meanwhile. "
            "A later run looks again.",
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

    def _stay_away(self) -> None:
        """Raise the host's refusal again without asking it, for as long as it wants to be left alone."""
        left = self._away_until - self._clock.now()
        if self._away is not None and left > SLACK:
            raise RefusalError(self._away.status, {"retry-after": str(left)}, self._away.data)

    def _note(self, refusal: RefusalError) -> None:
        asked = asked_to_wait(refusal, self._clock.now())
        if asked is not None:
            self._away, self._away_until = refusal, self._clock.now() + asked

    def _run(self, what: str, attempt: Callable[[], T]) -> T:
        spent = 0.0

        def tried() -> T:
            self._stay_away()
            try:
                return attempt()
            except RefusalError as refusal:
                self._note(refusal)
                raise

        def wait(state: tenacity.RetryCallState) -> float:
            nonlocal spent
            pause = self._pause(_failure(state), state.attempt_number)
            spent += pause
            return pause

        def again(state: tenacity.RetryCallState) -> bool:
            failure = _failure(state)
            if isinstance(failure, RefusalError) and not (
                failure.status in TRANSIENT or asked_to_wait(failure, self._clock.now()) is not None
            ):
                return False
            if not isinstance(failure, RefusalError | NoAnswerError):
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
            return retrying(tried)
        except (RefusalError, NoAnswerError) as failure:
            raise self.refused(what, failure) from None

    def _pause(self, failure: BaseException | None, attempt: int) -> float:
        asked = asked_to_wait(failure, self._clock.now()) if isinstance(failure, RefusalError) else None
        return asked if asked is not None else 0.5 * 2 ** (attempt - 1)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
