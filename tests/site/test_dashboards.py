# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dashboards are ones that Grafana loads, and what they and the rules ask for exists."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site.conftest import ROOT, Components
from tests.site.queries import logql_fault, metrics_of
from tests.site.test_alerts import rules

KNOWN = yaml.safe_load((Path(__file__).parent / "metrics.yml").read_text())


@pytest.fixture(scope="session")
def dashboard_check() -> str:
    done = subprocess.run(
        [ROOT / "scripts/tool", "dashboard-check"], capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode:
        pytest.skip("needs dashboard-check, which needs Go: " + done.stderr[-200:])
    return done.stdout.strip()


def boards(components: Components) -> Iterator[dict[str, Any]]:
    for component in components.values():
        for thing in component["objects"]:
            if (thing["metadata"].get("labels") or {}).get("grafana_dashboard"):
                for text in thing["data"].values():
                    yield json.loads(text)


def panels(components: Components, source: str) -> Iterator[str]:
    for board in boards(components):
        for panel in board["panels"]:
            for target in panel["targets"]:
                if target["datasource"]["type"] == source:
                    yield target["expr"]


def check(program: str, folder: Path, board: dict[str, Any]) -> str:
    file = folder / f"{board['uid']}.json"
    file.write_text(json.dumps(board))
    return subprocess.run([program, str(file)], capture_output=True, text=True, check=False, timeout=60).stderr


def test_every_dashboard_is_valid_by_grafanas_schema(
    components: Components, dashboard_check: str, tmp_path: Path
) -> None:
    found = list(boards(components))
    assert len(found) >= 5
    assert [said for board in found if (said := check(dashboard_check, tmp_path, board))] == []


def test_the_check_finds_a_field_that_grafana_does_not_know(
    components: Components, dashboard_check: str, tmp_path: Path
) -> None:
    board = next(boards(components))
    assert "schemVersion" in check(dashboard_check, tmp_path, {**board, "schemVersion": 1})
    panel = {**board["panels"][0], "options": {"legend": {"showLegnd": True}}}
    assert "showLegnd" in check(dashboard_check, tmp_path, {**board, "panels": [panel]})
    panel = {**board["panels"][0], "gridPos": {"h": "nine", "w": 12, "x": 0, "y": 0}}
    assert check(dashboard_check, tmp_path, {**board, "panels": [panel]})


def test_every_metric_that_is_asked_for_exists(components: Components) -> None:
    groups = [group for thing in rules(components) for group in thing["spec"]["groups"]]
    written = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in written if "record" in rule}
    known = recorded | {name for names in KNOWN.values() for name in names}
    asked = [*panels(components, "prometheus"), *(rule["expr"] for rule in written)]
    assert len(asked) > 30
    assert {query: metrics_of(query) - known for query in asked if metrics_of(query) - known} == {}


def test_the_metrics_of_the_remediation_service_are_those_it_serves() -> None:
    sources = (ROOT / "collections/ansible_collections/platform/ops/plugins/module_utils").rglob("*.py")
    served = "\n".join(path.read_text() for path in sources)
    assert [name for name in KNOWN["remediation"] if name not in served] == []


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ('sum by (a, b) (rate(x_total{c=~"d|e"}[5m])) / on (a) group_left (b) y > 0', {"x_total", "y"}),
        (
            "histogram_quantile(0.99, sum by (le) (rate(z_bucket[5m]))) or 0 * platform:rate5m",
            {"z_bucket", "platform:rate5m"},
        ),
        ('count(ALERTS{alertstate="firing"}) unless on () absent(up offset 5m)', {"ALERTS", "up"}),
    ],
)
def test_metrics_are_found_in_a_query(query: str, metrics: set[str]) -> None:
    assert metrics_of(query) == metrics


def test_every_query_of_logs_is_understood(components: Components) -> None:
    queries = list(panels(components, "loki"))
    assert queries
    assert [fault for query in queries if (fault := logql_fault(query))] == []


@pytest.mark.parametrize(
    "query",
    [
        "sum by (a) (rate({a=~`.+`}[5m])",
        "rate({a=~`.+`})",
        "{a=~`(`}",
        "{a}",
        "summ(rate({a=`b`}[5m]))",
        "{a=`b`} |~",
    ],
)
def test_a_broken_query_of_logs_is_refused(query: str) -> None:
    assert logql_fault(query)
