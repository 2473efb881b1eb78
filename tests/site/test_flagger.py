# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flagger's own program judges, by a real Prometheus, revisions behind Canaries of our role."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from lab import lifecycle, monitoring, parts, prepare, simulated, traffic
from lab.control_plane import kubectl
from lab.images import WORKLOAD
from lab.place import Lab, place
from lab.shell import wait_for
from lab.web import within
from tests.support.inside import inside
from tests.support.rulebook import ROOT, Rulebook, free_port, rulebook

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),  # the first run builds Flagger
    pytest.mark.stand_in("mesh-traffic"),
    pytest.mark.stand_in("kwok-node"),
]
KNOWN = yaml.safe_load((Path(__file__).parent / "metrics.yml").read_text())
NAMESPACE = "shop"
TOKEN = "a-token-of-the-tests-0123456789"
# What the new revision's pods do; the old one of each answers well.
REVISIONS = {
    "good": {"lab.platform-ops/revision": "2"},
    "failing": {traffic.ERRORS: "0.2"},
    "slow": {traffic.MILLISECONDS: "900"},
}


@pytest.fixture(scope="module")
def flagger_lab() -> Iterator[Lab]:
    if why := prepare.obstacle():
        pytest.skip(why)
    lab = place(f"test-{os.getpid()}-flagger")
    try:
        lifecycle.up(lab)
        simulated.add(lab, ["sim-1"])
        for part in ("monitoring", "flagger"):
            parts.add(lab, part)
        yield lab
    finally:
        lifecycle.down(lab)


def flagger_rules() -> dict[str, Any]:
    """The role's own, the wait cut short."""
    text = (ROOT / "roles/flagger/templates/flagger_alerts.yml.j2").read_text()
    document = yaml.safe_load(jinja2.Environment(autoescape=False).from_string(text).render(flagger_namespace="x"))
    for group in document["spec"]["groups"]:
        for rule in group["rules"]:
            rule["for"] = "3s"
    return dict(document["spec"])


def alertmanager_config(port: int, token_file: Path) -> dict[str, Any]:
    """The role's own, with a token where the test may write one."""
    text = (ROOT / "roles/monitoring/templates/monitoring_alertmanager.yml.j2").read_text()
    variables = {"monitoring_remediation_url": f"http://127.0.0.1:{port}/alertmanager"}
    rendered = jinja2.Environment(autoescape=False).from_string(text).render(variables)
    config = yaml.safe_load(rendered)
    remediation = next(r for r in config["receivers"] if r["name"] == "remediation")
    remediation["webhook_configs"][0]["http_config"]["authorization"]["credentials_file"] = str(token_file)
    return dict(config)


@pytest.fixture(scope="module")
def listening(flagger_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    """The rulebook in the lab's network, told by Alertmanager through the role's routes."""
    folder = tmp_path_factory.mktemp("rulebook")
    token, variables, port = folder / "token", folder / "vars.yml", free_port()
    token.write_text(TOKEN)
    settings = {"remediation_listen_port": port, "remediation_token_file": str(token)}
    state = {"remediation_state_dir": str(folder / "state"), "remediation_tick_seconds": 3600}
    variables.write_text(yaml.safe_dump({**settings, **state}))
    (folder / "inventory").mkdir()
    shutil.copy(ROOT / "inventories/demo/hosts.yml", folder / "inventory")
    monitoring.set_alertmanager(flagger_lab, alertmanager_config(port, token))
    monitoring.set_rules(flagger_lab, {"flagger": flagger_rules()})
    with inside(flagger_lab), rulebook(variables, folder / "inventory") as running:
        yield running


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "server", "image": WORKLOAD, "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def give_canary(lab: Lab, name: str) -> str:
    """By the playbook a person would use, with an analysis as short as Flagger allows."""
    given = {
        "platform_kubeconfig": str(lab.folder / "super-admin.conf"),
        "canary_name": name,
        "canary_namespace": NAMESPACE,
        "canary_port": 8080,
        "canary_interval": "10s",
        "canary_threshold": 1,
        "canary_step_weights": [50],
    }
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "playbooks/canary.yml", "-e", json.dumps(given)]
    done = within(
        lab,
        lambda: subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        ),
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    return done.stdout


