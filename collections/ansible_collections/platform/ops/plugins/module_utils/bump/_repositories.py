# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which repository of the operator's a found address is, or may become: only what is listed or allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._key import identity, is_local, without_login

Record = Mapping[str, Any]
_PATTERN = re.compile(r"(?P<host>[a-z0-9.-]+(?::[0-9]+)?)/(?P<path>[a-z0-9._/*?-]+)")
_IDENTITY = re.compile(r"[a-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._~-]+)+")


def check_patterns(allowed: Sequence[Record]) -> None:
    """
    Raises:
        InputError: a pattern whose host is not written out. Its token would go to whatever host the cluster names.
    """
    for one in allowed:
        if not _PATTERN.fullmatch(str(one.get("match") or "").lower()):
            raise InputError(
                f"limit_bump_allow_repositories: {one.get('match')!r} is no pattern; write host and path in lower "
                "case, the host without wildcards, such as github.com/acme/*."
            )


def repository_for(url: str, repositories: Sequence[Record], allowed: Sequence[Record]) -> dict[str, Any] | None:
    """The configured repository at an address found in the cluster, or one made of the pattern that allows it."""
    try:
        wanted = identity(url)
    except InputError:
        return None
    for repository in repositories:
        if identity(str(repository["url"])) == wanted:
            return dict(repository)
    if is_local(url) or ".." in wanted or not _IDENTITY.fullmatch(wanted):
        return None
    for one in allowed:
        if fnmatchcase(wanted, str(one["match"]).lower()):
            settings = {key: value for key, value in one.items() if key != "match" and value is not None}
            return {"base": "main", **settings, "name": wanted, "url": _address(url, wanted)}
    return None


def _address(url: str, wanted: str) -> str:
    """As git is asked with a token: over HTTP, and without the login that the cluster's object may hold."""
    return without_login(url) if url.startswith(("https://", "http://")) else f"https://{wanted}.git"


def named_in(urls: Iterable[str], listed: Sequence[str], patterns: Sequence[str]) -> list[dict[str, Any]]:
    """The repositories at these addresses that a pattern allows and that are not listed by hand, by name."""
    known = [{"name": "", "url": url} for url in listed]
    allowed = [{"match": pattern, "allowed": number} for number, pattern in enumerate(patterns)]
    found: dict[str, dict[str, Any]] = {}
    for url in urls:
        made = repository_for(url, known, allowed)
        if made and made["name"]:
            found[made["name"]] = {key: made[key] for key in ("name", "url", "allowed")}
    return [found[name] for name in sorted(found)]
