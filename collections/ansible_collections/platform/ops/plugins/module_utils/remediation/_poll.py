# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager's list of alerts that still fire, read at the start and at intervals: a lost delivery is no loss."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._auth import secret_lines
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import Intake
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts

try:
    import aiohttp
except ImportError:  # see _server
    aiohttp = None  # type: ignore[assignment]

logger = logging.getLogger("platform.ops.alertmanager")

LARGEST_ANSWER = 64 * 2**20
_POLLS = "platform_ops_alertmanager_polls_total"
_SUCCESS = "platform_ops_alertmanager_last_success_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Alertmanager:
    url: str
    interval: float = 60.0
    timeout: float = 30.0
    filters: tuple[str, ...] = ()
    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(
                "remediation_alertmanager_url must be an http(s) address without credentials in it; "
                "those have their own settings."
            )

    def tls(self) -> ssl.SSLContext | bool:
        if not (self.ca_file or self.cert_file):
            return True
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"The TLS files for {self.url} cannot be used: {error}.") from error
        return context

    def headers(self) -> dict[str, str]:
        """Read again for each request: rotation needs no restart."""
        try:
            if self.token_file:
                return {"Authorization": f"Bearer {_newest(self.token_file)}"}
            if self.username and self.password_file:
                pair = f"{self.username}:{self.password_file.read_text().strip()}".encode()
                return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise UnavailableError(f"The credentials for {self.url} cannot be read: {error}.") from error
        return {}


def _newest(path: Path) -> str:
    """The last secret of a file: while one is being rotated, the one that is to stay."""
    if not (secrets := secret_lines(path.read_bytes())):
        raise UnavailableError("the token file holds none")
    return secrets[-1].decode()


class Poller:
    def __init__(self, server: Alertmanager, intake: Intake, counts: Counts) -> None:
        self._server, self._intake, self._counts = server, intake, counts
        self._failing = False
        self._tls = server.tls()
        counts.declare(_POLLS, "counter", "Readings of Alertmanager's list of alerts, by result.")
        counts.declare(_SUCCESS, "gauge", "When that list was last read.")

    async def run(self) -> None:
        """Never returns, never raises for what the other side does."""
        while True:
            await self.once()
            await asyncio.sleep(self._server.interval)

    async def once(self) -> None:
        try:
            outcome = await self._intake.take("alertmanager", await self._read(), "poll")
            if outcome["malformed"]:
                raise UnavailableError("its answer is not a list of alerts")
        except (OpsError, OSError, ValueError, TimeoutError, aiohttp.ClientError) as error:  # ValueError: no header
            self._counts.add(_POLLS, result="failure")
            if not self._failing:
                logger.error(
                    "The alerts of %s could not be read (%s: %s); posted alerts still arrive. Tried again every %g s.",
                    self._server.url,
                    type(error).__name__,
                    error,
                    self._server.interval,
                )
            self._failing = True
            return
        if self._failing:
            logger.warning("The alerts of %s can be read again.", self._server.url)
        self._failing = False
        self._counts.add(_POLLS, result="success")
        self._counts.set(_SUCCESS, time.time())

    async def _read(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=self._server.timeout)
        parameters = [("active", "true"), ("silenced", "false"), ("inhibited", "false")]
        parameters += [("filter", matcher) for matcher in self._server.filters]
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=self._server.headers()) as session,
            session.get(
                f"{self._server.url.rstrip('/')}/api/v2/alerts",
                params=parameters,
                ssl=self._tls,
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:
                raise UnavailableError(f"it answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_chunked(2**16):
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise UnavailableError(f"its answer is larger than {LARGEST_ANSWER} bytes")
            return bytes(body)
