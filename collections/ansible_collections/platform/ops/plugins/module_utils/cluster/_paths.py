# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things stand in the API."""

from __future__ import annotations

from urllib.parse import quote

NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
PERSISTENT_VOLUMES = "/api/v1/persistentvolumes"
PERSISTENT_VOLUME_CLAIMS = "/api/v1/persistentvolumeclaims"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
VOLUME_ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
DISRUPTION_BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
DAEMON_SETS = "/apis/apps/v1/daemonsets"
NODE_POOLS = "/apis/platform.ops/v1alpha1/nodepools"


def named(collection: str, name: str) -> str:
    return f"{collection}/{quote(name, safe='')}"


def within(collection: str, namespace: str) -> str:
    """The part of a collection that belongs to one namespace: /apis/g/v/things -> /apis/g/v/namespaces/ns/things."""
    base, _slash, plural = collection.rpartition("/")
    return f"{base}/namespaces/{quote(namespace, safe='')}/{plural}"


def group_version(api_version: str) -> str:
    """apps/v1 -> /apis/apps/v1, v1 -> /api/v1."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def pod(namespace: str, name: str) -> str:
    return named(within(PODS, namespace), name)


def eviction(namespace: str, name: str) -> str:
    return f"{pod(namespace, name)}/eviction"


def node(name: str) -> str:
    return named(NODES, name)


def lease(namespace: str, name: str) -> str:
    return named(leases(namespace), name)


def leases(namespace: str) -> str:
    return within("/apis/coordination.k8s.io/v1/leases", namespace)


def node_pool(name: str) -> str:
    return named(NODE_POOLS, name)


def secrets(namespace: str) -> str:
    return within("/api/v1/secrets", namespace)


def config_map(namespace: str, name: str) -> str:
    return named(within("/api/v1/configmaps", namespace), name)
