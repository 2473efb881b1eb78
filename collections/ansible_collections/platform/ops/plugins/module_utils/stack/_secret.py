# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that are made once and kept: what is there is never changed, what is missing is filled with random text."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

ALPHABET = string.ascii_letters + string.digits


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(length))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def ensure_secret(
    server: Server,
    namespace: str,
    name: str,
    *,
    generate: Mapping[str, int],
    given: Mapping[str, str],
    labels: Mapping[str, str],
    check_mode: bool,
) -> dict[str, Any]:
    """Return which keys were added or changed; only keys in `given` follow their value, generated ones stay."""
    path = _paths.named(_paths.secrets(namespace), name)
    try:
        live = server.api.get(path)
    except NotFoundError:
        live = None
    data = dict((live or {}).get("data") or {})
    wanted = {key: encoded(value) for key, value in given.items()}
    wanted |= {key: encoded(random_text(length)) for key, length in generate.items() if not data.get(key)}
    touched = sorted(key for key, value in wanted.items() if data.get(key) != value)
    if touched and not check_mode:
        metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}
        if live is None:
            _create(server, namespace, name, {**body, "data": wanted}, generate)
        else:
            # The version makes a writer that came in between fail instead of losing what it wrote.
            version = {"resourceVersion": live["metadata"]["resourceVersion"]}
            server.api.patch(path, {"metadata": version, "data": {key: wanted[key] for key in touched}})
    return {"changed": bool(touched), "created": live is None and bool(touched), "touched": touched}


def _create(server: Server, namespace: str, name: str, body: dict[str, Any], generate: Mapping[str, int]) -> None:
    try:
        server.api.create(_paths.secrets(namespace), body)
    except ConflictError as error:
        raise ConflictError(
            f"Failed to create Secret {namespace}/{name}: another run made it meanwhile. Run this again; it keeps "
            f"the values of {', '.join(sorted(generate)) or 'that run'}."
        ) from error
