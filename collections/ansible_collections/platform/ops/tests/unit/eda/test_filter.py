# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

FILTER = Path(__file__).resolve().parents[3] / "extensions/eda/plugins/event_filter/remediation.py"
ALERT = {
    "status": "firing",
    "labels": {"remediation": "bump_limits", "resource": "cpu", "namespace": "shop", "pod": "a-0"},
    "startsAt": "2026-08-22T10:00:00Z",
    "fingerprint": "0123456789abcdef",
}


@pytest.fixture
def main():
    return runpy.run_path(str(FILTER))["main"]


@pytest.mark.parametrize(
    "event",
    [
        {"payload": {"alerts": [ALERT]}, "meta": {"headers": {"Authorization": "x"}, "hosts": ["all"]}},
        {"alert": ALERT, "meta": {"hosts": "all"}},
        {"body": {"alerts": [ALERT]}},
        {"alerts": [ALERT]},
    ],
)
def test_only_the_remediations_of_an_event_pass(main, event):
    passed = main(event)
    assert set(passed) == {"remediations"}
    assert [r["pod"]["name"] for r in passed["remediations"]] == ["a-0"]


def test_new_relic_is_read_too(main):
    event = main({"payload": {"app_name": "checkout", "max_cpu": 1}}, sender="newrelic", cluster="prod")
    assert [(r["app"], r["cluster"]) for r in event["remediations"]] == [("checkout", "prod")]


@pytest.mark.parametrize("event", [{}, {"payload": "text"}, {"payload": {"alerts": [{**ALERT, "labels": {}}]}}])
def test_an_event_without_remediations_is_dropped(main, event):
    assert main(event) == []


def test_an_unknown_sender_is_an_error(main):
    with pytest.raises(InputError, match="sender 'nagios'"):
        main({}, sender="nagios")
