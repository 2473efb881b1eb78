# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""istiod's own program says what it makes of an ingress by the Gateway API; istioctl's analyzers look at none.

It is of a development snapshot, as istioctl is (tools/istiod), and runs beside the API server without a proxy.
"""

from __future__ import annotations

import base64
import copy
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server, open_server

from lab.shell import run, wait_for
from lab.tools import tool
from tests.site.conftest import Objects, make_namespaces

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("with_crds"),
]
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "platform", "namespace": "istio-ingress"},
}
BACKENDS = (("monitoring", "monitoring-grafana", 80), ("logging", "efk-kb-http", 5601))


def applied(server: Server, thing: dict[str, Any]) -> None:
    make_namespaces(server, [thing])
    server.apply(thing, dry_run=False)


def certificate(folder: Path) -> dict[str, Any]:
    """What cert-manager would write."""
    place = ("-keyout", folder / "key", "-out", folder / "crt")
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *place, "-subj", "/CN=example.org", "-days", "2"])
    files = {"tls.crt": folder / "crt", "tls.key": folder / "key"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "platform-ingress", "namespace": "istio-ingress"},
        "data": {name: base64.b64encode(path.read_bytes()).decode() for name, path in files.items()},
    }


@pytest.fixture(scope="module")
def istiod(
    kubeconfig: str, with_crds: None, by_gateway_api: Objects, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Its log. The mesh's own namespace is made first: istiod keeps its key there."""
    folder = tmp_path_factory.mktemp("istiod")
    server = open_server(kubeconfig, None)
    make_namespaces(server, [{"metadata": {"namespace": "istio-system"}}])
    for namespace, name, port in BACKENDS:
        about = {"name": name, "namespace": namespace}
        spec = {"selector": {"app": name}, "ports": [{"port": port}]}
        applied(server, {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": spec})
    applied(server, certificate(folder))
    for thing in by_gateway_api:
        if thing["kind"] != "Deployment":
            applied(server, thing)
    command: list[str | Path] = [tool("pilot-discovery"), "discovery", "--kubeconfig", kubeconfig, "--ctrlz_port", "0"]
    environment = {
        **os.environ,
        "POD_NAMESPACE": "istio-system",
        "POD_NAME": "istiod-test",
        "PILOT_CERT_PROVIDER": "istiod",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield folder / "log"
    finally:
        process.terminate()
        process.wait(60)


def conditions(held: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in held.get("conditions") or ()}


def judged(server: Server, route: dict[str, Any]) -> dict[str, tuple[str, str]]:
    live = server.find(route) or {}
    parents = [one for one in (live.get("status") or {}).get("parents") or () if "istio" in one["controllerName"]]
    return conditions(parents[0]) if parents else {}


def until(what: str, log: Path, condition: Any) -> Any:
    try:
        return wait_for(what, condition, deadline=240, every=0.5)
    except Exception:
        print(log.read_text(errors="replace")[-6000:])
        raise


def routes(things: Objects) -> Objects:
    return [thing for thing in things if thing["kind"] == "HTTPRoute"]


def test_istiod_takes_every_listener_and_every_route(istiod: Path, server: Server, by_gateway_api: Objects) -> None:
    def listeners() -> dict[str, Any]:
        status = (server.find(GATEWAY) or {}).get("status") or {}
        return {one["name"]: one for one in status.get("listeners") or ()}

    found = until("istiod says what it makes of the Gateway", istiod, listeners)
    wrong = {name: conditions(one) for name, one in found.items() if conditions(one)["Accepted"][0] != "True"}
    assert wrong == {}
    until("every route is judged", istiod, lambda: all(judged(server, route) for route in routes(by_gateway_api)))
    for route in routes(by_gateway_api):
        known = judged(server, route)
        assert known["Accepted"] == ("True", "Accepted"), (route["metadata"]["name"], known)
        assert known["ResolvedRefs"] == ("True", "ResolvedRefs"), (route["metadata"]["name"], known)
    until("routes are attached", istiod, lambda: sum(one["attachedRoutes"] for one in listeners().values()) >= 4)
    attached = {name: one["attachedRoutes"] for name, one in listeners().items()}
    assert attached == {"http": 1, "https-1": 0, "https-2": 1, "https-3": 1, "https-4": 1}
    for one in listeners().values():
        assert conditions(one)["ResolvedRefs"][0] == "True", one
        assert conditions(one)["Programmed"][0] == "True", one


def test_istiod_finds_a_service_that_is_not_there_and_a_listener_of_another_host(
    istiod: Path, server: Server, by_gateway_api: Objects
) -> None:
    (good,) = [thing for thing in routes(by_gateway_api) if thing["metadata"]["name"] == "monitoring-grafana"]
    nowhere, elsewhere = copy.deepcopy(good), copy.deepcopy(good)
    nowhere["metadata"]["name"] = "nowhere"
    nowhere["spec"]["rules"][0]["backendRefs"][0]["name"] = "no-such-service"
    elsewhere["metadata"]["name"] = "elsewhere"
    elsewhere["spec"]["parentRefs"][0]["sectionName"] = "https-1"
    for route in (nowhere, elsewhere):
        server.apply(route, dry_run=False)
    until("both are judged", istiod, lambda: all(judged(server, route) for route in (nowhere, elsewhere)))
    assert judged(server, nowhere)["ResolvedRefs"] == ("False", "BackendNotFound")
    assert judged(server, elsewhere)["Accepted"] == ("False", "NoMatchingListenerHostname")
