# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talk to one API server in plain JSON: paths in, dictionaries out, every failure an OpsError."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol, cast
from urllib.parse import urlencode

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)

try:
    import urllib3
except ImportError:
    urllib3 = None  # type: ignore[assignment]

# The client is imported when a cluster is first asked: that takes longer than all else that a run without one imports.
KUBERNETES_IMPORT_ERROR = None if find_spec("kubernetes") else ImportError("No module named 'kubernetes'")

Json = dict[str, Any]

PAGE_SIZE = 500
MERGE_PATCH = "application/merge-patch+json"
SERVER_SIDE_APPLY = "application/apply-patch+yaml"
NAMESPACE_TERMINATING = "namespace_terminating"  # reason of an AuthError


class Api(Protocol):
    """What the rest of the collection needs of a cluster. Only reads are repeated after a failure."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json: ...
    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Json]: ...
    def create(self, path: str, body: Json) -> Json: ...
    def replace(self, path: str, body: Json) -> Json: ...
    def patch(self, path: str, body: Json) -> Json: ...
    def delete(self, path: str, body: Json | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is and how long to wait for it; all empty means: in the cluster, else ~/.kube/config."""

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 30.0
    patience: float = 20.0  # how long reads are repeated while the API server does not answer
    in_cluster: bool = False  # the pod's service account, whatever the environment says


def connect(connection: Connection) -> KubeApi:
    from kubernetes import client, config  # noqa: PLC0415 (see above)
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415

    configuration = client.Configuration()
    kubeconfig = connection.kubeconfig or os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG")
    context = connection.context or os.environ.get("K8S_AUTH_CONTEXT")
    try:
        here = not kubeconfig and not context and "KUBERNETES_SERVICE_HOST" in os.environ
        if connection.in_cluster or here:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(
                config_file=kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
    except (ConfigException, OSError) as error:
        where = kubeconfig or "the default kubeconfig"
        raise InputError(
            f"Failed to read the cluster's address from {where}: {error}; set kubeconfig and context, "
            "or run inside the cluster with a service account."
        ) from error
    configuration.connection_pool_maxsize = 16
    return KubeApi(configuration, timeout=connection.timeout, patience=connection.patience)


class KubeApi:
    """The real API server, through the kubernetes client's configuration, TLS and credentials.

    Raw JSON instead of the client's models: these take tenfold the memory and time on large lists.
    """

    def __init__(
        self,
        configuration: Any,
        *,
        timeout: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from kubernetes.client import ApiClient  # noqa: PLC0415

        self._configuration = configuration
        self._pool = ApiClient(configuration).rest_client.pool_manager
        self._timeout = timeout
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return self._read(path, query or {})

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Json]:
        page = {**(query or {}), "limit": str(PAGE_SIZE)}
        while True:
            answer = self._read(path, page)
            yield from answer.get("items") or ()
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return
            page["continue"] = token

    def create(self, path: str, body: Json) -> Json:
        return self._call("POST", path, body=body)

    def replace(self, path: str, body: Json) -> Json:
        return self._call("PUT", path, body=body)

    def patch(self, path: str, body: Json) -> Json:
        return self._call("PATCH", path, body=body, content_type=MERGE_PATCH)

    def apply(self, path: str, body: Json, query: Mapping[str, str]) -> Json:
        """Server-side apply; `query` names the field manager."""
        return self._call("PATCH", path, query=query, body=body, content_type=SERVER_SIDE_APPLY)

    def delete(self, path: str, body: Json | None = None) -> None:
        self._call("DELETE", path, body=body)

    def _read(self, path: str, query: Mapping[str, str]) -> Json:
        give_up = self._clock() + self._patience
        pause = 0.2
        while True:
            try:
                return self._call("GET", path, query=query)
            except UnavailableError as error:
                wait = max(pause, error.retry_after or 0.0)
                if self._clock() + wait > give_up:
                    raise
                self._sleep(wait)
                pause = min(pause * 2, 5.0)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        headers = {"Accept": "application/json", "User-Agent": "platform.ops"}
        for setting in self._configuration.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        if body is not None:
            headers["Content-Type"] = content_type
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            response = self._pool.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout=self._timeout,
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"Failed to {method} {path}: the API server {self._configuration.host} did not answer ({error}); "
                "check that it runs and is reachable from here."
            ) from error
        if response.status >= 400:
            raise error_of(method, path, response.status, response.data, response.headers.get("Retry-After"))
        return cast(Json, json.loads(response.data)) if response.data else {}


def error_of(method: str, path: str, status: int, data: bytes, retry_after: str | None) -> OpsError:
    """The error for one refused request; its reason tells apart what callers treat differently."""
    try:
        answer = json.loads(data)
        said = str(answer.get("message") or data[:200]) if isinstance(answer, dict) else str(data[:200])
    except ValueError:
        answer = {}
        said = data[:200].decode(errors="replace")
    message = f"Failed to {method} {path}: the API server answered {status}: {said}"
    if status == 403 and _terminating(answer):
        return AuthError(f"{message}; wait until it is gone.", reason=NAMESPACE_TERMINATING)
    if status in (401, 403):
        return AuthError(f"{message}; grant this account the right, or use another one.")
    if status == 404:
        return NotFoundError(message)
    if status == 409:
        exists = isinstance(answer, dict) and answer.get("reason") == "AlreadyExists"
        return ConflictError(message, reason="already_exists" if exists else "conflict")
    if status == 429 or status >= 500:
        seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
        reason = {429: "too_many_requests", 500: "internal_error"}.get(status, "unavailable")
        return UnavailableError(message, reason=reason, retry_after=seconds)
    return InputError(message, reason="invalid" if status == 422 else None)


def _terminating(answer: object) -> bool:
    """Whether nothing may be created any more because the namespace goes; no right would help."""
    details = answer.get("details") if isinstance(answer, dict) else None
    causes = details.get("causes") if isinstance(details, dict) else None
    return any(isinstance(cause, dict) and cause.get("reason") == "NamespaceTerminating" for cause in causes or ())
