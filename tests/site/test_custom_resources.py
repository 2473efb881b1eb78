# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every object that our roles write themselves is accepted by a real API server with the real CRDs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.stack._objects import Guards, apply_objects
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server, open_server
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import wait_ready
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

from tests.site.conftest import Components, render

CHARTS = ("gateway-api", "prometheus-operator-crds", "cert-manager", "istio-base", "flagger", "eck-operator")
pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


@pytest.fixture(scope="module")
def with_crds(kubeconfig: str, chart_data: Path) -> None:
    server = open_server(kubeconfig, None)
    for chart in CHARTS:
        things = read_objects((chart_data / chart / "crds.json").read_text(), chart)
        applied = apply_objects(server, things, Guards(take_ownership=True), dry_run=False).applied
        wait_ready(server, applied, timeout=60)


@pytest.mark.usefixtures("with_crds")
def test_every_object_our_roles_write_is_accepted(components: Components, server: Server) -> None:
    refused, seen = [], 0
    for component in components.values():
        spaces = {thing["metadata"].get("namespace") for thing in component["before"] + component["objects"]} - {None}
        made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(spaces)]
        apply_objects(server, made, Guards(), dry_run=False)
        for thing in component["before"] + component["objects"]:
            seen += 1
            try:
                server.apply(thing, dry_run=True)
            except OpsError as error:
                refused.append(f"{component['name']}: {error.message}")
    assert seen > 10
    assert refused == []


HOSTS = {"grafana.example.org", "kibana.example.org", "remediation.example.org"}
BY_GATEWAY_API = {
    "platform_components": ["istio", "eda"],
    "eda_image": "registry.example.org/remediation:1",
    "eda_host": "remediation.example.org",
    "istio_ingress_api": "gateway_api",
    "istio_ingress_tls_issuer": "letsencrypt",
    "istio_ingress_hosts": [
        {"host": "flask.example.org"},
        {"host": "grafana.example.org", "namespace": "monitoring", "service": "monitoring-grafana"},
        {"host": "remediation.example.org"},
        {"host": "kibana.example.org", "namespace": "logging", "service": "efk-kb-http", "port": 5601},
    ],
}


@pytest.mark.usefixtures("with_crds")
@pytest.mark.timeout(600)
def test_an_ingress_by_the_gateway_api_is_accepted_and_leads_each_host_to_its_service(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "inputs.yml").write_text(yaml.safe_dump(BY_GATEWAY_API))
    components = render(tmp_path, tmp_path / "inputs.yml")
    things = components["istio"]["objects"] + components["eda"]["objects"]
    for name in {thing["metadata"].get("namespace") for thing in things} - {None}:
        apply_objects(
            server, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}], Guards(), dry_run=False
        )
    for thing in things:
        server.apply(thing, dry_run=True)
    (gateway,) = [thing for thing in things if thing["kind"] == "Gateway"]
    listeners = {entry["name"]: entry.get("hostname") for entry in gateway["spec"]["listeners"]}
    routes = [thing for thing in things if thing["kind"] == "HTTPRoute" and "hostnames" in thing["spec"]]
    assert {thing["spec"]["hostnames"][0] for thing in routes} == HOSTS
    for route in routes:
        (parent,) = route["spec"]["parentRefs"]
        assert route["spec"]["hostnames"] == [listeners.get(parent.get("sectionName"), "remediation.example.org")]
