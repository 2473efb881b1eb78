# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads under Flagger: the alert names the primary, which is not in git; the bump goes to the Canary's target."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import git_host, gitops, monitoring, parts, rules, traffic
from lab.control_plane import kubectl
from lab.place import Lab
from lab.web import within
from tests.support.loop import REPOSITORY, Loop, closed_loop, deployment
from tests.support.rulebook import ROOT

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1500),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
    pytest.mark.stand_in("mesh-traffic"),
]
NAMESPACE = "shop"
LONG = 420  # seconds; an analysis has steps of ten, and the machine may be busy


@pytest.fixture
def loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    parts.add(lab, "flagger")
    settings = {
        "limit_bump_cluster_access": {"kubeconfig": str(lab.folder / "super-admin.conf")},
        "limit_bump_prometheus": {"url": monitoring.PROMETHEUS},
        "limit_bump_usage": {"history": "1s"},
        "limit_bump_verdict": {"watch": "20s", "settle": "10s", "stalled_after": "20m", "unfit_after": "10m"},
    }
    with closed_loop(lab, tmp_path, settings) as running:
        try:
            yield running
        finally:
            # On deletion Flagger gives the pods back to their Deployment. It cannot in a namespace that ends.
            kubectl(lab, "-n", NAMESPACE, "delete", "canary", "--all", "--timeout=180s", timeout=200)


def manifest(name: str, **annotations: str) -> str:
    """As a team writes it: Flagger has the replicas, so they do not stand here."""
    text = deployment(name, "-memory=60", limits={"memory": "64Mi", "cpu": "500m"}).replace("  replicas: 1\n", "")
    labels = f"      labels: {{app: {name}}}\n"
    assert labels in text
    return text.replace(labels, f"{labels}      annotations: {json.dumps(annotations)}\n") if annotations else text


def give_canary(lab: Lab, name: str) -> None:
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
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
        ),
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def phase(lab: Lab, name: str) -> str:
    return kubectl(lab, "-n", NAMESPACE, "get", "canary", name, "-o", "jsonpath={.status.phase}")


def pull_of(loop: Loop, name: str) -> dict[str, Any]:
    """The newest about this workload; empty where there is none."""
    return next((pull for pull in loop.pulls() if f"/{name}" in pull["title"] or name in pull["title"]), {})


def labels(pull: dict[str, Any]) -> set[str]:
    return {label["name"] for label in pull.get("labels") or []}


def test_a_bump_under_flagger_is_judged_by_its_analysis(loop: Loop) -> None:
    files = {
        "apps/cart.yaml": manifest("cart"),
        "apps/search.yaml": manifest("search", **{traffic.CANARY_ERRORS: "0.5"}),
    }
    monitoring.set_rules(loop.lab, {})  # nobody is to be told before Flagger has taken over
    git_host.commit(loop.lab, REPOSITORY, files, "Add cart and search")
    gitops.wait_applied(loop.lab, REPOSITORY, git_host.head(loop.lab, REPOSITORY), deadline=180)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: give_canary(loop.lab, name), ("cart", "search")))
    for name in ("cart", "search"):
        loop.until(f"only the primary of {name} runs", lambda name=name: not loop.pods(name), LONG)  # type: ignore[misc]
    monitoring.set_rules(loop.lab, {"platform": rules.quick()})

    for name in ("cart", "search"):
        loop.until(f"the alert about {name} names its primary", lambda name=name: loop.alerts(f"{name}-primary"), LONG)  # type: ignore[misc]
        loop.until(f"the bump of {name} is merged", lambda name=name: pull_of(loop, name).get("merged"), LONG)  # type: ignore[misc]

    loop.until("the analysis of cart succeeds", lambda: phase(loop.lab, "cart") == "Succeeded", LONG)
    loop.until("that of search is rolled back", lambda: phase(loop.lab, "search") == "Failed", LONG)
    assert loop.limits("cart-primary")["memory"] == "164Mi"
    assert loop.limits("search-primary")["memory"] == "64Mi"

    loop.until("the bump of cart helped", lambda: "verdict-fixed" in labels(pull_of(loop, "cart")), LONG)
    not_fixed = loop.until(
        "that of search did not", lambda: "verdict-not-fixed" in labels(pull_of(loop, "search")), LONG
    )
    assert not_fixed
    assert loop.limits("cart")["memory"] == "164Mi"
    text = git_host.text(loop.lab, REPOSITORY, "apps/cart.yaml")
    assert text == files["apps/cart.yaml"].replace("memory: 64Mi", "memory: 164Mi")
