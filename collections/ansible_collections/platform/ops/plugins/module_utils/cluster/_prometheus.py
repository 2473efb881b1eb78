# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), in PromQL.

What comes back is other people's text: label values are matched against a grammar by whoever uses them as names, and
numbers that are none are dropped. What goes out is built by `selector`, which takes names of one grammar alone.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)

try:
    import requests
except ImportError as error:
    REQUESTS_IMPORT_ERROR: ImportError | None = error
else:
    REQUESTS_IMPORT_ERROR = None

LARGEST_ANSWER = 32 * 2**20
MOST_POINTS = 11_000  # Prometheus refuses range queries with more per series

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and how to ask it. `matchers` go into every selector, such as the cluster's name in a Thanos."""

    url: str
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    ca_file: str | None = None
    matchers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    patience: float = 10.0  # how long questions are repeated while it does not answer

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(
                "prometheus.url must be an http(s) address without credentials in it; use token or token_file."
            )
        for label, value in self.matchers.items():
            _one(_LABEL, label, "the name of a label")
            _one(_NAME, value, f"a value of label {label}")


@dataclass(frozen=True, slots=True)
class Series:
    """The labels as the server sent them, and the points (seconds since 1970, value) that are numbers."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """One server. Every failure is an OpsError; only reads exist, and they are repeated for a while."""

    def __init__(
        self,
        server: Server,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc, no proxy: the token goes to this address and nowhere else
        self._clock, self._sleep = clock, sleep

    def select(self, metric: str, **labels: str) -> str:
        """`selector` with the server's own matchers."""
        return selector(metric, {**labels, **self._server.matchers})

    def query(self, expression: str, at: float) -> list[Series]:
        """The value of each series at one time."""
        return _series(self._ask("query", {"query": expression, "time": f"{at:.3f}"}))

    def range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """The values of each series from `start` to `end`, one every `step` seconds."""
        if step <= 0 or (end - start) / step > MOST_POINTS:
            raise InputError(f"A range query may have {MOST_POINTS} points; lengthen the step or shorten the window.")
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return _series(self._ask("query_range", {"query": expression, **times}))

    def _ask(self, what: str, form: Mapping[str, str]) -> Any:
        give_up = self._clock() + self._server.patience
        pause = 0.2
        while True:
            try:
                return self._once(what, form)
            except UnavailableError:
                if self._clock() + pause > give_up:
                    raise
                self._sleep(pause)
                pause = min(pause * 2, 5.0)

    def _once(self, what: str, form: Mapping[str, str]) -> Any:
        url = f"{self._server.url.rstrip('/')}/api/v1/{what}"
        try:
            with self._session.post(
                url,
                data=form,
                headers=self._headers(),
                verify=self._server.ca_file or True,
                timeout=self._server.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _limited(response, url)
                status = response.status_code
        except (requests.RequestException, OSError) as error:
            raise UnavailableError(
                f"Failed to ask {url}: it did not answer ({type(error).__name__}); check prometheus.url."
            ) from error
        return _data(url, status, body)

    def _headers(self) -> dict[str, str]:
        token = self._server.token
        if self._server.token_file:  # read again for each question: rotation needs no restart
            try:
                token = Path(self._server.token_file).read_text().strip()
            except OSError as error:
                raise InputError(f"prometheus.token_file cannot be read: {error}.") from error
        return {"Authorization": f"Bearer {token}"} if token else {}


def selector(metric: str, labels: Mapping[str, str]) -> str:
    """A selector of PromQL by equal labels, sorted; a name that is none is an InputError, so nothing needs quoting."""
    _one(_METRIC, metric, "the name of a metric")
    matchers = [
        f'{_one(_LABEL, label, "the name of a label")}="{_one(_NAME, value, f"a value of label {label}")}"'
        for label, value in sorted(labels.items())
    ]
    return f"{metric}{{{','.join(matchers)}}}"


def _one(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise InputError(f"{text!r:.80} cannot be {what}.")
    return text


def _limited(response: requests.Response, url: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(2**16):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise InputError(f"{url} answered with more than {LARGEST_ANSWER} bytes; make the window shorter.")
    return bytes(body)


def _data(url: str, status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    said = str(answer.get("error") or "")[:200] if isinstance(answer, Mapping) else ""
    if status == 200 and isinstance(answer, Mapping) and answer.get("status") == "success":
        return answer.get("data")
    raise _error(url, status, said)


def _error(url: str, status: int, said: str) -> OpsError:
    message = f"Failed to ask {url}: it answered {status}{f': {said!r}' if said else ''}"
    if status in (401, 403):
        return AuthError(f"{message}; check prometheus.token or token_file.")
    if status == 404 or 300 <= status < 400:
        return NotFoundError(f"{message}; prometheus.url must be the address before /api/v1.")
    if status == 429 or status >= 500:
        return UnavailableError(message)
    return InputError(message)


def _series(data: Any) -> list[Series]:
    """Read a vector, matrix or scalar, leaving out what is not of that shape."""
    found: list[Series] = []
    result = data.get("result") if isinstance(data, Mapping) else None
    if isinstance(data, Mapping) and data.get("resultType") == "scalar":
        result = [{"metric": {}, "value": result}]
    for one in result if isinstance(result, Sequence) and not isinstance(result, str) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("metric"), Mapping):
            continue
        labels = {str(name): str(value) for name, value in one["metric"].items()}
        raw = one["values"] if "values" in one else [one.get("value")]
        found.append(Series(labels, tuple(point for point in map(_point, raw or ()) if point)))
    return sorted(found, key=lambda one: sorted(one.labels.items()))


def _point(raw: Any) -> tuple[float, float] | None:
    try:
        at, value = float(raw[0]), float(raw[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return None
    return (at, value) if math.isfinite(at) and math.isfinite(value) else None
