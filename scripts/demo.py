# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: a real ansible-rulebook answers real payloads, posted over HTTP, with pull requests on the `local` host.

Everything lives in one temporary folder that is named at the start and removed at the end (`--keep` leaves it there).
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.platform.ops.plugins.module_utils.forge._local import LocalHost
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

from tests.support.rulebook import Rulebook, free_port, rulebook

COLOUR = sys.stdout.isatty()
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
STARTED = time.monotonic()


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def step(text: str) -> None:
    print(f"\n{paint(f'[{time.monotonic() - STARTED:5.1f} s]', '2')} {paint(text, '1')}", flush=True)


def tell(text: str) -> None:
    print("  " + text.replace("\n", "\n  "), flush=True)


def git(repository: Path, *args: str, given: str | None = None) -> str:
    command = ["git", "-C", str(repository), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=given).stdout


def make_fleet(folder: Path, more: Mapping[str, str] | None = None) -> Path:
    """Turn examples/fleet, and more files, into a bare repository, as a team would have on its git host."""
    work, bare = folder / "work", folder / "fleet.git"
    shutil.copytree(ROOT / "examples/fleet", work)
    for name, text in (more or {}).items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "--all")
    git(work, "-c", "user.name=The shop", "-c", "user.email=shop@example.org", "commit", "--quiet", "-m", "The fleet")
    git(work, "push", "--quiet", str(bare), "main")
    shutil.rmtree(work)
    return bare


def make_inventory(folder: Path, fleet: Path) -> Path:
    """Copy inventories/demo and add what only this run knows. Returns the file with the variables."""
    inventory = folder / "inventory"
    shutil.copytree(ROOT / "inventories/demo", inventory)
    token = folder / "token"
    token.write_text(secrets.token_urlsafe(32) + "\n")
    token.chmod(0o600)
    variables = inventory / "group_vars/all/remediation.yml"
    variables.write_text(
        yaml.safe_dump(
            {
                "remediation_listen_port": free_port(),
                "remediation_state_dir": str(folder / "state"),
                "remediation_token_file": str(token),
                "remediation_tick_seconds": 3,
                "limit_bump_repositories": [{"name": "fleet", "url": str(fleet)}],
            }
        )
    )
    return variables


def alert(name: str, resource: str, value: str, **labels: str) -> dict[str, Any]:
    """One alert of Alertmanager's webhook payload, as the rules of this project label them."""
    now = datetime.now(UTC)
    return {
        "status": "firing",
        "labels": {"alertname": name, "resource": resource, "severity": "warning", **labels},
        "annotations": {"summary": f"{labels.get('container', '?')} is near its {resource} limit", "value": value},
        "startsAt": (now - timedelta(minutes=2)).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.org/graph?g0.expr=container_memory_working_set_bytes%7B%7D",
        "fingerprint": secrets.token_hex(8),
    }


def payload(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="ContainerMemoryNearLimit"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "remediation",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.org",
        "alerts": list(alerts),
    }


class Demo:
    def __init__(self, running: Rulebook, fleet: Path, state: Path) -> None:
        self.running = running
        self.fleet = fleet
        self.host = LocalHost(str(fleet))
        self.decisions_file = state / "decisions.jsonl"

    def post(self, path: str, body: object) -> None:
        answer = self.running.post(path, body)
        tell(f"POST {path} -> {answer.status} {answer.body.decode().strip()}")

    def pulls(self) -> list[PullRequest]:
        return sorted(self.host.list("platform-ops/", LONG_AGO), key=lambda pull: pull.number)

    def decisions(self) -> list[dict[str, Any]]:
        if not self.decisions_file.exists():
            return []
        return [json.loads(line) for line in self.decisions_file.read_text().splitlines()]

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise SystemExit(
                    f"demo: {what} did not happen within {seconds:g} s.\n{self.running.output()[-3000:]}\n"
                    + "\n".join(json.dumps(one) for one in self.decisions())
                )
            time.sleep(0.05)

    def show_diff(self, pull: PullRequest) -> None:
        diff = git(self.fleet, "diff", "--unified=1", f"{pull.base}...{pull.head_sha}")
        for line in diff.splitlines():
            if line.startswith("+++"):
                tell(paint(line[6:], "1"))
            elif not re.match(r"index |diff |---", line):
                tell(paint(line, {"+": "32", "-": "31", "@": "36"}.get(line[:1], "0")))


def pod(namespace: str, name: str, container: str) -> dict[str, str]:
    return {"namespace": namespace, "pod": name, "container": container}


def near_limit(resource: str, value: str, **labels: str) -> dict[str, Any]:
    name = {"memory": "ContainerMemoryNearLimit", "cpu": "ContainerCpuThrottled"}[resource]
    return alert(name, resource, value, remediation="bump_limits", **labels)


def layouts() -> list[dict[str, Any]]:
    """One alert per layout of the fleet: plain, List, Kustomize patch, Helm values file, HelmRelease, Argo CD."""
    return [
        near_limit("memory", "283Mi", **pod("shop", "adservice-6d5f7c9b8d-x2x4z", "server")),
        near_limit("memory", "250Mi", **pod("shop", "redis-cart-0", "redis")),
        near_limit("memory", "370Mi", **pod("production", "paymentservice-7c9b8d6d5f-k9x2z", "server")),
        near_limit("memory", "740Mi", **pod("storefront", "web-5c8d7f9b6-f9z2k", "storefront")),
        near_limit("memory", "490Mi", **pod("backoffice", "ledger-7b6d9c8f5-z4k2x", "ledger")),
        near_limit("memory", "311Mi", **pod("marketing", "loyalty-9c8f5d7b6-b4k2x", "loyalty")),
    ]


