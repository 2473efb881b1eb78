# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The closed loop in a lab: the rulebook in the lab's network, a repository that is applied, the role's rules. For the
end-to-end tests and for `make demo-lab`."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests
import yaml

from lab import git_host, gitops, monitoring, rules
from lab.control_plane import kubectl
from lab.images import WORKLOAD
from lab.place import Lab
from lab.shell import wait_for
from lab.web import within
from tests.support.rulebook import ROOT, Rulebook, free_port, rulebook

REPOSITORY = "fleet"
PARTS = ("monitoring", "git", "gitops")


def deployment(name: str, *arguments: str, limits: Mapping[str, str]) -> str:
    """A manifest as a team would write it, with comments and an order of its own."""
    lines = "\n".join(f"              {resource}: {amount}" for resource, amount in limits.items())
    return f"""\
# the {name} of the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: shop
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: server
          image: {WORKLOAD}
          args: {json.dumps(list(arguments))}
          resources:
            limits:  # measured in spring
{lines}
            requests:
              cpu: 10m
              memory: 16Mi
"""


def watched(lab: Lab, **more: Any) -> dict[str, Any]:
    """Settings with which the cluster and Prometheus are asked; a verdict takes seconds instead of minutes."""
    return {
        "limit_bump_cluster_access": {"kubeconfig": str(lab.folder / "super-admin.conf")},
        "limit_bump_prometheus": {"url": monitoring.PROMETHEUS},
        "limit_bump_usage": {"history": "1s"},
        "limit_bump_verdict": {"watch": "10s", "settle": "5s", "stalled_after": "10m", "unfit_after": "15s"},
        **more,
    }


