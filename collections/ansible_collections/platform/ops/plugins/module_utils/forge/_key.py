# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of a workload's pull request: the same on every run, machine and host.

key = the first 16 hexadecimal digits of SHA-256 over the canonical JSON of
[cluster, repository, base, namespace, kind, name].
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

PREFIX = "platform-ops/"
KEY_TRAILER = "Platform-Ops-Key"
BUMP_TRAILER = "Platform-Ops-Bump"
SLUG_LENGTH = 60

_WEB_PORTS = {"https": 443, "http": 80}
_SCP = re.compile(r"^(?:[^@/\s:]+@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@]+):(?P<path>[^\s].*)$")
_KEY_LINE = re.compile(rf"^[ \t]*{KEY_TRAILER}: ([0-9a-f]{{16}})[ \t]*$", re.MULTILINE)
_TRAILER = re.compile(rf"[ \t]*({KEY_TRAILER}|{BUMP_TRAILER}): ")
_MARKER = re.compile(r"^<!-- platform\.ops key=([0-9a-f]{16}) -->\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Subject:
    """The workload that a pull request is about."""

    cluster: str
    repository: str
    base: str
    namespace: str | None
    kind: str | None
    name: str

    @property
    def key(self) -> str:
        parts = [self.cluster, identity(self.repository), self.base, self.namespace or "", self.kind or "", self.name]
        canonical = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def branch(self, prefix: str = PREFIX) -> str:
        """Return the branch name: readable, at most a hundred characters, a valid git ref whatever the names are."""
        return f"{prefix}{slug(self.namespace, self.name)}-{self.key[:12]}"

    def __str__(self) -> str:
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)


def slug(*names: str | None) -> str:
    """Return lower-case letters, digits and single dashes; "workload" where nothing of the names is left."""
    text = "-".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names if name)
    return re.sub(r"-{2,}", "-", text)[:SLUG_LENGTH].strip("-") or "workload"


def identity(url: str) -> str:
    """Return host and path of a repository: one for its ssh, https and scp forms, without credentials.

    GitHub, GitLab and Gitea compare owner and name regardless of case, so the identity is in lower case; a path on
    this machine keeps its case.
    """
    if "://" in url:
        parts = urlsplit(url)
        if parts.scheme == "file":
            return _local(unquote(parts.path))
        try:
            port = parts.port
        except ValueError:
            raise InputError(
                f"The port of the repository address {without_login(url)} is no number; correct it."
            ) from None
        host = (parts.hostname or "").rstrip(".")
        # Where ssh listens says nothing about which server it is; another web port may well be another server.
        if parts.scheme != "ssh" and port is not None and port != _WEB_PORTS.get(parts.scheme):
            host = f"{host}:{port}"
        return _remote(host, unquote(parts.path))
    scp = _SCP.match(url)
    if scp and not url.startswith(("/", ".", "~")):
        return _remote(scp["host"].strip("[]"), scp["path"])
    return _local(url)


def is_local(url: str) -> bool:
    """Tell whether the address is a folder on this machine."""
    if "://" in url:
        return url.startswith("file://")
    return url.startswith(("/", ".", "~")) or not _SCP.match(url)


def without_login(url: str) -> str:
    """Return the address as it may be shown."""
    return re.sub(r"(?<=://)[^/\s]*@", "", url)


def key_in_message(message: str) -> str | None:
    """Return the key in a commit message's trailer; also in a squash merge's message, where it may be indented."""
    found = _KEY_LINE.findall(message)
    return found[-1] if found else None


def with_trailers(message: str, commits: str) -> str:
    """Return the message of a squash with those of our trailers that its commits have and it has not."""
    lines = [line.strip() for line in commits.splitlines() if _TRAILER.match(line)]
    missing = [line for line in dict.fromkeys(lines) if line not in message]
    if not missing:
        return message
    last = message.strip().splitlines()[-1] if message.strip() else ""
    return message.rstrip() + ("\n" if _TRAILER.match(last) else "\n\n") + "\n".join(missing) + "\n"


def key_in_body(body: str) -> str | None:
    found = _MARKER.findall(body)
    return found[-1] if found else None


def marker(key: str) -> str:
    return f"<!-- platform.ops key={key} -->"


def _remote(host: str, path: str) -> str:
    path = "/".join(part for part in path.split("/") if part).removesuffix(".git")
    if not host or not path:
        raise InputError("The repository address names no host or no path; give one like https://host/owner/name.")
    return f"{host}/{path}".lower()


def _local(path: str) -> str:
    return str(Path(path).expanduser().resolve())
