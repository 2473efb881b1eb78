# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A commit on the git host becomes an object in the cluster."""

from __future__ import annotations

import json

import pytest

from lab import expose, git_host, gitops, parts, process
from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import LabError, run, wait_for
from lab.tools import tool
from lab.web import ask

pytestmark = [pytest.mark.real, pytest.mark.stand_in("artifact-publisher")]

PATH = "clusters/lab/config.yaml"


def config(value: str) -> str:
    meta = {"name": "from-git", "namespace": "default"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": value}})


def value(lab: Lab) -> str:
    return kubectl(lab, "get", "configmap", "from-git", "-o", "jsonpath={.data.value}")


@pytest.fixture(scope="module")
def tracked(lab: Lab) -> Lab:
    """The lab with a git host, GitOps, and one repository that is applied."""
    parts.add(lab, "git")
    parts.add(lab, "gitops")
    url = git_host.create_repository(lab, "apps", {PATH: config("first")})
    gitops.track(lab, "apps", url, "./clusters/lab")
    gitops.wait_applied(lab, "apps", git_host.head(lab, "apps"))
    return lab


def test_what_stands_in_git_is_applied(tracked: Lab) -> None:
    assert value(tracked) == "first"
    labels = json.loads(kubectl(tracked, "get", "configmap", "from-git", "-o", "jsonpath={.metadata.labels}"))
    assert labels["kustomize.toolkit.fluxcd.io/name"] == "apps"


def test_a_merged_pull_request_is_applied(tracked: Lab) -> None:
    main = git_host.head(tracked, "apps")
    change = git_host.commit(tracked, "apps", {PATH: config("second")}, "Change it", branch="change")
    request = {"head": "change", "base": "main", "title": "Change it"}
    made = git_host.api(tracked, "/repos/lab/apps/pulls", body=request)
    assert git_host.head(tracked, "apps") == main != change
    merge = {"Do": "merge", "head_commit_id": change}
    wait_for(
        "Gitea merges",
        lambda: git_host.api(tracked, f"/repos/lab/apps/pulls/{made['number']}/merge", body=merge) is not None,
        deadline=30,
        every=0.5,
    )
    gitops.wait_applied(tracked, "apps", git_host.head(tracked, "apps"))
    assert value(tracked) == "second"


def test_a_broken_manifest_is_not_ready_and_the_next_commit_heals_it(tracked: Lab) -> None:
    before = gitops.applied(tracked, "apps")
    git_host.commit(tracked, "apps", {PATH: "{"}, "Break it")
    wait_for("the Kustomization is not Ready", lambda: gitops.applied(tracked, "apps") is None, deadline=60)
    healed = git_host.commit(tracked, "apps", {PATH: config("healed")}, "Heal it")
    gitops.wait_applied(tracked, "apps", healed)
    assert (gitops.applied(tracked, "apps"), value(tracked)) != (before, "second")


def test_commits_made_while_everything_was_down_are_applied_afterwards(tracked: Lab) -> None:
    for name in ("publisher", "kustomize-controller"):
        parts.kill(tracked, name)
    late = git_host.commit(tracked, "apps", {PATH: config("late")}, "Nobody looks")
    parts.kill(tracked, "gitea")
    for name in ("gitea", "publisher", "kustomize-controller"):
        parts.start(tracked, name)
    gitops.wait_applied(tracked, "apps", late)
    assert value(tracked) == "late"


def test_a_repository_that_does_not_exist_is_said_without_its_password(tracked: Lab) -> None:
    gitops.track(tracked, "missing", f"{git_host.URL}/lab/missing.git")

    def condition() -> str:
        return kubectl(
            tracked, "-n", gitops.NAMESPACE, "get", "gitrepository", "missing", "-o", "jsonpath={.status.conditions}"
        )

    wait_for("the failure is written", lambda: "GitOperationFailed" in condition(), deadline=30)
    assert git_host.credentials(tracked).password not in condition()


def test_an_exposed_server_answers_outside_and_only_on_the_loopback_address(tracked: Lab) -> None:
    address = expose.expose(tracked, "git")
    assert address.startswith("127.0.0.1:")
    assert expose.expose(tracked, "git") == address
    assert "version" in run(["curl", "-sf", "--noproxy", "*", f"http://{address}/api/v1/version"])
    assert ask(tracked, f"{git_host.URL}/api/v1/version")["version"].startswith("1.26")
    expose.expose(tracked, "api")
    outside = ["--kubeconfig", str(tracked.outside_kubeconfig), "get", "--raw", "/readyz"]
    assert run([tool("kubectl"), *outside]) == "ok"
    assert process.pid_of(tracked, "expose-git")


def test_an_unknown_server_is_not_exposed(lab: Lab) -> None:
    with pytest.raises(LabError, match="no server 'etcd' to expose"):
        expose.expose(lab, "etcd")
