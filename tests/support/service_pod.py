# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The closed loop with the service as a pod: its image on a real machine, installed by site.yml."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lab import git_host, machine, monitoring, network, service_image, state
from lab.control_plane import kubectl
from lab.shell import wait_for
from lab.web import within
from tests.support.loop import REPOSITORY, Loop
from tests.support.rulebook import ROOT

NAMESPACE = "remediation"
ALERTMANAGER_SECRET = "alertmanager-remediation"  # in the namespace that Alertmanager has with the role monitoring


class PodLoop(Loop):
    """`more` are inputs of the role beside those that a loop needs."""

    secret = ""

    def _write_inventory(self) -> Path:
        """What a user writes: values alone, and the name of the Secret with the git host's token."""
        repository = {
            "name": REPOSITORY,
            "url": f"{git_host.URL}/{git_host.USER}/{REPOSITORY}.git",
            "host": "gitea",
            "api_url": f"{git_host.URL}/api/v1",
            "secret": "git-fleet",
        }
        values = {
            "platform_kubeconfig": str(self.lab.folder / "super-admin.conf"),
            "eda_image": service_image.IMAGE,
            "eda_image_pull_policy": "Never",
            "eda_repositories": [repository],
            "eda_alertmanager_url": monitoring.ALERTMANAGER,
            "eda_alertmanager_secret": ALERTMANAGER_SECRET,
            "eda_prometheus_url": monitoring.PROMETHEUS,
            "eda_service_monitor": False,  # the lab's Prometheus is no operator's
            "eda_settings": {
                "remediation_tick_seconds": 3,
                "limit_bump_pull_request": {"labels": ["limits"], "merge": {"by": "us"}},
            },
            "eda_egress": [{"cidr": "10.77.0.1/32", "ports": [3000, 6443, 9090, 9093]}],
        }
        path = self.folder / "values.yml"
        path.write_text(yaml.safe_dump({**values, **self.more}))
        return path

    def start(self) -> None:
        worker = machine.find(self.lab, "worker-1")
        machine.load_image(self.lab, worker, service_image.archive())
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "git-fleet", "namespace": NAMESPACE},
            "stringData": {"token": git_host.credentials(self.lab).token},
        }
        for thing in (space, secret):
            kubectl(self.lab, "apply", "-f", "-", stdin=json.dumps(thing))
        self.site()
        self.secret = self.token_in(NAMESPACE, "remediation-token")
        (self.folder / "token").write_text(self.token_in("monitoring", ALERTMANAGER_SECRET))
        self.deliver_to(f"{self.address()}/alertmanager", self.folder / "token")

    def site(self, *options: str) -> str:
        """The playbook that a user runs, from the lab's network."""
        command: list[str | Path] = [
            ROOT / ".venv/bin/ansible-playbook",
            "site.yml",
            "--tags",
            "eda",
            "-e",
            f"@{self._variables}",
            *options,
        ]
        done = subprocess.run(
            network.inside(self.lab.netns, *command),
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:] + self.log()
        return done.stdout

    def kubectl(self, *words: str, **options: Any) -> str:
        return kubectl(self.lab, "-n", NAMESPACE, *words, **options)

    def token_in(self, namespace: str, name: str) -> str:
        found = json.loads(kubectl(self.lab, "-n", namespace, "get", "secret", name, "-o", "json"))
        return base64.b64decode(found["data"]["token"]).decode()

    def address(self) -> str:
        return f"http://{self.kubectl('get', 'service', 'remediation', '-o', 'jsonpath={.spec.clusterIP}')}:5000"

    def answer(self, path: str, body: Any = None, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address() + path, data, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def fetch() -> int:
            try:
                with opener.open(request, timeout=30) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code
            except OSError:  # nobody is there, or not yet
                return 0

        return within(self.lab, fetch)

    def inside(self, *command: str) -> str:
        """In the pod, with nothing but what it has."""
        return self.kubectl("exec", "deploy/remediation", "-c", "rulebook", "--", *command, timeout=120)

    def log(self) -> str:
        pods = kubectl(self.lab, "-n", NAMESPACE, "describe", "pods")
        logs = self.kubectl("logs", "deploy/remediation", "--tail=80", "--ignore-errors")
        return f"{pods[-3000:]}\n{logs}"

    def decisions(self) -> list[dict[str, Any]]:
        text = self.inside("sh", "-c", "cat /var/lib/platform-ops/decisions.jsonl 2>/dev/null || true")
        return [json.loads(line) for line in text.splitlines()]

    def until(self, what: str, condition: Callable[[], Any], seconds: float = 180) -> Any:
        try:
            return wait_for(what, condition, deadline=seconds, every=0.5)
        except Exception:
            print(self.log()[-8000:], *map(json.dumps, self.decisions()), sep="\n")
            raise

    def stop(self) -> None:
        if state.exists(self.lab):
            self.site("-e", "eda_state=absent")
