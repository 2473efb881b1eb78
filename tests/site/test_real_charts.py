# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real charts on a real API server: needs them in a folder (PLATFORM_CHARTS_DIR, one sub-folder per chart).

Where PLATFORM_CHARTS_BEFORE names a folder with earlier versions of them, these are installed first, and upgraded.

Simulated nodes make the pods ready, and tests/site/operators.py writes what the operators in them would write. Only
metrics-server answers by its own program (tests/site/metrics_pods.py): the API server itself asks whether it does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

from tests.site.conftest import Play, changed, finished, in_reverse_order
from tests.site.metrics_pods import answering

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.skipif(
        not os.environ.get("PLATFORM_CHARTS_DIR"),
        reason="needs the charts: set PLATFORM_CHARTS_DIR to a folder with one sub-folder per chart",
    ),
    pytest.mark.timeout(3600),
    pytest.mark.stand_in("simulated-operators"),
    pytest.mark.stand_in("kwok-node"),
]


BY_CHARTS = {"cert_manager", "istio", "metrics_server", "monitoring", "loki", "tempo", "opentelemetry", "efk", "kiali"}
METRICS: dict[str, Any] = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
}


@pytest.fixture
def metrics(kubeconfig: str, tmp_path: Path) -> Iterator[None]:
    with answering(kubeconfig, tmp_path):
        yield


@pytest.mark.usefixtures("metrics")
def test_everything_installs_stays_as_it_is_upgrades_and_goes(play: Play, server: Server) -> None:
    given: dict[str, Any] = {"platform_charts_dir": os.environ["PLATFORM_CHARTS_DIR"]}
    given["loki_storage"] = {"type": "s3", "bucket": "logs"}
    if before := os.environ.get("PLATFORM_CHARTS_BEFORE"):
        earlier = play(**{**given, "platform_charts_dir": before})
        assert all(counts["failed"] == 0 for counts in earlier.values())
    installed = play(**given)
    assert changed(installed) >= BY_CHARTS
    assert len(installed) >= 13
    assert all(counts["failed"] == 0 for counts in installed.values())
    assert available(server)
    assert changed(play(**given)) == set()
    given["tempo_values"] = {"replicas": 2}
    assert changed(play(**given)) == {"tempo"}
    removed = play(platform_state="absent", **given)
    assert all(counts["failed"] == 0 for counts in removed.values())
    istiod = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "istiod", "namespace": "istio-system"},
    }
    assert server.find(istiod) is None
    assert server.find(METRICS) is None
    assert in_reverse_order(finished(play.said), set(removed) - {"localhost"})


def available(server: Server) -> bool:
    known = (server.find(METRICS) or {}).get("status", {}).get("conditions", [])
    return [one["status"] for one in known if one["type"] == "Available"] == ["True"]
