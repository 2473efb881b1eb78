# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that all modules for git hosts share, and what is made of them; paired with doc_fragments/forge.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import Remote
from ansible_collections.platform.ops.plugins.module_utils.forge._decide import Policy
from ansible_collections.platform.ops.plugins.module_utils.forge._key import is_local
from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._merge import MERGERS, MergePolicy
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import Schedule, duration
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Identity, Signing
from ansible_collections.platform.ops.plugins.module_utils.forge._types import MERGE_METHODS, Credentials, Host

HOST: dict[str, Any] = {
    "repository": {"type": "str", "required": True},
    "host": {"type": "str", "choices": ["github", "gitlab", "gitea", "local"]},
    "api_url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "app_id": {"type": "str"},
    "installation_id": {"type": "str"},
    "private_key": {"type": "str", "no_log": True},
    "cluster": {"type": "str", "default": "default"},
    "base": {"type": "str", "default": "main"},
    "branch_prefix": {"type": "str", "default": "platform-ops/"},
    "author_name": {"type": "str", "default": "platform.ops"},
    "author_email": {"type": "str", "default": "platform-ops@localhost"},
}
WINDOW: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "days": {"type": "list", "elements": "str"},
        "from": {"type": "str"},
        "to": {"type": "str"},
        "timezone": {"type": "str"},
        "start": {"type": "str"},
        "end": {"type": "str"},
    },
}
LIMITS: dict[str, Any] = {
    "type": "dict",
    "options": {
        "open": {"type": "int"},
        "per_hour": {"type": "int"},
        "windows": WINDOW,
        "blackouts": WINDOW,
    },
}
MERGE: dict[str, Any] = {
    "type": "dict",
    "options": {
        "by": {"type": "str", "choices": list(MERGERS), "default": "people"},
        "method": {"type": "str", "choices": list(MERGE_METHODS), "default": "merge"},
        "largest_factor": {"type": "float"},
        "after": {"type": "str", "default": "0"},
        "require_checks": {"type": "bool", "default": False},
        "windows": WINDOW,
        "blackouts": WINDOW,
    },
}

# https://git-scm.com/docs/git-check-ref-format, narrowed to what needs no quoting anywhere
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|@\{))[A-Za-z0-9][A-Za-z0-9._/@+-]{0,199}")


def host_of(params: Mapping[str, Any]) -> Host:
    """Return the host, without having asked it anything."""
    url = params["repository"]
    if (params.get("host") or ("local" if is_local(url) else "")) == "local":
        return LocalHost(url)  # the libraries of the other hosts are not even imported
    from ansible_collections.platform.ops.plugins.module_utils.forge import _hosts  # noqa: PLC0415

    credentials = Credentials(
        params.get("token"), params.get("app_id"), params.get("installation_id"), params.get("private_key")
    )
    return _hosts.connect(url, params.get("host"), params.get("api_url"), credentials)


def remote_of(params: Mapping[str, Any]) -> Remote:
    url, base, prefix = params["repository"], params["base"], params["branch_prefix"]
    if "://" in url and urlsplit(url).password:
        raise InputError(
            "The address of the repository holds a password. Take it out and give it as `token`.", reason="token_in_url"
        )
    if url.startswith("-") or any(not c.isprintable() for c in url):
        raise InputError(f"{url!r} is no address of a repository.")
    for option, name in (("base", base), ("branch_prefix", f"{prefix}x")):
        if not _BRANCH.fullmatch(name):
            raise InputError(f"{option}: {params[option]!r} cannot be (the start of) a branch name.")
    return Remote(url, base, prefix)


def identity_of(params: Mapping[str, Any]) -> Identity:
    return Identity(params["author_name"], params["author_email"])


def policy_of(declined_for: str, limits: Mapping[str, Any] | None) -> Policy:
    given = limits or {}
    for name in ("open", "per_hour"):
        if (given.get(name) or 0) < 0:
            raise InputError(f"limits.{name} is {given[name]}; it cannot be less than 0.")
    return Policy(
        declined_for=duration(declined_for, "declined_for"),
        open_max=given.get("open"),
        per_hour=given.get("per_hour"),
        schedule=Schedule.parse(given, "limits"),
    )


def merge_policy_of(merge: Mapping[str, Any] | None) -> MergePolicy:
    given = merge or {}
    largest = given.get("largest_factor")
    return MergePolicy(
        by=given.get("by") or "people",
        method=given.get("method") or "merge",
        largest_factor=None if largest is None else Fraction(str(largest)),
        after=duration(given["after"], "merge.after") if given.get("after") else timedelta(0),
        require_checks=bool(given.get("require_checks")),
        schedule=Schedule.parse(given, "merge"),
    )


def signing_of(sign: Mapping[str, Any] | None) -> Signing | None:
    if not sign or not sign.get("key"):
        return None
    if sign["key"].startswith("-"):
        raise InputError("sign.key cannot start with a dash; give a key id or the path of a key file.")
    return Signing(sign.get("format") or "openpgp", sign["key"])
