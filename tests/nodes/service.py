# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook at work on the nodes of a lab, told by the lab's own Prometheus and Alertmanager."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import monitoring, parts, rules
from lab.shell import wait_for
from tests.support.node_lab import Cluster
from tests.support.rulebook import ROOT, Rulebook, free_port, rulebook

PATIENCE = 240.0


@dataclass
class Service:
    cluster: Cluster
    state: Path
    running: Rulebook

    def decisions(self) -> list[dict[str, Any]]:
        path = self.state / "decisions.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def decided(self, decision: str, target: str = "") -> list[dict[str, Any]]:
        return [one for one in self.decisions() if one["decision"] == decision and target in one.get("target", "")]

    def firing(self, name: str, **labels: str) -> bool:
        wanted = {"alertname": name, **labels}.items()
        return any(wanted <= alert["labels"].items() for alert in monitoring.firing(self.cluster.lab))

    def until(self, what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait; on failure show what the product said."""
        try:
            return wait_for(what, condition, deadline=seconds, every=0.3)
        except Exception:
            print(self.running.output()[-8000:], *map(json.dumps, self.decisions()), sep="\n")
            raise


def watched(cluster: Cluster, *ports: int, token: Path) -> None:
    """Prometheus with the role's own rules, the waits cut short, and Alertmanager that tells each port."""
    parts.add(cluster.lab, "monitoring")
    monitoring.set_rules(cluster.lab, {"platform": rules.quick()})
    authorization = {"authorization": {"credentials_file": str(token)}}
    hooks = [
        {"url": f"http://127.0.0.1:{port}/alertmanager", "send_resolved": True, "http_config": authorization}
        for port in ports
    ]
    route = {
        "receiver": "nobody",
        "routes": [
            {
                "receiver": "remediation",
                "matchers": ['remediation=~"scale_out|scale_in"'],
                "group_by": ["alertname"],
                "group_wait": "1s",
                "group_interval": "2s",
                "repeat_interval": "1m",
            }
        ],
    }
    receivers = [{"name": "nobody"}, {"name": "remediation", "webhook_configs": hooks}]
    monitoring.set_alertmanager(cluster.lab, {"route": route, "receivers": receivers})


@contextmanager
def service(cluster: Cluster, folder: Path, token: Path, port: int, **settings: Any) -> Iterator[Service]:
    inventory = folder / "inventory"
    (inventory / "group_vars/all").mkdir(parents=True)
    shutil.copy(ROOT / "inventories/demo/hosts.yml", inventory)
    variables = inventory / "group_vars/all/remediation.yml"
    variables.write_text(
        yaml.safe_dump(
            {
                "remediation_listen_port": port,
                "remediation_state_dir": str(folder / "state"),
                "remediation_token_file": str(token),
                "remediation_tick_seconds": 3600,
                "remediation_nodes_seconds": 2,
                "node_scale_retry_seconds": 10,
                **settings,
            }
        )
    )
    env = {"K8S_AUTH_KUBECONFIG": str(cluster.lab.kubeconfig)}
    with rulebook(variables, inventory, log=folder / "rulebook.log", env=env) as running:
        yield Service(cluster, folder / "state", running)


@contextmanager
def one_service(cluster: Cluster, folder: Path, **settings: Any) -> Iterator[Service]:
    token = folder / "token"
    token.write_text(secrets.token_urlsafe(32))
    token.chmod(0o600)
    port = free_port()
    watched(cluster, port, token=token)
    try:
        with service(cluster, folder, token, port, **settings) as running:
            yield running
    finally:
        monitoring.set_rules(cluster.lab, {})
        monitoring.set_alertmanager(cluster.lab, monitoring.NOWHERE)