def read(lab: Lab, *words: str) -> dict[str, Any]:
    return dict(json.loads(kubectl(lab, "-n", NAMESPACE, "get", *words, "-o", "json")))


def phase(lab: Lab, name: str) -> str:
    return str(read(lab, "canary", name).get("status", {}).get("phase"))


@pytest.fixture(scope="module")
def judged(flagger_lab: Lab, listening: Rulebook) -> Lab:
    """Three workloads under Canaries, each with a new revision whose analysis has ended."""
    lab = flagger_lab
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    items = [namespace, *map(deployment, REVISIONS)]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    with ThreadPoolExecutor(len(REVISIONS)) as pool:
        list(pool.map(lambda name: give_canary(lab, name), REVISIONS))
    for name, changed in REVISIONS.items():
        template = {"spec": {"template": {"metadata": {"annotations": changed}}}}
        kubectl(lab, "-n", NAMESPACE, "patch", "deployment", name, "-p", json.dumps(template))
    for name in REVISIONS:
        wait_for(
            f"the analysis of {name} has ended",
            lambda name=name: phase(lab, name) in ("Succeeded", "Failed"),  # type: ignore[misc]
            deadline=300,
            every=0.5,
        )
    return lab


def weights(lab: Lab, name: str) -> dict[str, int]:
    (route,) = read(lab, "virtualservice", name)["spec"]["http"]
    return {target["destination"]["host"]: target.get("weight", 0) for target in route["route"]}


def annotations_of(lab: Lab, deployment_name: str) -> dict[str, str]:
    template = read(lab, "deployment", deployment_name)["spec"]["template"]
    return dict(template["metadata"].get("annotations", {}))


def events(lab: Lab, name: str) -> str:
    return "\n".join(
        e["message"] for e in read(lab, "events", "--field-selector", f"involvedObject.name={name}")["items"]
    )


def test_a_good_revision_is_promoted(judged: Lab) -> None:
    assert phase(judged, "good") == "Succeeded", events(judged, "good")
    assert REVISIONS["good"].items() <= annotations_of(judged, "good-primary").items()
    assert weights(judged, "good") == {"good-primary": 100, "good-canary": 0}
    assert "Advance good.shop canary weight 50" in events(judged, "good")


@pytest.mark.parametrize(
    ("name", "why"), [("failing", "advancement success rate"), ("slow", "advancement request duration")]
)
def test_a_revision_that_answers_badly_is_rolled_back(judged: Lab, name: str, why: str) -> None:
    assert phase(judged, name) == "Failed", events(judged, name)
    assert f"Halt {name}.shop {why}" in events(judged, name)
    assert not REVISIONS[name].items() <= annotations_of(judged, f"{name}-primary").items()
    assert weights(judged, name) == {f"{name}-primary": 100, f"{name}-canary": 0}


def test_a_rollback_raises_the_alert_that_reaches_the_rulebook(judged: Lab, listening: Rulebook) -> None:
    def rolled_back() -> set[str]:
        labels = [alert["labels"] for alert in monitoring.firing(judged)]
        return {entry["name"] for entry in labels if entry["alertname"] == "CanaryRolledBack"}

    wait_for("the alert fires for both", lambda: rolled_back() == {"failing", "slow"}, deadline=180, every=0.5)
    heard = 'platform_ops_alerts_refused_total{source="alertmanager",reason="for_people"}'
    wait_for(
        "the rulebook hears of both and leaves them to people",
        lambda: f"{heard} 2" in listening.request("/metrics").body.decode(),
        deadline=180,
        every=0.5,
    )


def test_the_metrics_that_dashboards_and_rules_read_are_those_that_flagger_serves(judged: Lab) -> None:
    names = KNOWN["flagger"] + KNOWN["istio"]
    assert [name for name in names if not monitoring.query(judged, name)] == []
