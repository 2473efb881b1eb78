# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A git token out of a Secret; read when it is needed and kept nowhere."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api

# Where a token stands in Secrets for git: our own, Flux' and Argo CD's.
KEYS = ("token", "bearerToken", "password")


def token_of(api: Api | None, secret: Mapping[str, Any]) -> str:
    """
    Raises:
        InputError: there is no cluster to ask, no such Secret, or nothing under the key.
    """
    where = f"Secret {secret['namespace']}/{secret['name']}"
    if api is None:
        raise InputError(f"The git token is to come from {where}, but limit_bump_cluster_access says no cluster.")
    try:
        data = api.get(_paths.named(_paths.secrets(secret["namespace"]), secret["name"])).get("data") or {}
    except NotFoundError as error:
        raise InputError(f"The git token is to come from {where}, which is not there.") from error
    keys = (secret["key"],) if secret.get("key") else KEYS
    found = next((data[key] for key in keys if data.get(key)), None)
    if found is None:
        raise InputError(f"{where} holds nothing under {' or '.join(keys)}; name its key.")
    try:
        return base64.b64decode(found, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        raise InputError(f"{where} holds no text under {' or '.join(keys)}.") from None
