# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop closed from inside the cluster: the image, made without Docker, as a pod with only its ServiceAccount."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab import git_host, gitops
from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import LabError
from tests.support.loop import REPOSITORY, closed_loop, deployment
from tests.support.service_pod import ALERTMANAGER_SECRET, NAMESPACE, PodLoop

pytestmark = [
    pytest.mark.real,
    pytest.mark.campaign,
    pytest.mark.timeout(1500),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
]
WHO = f"system:serviceaccount:{NAMESPACE}:remediation"


@pytest.fixture(scope="module")
def pod(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodLoop]:
    with closed_loop(lab, tmp_path_factory.mktemp("service"), make=PodLoop) as running:
        yield running


def test_only_who_shows_the_token_is_heard(pod: PodLoop) -> None:
    payload = {"version": "4", "alerts": []}
    assert pod.answer("/alertmanager", payload) == 401
    assert pod.answer("/alertmanager", payload, token="guessed-0123456789") == 401
    assert pod.answer("/alertmanager", payload, token=pod.secret) == 202
    assert pod.answer("/metrics") == 401


def test_the_pod_may_read_what_it_needs_and_change_nothing(pod: PodLoop) -> None:
    def may(verb: str, what: str, *where: str) -> bool:
        try:
            return kubectl(pod.lab, "auth", "can-i", verb, what, f"--as={WHO}", *(where or ("-A",))).strip() == "yes"
        except LabError:  # kubectl ends with 1 for no
            return False

    assert may("list", "pods")
    assert may("get", "deployments.apps")
    assert not any(may(verb, "secrets") for verb in ("get", "list", "create"))
    assert not any(may("get", "secrets", "-n", space) for space in (NAMESPACE, "kube-system"))
    for what in ("pods", "deployments.apps", "configmaps", "nodes", "clusterroles.rbac.authorization.k8s.io"):
        assert not any(may(verb, what) for verb in ("create", "patch", "update", "delete")), what

    said = pod.inside("sh", "-c", "id -u; ls /root /opt/x ~/.kube 2>&1; touch /opt/x 2>&1; env")
    assert said.startswith("65532\n")
    assert "Read-only file system" in said
    assert git_host.credentials(pod.lab).token not in said
    running = json.loads(pod.kubectl("get", "pods", "-l", "app.kubernetes.io/name=remediation", "-o", "json"))["items"]
    (spec,) = [item["spec"] for item in running]
    assert spec["nodeName"] == "worker-1"
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds == {"configMap", "secret", "emptyDir", "projected"}


def test_a_second_run_changes_nothing(pod: PodLoop) -> None:
    said = pod.site()
    assert "changed=0" in next(line for line in said.splitlines() if line.startswith("eda "))


def test_alertmanager_is_given_the_token_that_is_to_come_while_two_are_taken(pod: PodLoop) -> None:
    assert pod.token_in("monitoring", ALERTMANAGER_SECRET) == pod.secret
    both = f"{pod.secret}\nthe-one-to-come-0123456789\n"
    patch = json.dumps({"stringData": {"token": both}})
    pod.kubectl("patch", "secret", "remediation-token", "-p", patch)
    pod.site()
    assert pod.token_in("monitoring", ALERTMANAGER_SECRET) == "the-one-to-come-0123456789"
    pod.kubectl("patch", "secret", "remediation-token", "-p", json.dumps({"stringData": {"token": pod.secret}}))
    pod.site()
    assert pod.token_in("monitoring", ALERTMANAGER_SECRET) == pod.secret


def test_a_container_killed_for_its_memory_is_healed_from_inside_the_cluster(pod: PodLoop) -> None:
    # A name of its own: what others of a name used before counts as its peak.
    manifest = deployment("satchel", "-memory=90", limits={"memory": "64Mi", "cpu": "500m"})
    git_host.commit(pod.lab, REPOSITORY, {"apps/satchel.yaml": manifest}, "Add the satchel")
    pod.until("the kernel kills the container", lambda: pod.killed("satchel"))
    pod.until("the alert fires", lambda: pod.alerts("satchel"))
    pod.until("a pull request is open", pod.pulls)
    pull = pod.until("it is merged", lambda: next((p for p in pod.pulls() if p["merged"]), None))
    gitops.wait_applied(pod.lab, REPOSITORY, git_host.head(pod.lab, REPOSITORY), deadline=180)
    assert pod.limits("satchel") == {"memory": "164Mi", "cpu": "500m"}
    pod.until("one pod is left, and stays up", lambda: pod.well("satchel"))
    pod.until("the alert resolves", lambda: not pod.alerts("satchel"), seconds=240)
    assert [p["number"] for p in pod.pulls()] == [pull["number"]]
    text = git_host.text(pod.lab, REPOSITORY, "apps/satchel.yaml")
    assert text == manifest.replace("memory: 64Mi", "memory: 164Mi")
    assert {"opened", "merged"} <= {decision["decision"] for decision in pod.decisions()}


def test_removing_it_leaves_its_namespace_and_secrets(pod: PodLoop) -> None:
    pod.stop()
    left = pod.kubectl("get", "deployments,services,configmaps,networkpolicies,serviceaccounts", "-o", "name").split()
    assert [name for name in left if "remediation" in name] == []
    assert {"secret/remediation-token", "secret/git-fleet"} <= set(pod.kubectl("get", "secrets", "-o", "name").split())
    assert kubectl(pod.lab, "get", "clusterroles,clusterrolebindings", "-o", "name").count("remediation") == 0
    assert pod.token_in("monitoring", ALERTMANAGER_SECRET) == pod.secret


def test_removing_its_data_takes_both_copies_of_the_token(pod: PodLoop) -> None:
    pod.site("-e", "eda_state=absent", "-e", "platform_remove_data=true")
    assert "secret/remediation-token" not in pod.kubectl("get", "secrets", "-o", "name").split()
    assert ALERTMANAGER_SECRET not in kubectl(pod.lab, "-n", "monitoring", "get", "secrets", "-o", "name")
