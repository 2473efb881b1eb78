# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way in: each host is spoken to as its service wants it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import KIBANA, variants
from tests.site.test_roles import run_site

HOST = {"host": "kibana.example.org", **KIBANA}
GRAFANA = {"host": "grafana.example.org", "namespace": "monitoring", "service": "monitoring-grafana"}


def rules(component: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [thing for thing in component["objects"] if thing["kind"] == "DestinationRule"]
    assert all(thing["metadata"]["namespace"] == "istio-ingress" for thing in found)
    assert all(thing["spec"]["exportTo"] == ["."] for thing in found)
    return {thing["spec"]["host"]: thing["spec"]["trafficPolicy"]["tls"] for thing in found}


@pytest.mark.timeout(600)
def test_the_gateway_speaks_tls_to_a_service_that_does_and_to_no_other(tmp_path: Path) -> None:
    given = {"istio_ingress_tls_secret": "tls", "istio_ingress_hosts": [GRAFANA, HOST, {"host": "flask.example.org"}]}
    verified = {**given, "istio_ingress_hosts": [{**HOST, "tls_ca_secret": "kibana-ca"}]}
    ours, by_gateway_api, checked = variants(
        tmp_path, "istio", given, {**given, "istio_ingress_api": "gateway_api"}, verified
    )
    name, service = "efk-kb-http.logging.svc", "efk-kb-http.logging.svc.cluster.local"
    assert rules(ours) == {service: {"mode": "SIMPLE", "sni": name, "insecureSkipVerify": True}}
    assert rules(by_gateway_api) == rules(ours)
    known = {"credentialName": "kibana-ca", "subjectAltNames": [name]}
    assert rules(checked) == {service: {"mode": "SIMPLE", "sni": name, **known}}


def test_a_service_of_eck_is_refused_until_it_is_said_how_it_speaks(tmp_path: Path) -> None:
    silent = {key: value for key, value in HOST.items() if key != "tls"}
    given = {"platform_state": "rendered", "platform_render_dir": str(tmp_path), "platform_components": ["istio"]}
    refused = run_site("-e", json.dumps({**given, "istio_ingress_tls_secret": "tls", "istio_ingress_hosts": [silent]}))
    assert refused.returncode
    assert "kibana.example.org in istio_ingress_hosts leads to Kibana" in refused.stdout
