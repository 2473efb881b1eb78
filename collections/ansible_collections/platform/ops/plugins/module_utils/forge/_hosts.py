# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the address of a repository to the host that holds it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge import _gitea, _github, _gitlab, _http
from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls, Clock
from ansible_collections.platform.ops.plugins.module_utils.forge._types import Credentials

with contextlib.suppress(ImportError):  # _require_libraries says what is missing
    import requests

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host
    from github.Auth import Auth

HostType = Literal["github", "gitlab", "gitea", "local"]
HOST_TYPES: tuple[HostType, ...] = ("github", "gitlab", "gitea", "local")

NAMES: tuple[tuple[str, HostType], ...] = (
    ("github", "github"),
    ("ghe.com", "github"),
    ("gitlab", "gitlab"),
    ("codeberg", "gitea"),
    ("gitea", "gitea"),
    ("forgejo", "gitea"),
)
TITLES: dict[HostType, str] = {"github": "GitHub", "gitlab": "GitLab", "gitea": "Gitea"}
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^/:@]{2,}):(?P<path>[^/].*)")
PROBE_TIMEOUT = 10.0


@dataclass(frozen=True)
class Address:
    """Where a repository lives on a host that is asked over HTTP. `path` is owner/name, with subgroups on GitLab."""

    scheme: str
    host: str  # with the port of the web server where the URL gives one
    path: str

    @property
    def web(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def hostname(self) -> str:
        return urlsplit(self.web).hostname or ""


def connect(
    url: str,
    type: HostType | None = None,
    api_url: str | None = None,
    credentials: Credentials | None = None,
    clock: Clock | None = None,
) -> Host:
    """The host of the repository at `url`: https, ssh, scp-like, or a path, which is the host `local`.

    Args:
        type: the kind of host; inferred from the host name, else asked from the server.
        api_url: base of the API where it is not in its usual place, as https://git.example.org/gitea/api/v1.
    """
    credentials = credentials or Credentials()
    address = parse(url)
    if type == "local" or (address is None and type is None):
        from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost  # noqa: PLC0415

        return LocalHost(url)
    if address is None:
        raise InputError(f"{url} is a path, and host type {type} needs an address such as https://host/owner/name.git.")
    _require_libraries()
    kind = type or by_name(address.hostname) or ask_server(api_url or address.web, address.hostname)
    api = (api_url or default_api(kind, address)).rstrip("/")
    _insist_on_tls(api, explicit=api_url is not None)
    return _open(kind, address, api, credentials, clock)


def parse(url: str) -> Address | None:
    """None for a path on this machine. A password in the URL is an error: it would end up in logs and process lists."""
    if "://" not in url:
        scp = SCP.fullmatch(url)
        return Address("https", scp["host"], _repository(scp["path"])) if scp else None
    parts = urlsplit(url)
    if parts.password:
        raise InputError(
            f"The URL of the repository on {parts.hostname} holds a password or token. "
            "Take it out and give it as token.",
            reason="token_in_url",
        )
    if parts.scheme == "file":
        return None
    if parts.scheme not in ("http", "https", "ssh") or not parts.hostname:
        raise InputError(
            f"Cannot tell the git host of {url}. Use https://host/owner/name.git, an ssh address or a path."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.scheme == "ssh":
        return Address("https", host, _repository(parts.path))  # its port is that of ssh
    return Address(parts.scheme, f"{host}:{parts.port}" if parts.port else host, _repository(parts.path))


def _repository(path: str) -> str:
    found = unquote(path).strip("/").removesuffix(".git")
    if not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)+", found) or ".." in found.split("/"):
        raise InputError(f"{path!r} does not name a repository as owner/name.")
    return found


def by_name(hostname: str) -> HostType | None:
    return next((kind for part, kind in NAMES if part in hostname.lower()), None)


def ask_server(web: str, hostname: str) -> HostType:
    """Asks the server what it is, without any credentials."""
    base = re.sub(r"/api/v\d+/?$", "", web.rstrip("/"))
    # GitLab answers its version only to users, but 401 as JSON to everybody; Gitea's and Enterprise's are public.
    probes: tuple[tuple[str, HostType, Callable[[int, object], bool]], ...] = (
        (
            "/api/v1/version",
            "gitea",
            lambda status, data: status == 200 and isinstance(data, dict) and "version" in data,
        ),
        ("/api/v4/version", "gitlab", lambda status, data: status in (200, 401) and isinstance(data, dict)),
        ("/api/v3/meta", "github", lambda status, data: status in (200, 401) and isinstance(data, dict)),
    )
    for path, kind, fits in probes:
        try:
            answer = requests.get(
                f"{base}{path}", timeout=PROBE_TIMEOUT, allow_redirects=False, auth=lambda request: request
            )
            data = answer.json() if "json" in answer.headers.get("content-type", "") else None
        except (requests.RequestException, ValueError):
            continue
        if fits(answer.status_code, data):
            return kind
    raise InputError(
        f"Cannot tell what kind of git host {hostname} is: neither its name nor its API says so. "
        f"Set the host type to one of {', '.join(HOST_TYPES)}, and the API's address if it is in an unusual place.",
        reason="unknown_host",
    )


def default_api(kind: HostType, address: Address) -> str:
    if kind == "gitlab":
        return f"{address.web}/api/v4"
    if kind == "gitea":
        return f"{address.web}/api/v1"
    if address.hostname in ("github.com", "www.github.com", "ssh.github.com"):
        return "https://api.github.com"
    if address.hostname.endswith(".ghe.com"):
        return f"https://api.{address.hostname}"
    return f"{address.web}/api/v3"


def _insist_on_tls(api: str, *, explicit: bool) -> None:
    parts = urlsplit(api)
    if parts.scheme == "https" or LOOPBACK.fullmatch(parts.hostname or "") or explicit:
        return
    raise InputError(
        f"{parts.hostname} would get the token unencrypted. Use https://, or, inside a trusted network, "
        "say so by giving the API's address with http:// explicitly.",
        reason="no_tls",
    )


def _open(kind: HostType, address: Address, api: str, credentials: Credentials, clock: Clock | None) -> Host:
    # Below a prefix (https://host/gitea/owner/name) the repository's path is what follows it.
    prefix = re.sub(r"/api/v\d+$", "", urlsplit(api).path).strip("/")
    repository = address.path.removeprefix(f"{prefix}/") if prefix else address.path
    where = f"{TITLES[kind]} ({address.host})"
    token = credentials.token or ""
    if not token and not (kind == "github" and credentials.app_id):
        raise InputError(f"{where} needs a token to open pull requests, and none was given.", reason="no_token")
    # https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api: a second between writes
    gap = 1.0 if kind == "github" and address.hostname.endswith(("github.com", ".ghe.com")) else 0.0
    secrets = (token, credentials.private_key or "")
    if kind == "github":
        calls = Calls(where, secrets=secrets, clock=clock, write_gap=gap, translate=_github.translate)
        return _github.GitHubHost(calls, api, repository, _github_auth(credentials, where))
    if kind == "gitlab":
        calls = Calls(where, secrets=secrets, clock=clock, translate=_gitlab.translate)
        return _gitlab.GitLabHost(calls, re.sub(r"/api/v4$", "", api), repository, token)
    return _gitea.GiteaHost(Calls(where, secrets=secrets, clock=clock), api, repository, token)


def _github_auth(credentials: Credentials, where: str) -> Auth:
    if not credentials.app_id:
        return _github.token_auth(credentials.token or "")
    if not (credentials.private_key and (credentials.installation_id or "").isdigit()):
        raise InputError(
            f"{where}: a GitHub App needs app_id, a numeric installation_id and private_key.", reason="incomplete_app"
        )
    return _github.app_auth(credentials.app_id, int(credentials.installation_id or 0), credentials.private_key)


def _require_libraries() -> None:
    missing = _gitea.MISSING or _http.MISSING or _github.MISSING or _gitlab.MISSING
    if missing:
        raise InputError(
            f"The Python library {missing} is missing; git hosts other than local need it. Install the collection's "
            "requirements (requirements/run.in) into the Python that runs the module.",
            reason="missing_library",
        )
