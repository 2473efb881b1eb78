# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every bump that cannot work is stopped before its pull request, with its reason: one batch of alerts about real pods,
answered by the rulebook with no more rights than the role asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._verify import verify

from lab import git_host, gitops, monitoring, simulated
from lab.control_plane import kubectl
from lab.place import Lab
from lab.web import within
from tests.support.access import least_rights, may_read_secret
from tests.support.gate_cases import ALL, ATTIC, GOING, GONE, SHELF, SHORT, TARGET, Case
from tests.support.loop import REPOSITORY, Loop, closed_loop

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
    pytest.mark.stand_in("open-definitions"),
    pytest.mark.stand_in("kwok-node"),
]

DEFINITIONS = Path(__file__).parent.parent / "support/definitions.yml"


@pytest.fixture
def loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    """With access to the cluster by the least rights, and to Prometheus."""
    kubectl(lab, "label", "--overwrite", "node", "worker-1", f"{SHELF}=upper")
    simulated.add(lab, [SHORT], memory="1Gi")
    kubectl(lab, "taint", "--overwrite", "node", SHORT, f"{SHORT}=:NoSchedule")
    kubectl(lab, "apply", "-f", DEFINITIONS)
    kubectl(lab, "wait", "--for=condition=Established", "--timeout=60s", "-f", DEFINITIONS)
    overrides = [{"namespace": case.name, "policy": case.policy} for case in ALL if case.policy]
    access = {"kubeconfig": str(least_rights(lab, tmp_path))}
    token = git_host.credentials(lab).token
    attic = git_host.create_repository(lab, ATTIC, {"gone.yaml": yaml.safe_dump_all(GONE.documents())})
    host = {"host": "gitea", "api_url": f"{git_host.URL}/api/v1"}
    pattern = f"{urlsplit(git_host.URL).netloc}/{git_host.USER}/*"
    secret = may_read_secret(lab, "git", token=token)
    more = {
        "limit_bump_cluster_access": access,
        # The repository of the others is not listed: the cluster names it, a pattern allows it, and its token is in a
        # Secret.
        "limit_bump_repositories": [{"name": ATTIC, "url": attic, "token": token, "namespaces": [GONE.name], **host}],
        "limit_bump_allow_repositories": [{"match": pattern, "secret": secret, **host}],
        "limit_bump_prometheus": {"url": monitoring.PROMETHEUS},
        "limit_bump_usage": {"window": "10m", "history": "10s", "rate": "20s"},
        "limit_bump_policy_overrides": overrides,
        "limit_bump_retry_seconds": 600,
    }
    with closed_loop(lab, tmp_path, more) as running:
        yield running
    kubectl(lab, "-n", gitops.NAMESPACE, "delete", "--ignore-not-found", "kustomization,gitrepository", "other")
    kubectl(lab, "delete", "--ignore-not-found", "-f", DEFINITIONS, timeout=120)
    namespaces = [case.name for case in ALL]
    kubectl(lab, "delete", "namespace", "--ignore-not-found", "--wait=false", *namespaces, "argocd")
    simulated.remove(lab, SHORT)
    git_host.api(lab, f"/repos/{git_host.USER}/{ATTIC}", method="DELETE")


def apply(loop: Loop, *items: dict[str, Any]) -> None:
    kubectl(loop.lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))


def get(loop: Loop, namespace: str, what: str) -> Any:
    return json.loads(kubectl(loop.lab, "-n", namespace, "get", what, "-o", "json"))


