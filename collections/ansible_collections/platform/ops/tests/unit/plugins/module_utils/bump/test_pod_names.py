# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.bump._pod_names import Owner, owner_by_name


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("checkoutservice-6d5f7c9b8d-x2x4z", Owner(None, "checkoutservice")),
        ("web-5c8d-f9z2k", Owner(None, "web")),
        ("node-exporter-8xk2p", Owner(None, "node-exporter")),
        ("redis-cart-0", Owner("StatefulSet", "redis-cart")),
        ("kafka-12", Owner("StatefulSet", "kafka")),
        ("report-29384756-b7xzq", Owner("CronJob", "report")),
        ("debug", Owner("Pod", "debug")),
        ("static-web-master", Owner("Pod", "static-web-master")),
        ("web-01", Owner("Pod", "web-01")),
    ],
)
def test_the_owner_is_read_back_from_the_name_its_controller_gives(pod, owner):
    assert owner_by_name(pod) == owner
