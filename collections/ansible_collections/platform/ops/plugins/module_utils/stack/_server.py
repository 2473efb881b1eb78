# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server as the stack needs it: any kind by its apiVersion, and server-side apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, KubeApi, connect
from ansible_collections.platform.ops.plugins.module_utils.cluster._paths import group_version

Object = dict[str, Any]
FIELD_MANAGER = "platform-ops"


class UnknownKindError(NotFoundError):
    """The API server does not serve this kind (yet)."""

    default_reason = "unknown_kind"


class Server:
    def __init__(self, api: KubeApi) -> None:
        self.api = api
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def path(self, thing: Mapping[str, Any]) -> str:
        """Where this object stands; its kind is looked up in what the API server serves."""
        plural, namespaced = self.kind(str(thing["apiVersion"]), str(thing["kind"]))
        metadata = thing["metadata"]
        base = group_version(str(thing["apiVersion"]))
        if namespaced:
            if not metadata.get("namespace"):
                raise InputError(
                    f"{thing['kind']} {metadata['name']} lives in a namespace and names none; set metadata.namespace."
                )
            base += f"/namespaces/{quote(str(metadata['namespace']), safe='')}"
        return f"{base}/{plural}/{quote(str(metadata['name']), safe='')}"

    def kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        """Its plural, and whether it lives in a namespace."""
        if kind not in self._kinds.get(api_version, {}):
            self._kinds[api_version] = self._served(api_version)
        try:
            return self._kinds[api_version][kind]
        except KeyError:
            raise UnknownKindError(
                f"The API server does not serve {kind} of {api_version}; "
                "install the component that brings its CustomResourceDefinition first."
            ) from None

    def _served(self, api_version: str) -> dict[str, tuple[str, bool]]:
        try:
            answer = self.api.get(group_version(api_version))
        except NotFoundError:
            return {}
        return {
            entry["kind"]: (entry["name"], bool(entry["namespaced"]))
            for entry in answer.get("resources") or ()
            if "/" not in entry["name"]
        }

    def serves(self, group_and_version: str) -> bool:
        return bool(self._served(group_and_version))

    def find(self, thing: Mapping[str, Any]) -> Object | None:
        """The live object, or None where it, or its whole kind, is not there."""
        try:
            return self.api.get(self.path(thing))
        except NotFoundError:
            return None

    def apply(self, thing: Object, *, dry_run: bool, manager: str = FIELD_MANAGER) -> Object:
        query = {"fieldManager": manager, "force": "true"}
        if dry_run:
            query["dryRun"] = "All"
        return self.api.apply(self.path(thing), thing, query)

    def delete(self, thing: Mapping[str, Any], *, dry_run: bool) -> None:
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if dry_run:
            body["dryRun"] = ["All"]
        self.api.delete(self.path(thing), body)


def open_server(kubeconfig: str | None, context: str | None) -> Server:
    return Server(connect(Connection(kubeconfig=kubeconfig or None, context=context or None)))