def prepare_by_hand(loop: Loop) -> None:
    """What people or operators do beside git."""
    # A record of an operator that makes the Deployment; the account has no right to read it.
    record = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop", "namespace": "operated"}}
    apply(loop, record)
    uid = get(loop, "operated", "configmap/shop")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "shop", "uid": uid, "controller": True}
    own(loop, "operated", "cart", owner)
    # Applied by a Kustomization from a repository that nobody allowed.
    meta = {"name": "other", "namespace": gitops.NAMESPACE}
    source = {"interval": "1h", "url": "https://git.example.org/evil/fleet", "ref": {"branch": "main"}}
    target = {
        "interval": "1h",
        "path": "./",
        "prune": False,
        "suspend": True,
        "sourceRef": {"kind": "GitRepository", "name": "other"},
    }
    apply(
        loop,
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": meta,
            "spec": {**source, "suspend": True},
        },
        {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta, "spec": target},
    )
    kubectl(
        loop.lab, "-n", "elsewhere", "label", "--overwrite", "deployment/cart", "kustomize.toolkit.fluxcd.io/name=other"
    )
    # Flagger's copy of the Deployment, which is in no git repository.
    canary = {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": "cart", "namespace": "canary"},
        "spec": {"targetRef": TARGET},
    }
    apply(loop, canary)
    uid = get(loop, "canary", "canary/cart")["metadata"]["uid"]
    copy = next(one for one in GOING[1].documents() if one["kind"] == "Deployment")
    copy["metadata"] = {"name": "cart-primary", "namespace": "canary"}
    copy["spec"]["selector"] = {"matchLabels": {"app": "cart-primary"}}
    copy["spec"]["template"]["metadata"]["labels"] = {"app": "cart-primary"}
    apply(loop, copy)
    controller = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "cart", "uid": uid, "controller": True}
    own(loop, "canary", "cart-primary", controller)


