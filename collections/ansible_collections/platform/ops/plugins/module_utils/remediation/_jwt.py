# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Senders that show a JSON web token: signed by a known issuer, for us, and not expired. PyJWT does the checking."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

try:
    import jwt
    import requests
    import urllib3
except ImportError:  # PyGithub brings them; what else shares this package needs none
    jwt = None  # type: ignore[assignment]

logger = logging.getLogger("platform.ops.receiver")

# Signed with a private key only: with a shared one, whoever can check a token could make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 30
KEEP_SECONDS = 600.0
# Not more often, whatever keys strangers name in their tokens.
LEAST_SECONDS = 30.0


class KeySet:
    """The issuer's public keys, from its address or from a file; kept, and read again when a key is not among them."""

    def __init__(self, read: Callable[[], bytes], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._keys: dict[str | None, Any] = {}
        self._fetched = float("-inf")
        self._lock = Lock()

    def find(self, kid: str | None) -> Any:
        # One reads; while it waits for the issuer the others go by the keys that are known, if any are. Strangers'
        # tokens could else hold up all of them.
        if self._is_due(kid) and self._lock.acquire(blocking=not self._keys):
            try:
                if self._is_due(kid):
                    self._fetch()
            finally:
                self._lock.release()
        return self._keys.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        age = self._clock() - self._fetched
        return age > KEEP_SECONDS or (kid not in self._keys and age > LEAST_SECONDS)

    def _fetch(self) -> None:
        """Keeps the old keys when the issuer does not answer."""
        try:
            known = jwt.PyJWKSet.from_dict(json.loads(self._read()))
        except (OSError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:  # whatever it answers
            logger.error("The keys that sign senders' tokens could not be read: %s", error)
            return
        finally:
            self._fetched = self._clock()
        self._keys = {key.key_id: key for key in known.keys}


class TokenVerifier:
    def __init__(self, *, issuer: str, audience: str, keys: KeySet) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys

    def matches(self, header: str | None) -> bool:
        scheme, _space, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or token.count(".") != 2:
            return False
        try:
            key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return False
            jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
        return True


def _from_address(url: str) -> bytes:
    # A redirect could lead to where nothing vouches for the keys.
    with requests.get(url, timeout=5, allow_redirects=False, stream=True) as answer:
        answer.raise_for_status()
        try:
            return bytes(answer.raw.read(1 << 20, decode_content=True))
        except urllib3.exceptions.HTTPError as error:  # requests translates them for its own readers only
            raise OSError(f"{url}: {error}") from error


def verifier(issuer: str | None, audience: str | None, url: str | None, file: Path | None) -> TokenVerifier | None:
    """None when nothing is configured; an error when only a part is."""
    if not (issuer or audience or url or file):
        return None
    if not issuer or not audience or bool(url) == bool(file):
        raise InputError(
            "platform.ops.receiver: tokens of senders (JWT) need jwt_issuer, jwt_audience, and one of jwt_jwks_url and "
            "jwt_jwks_file."
        )
    if url and not url.startswith("https://"):
        raise InputError(f"platform.ops.receiver: jwt_jwks_url must begin with https://, not be {url!r}.")
    if jwt is None:
        raise InputError("platform.ops.receiver: tokens of senders (JWT) need the Python package PyJWT.")
    read = (lambda: _from_address(url)) if url else (lambda: file.read_bytes() if file else b"")
    return TokenVerifier(issuer=issuer, audience=audience, keys=KeySet(read))
