# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real charts on a real API server: needs them in a folder (PLATFORM_CHARTS_DIR, one sub-folder per chart).

Simulated nodes make the pods ready, and tests/site/operators.py writes what the operators in them would write. Left out
is metrics-server: the API server itself asks whether it answers, so its APIService cannot be said to be available.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

from tests.site.conftest import Play, changed

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(3600),
    pytest.mark.stand_in("simulated-operators"),
    pytest.mark.stand_in("kwok-node"),
]


def test_everything_installs_stays_as_it_is_upgrades_and_goes(play: Play, server: Server) -> None:
    folder = os.environ.get("PLATFORM_CHARTS_DIR")
    if not folder:
        pytest.skip("needs the charts: set PLATFORM_CHARTS_DIR to a folder with one sub-folder per chart")
    given: dict[str, Any] = {"platform_charts_dir": folder, "metrics_server_enabled": False}
    given["loki_storage"] = {"type": "s3", "bucket": "logs"}
    installed = play(**given)
    assert len(installed) >= 13
    assert all(counts["failed"] == 0 for counts in installed.values())
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
