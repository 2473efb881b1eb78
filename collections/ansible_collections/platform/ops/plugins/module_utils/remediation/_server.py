# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver's HTTP face: authenticate, limit, store, and only then answer 2xx."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._auth import Secrets, Signature, bearer_matches
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import Intake
from ansible_collections.platform.ops.plugins.module_utils.remediation._jwt import TokenVerifier
from ansible_collections.platform.ops.plugins.module_utils.remediation._limits import Bucket
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import (
    Counts,
    DecisionTally,
    inbox_lines,
    pause_lines,
    written_lines,
)

try:
    from aiohttp import web
except ImportError:  # ansible-rulebook brings it; the module of this collection that shares the package needs none
    web = None  # type: ignore[assignment]

logger = logging.getLogger("platform.ops.receiver")

LEAST_FREE_BYTES = 64 * 2**20
STRANGER_SECONDS = 2.0  # until the first byte of a body that somebody without a token promised
_REQUESTS = "platform_ops_requests_total"


@dataclass(frozen=True, slots=True)
class Access:
    """What a request must show. With none of these, only a loopback address may be listened on."""

    tokens: Secrets | None = None
    signature: Signature | None = None
    metrics_tokens: Secrets | None = None
    require_all: bool = False
    issued: TokenVerifier | None = None  # tokens that others signed, good in place of ours

    def bearer(self, request: web.Request) -> bool:
        """Whether it shows a token that is good."""
        header = request.headers.get("Authorization")
        if self.tokens and bearer_matches(header, self.tokens):
            return True
        return bool(self.issued and self.issued.matches(header))

    def may_be_allowed(self, request: web.Request, *, bearer: bool) -> bool:
        """Decided on the headers alone, so that nobody unknown makes us read a body."""
        if bearer:
            return True
        if self.signature and self.signature.header in request.headers:
            return not (self._asks_bearer and self.require_all)
        return not self._asks_bearer and not self.signature

    @property
    def _asks_bearer(self) -> bool:
        return bool(self.tokens or self.issued)

    def allows(self, request: web.Request, body: bytes, *, bearer: bool) -> bool:
        if not self.signature:
            return bearer or not self._asks_bearer
        signed = self.signature.matches(request.headers, body)
        if self.require_all or self.signature.header in request.headers:
            return signed and (bearer or not (self.require_all and self._asks_bearer))
        return bearer

    @property
    def metrics_for_all(self) -> bool:
        """Whether who gets a connection may read metrics."""
        return not (self.tokens or self.metrics_tokens or self.signature or self.issued)

    def allows_metrics(self, request: web.Request) -> bool:
        secrets = [known for known in (self.tokens, self.metrics_tokens) if known]
        header = request.headers.get("Authorization")
        return self.metrics_for_all or any(bearer_matches(header, known) for known in secrets)


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int = 10 * 2**20
    requests_per_second: float = 50.0
    burst: int = 500
    request_seconds: float = 30.0
    concurrent: int = 8


class Door:
    """What deliveries may take at once. There are two, so that who only names the header of a signature, which anybody
    can, takes nothing from those who have shown a token."""

    def __init__(self, limits: Limits, first_seconds: float) -> None:
        self._limits, self._first = limits, min(first_seconds, limits.request_seconds)
        self.bucket = Bucket(limits.requests_per_second, limits.burst)
        self.slots = asyncio.Semaphore(limits.concurrent)

    async def read(self, request: web.Request) -> bytes:
        """The body; TimeoutError when it, or its beginning, does not come in time."""
        body, most = bytearray(), self._limits.body_bytes
        until = asyncio.get_running_loop().time() + self._limits.request_seconds
        async with asyncio.timeout(self._first) as patience:
            async for chunk in request.content.iter_any():
                patience.reschedule(until)
                body += chunk
                if len(body) > most:
                    raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(body))
        return bytes(body)


