# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`site.yml` on a real API server with simulated nodes: install, again, upgrade, remove.

Istio comes from the charts that istioctl carries; the other charts are stand-ins under the real ones' names
(tests/site/charts.py). What operators would write is written by tests/site/operators.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

from tests.site.charts import assemble
from tests.site.conftest import Play, changed, finished, in_reverse_order

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1800),
    pytest.mark.stand_in("stand-in-chart"),
    pytest.mark.stand_in("simulated-operators"),
    pytest.mark.stand_in("kwok-node"),
]


@pytest.fixture(scope="module")
def charts(chart_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(tmp_path_factory.mktemp("charts"), chart_data)


def thing(api: str, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


BY_CHARTS = {"cert_manager", "istio", "metrics_server", "monitoring", "loki", "tempo", "opentelemetry", "efk"}
BY_CHARTS |= {"kiali", "flagger"}
ISTIOD = thing("apps/v1", "Deployment", "istiod", "istio-system")
GATEWAY = thing("apps/v1", "Deployment", "istio-ingressgateway", "istio-ingress")
GRAFANA = thing("v1", "Secret", "grafana-admin", "monitoring")
PEERS = thing("security.istio.io/v1", "PeerAuthentication", "default", "istio-system")


def test_istio_by_its_own_charts_installs_stays_as_it_is_upgrades_and_goes(
    play: Play, charts: Path, server: Server
) -> None:
    given = {"platform_charts_dir": str(charts), "platform_check_values": False}
    first = play("--tags", "istio", **given)
    assert first["istio"]["changed"]
    assert server.find(ISTIOD)
    assert server.find(GATEWAY)
    live = server.find(PEERS)
    assert live
    assert live["spec"]["mtls"]["mode"] == "STRICT"

    assert changed(play("--tags", "istio", **given)) == set()

    raised = play("--tags", "istio", **given, istio_istiod_values={"env": {"PILOT_ENABLE_STATUS": "true"}})
    assert changed(raised) == {"istio"}

    play("--tags", "istio", **given, platform_state="absent")
    assert server.find(ISTIOD) is None
    assert server.find(GATEWAY) is None
    assert server.find(PEERS) is None
    kinds = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
    assert server.find(thing(*kinds, "virtualservices.networking.istio.io"))  # kinds stay unless told otherwise
    assert server.find(thing("v1", "Namespace", "istio-system"))


@pytest.mark.campaign
@pytest.mark.timeout(3600)  # five runs of the whole platform; 8 minutes on a machine that others keep busy
def test_the_whole_platform_installs_upgrades_stays_as_it_is_and_goes_in_reverse_order(
    play: Play, server: Server, chart_data: Path, tmp_path: Path
) -> None:
    before = assemble(tmp_path / "before", chart_data, version="0.9.0", istio=False)
    now = assemble(tmp_path / "now", chart_data, istio=False)
    full = {"platform_charts_dir": str(before), "platform_check_values": False}
    installed = play(**full)
    assert changed(installed) >= BY_CHARTS
    secret = server.find(GRAFANA)
    assert secret

    full = {"platform_charts_dir": str(now), "platform_check_values": False}
    upgraded = play(**full)
    assert changed(upgraded) >= BY_CHARTS
    assert changed(play(**full)) == set()
    kept = server.find(GRAFANA)
    assert kept
    assert kept["data"] == secret["data"]  # made once

    removed = play(platform_state="absent", **full)
    assert all(counts["failed"] == 0 for counts in removed.values())
    assert in_reverse_order(finished(play.said), set(removed) - {"localhost"})
    for namespace, name in (("monitoring", "monitoring"), ("logging", "loki"), ("istio-system", "kiali")):
        assert server.find(thing("apps/v1", "Deployment", name, namespace)) is None
    kept = server.find(GRAFANA)
    assert kept
    assert kept["data"] == secret["data"]
    crd = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    for name in ("canaries.flagger.app", "certificates.cert-manager.io", "prometheuses.monitoring.coreos.com"):
        assert server.find(thing(*crd, name)), name
    assert server.find(thing("v1", "Namespace", "monitoring"))

    gone = play(platform_state="absent", platform_remove_data=True, platform_remove_crds=True, **full)
    assert all(counts["failed"] == 0 for counts in gone.values())
    assert server.find(GRAFANA) is None
    assert server.find(thing(*crd, "canaries.flagger.app")) is None
