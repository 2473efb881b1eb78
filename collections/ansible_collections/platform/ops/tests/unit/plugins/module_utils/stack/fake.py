# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API server in memory, as far as the stack asks for one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

Json = dict[str, Any]
KINDS = {
    "v1": {"ConfigMap": ("configmaps", True), "Secret": ("secrets", True), "Namespace": ("namespaces", False)},
    "apps/v1": {"Deployment": ("deployments", True)},
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": ("customresourcedefinitions", False)},
}


class FakeApi:
    """Server-side apply is a deep merge here; namespaces must exist, as in a real API server."""

    def __init__(self) -> None:
        self.stored: dict[str, Json] = {}
        self.writes: list[str] = []

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in KINDS:
            kinds = KINDS[version].items()
            return {"resources": [{"kind": k, "name": name, "namespaced": inside} for k, (name, inside) in kinds]}
        if path not in self.stored:
            raise NotFoundError(path)
        return copy.deepcopy(self.stored[path])

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Json]:
        return iter([thing for where, thing in self.stored.items() if where.startswith(path)])

    def create(self, path: str, body: Json) -> Json:
        where = f"{path}/{body['metadata']['name']}"
        self.stored[where] = copy.deepcopy(body)
        self.stored[where]["metadata"]["resourceVersion"] = "1"
        self.writes.append(where)
        return self.stored[where]

    def patch(self, path: str, body: Json) -> Json:
        self.stored[path] = merged(self.stored[path], body)
        self.writes.append(path)
        return self.stored[path]

    def apply(self, path: str, body: Json, query: Mapping[str, str]) -> Json:
        namespace = body["metadata"].get("namespace")
        if namespace and f"/api/v1/namespaces/{namespace}" not in self.stored:
            raise NotFoundError(f'namespaces "{namespace}" not found')
        result = merged(self.stored.get(path, {}), body)
        if "dryRun" not in query:
            self.stored[path] = result
            self.writes.append(path)
        return copy.deepcopy(result)

    def delete(self, path: str, body: Json | None = None) -> None:
        if path not in self.stored:
            raise NotFoundError(path)
        if not (body or {}).get("dryRun"):
            del self.stored[path]
            self.writes.append(path)


def merged(one: Json, other: Json) -> Json:
    result = copy.deepcopy(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def server_with(*things: Json) -> tuple[Server, FakeApi]:
    api = FakeApi()
    server = Server(api)  # type: ignore[arg-type]
    for thing in things:
        api.stored[server.path(thing)] = copy.deepcopy(thing)
    return server, api


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(name: str, value: str = "1", **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "x", **metadata},
        "data": {"key": value},
    }
