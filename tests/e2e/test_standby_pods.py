# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two pods of the service with the engine's state in a real PostgreSQL: the one that leads is killed half way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import git_host
from lab.control_plane import kubectl
from lab.place import GATEWAY, Lab
from lab.web import within
from tests.support.loop import REPOSITORY, closed_loop, deployment
from tests.support.postgres import NAME, USER, Postgres, postgres
from tests.support.service_pod import NAMESPACE, PodLoop

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1800),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
]
SECRET = "remediation-database"


class Replicas(PodLoop):
    """Two of them. People merge, so that the first pod is not done before it dies."""

    password = ""

    def start(self) -> None:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        about = {"name": SECRET, "namespace": NAMESPACE}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": {"password": self.password}}
        for thing in (space, secret):
            kubectl(self.lab, "apply", "-f", "-", stdin=json.dumps(thing))
        super().start()

    def services(self) -> dict[str, dict[str, Any]]:
        """The pods that are not on their way out, by name."""
        found = json.loads(super().kubectl("get", "pods", "-l", "app.kubernetes.io/name=remediation", "-o", "json"))
        return {pod["metadata"]["name"]: pod for pod in found["items"] if not pod["metadata"].get("deletionTimestamp")}

    def leaders(self) -> list[str]:
        return [n for n, pod in self.services().items() if pod["metadata"]["labels"].get("platform.ops/role")]

    def ready(self) -> int:
        statuses = [pod["status"].get("containerStatuses") or [] for pod in self.services().values()]
        return sum(bool(status) and all(one["ready"] for one in status) for status in statuses)

    def inside(self, *command: str) -> str:
        """In the pod that leads."""
        (leader,) = self.leaders()
        return self.kubectl("exec", leader, "-c", "rulebook", "--", *command, timeout=120)


@pytest.fixture(scope="module")
def database(lab: Lab) -> Iterator[Postgres]:
    context = postgres(GATEWAY, "10.0.0.0/8")
    server = within(lab, context.__enter__)
    try:
        yield server
    finally:
        within(lab, lambda: context.__exit__(None, None, None))


@pytest.fixture(scope="module")
def pods(lab: Lab, database: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    Replicas.password = database.password
    where = {"host": GATEWAY, "port": database.port, "name": NAME, "user": USER, "sslmode": "disable"}
    inputs = {
        "eda_replicas": 2,
        "eda_database": {**where, "secret": SECRET},
        "eda_settings": {
            "remediation_tick_seconds": 3,
            "limit_bump_pull_request": {"labels": ["limits"], "merge": {"by": "people"}},
        },
    }
    folder: Path = tmp_path_factory.mktemp("replicas")
    with closed_loop(lab, folder, inputs, make=Replicas) as running:
        yield running


def test_when_the_pod_that_leads_is_killed_the_other_goes_on_with_the_same_pull_request(
    pods: Replicas, record_property: Callable[[str, object], None]
) -> None:
    pods.until("both pods are ready", lambda: pods.ready() == 2)
    (first,) = pods.until("one leads", pods.leaders)
    assert pods.answer("/alertmanager", {"version": "4", "alerts": []}, token=pods.secret) == 202

    # A name of its own: what others of a name used before counts as its peak. No limit of the processor's time: being
    # throttled on a busy machine would be another alert, with a pull request of its own once the first is merged.
    manifest = deployment("trolley", "-memory=90", limits={"memory": "64Mi"})
    git_host.commit(pods.lab, REPOSITORY, {"apps/trolley.yaml": manifest}, "Add the trolley")
    pods.until("the kernel kills the container", lambda: pods.killed("trolley"))
    (pull,) = pods.until("a pull request is open", pods.pulls)

    began = time.monotonic()
    pods.kubectl("delete", "pod", first, "--grace-period=0", "--force", "--wait=false")
    pods.until("another leads", lambda: pods.leaders() not in ([], [first]))
    (second,) = pods.leaders()
    heard = {"version": "4", "alerts": []}
    pods.until("it hears", lambda: pods.answer("/alertmanager", heard, token=pods.secret) == 202)
    record_property("takeover_seconds", round(time.monotonic() - began, 1))
    assert second != first

    # It is told again of the alert, finds the pull request, and follows it once people have merged.
    pods.until("it has decided", pods.decisions)
    assert [one["number"] for one in pods.pulls()] == [pull["number"]]
    git_host.api(pods.lab, f"/repos/lab/{REPOSITORY}/pulls/{pull['number']}/merge", body={"Do": "merge"}, method="POST")
    pods.until("one pod of the trolley is left, and stays up", lambda: pods.well("trolley"))
    pods.until("the alert resolves", lambda: not pods.alerts("trolley"), seconds=240)
    assert pods.limits("trolley") == {"memory": "164Mi"}
    assert [one["number"] for one in pods.pulls()] == [pull["number"]], [one["title"] for one in pods.pulls()]
    pods.until("a new pod stands by", lambda: pods.ready() == 2)
    assert pods.leaders() == [second]
