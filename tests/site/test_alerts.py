# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules, routes and dashboards of the monitoring role, judged by the programs that will read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.shell import wait_for
from tests.site.conftest import Components, variants
from tests.support.alertmanager import alertmanager

# Alert labels, and the receivers that must hear of them when every receiver is switched on.
ROUTES = [
    ({"alertname": "Watchdog", "severity": "none"}, {"null"}),
    (
        {"alertname": "ContainerMemoryNearLimit", "severity": "warning", "remediation": "bump_limits"},
        {"remediation", "slack", "email"},
    ),
    (
        {"alertname": "ContainerOutOfMemory", "severity": "critical", "remediation": "bump_limits"},
        {"remediation", "pagerduty", "slack", "email"},
    ),
    ({"alertname": "NodeNotReady", "severity": "critical"}, {"pagerduty", "slack", "email"}),
    (
        {"alertname": "CanaryRolledBack", "severity": "warning", "remediation": "none"},
        {"remediation", "slack", "email"},
    ),
    ({"alertname": "Anything", "severity": "info"}, {"null"}),
]


def program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        package = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}[name]
        pytest.skip(f"needs {name} (Debian package {package})")
    return found


def rules(components: Components) -> list[dict[str, Any]]:
    return [
        thing
        for component in components.values()
        for thing in component["objects"]
        if thing["kind"] == "PrometheusRule"
    ]


def configuration(components: Components) -> dict[str, Any]:
    return dict(components["monitoring"]["releases"][0]["values"]["alertmanager"]["config"])


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_rule_passes_promtool(components: Components, tmp_path: Path) -> None:
    promtool = program("promtool")
    found = rules(components)
    assert {thing["metadata"]["name"] for thing in found} >= {"platform-remediation", "platform-sli", "flagger"}
    for thing in found:
        file = tmp_path / f"{thing['metadata']['name']}.yml"
        file.write_text(yaml.safe_dump(thing["spec"]))
        run(promtool, "check", "rules", str(file))


def test_alerts_that_ask_for_a_remediation_say_of_what(components: Components) -> None:
    asking = [
        rule
        for thing in rules(components)
        for group in thing["spec"]["groups"]
        for rule in group["rules"]
        if (rule.get("labels") or {}).get("remediation") == "bump_limits"
    ]
    assert asking
    assert all(rule["labels"]["resource"] in ("memory", "cpu") for rule in asking)


def test_the_alertmanager_configuration_passes_amtool(components: Components, tmp_path: Path) -> None:
    amtool = program("amtool")
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration(components)))
    run(amtool, "check-config", str(file))


@pytest.mark.parametrize(
    ("labels", "receivers"), ROUTES, ids=lambda value: value.get("alertname") if isinstance(value, dict) else ""
)
def test_every_severity_reaches_those_who_must_hear_of_it(
    components: Components, inputs: str, tmp_path: Path, labels: dict[str, str], receivers: set[str]
) -> None:
    amtool = program("amtool")
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration(components)))
    told = run(amtool, "config", "routes", "test", f"--config.file={file}", *(f"{k}={v}" for k, v in labels.items()))
    assert set(told.strip().split(",")) == (receivers if inputs == "rich" else {"null"})


def test_an_alert_that_asks_for_a_remediation_is_not_held_back_as_mere_information(tmp_path: Path) -> None:
    """The chart's InfoInhibitor fires for every alert of this severity, with the labels of that alert."""
    program("amtool")
    (monitoring,) = variants(tmp_path, "monitoring", {})
    config = monitoring["releases"][0]["values"]["alertmanager"]["config"]
    (idle,) = [
        {"alertname": rule["alert"], **rule["labels"], "node": "worker-1"}
        for thing in rules({"monitoring": monitoring})
        for group in thing["spec"]["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "NodeIdle"
    ]
    information = {"alertname": "Anything", "severity": "info"}
    inhibitor = {**idle, "alertname": "InfoInhibitor", "severity": "none", "alertstate": "firing"}
    token = tmp_path / "token"
    token.write_text("token")
    with alertmanager(tmp_path, "http://127.0.0.1:9", token, config["inhibit_rules"]) as server:
        for labels in (idle, information, inhibitor):
            server.fire(labels, datetime.now(UTC).isoformat())

        def told() -> set[str]:
            return {alert["labels"]["alertname"] for alert in server.call("/api/v2/alerts?inhibited=false")}

        wait_for("mere information is held back", lambda: "Anything" not in told(), deadline=60)
        assert told() == {"NodeIdle", "InfoInhibitor"}


def test_no_receiver_has_its_secret_in_the_configuration(components: Components) -> None:
    secret_keys = ("password", "routing_key", "api_url", "credentials", "service_key", "bearer_token")

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert not set(secret_keys) & set(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(configuration(components))


def test_every_dashboard_is_one_that_grafana_loads(components: Components) -> None:
    boards = [t for t in components["monitoring"]["objects"] if t["kind"] == "ConfigMap"]
    assert {board["metadata"]["name"] for board in boards} == {
        f"dashboard-platform-{name}" for name in ("canary", "sli", "remediation", "nodes", "logs")
    }
    for board in boards:
        assert board["metadata"]["labels"] == {"grafana_dashboard": "1"}
        ((_, text),) = board["data"].items()
        dashboard = json.loads(text)
        assert dashboard["uid"] == board["metadata"]["name"].removeprefix("dashboard-")
        assert [panel["id"] for panel in dashboard["panels"]] == list(range(1, len(dashboard["panels"]) + 1))
        assert all(panel["targets"][0]["expr"] for panel in dashboard["panels"])


def test_every_query_of_a_dashboard_parses(components: Components, tmp_path: Path) -> None:
    promtool = program("promtool")
    queries = [
        panel["targets"][0]["expr"]
        for board in components["monitoring"]["objects"]
        if board["kind"] == "ConfigMap"
        for panel in json.loads(next(iter(board["data"].values())))["panels"]
        if panel["datasource"]["type"] == "prometheus"
    ]
    recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    run(promtool, "check", "rules", str(file))
