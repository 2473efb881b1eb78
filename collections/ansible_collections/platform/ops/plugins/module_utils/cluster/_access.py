# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that ask the cluster and Prometheus about workloads, and what is made of them.

Both are optional: without `cluster_access` no API server is asked, without `prometheus.url` no Prometheus. Paired with
doc_fragments/observed.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from ansible_collections.platform.ops.plugins.module_utils.cluster._api import KubeApi
    from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus

# The two clients are imported when one is asked for: most of the time of a run without them would go into that.
OBSERVED: dict[str, Any] = {
    "cluster_access": {
        "type": "dict",
        "options": {
            "in_cluster": {"type": "bool", "default": False},
            "kubeconfig": {"type": "path"},
            "context": {"type": "str"},
            "timeout": {"type": "float", "default": 30.0},
        },
    },
    "prometheus": {
        "type": "dict",
        "options": {
            "url": {"type": "str"},
            "token": {"type": "str", "no_log": True},
            "token_file": {"type": "path"},
            "ca_file": {"type": "path"},
            "matchers": {"type": "dict", "default": {}},
            "timeout": {"type": "float", "default": 30.0},
        },
    },
}
_PLACES = ("in_cluster", "kubeconfig", "context")


def api_of(params: Mapping[str, Any]) -> KubeApi | None:
    """The API server that the options name, without having asked it anything; None when they name none."""
    given = params.get("cluster_access") or {}
    if not any(given.get(name) for name in _PLACES):
        return None
    from ansible_collections.platform.ops.plugins.module_utils.cluster import _api  # noqa: PLC0415 (see above)

    if given.get("in_cluster") and (given.get("kubeconfig") or given.get("context")):
        raise InputError("cluster_access: in_cluster goes without kubeconfig and context; leave one of them out.")
    _needs("kubernetes", _api.KUBERNETES_IMPORT_ERROR, "cluster_access")
    return _api.connect(
        _api.Connection(
            given.get("kubeconfig"),
            given.get("context"),
            timeout=float(given.get("timeout") or 30.0),
            in_cluster=bool(given.get("in_cluster")),
        )
    )


def prometheus_of(params: Mapping[str, Any]) -> Prometheus | None:
    """The Prometheus that the options name, without having asked it anything; None when they name none."""
    given = params.get("prometheus") or {}
    if not given.get("url"):
        return None
    from ansible_collections.platform.ops.plugins.module_utils.cluster import _prometheus  # noqa: PLC0415 (see above)

    _needs("requests", _prometheus.REQUESTS_IMPORT_ERROR, "prometheus")
    return _prometheus.Prometheus(
        _prometheus.Server(
            given["url"],
            given.get("token"),
            given.get("token_file"),
            given.get("ca_file"),
            {str(label): str(value) for label, value in (given.get("matchers") or {}).items()},
            timeout=float(given.get("timeout") or 30.0),
        )
    )


def _needs(library: str, missing: ImportError | None, option: str) -> None:
    if missing is not None:
        raise InputError(f"{option} needs the Python library {library}, which is not installed here: {missing}.")
