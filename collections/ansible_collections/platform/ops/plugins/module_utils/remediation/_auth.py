# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may post alerts: bearer tokens and signatures, read from files that may change while the receiver runs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Union

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

SHORTEST_SECRET = 16


def secret_lines(data: bytes) -> tuple[bytes, ...]:
    """The secrets of a file, one per line; empty lines and comments are none."""
    lines = [line.strip() for line in data.splitlines()]
    return tuple(line for line in lines if line and not line.startswith(b"#"))


class SecretFile:
    """Secrets of a file, one per line; two lines while a secret is being rotated. Read again whenever it changes."""

    def __init__(self, path: Path, purpose: str) -> None:
        self._path, self._purpose = path, purpose
        self._stamp: tuple[int, int, int] | None = None
        self._secrets: tuple[bytes, ...] = ()
        self._load()

    def _load(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return
            secrets = secret_lines(self._path.read_bytes())
        except OSError as error:
            raise InputError(f"The {self._purpose} file {self._path} cannot be read: {error.strerror}.") from error
        if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
            raise InputError(
                f"The {self._purpose} file {self._path} must hold at least one line, each of at least "
                f"{SHORTEST_SECRET} characters."
            )
        self._secrets, self._stamp = secrets, stamp

    def secrets(self) -> tuple[bytes, ...]:
        """The last good ones while the file is missing or wrong, as in the middle of a rotation."""
        try:
            self._load()
        except InputError:
            self._stamp = None
        return self._secrets


class SecretVariable:
    """A secret from an environment variable."""

    def __init__(self, name: str, purpose: str) -> None:
        value = os.environ.get(name, "")
        if len(value) < SHORTEST_SECRET:
            raise InputError(
                f"The environment variable {name} must hold the {purpose}, at least {SHORTEST_SECRET} characters."
            )
        self._secrets = (value.encode(),)

    def secrets(self) -> tuple[bytes, ...]:
        return self._secrets


Secrets = Union[SecretFile, SecretVariable]  # noqa: UP007 (ansible-test's pylint takes `|` for an error)


def bearer_matches(header: str | None, secrets: Secrets) -> bool:
    scheme, _space, token = (header or "").partition(" ")
    given = token.strip().encode("utf-8", "surrogateescape")
    known = [hmac.compare_digest(given, secret) for secret in secrets.secrets()]
    return scheme.lower() == "bearer" and any(known)


class Signature:
    """HMAC of the body in a header, `sha256=<hex>` as GitHub writes it or the bare digest in hex or base64."""

    def __init__(self, secrets: Secrets, *, header: str, algorithm: str, encoding: str) -> None:
        if algorithm not in hashlib.algorithms_guaranteed or algorithm in ("md5", "sha1") or "shake" in algorithm:
            raise InputError(f"hmac_algorithm {algorithm!r} is not available or too weak; sha256 or sha512 are fine.")
        self.header = header
        self._secrets, self._algorithm, self._encoding = secrets, algorithm, encoding

    def matches(self, headers: Mapping[str, str], body: bytes) -> bool:
        given = headers.get(self.header, "").strip().removeprefix(f"{self._algorithm}=")
        try:
            digest = base64.b64decode(given, validate=True) if self._encoding == "base64" else bytes.fromhex(given)
        except (ValueError, binascii.Error):
            return False
        known = [
            hmac.compare_digest(digest, hmac.new(secret, body, self._algorithm).digest())
            for secret in self._secrets.secrets()
        ]
        return any(known)


def is_loopback(host: str) -> bool:
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise InputError(f"The address {host!r} to listen on cannot be resolved: {error.strerror}.") from error
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in addresses)


def server_tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> ssl.SSLContext | None:
    """With `client_ca`, only clients with a certificate of that authority get a connection."""
    if cert is None:
        if key or client_ca:
            raise InputError("tls_key_file and tls_client_ca_file need tls_cert_file: without TLS they have no effect.")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"The TLS files {cert}, {key}, {client_ca} cannot be used: {error}.") from error
    return context
