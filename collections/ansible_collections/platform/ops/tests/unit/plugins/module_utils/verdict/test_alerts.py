# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which alerts are about a workload, and about which of its pods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Series
from ansible_collections.platform.ops.plugins.module_utils.verdict._alerts import Subject, alerts_about
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Alert

BEGAN = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
POD = "cart-6d4cf56db6-x7k2p"
SUBJECT = Subject(
    names=frozenset({"cart", "cart-primary"}),
    pods={POD: BEGAN, "db-0": BEGAN},
    containers=frozenset({"server"}),
    resources=frozenset({"memory"}),
    alertnames=frozenset({"AppIsFull"}),
)
BUMP = {
    "alertname": "ContainerMemoryNearLimit",
    "remediation": "bump_limits",
    "resource": "memory",
    "namespace": "shop",
}


@pytest.mark.parametrize(
    ("labels", "of"),
    [
        ({**BUMP, "pod": POD, "container": "server"}, "new"),
        ({**BUMP, "exported_pod": POD, "exported_container": "server", "pod": "prometheus-0"}, "new"),
        ({**BUMP, "pod": "cart-5b8f-aaaaa", "container": "server"}, None),  # no name that a Deployment gives
        ({**BUMP, "pod": "cart-5b8f7d9c4-bbbbb", "container": "server"}, "old"),
        ({**BUMP, "pod": "cart-primary-5b8f7d9c4-bbbbb"}, "old"),
        ({**BUMP, "pod": "cartoon-5b8f7d9c4-bbbbb"}, None),
        ({**BUMP, "pod": POD, "container": "sidecar"}, None),
        ({**BUMP, "pod": POD, "resource": "cpu"}, None),
        ({**BUMP, "pod": POD, "remediation": "none"}, None),
        ({"alertname": "AppIsFull", "deployment": "cart"}, "all"),
        ({"alertname": "AppIsFull", "deployment": "other"}, None),
        ({"alertname": "AppIsFull", "pod": POD}, "new"),
        ({"alertname": "Watchdog", "pod": POD}, None),
    ],
)
def test_an_alert_is_about(labels, of):
    found = alerts_about(SUBJECT, [Series({"alertstate": "firing", **labels}, ((0, 1),))], [])
    assert [one.of for one in found] == ([of] if of else [])


@pytest.mark.parametrize(("minutes", "of"), [(-5, "old"), (5, "new")])
def test_an_alert_about_a_pod_of_the_same_name_before_is_old(minutes, of):
    labels = {**BUMP, "pod": "db-0", "container": "server"}
    active = (BEGAN + timedelta(minutes=minutes)).timestamp()
    found = alerts_about(
        SUBJECT,
        [Series({"__name__": "ALERTS", "alertstate": "firing", **labels}, ((0, 1),))],
        [Series({"__name__": "ALERTS_FOR_STATE", **labels}, ((0, active),))],
    )
    assert found == (Alert("ContainerMemoryNearLimit", of, "server", "memory"),)


def test_a_name_that_is_none_is_not_repeated():
    labels = {"alertname": "[x](http://evil)", "remediation": "bump_limits", "resource": "memory", "pod": POD}
    assert alerts_about(SUBJECT, [Series(labels, ((0, 1),))], []) == ()