class Loop:
    """The product at work in a lab, and questions about what it did."""

    def __init__(self, lab: Lab, folder: Path, more: Mapping[str, Any] | None = None) -> None:
        """`more` are variables of the rulebook and the role besides those that every loop has."""
        self.lab, self.folder = lab, folder
        self.more = more or {}
        self.state = folder / "state"
        self.running: Rulebook | None = None
        self._stack = ExitStack()
        self._variables = self._write_inventory()

    def _write_inventory(self) -> Path:
        token = self.folder / "token"
        token.write_text(secrets.token_urlsafe(32))
        token.chmod(0o600)
        (self.folder / "inventory/group_vars/all").mkdir(parents=True)
        shutil.copy(ROOT / "inventories/demo/hosts.yml", self.folder / "inventory")
        variables = self.folder / "inventory/group_vars/all/remediation.yml"
        port = free_port()
        repository = {
            "name": REPOSITORY,
            "url": f"{git_host.URL}/{git_host.USER}/{REPOSITORY}.git",
            "host": "gitea",
            "api_url": f"{git_host.URL}/api/v1",  # explicit: the lab's network is trusted with plain HTTP
            "token": git_host.credentials(self.lab).token,
        }
        settings = {
            "remediation_listen_port": port,
            "remediation_state_dir": str(self.state),
            "remediation_token_file": str(token),
            "remediation_tick_seconds": 3,
            "limit_bump_repositories": [repository],
            "limit_bump_pull_request": {"labels": ["limits"], "merge": {"by": "us"}},
            **self.more,
        }
        variables.write_text(yaml.safe_dump(settings))
        self.receiver, self.token = f"http://127.0.0.1:{port}/alertmanager", token
        self.deliver_to(self.receiver, token)
        return variables

    def deliver_to(self, url: str, token: Path) -> None:
        """Alertmanager, at short intervals."""
        receiver = {
            "url": url,
            "send_resolved": True,
            "http_config": {"authorization": {"credentials_file": str(token)}},
        }
        route = {
            "receiver": "nobody",
            "routes": [
                {
                    "receiver": "remediation",
                    "matchers": ['remediation="bump_limits"'],
                    "group_by": ["alertname", "namespace"],
                    "group_wait": "1s",
                    "group_interval": "2s",
                    "repeat_interval": "1m",
                }
            ],
        }
        receivers = [{"name": "nobody"}, {"name": "remediation", "webhook_configs": [receiver]}]
        monitoring.set_alertmanager(self.lab, {"route": route, "receivers": receivers})

    def start(self) -> None:
        """The engine, in the lab's network: what a thread there starts stays there."""
        context = rulebook(self._variables, self.folder / "inventory", log=self.folder / "rulebook.log")
        self.running = within(self.lab, lambda: self._stack.enter_context(context))

    def stop(self) -> None:
        self._stack.close()

    def post(self, alerts: list[dict[str, Any]]) -> None:
        """Alerts of a test's own, as Alertmanager would deliver them."""
        headers = {"Authorization": f"Bearer {self.token.read_text()}"}
        call = partial(requests.post, self.receiver, json={"alerts": alerts}, headers=headers, timeout=60)
        answer = within(self.lab, call)
        assert answer.ok, answer.text

    def pulls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = git_host.api(self.lab, f"/repos/lab/{REPOSITORY}/pulls?state=all")
        return found

    def decisions(self) -> list[dict[str, Any]]:
        path = self.state / "decisions.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, what: str, condition: Callable[[], Any], seconds: float = 90) -> Any:
        """Wait; on failure show what the product said."""
        try:
            return wait_for(what, condition, deadline=seconds, every=0.3)
        except Exception:
            log = self.running.output()[-6000:] if self.running else ""
            print(log, *map(json.dumps, self.decisions()), sep="\n")
            raise

    def limits(self, name: str) -> dict[str, str]:
        path = "jsonpath={.spec.template.spec.containers[0].resources.limits}"
        found: dict[str, str] = json.loads(kubectl(self.lab, "-n", "shop", "get", "deployment", name, "-o", path))
        return found

    def pods(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            kubectl(self.lab, "-n", "shop", "get", "pods", "-l", f"app={name}", "-o", "json")
        )["items"]
        return found

    def killed(self, name: str) -> bool:
        """Whether the kernel killed a container of it for its memory."""
        ended = [one.get(when, {}).get("terminated") for one in self._statuses(name) for when in ("state", "lastState")]
        return any(end and end["reason"] == "OOMKilled" for end in ended)

    def well(self, name: str) -> bool:
        """Whether one pod of it is left, is ready and was never restarted."""
        states = [(one["ready"], one["restartCount"]) for one in self._statuses(name)]
        return len(self.pods(name)) == 1 and states == [(True, 0)]

    def _statuses(self, name: str) -> list[dict[str, Any]]:
        return [status for pod in self.pods(name) for status in pod["status"].get("containerStatuses", [])]

    def verdict(self, number: int) -> dict[str, Any] | None:
        """Labels and the one comment of a pull request, once it has a verdict."""
        known = git_host.api(self.lab, f"/repos/lab/{REPOSITORY}/pulls/{number}")["labels"]
        labels = {label["name"] for label in known}
        found = git_host.api(self.lab, f"/repos/lab/{REPOSITORY}/issues/{number}/comments")
        texts = [comment["body"] for comment in found if comment["body"].startswith("### Verdict")]
        return {"labels": labels, "texts": texts} if any(name.startswith("verdict-") for name in labels) else None

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Firing alerts about a workload's pods."""
        return [alert for alert in monitoring.firing(self.lab) if alert["labels"].get("pod", "").startswith(f"{name}-")]


@contextmanager
def closed_loop(
    lab: Lab, folder: Path, more: Mapping[str, Any] | None = None, make: type[Loop] = Loop
) -> Iterator[Any]:
    """With an empty repository that is applied, the role's rules loaded, and the engine running."""
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
    url = git_host.create_repository(lab, REPOSITORY, {"apps/namespace.yaml": namespace})
    gitops.track(lab, REPOSITORY, url, "./apps")
    monitoring.set_rules(lab, {"platform": rules.quick()})
    loop = make(lab, folder, more)
    try:
        loop.start()
        yield loop
    finally:
        loop.stop()
        monitoring.set_rules(lab, {})
        kubectl(lab, "-n", gitops.NAMESPACE, "delete", "kustomization,gitrepository,secret", REPOSITORY, timeout=90)
        git_host.api(lab, f"/repos/lab/{REPOSITORY}", method="DELETE")
        # Pruned with the rest. The next loop's would be applied to the one that ends, and be waited for for a minute.
        kubectl(lab, "wait", "--for=delete", "namespace/shop", "--timeout=180s", timeout=200)
