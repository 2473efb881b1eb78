# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every object that our roles write themselves is accepted by a real API server with the real CRDs."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

from tests.site.conftest import Components, Objects, make_namespaces

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]


@pytest.mark.usefixtures("with_crds")
def test_every_object_our_roles_write_is_accepted(components: Components, server: Server) -> None:
    refused, seen = [], 0
    for component in components.values():
        make_namespaces(server, component["before"] + component["objects"])
        for thing in component["before"] + component["objects"]:
            seen += 1
            try:
                server.apply(thing, dry_run=True)
            except OpsError as error:
                refused.append(f"{component['name']}: {error.message}")
    assert seen > 10
    assert refused == []


@pytest.mark.usefixtures("with_crds")
@pytest.mark.timeout(600)
def test_an_ingress_by_the_gateway_api_is_accepted_and_leads_each_host_to_its_service(
    server: Server, by_gateway_api: Objects
) -> None:
    make_namespaces(server, by_gateway_api)
    for thing in by_gateway_api:
        server.apply(thing, dry_run=True)
    (gateway,) = [thing for thing in by_gateway_api if thing["kind"] == "Gateway"]
    listeners = {entry["name"]: entry.get("hostname") for entry in gateway["spec"]["listeners"]}
    routes = [thing for thing in by_gateway_api if thing["kind"] == "HTTPRoute" and "hostnames" in thing["spec"]]
    hosts = {"grafana.example.org", "kibana.example.org", "remediation.example.org"}
    assert {thing["spec"]["hostnames"][0] for thing in routes} == hosts
    for route in routes:
        (parent,) = route["spec"]["parentRefs"]
        assert route["spec"]["hostnames"] == [listeners.get(parent.get("sectionName"), "remediation.example.org")]
