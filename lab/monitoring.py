# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus and Alertmanager, the distribution's packages, in the lab's network.

Targets carry the labels that kube-prometheus-stack gives them (job, metrics_path, node), so rules are the same here and
in production.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from lab import process, series, simulated, state
from lab.place import GATEWAY, ROOT, Lab
from lab.shell import run, wait_for
from lab.web import ask

PROMETHEUS = f"http://{GATEWAY}:9090"
ALERTMANAGER = f"http://{GATEWAY}:9093"
NOWHERE: dict[str, Any] = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


def home(lab: Lab) -> Path:
    return lab.folder / "monitoring"


def start(lab: Lab) -> None:
    """Both ready; without rules and receivers until somebody sets them."""
    (home(lab) / "rules").mkdir(parents=True, exist_ok=True)
    _write_credentials(lab)
    (home(lab) / "prometheus.yml").write_text(yaml.safe_dump(prometheus_config(lab), sort_keys=False))
    if not (home(lab) / "alertmanager.yml").exists():
        (home(lab) / "alertmanager.yml").write_text(yaml.safe_dump(NOWHERE))
    start_series(lab)
    start_alertmanager(lab)
    start_prometheus(lab)


def start_series(lab: Lab) -> None:
    """What kube-state-metrics would serve."""
    words = [sys.executable, "-m", "lab.series", str(lab.folder / "super-admin.conf"), GATEWAY]
    process.start(lab, "series", words, env={"PYTHONPATH": str(ROOT)})
    wait_for(
        "the series of API objects are served",
        lambda: bool(ask(lab, f"http://{GATEWAY}:{series.PORT}/metrics", timeout=5)),
        deadline=30,
        check=lambda: process.must_live(lab, "series"),
    )


def start_prometheus(lab: Lab) -> None:
    process.start(
        lab,
        "prometheus",
        [
            "prometheus",
            f"--config.file={home(lab) / 'prometheus.yml'}",
            f"--storage.tsdb.path={home(lab) / 'prometheus'}",
            "--storage.tsdb.retention.time=6h",
            # After a kill nobody tells it which series ended meanwhile; by default they count as present for 5 minutes.
            "--query.lookback-delta=30s",
            f"--web.listen-address={GATEWAY}:9090",
            "--web.enable-lifecycle",
            "--log.level=warn",
        ],
    )
    _ready(lab, "prometheus", PROMETHEUS)


def start_alertmanager(lab: Lab) -> None:
    process.start(
        lab,
        "alertmanager",
        [
            "prometheus-alertmanager",
            f"--config.file={home(lab) / 'alertmanager.yml'}",
            f"--storage.path={home(lab) / 'alertmanager'}",
            f"--web.listen-address={GATEWAY}:9093",
            "--cluster.listen-address=",
        ],
    )
    _ready(lab, "alertmanager", ALERTMANAGER)


def _ready(lab: Lab, name: str, url: str) -> None:
    wait_for(
        f"{name} is ready",
        lambda: bool(ask(lab, f"{url}/-/ready", timeout=2)),
        deadline=30,
        check=lambda: process.must_live(lab, name),
    )


def scrape(lab: Lab, job: str, port: int, **labels: str) -> None:
    """Scrape a process of the lab from now on, found within seconds."""
    folder = home(lab) / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{job}.new"
    partial.write_text(json.dumps([{"targets": [f"{GATEWAY}:{port}"], "labels": {"job": job, **labels}}]))
    partial.replace(folder / f"{job}.json")


def set_rules(lab: Lab, rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace all rule files (name: document with `groups`) and load them."""
    folder = home(lab) / "rules"
    for old in folder.glob("*.yml"):
        old.unlink()
    for name, document in rules.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(dict(document), sort_keys=False))
    run(["promtool", "check", "config", home(lab) / "prometheus.yml"])
    ask(lab, f"{PROMETHEUS}/-/reload", method="POST")


def set_alertmanager(lab: Lab, config: Mapping[str, Any]) -> None:
    path = home(lab) / "alertmanager.yml"
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    run(["amtool", "check-config", path])
    ask(lab, f"{ALERTMANAGER}/-/reload", method="POST")


def query(lab: Lab, expression: str) -> list[dict[str, Any]]:
    """The series of an instant query."""
    answer = ask(lab, f"{PROMETHEUS}/api/v1/query?query={quote(expression)}")
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def firing(lab: Lab) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = ask(lab, f"{ALERTMANAGER}/api/v2/alerts?active=true")
    return answer


def prometheus_config(lab: Lab) -> dict[str, Any]:
    credentials = home(lab) / "admin"
    tls = {"cert_file": f"{credentials}.crt", "key_file": f"{credentials}.key", "insecure_skip_verify": True}
    kubelet = [
        {
            "job_name": f"kubelet{path}",
            "scheme": "https",
            "metrics_path": path,
            "tls_config": tls,
            # cAdvisor's own times would keep a dead container's series alive for five minutes; the operator's monitors
            # track that (trackTimestampsStaleness), Debian's Prometheus is too old for it
            "honor_timestamps": False,
            # Debian's Prometheus has no Kubernetes discovery; state.py keeps this file
            "file_sd_configs": [{"files": [str(state.targets_file(lab))], "refresh_interval": "5s"}],
            "relabel_configs": [
                {"source_labels": ["__metrics_path__"], "target_label": "metrics_path"},
                {"target_label": "job", "replacement": "kubelet"},
            ],
        }
        for path in ("/metrics", "/metrics/cadvisor", "/metrics/resource")
    ]
    kwok = {
        "job_name": "kwok",
        "scheme": "https",
        "tls_config": tls,
        "http_sd_configs": [
            {
                "url": f"https://{GATEWAY}:{simulated.PORT}/discovery/prometheus",
                "refresh_interval": "5s",
                "tls_config": tls,
            }
        ],
    }
    objects = {
        "job_name": "kube-state-metrics",
        "honor_labels": True,
        "static_configs": [{"targets": [f"{GATEWAY}:{series.PORT}"]}],
    }
    others = {
        "job_name": "parts",
        "file_sd_configs": [{"files": [str(home(lab) / "targets" / "*.json")], "refresh_interval": "5s"}],
    }
    control_plane = [
        {
            "job_name": job,
            "scheme": "https",
            "metrics_path": path,
            "tls_config": tls,
            "static_configs": [{"targets": [target]}],
            "relabel_configs": [
                {"source_labels": ["__metrics_path__"], "target_label": "metrics_path"},
                {"target_label": "job", "replacement": job.partition("/")[0]},
            ],
        }
        for job, target, path in (
            ("apiserver", f"{GATEWAY}:6443", "/metrics"),
            ("kube-scheduler", "127.0.0.1:10259", "/metrics"),
            ("kube-scheduler/resources", "127.0.0.1:10259", "/metrics/resources"),
            ("kube-controller-manager", "127.0.0.1:10257", "/metrics"),
        )
    ]
    return {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{GATEWAY}:9093"]}]}]},
        "rule_files": [str(home(lab) / "rules" / "*.yml")],
        "scrape_configs": [*kubelet, kwok, objects, others, *control_plane],
    }


def _write_credentials(lab: Lab) -> None:
    """The admin's certificate and key out of the kubeconfig, as files."""
    user = yaml.safe_load((lab.folder / "super-admin.conf").read_text())["users"][0]["user"]
    for name, suffix in (("client-certificate-data", "crt"), ("client-key-data", "key")):
        path = home(lab) / f"admin.{suffix}"
        path.touch(mode=0o600)
        path.write_bytes(base64.b64decode(user[name]))