def apply_as_argocd(loop: Loop) -> None:
    """What Argo CD leaves behind: a tracking id on an object, or a label and the object in the Application's list."""
    tracked, instance = (case.documents() for case in GOING if case.folder == "argo")
    tracked[-1]["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "carts-0:apps/Deployment:tracked/cart"}
    instance[-1]["metadata"]["labels"] = {"app.kubernetes.io/instance": "carts-1"}
    listed = {"group": "apps", "kind": "Deployment", "namespace": "instance", "name": "cart", "status": "Synced"}
    url = f"{git_host.URL}/{git_host.USER}/{REPOSITORY}.git"
    spec = {"project": "default", "source": {"repoURL": url, "path": "argo", "targetRevision": "main"}}
    made = {"apiVersion": "argoproj.io/v1alpha1"}
    everywhere = {"metadata": {"name": "carts", "namespace": "argocd"}, "spec": {"generators": [], "template": {}}}
    apply(loop, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
    apply(loop, {**made, "kind": "ApplicationSet", **everywhere})
    uid = get(loop, "argocd", "applicationset/carts")["metadata"]["uid"]
    owner = {**made, "kind": "ApplicationSet", "name": "carts", "uid": uid, "controller": True}
    for number, status in enumerate(({}, {"resources": [listed]})):
        meta = {"name": f"carts-{number}", "namespace": "argocd", "ownerReferences": [owner]}
        apply(loop, {**made, "kind": "Application", "metadata": meta, "spec": spec, "status": status})
    apply(loop, *tracked, *instance)


def change_the_nodes(loop: Loop) -> None:
    """Once the pods run: the label that one asked for goes, and a node turns short of memory."""
    kubectl(loop.lab, "label", "node", "worker-1", f"{SHELF}-")
    short = json.dumps({"status": {"conditions": [{"type": "MemoryPressure", "status": "True"}]}})
    kubectl(loop.lab, "patch", "node", SHORT, "--subresource=status", "--type=strategic", "-p", short)


def own(loop: Loop, namespace: str, name: str, owner: dict[str, Any]) -> None:
    change = json.dumps({"metadata": {"ownerReferences": [owner]}})
    kubectl(loop.lab, "-n", namespace, "patch", "deployment", name, "--type=merge", "-p", change)


def pod_of(loop: Loop, case: Case) -> str | None:
    """The name of its running pod; of the Canary's copy where there is one."""
    app = "cart-primary" if case.name == "canary" else "cart"
    pods = json.loads(kubectl(loop.lab, "-n", case.name, "get", "pods", "-l", f"app={app}", "-o", "json"))["items"]
    ready = [
        pod["metadata"]["name"]
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    ]
    return ready[0] if ready else None


def measured(loop: Loop) -> bool:
    # As long ago as the history that `loop` asks for, and the scrape that may fall into it.
    series = 'container_memory_working_set_bytes{container="server"} offset 15s'
    found = monitoring.query(loop.lab, f"count by (namespace) ({series})")
    return {case.name for case in ALL} <= {one["metric"]["namespace"] for one in found}


def alert(case: Case, pod: str) -> dict[str, Any]:
    labels = {"alertname": "ContainerMemoryNearLimit", "remediation": "bump_limits", "resource": "memory"}
    return {
        "status": "firing",
        "labels": {**labels, "namespace": case.name, "pod": pod, "container": "server"},
        "annotations": {"value": "60Mi", "limit": "64Mi"},
        "startsAt": "2026-11-21T10:00:00.000Z",
    }


def killed() -> dict[str, Any]:
    """About a pod of long ago."""
    told = alert(GONE, "cart-6bfb9555db-4phhb")
    return {**told, "annotations": {"limit": "64Mi"}}


def post(loop: Loop, alerts: list[dict[str, Any]]) -> None:
    headers = {"Authorization": f"Bearer {loop.token.read_text()}"}
    answer = within(
        loop.lab, lambda: requests.post(loop.receiver, json={"alerts": alerts}, headers=headers, timeout=60)
    )
    assert answer.ok, answer.text


def test_every_bump_that_cannot_work_is_stopped_before_its_pull_request_with_its_reason(loop: Loop) -> None:
    files = {f"{case.folder}/{case.name}.yaml": yaml.safe_dump_all(case.documents(), sort_keys=False) for case in ALL}
    head = git_host.commit(loop.lab, REPOSITORY, files, "Add the carts")
    gitops.wait_applied(loop.lab, REPOSITORY, head, deadline=180)
    prepare_by_hand(loop)
    apply_as_argocd(loop)
    pods = {
        case.name: loop.until(f"a pod runs in {case.name}", partial(pod_of, loop, case), seconds=180) for case in ALL
    }
    # What runs may stay, new pods may not come.
    kubectl(loop.lab, "label", "namespace", "secure", "pod-security.kubernetes.io/enforce=restricted")
    change_the_nodes(loop)
    loop.until("the budget counts both pods", lambda: get(loop, "down", "pdb/cart")["status"].get("expectedPods") == 2)
    loop.until("the kubelet's metrics of all reach back far enough", lambda: measured(loop), seconds=180)

    post(loop, [*(alert(case, pods[case.name]) for case in ALL), killed()])

    expected = {case.name: (case.decision, case.reason) for case in (*ALL, GONE)}

    def decided() -> dict[str, dict[str, Any]]:
        """Of these namespaces: Alertmanager may still hold alerts of the test before."""
        found = {one["target"].partition("/")[0]: one for one in loop.decisions() if one.get("target")}
        return {name: one for name, one in found.items() if name in expected}

    loop.until("all is decided", lambda: len(decided()) == len(expected), seconds=240)
    told = {name: (one["decision"], one["reason"]) for name, one in decided().items()}
    assert told == expected, json.dumps(decided(), indent=1)

    pulls = {pull["title"]: pull for pull in loop.pulls()}
    assert set(pulls) == {f"Raise memory of {case.name}/cart to 164Mi" for case in GOING}
    kept, canary, *of_argocd = (pulls[f"Raise memory of {case.name}/cart to 164Mi"] for case in GOING)
    block = block_in_body(kept["body"])
    assert block is not None
    assert [(one["field"], one["before"], one["after"]) for one in block["changes"]] == [("limits", "64Mi", "164Mi")]
    for line in ("HorizontalPodAutoscaler kept/cart: the request stays", "dry run: the API server would admit", "kept"):
        assert line in kept["body"]
    assert block["changes"][0]["file"] == "apps/kept.yaml"
    block = block_in_body(canary["body"])
    assert block is not None
    assert (block["target"]["name"], block["changes"][0]["file"]) == ("cart", "apps/canary.yaml")
    assert "canary, then rolling update" in canary["body"]
    blocks = [block_in_body(pull["body"]) for pull in of_argocd]
    assert [block and block["changes"][0]["file"] for block in blocks] == ["argo/tracked.yaml", "argo/instance.yaml"]
    for pull in pulls.values():
        assert "### Usage" in pull["body"], pull["body"]
        assert verify(pull["body"]) == []
    loop.until("all are merged by the tick", lambda: all(pull["merged"] for pull in loop.pulls()), seconds=180)
