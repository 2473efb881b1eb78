# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that the modules on node pools share, paired with doc_fragments/node_pool.py."""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import Writer
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import (
    KUBERNETES_IMPORT_ERROR,
    Api,
    Connection,
    connect,
)
from ansible_collections.platform.ops.plugins.module_utils.stack._spec import CLUSTER_OPTIONS

POOL_OPTIONS: dict[str, Any] = {
    **CLUSTER_OPTIONS,
    "pool": {"type": "str", "required": True},
    "holder": {"type": "str", "default": ""},
    "lease_namespace": {"type": "str", "default": "platform-ops"},
    "lease_duration": {"type": "int", "default": 300},
}
# This service itself, see _scale.Service.
SERVICE_OPTION: dict[str, Any] = {
    "type": "dict",
    "default": {},
    "options": {
        "namespace": {"type": "str", "default": ""},
        "pod": {"type": "str", "default": ""},
        "lease": {"type": "str", "default": ""},
    },
}
LIBRARIES = {"kubernetes": KUBERNETES_IMPORT_ERROR}


def api_of(params: dict[str, Any]) -> Api:
    return connect(Connection(kubeconfig=params["kubeconfig"], context=params["context"]))


def writer_of(params: dict[str, Any], api: Api) -> Writer:
    own = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return Writer(
        api,
        params["pool"],
        params["lease_namespace"],
        params["holder"] or own,
        params["lease_duration"],
        clock=time.time,
    )