class Receiver:
    def __init__(
        self, intake: Intake, inbox: Inbox, tally: DecisionTally, *, counts: Counts, access: Access, limits: Limits
    ) -> None:
        self._intake, self._inbox, self._tally, self._counts = intake, inbox, tally, counts
        self._access, self._limits = access, limits
        self._complaints = Bucket(1, 5)
        self._known, self._strangers = Door(limits, limits.request_seconds), Door(limits, STRANGER_SECONDS)
        counts.declare(_REQUESTS, "counter", "HTTP requests, by endpoint and status.")

    def application(self, senders: list[str]) -> web.Application:
        app = self.watched()
        for sender in senders:
            path = f"/{sender}" if sender in ("alertmanager", "newrelic") else f"/generic/{sender}"
            app.router.add_post(path, self._poster(sender))
        return app

    def watched(self) -> web.Application:
        """What probes and Prometheus ask for, and no deliveries."""
        app = web.Application(client_max_size=self._limits.body_bytes, middlewares=[self._counted])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    @property
    def _counted(self) -> Any:
        @web.middleware
        async def counted(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            route = request.match_info.route.resource
            endpoint = route.canonical if route else "other"
            status = 500
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                self._counts.add(_REQUESTS, endpoint=endpoint, code=str(status))

        return counted

    def _poster(self, sender: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def post(request: web.Request) -> web.Response:
            # In a thread: the keys of an issuer may have to be fetched.
            bearer = await asyncio.to_thread(self._access.bearer, request)
            if not self._access.may_be_allowed(request, bearer=bearer):
                return self._unauthorized(request, sender)
            door = self._known if bearer or not self._access.signature else self._strangers
            if wait := door.bucket.take():
                return self._busy(sender, wait)
            async with door.slots:
                try:
                    body = await door.read(request)
                except TimeoutError:
                    return _answer(408, error="the body did not arrive in time")
                if not await asyncio.to_thread(self._access.allows, request, body, bearer=bearer):
                    return self._unauthorized(request, sender)
                return await self._store(sender, body)

        return post

    async def _store(self, sender: str, body: bytes) -> web.Response:
        try:
            outcome = await self._intake.take(sender, body, "post")
        except UnavailableError as error:
            logger.error("%s", error)
            retry_after = {"Retry-After": f"{error.retry_after or 5:.0f}"}
            return _answer(503, headers=retry_after, error=error.message, reason=error.reason)
        if outcome.pop("malformed"):
            return _answer(400, error=f"the body is not what {sender} sends", **outcome)
        return _answer(202, **outcome)

    def _unauthorized(self, request: web.Request, sender: str) -> web.Response:
        if not self._complaints.take():
            logger.warning("Refused a request of %s to /%s: no valid credentials.", request.remote, sender)
        return _answer(401, headers={"WWW-Authenticate": "Bearer"}, error="valid credentials are needed")

    def _busy(self, sender: str, wait: float) -> web.Response:
        # Alertmanager tries again after 5xx only and would drop the notification on 429.
        status = 503 if sender == "alertmanager" else 429
        return _answer(status, headers={"Retry-After": f"{max(1, round(wait))}"}, error="too many requests")

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(200, status="alive")

    async def _readyz(self, _request: web.Request) -> web.Response:
        """Ready when a delivery could be stored now."""
        try:
            await asyncio.to_thread(self._inbox.depths)
            free = shutil.disk_usage(self._inbox.path.parent).free
        except (OpsError, OSError) as error:
            return _answer(503, error=str(error))
        if free < LEAST_FREE_BYTES:
            return _answer(503, error=f"only {free} bytes are free for the inbox")
        return _answer(200, status="ready")

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._access.allows_metrics(request):
            return self._unauthorized(request, "metrics")
        return web.Response(text=await asyncio.to_thread(self._render), content_type="text/plain", charset="utf-8")

    def _render(self) -> str:
        self._tally.update()
        state_dir = self._inbox.path.parent.parent
        lines = [
            *self._counts.lines(),
            *pause_lines(state_dir),
            *inbox_lines(self._inbox.depths()),
            *self._tally.lines(),
            *written_lines(state_dir),
        ]
        return "\n".join(lines) + "\n"


def _answer(code: int, *, headers: dict[str, str] | None = None, **content: object) -> web.Response:
    return web.Response(status=code, headers=headers, text=json.dumps(content) + "\n", content_type="application/json")