HOSTILE = {
    "namespace": "shop",
    "pod": "{{ lookup('ansible.builtin.pipe', 'touch CANARY') }}",
    "container": "$(touch CANARY)",
}


def play(demo: Demo, canary: Path) -> None:
    step("Six alerts arrive from Alertmanager in one post, and one payload from New Relic")
    first = layouts()
    start = time.monotonic()
    demo.post("/alertmanager", payload(*first))
    demo.post("/newrelic", {"app_name": "checkout-eu", "max_memory": 251, "max_cpu": 0.19})
    demo.wait(lambda: len(demo.pulls()) >= 7, "seven pull requests")
    demo.wait(lambda: len(demo.decisions()) >= 8, "eight decisions")
    tell(f"7 pull requests, {time.monotonic() - start:.1f} s after the first post\n")
    for pull in demo.pulls():
        tell(paint(f"#{pull.number} {pull.title}", "1;34"))
        demo.show_diff(pull)
        print()

    step("What a reviewer reads: the body of the first one")
    tell(demo.pulls()[0].body)

    step("The same six alerts again: Alertmanager delivers at least once")
    with watching(demo, 6) as decided:
        demo.post("/alertmanager", payload(*[{**one, "startsAt": later(one)} for one in first]))
    tell(f"decisions: {counted(decided)}; still {len(demo.pulls())} pull requests")

    step("adservice needs more than that: a higher peak, and CPU as well, join its pull request")
    with watching(demo, 2) as decided:
        demo.post(
            "/alertmanager",
            payload(
                near_limit("memory", "520Mi", **pod("shop", "adservice-6d5f7c9b8d-x2x4z", "server")),
                near_limit("cpu", "296m", **pod("shop", "adservice-6d5f7c9b8d-x2x4z", "server")),
            ),
        )
    tell(f"decisions: {counted(decided)}; still {len(demo.pulls())} pull requests")
    adservice = next(pull for pull in demo.pulls() if "adservice" in pull.branch)
    demo.show_diff(adservice)

    step("A hostile alert: its labels hold a Jinja expression and a shell command")
    text = json.dumps(payload(near_limit("memory", "1Gi", **HOSTILE))).replace("CANARY", str(canary))
    demo.post("/alertmanager", json.loads(text))
    metrics = demo.running.request("/metrics").body.decode()
    tell("\n".join(line for line in metrics.splitlines() if "refused" in line and not line.startswith("#")))
    tell(f"executed: {'YES' if canary.exists() else 'nothing'}; still {len(demo.pulls())} pull requests")
    if canary.exists():
        raise SystemExit("demo: a hostile alert was executed")

    step(f"Merge #{adservice.number} by hand, with nothing but git")
    merge_by_hand(demo.fleet, adservice)
    demo.wait(lambda: demo.host.get(adservice.number).state == "merged", "the merge being noticed")
    tell(f"#{adservice.number} is {demo.host.get(adservice.number).state}; main now has")
    tell(git(demo.fleet, "log", "-2", "--format=%h %an: %s", "main"))
    tell(git(demo.fleet, "show", "main:apps/shop/adservice.yaml").split("resources:")[1].split("---")[0].rstrip())


def later(one: dict[str, Any]) -> str:
    """The alert resolved and fired again: same labels, a new start."""
    return (datetime.fromisoformat(one["startsAt"]) + timedelta(minutes=1)).isoformat()


@contextmanager
def watching(demo: Demo, count: int) -> Iterator[list[dict[str, Any]]]:
    """Collect the decisions that what is done inside leads to."""
    before = len(demo.decisions())
    seen: list[dict[str, Any]] = []
    yield seen
    demo.wait(lambda: len(demo.decisions()) >= before + count, f"{count} decisions")
    seen += demo.decisions()[before:]


def counted(decisions: list[dict[str, Any]]) -> str:
    kinds = Counter(f"{one['decision']} ({one['reason']})" for one in decisions)
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))


def merge_by_hand(fleet: Path, pull: PullRequest) -> None:
    with tempfile.TemporaryDirectory() as clone:
        commands = [
            ["clone", "--quiet", str(fleet), clone],
            ["merge", "--quiet", "--no-ff", "--no-edit", f"origin/{pull.branch}"],
            ["push", "--quiet", "origin", "main"],
        ]
        for command in commands:
            tell(f"$ git {' '.join(command).replace(clone, 'CLONE')}")
            identity = ["-c", "user.name=A reviewer", "-c", "user.email=reviewer@example.org"]
            folder = [] if command[0] == "clone" else ["-C", clone]
            subprocess.run(["git", *identity, *folder, *command], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the folder with the repository and the logs")
    keep = parser.parse_args().keep
    folder = Path(tempfile.mkdtemp(prefix="platform-ops-demo-"))
    try:
        step(f"A fleet of 24 applications in five layouts, in a bare git repository: {folder}/fleet.git")
        fleet = make_fleet(folder)
        variables = make_inventory(folder, fleet)
        tell("the git host is `local`: no server, pull requests are refs of that repository")
        step("ansible-rulebook starts with rulebook platform.ops.remediate")
        start = time.monotonic()
        with rulebook(variables, folder / "inventory") as running:
            tell(f"it listens after {time.monotonic() - start:.1f} s on {running.url}, for callers that know the token")
            play(Demo(running, fleet, folder / "state"), folder / "canary")
        step("Done.")
        if keep:
            tell(f"left for you: git -C {fleet} for-each-ref; {variables.with_name('rulebook.log')}")
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
