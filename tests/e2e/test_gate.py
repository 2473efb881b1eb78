# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every bump that cannot work is stopped before its pull request, with its reason: one batch of alerts about real pods,
answered by the rulebook with no more rights than the role asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body
from ansible_collections.platform.ops.plugins.module_utils.forge._verify import verify

from lab import git_host, gitops, monitoring
from lab.control_plane import kubectl
from lab.images import WORKLOAD
from lab.place import Lab
from lab.web import within
from tests.support.access import least_rights, may_read_secret
from tests.support.loop import REPOSITORY, Loop, closed_loop

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),
    pytest.mark.stand_in("artifact-publisher"),
    pytest.mark.stand_in("series-exporter"),
    pytest.mark.stand_in("open-definitions"),
]

DEFINITIONS = Path(__file__).parent.parent / "support/definitions.yml"
LIMITS = {"memory": "64Mi", "cpu": "200m"}
REQUESTS = {"memory": "16Mi", "cpu": "1m"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
# A number of its own for each namespace; without a policy the step is 100Mi, to 164Mi.
FAR = {"memory": {"factor": None, "floor": None, "max_factor": None, "add": "8Gi"}}


@dataclass(frozen=True)
class Case:
    """A Deployment `cart` in a namespace of this name, and what should be decided about it."""

    name: str
    reason: str
    decision: str = "refused"
    resources: dict[str, Any] = field(default_factory=lambda: {"limits": LIMITS, "requests": REQUESTS})
    strategy: dict[str, Any] = field(default_factory=dict)
    beside: tuple[dict[str, Any], ...] = ()  # committed with it
    policy: dict[str, Any] = field(default_factory=dict)

    def documents(self) -> list[dict[str, Any]]:
        meta = {"name": "cart", "namespace": self.name}
        labels = {"app": "cart"}
        container = {"name": "server", "image": WORKLOAD, "args": [], "resources": self.resources}
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": self.strategy,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        }
        if not self.strategy:
            del spec["strategy"]
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}}
        beside = [
            {**one, "metadata": {"name": "cart", "namespace": self.name, **one.get("metadata", {})}}
            for one in self.beside
        ]
        return [namespace, *beside, deployment]


def limit_range(**item: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": [{"type": "Container", **item}]}}


def quota(**hard: str) -> dict[str, Any]:
    named = {name.replace("_", "."): amount for name, amount in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": named}}


def hpa(resource: str) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": 99}
    metric = {"type": "Resource", "resource": {"name": resource, "target": target}}
    spec = {"scaleTargetRef": TARGET, "maxReplicas": 1, "metrics": [metric]}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}


def vpa(mode: str) -> dict[str, Any]:
    spec = {"targetRef": TARGET, "updatePolicy": {"updateMode": mode}}
    return {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "spec": spec}


PDB = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "cart"}}},
}
RECREATE = {"type": "Recreate"}
ALWAYS = {"restart": {"blackouts": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}]}}

STOPPED = [
    Case("bounds", "limit_range", beside=(limit_range(max={"memory": "128Mi"}),)),
    Case("ratio", "limit_range", beside=(limit_range(maxLimitRequestRatio={"memory": "10"}),)),
    Case("budget", "quota", strategy=RECREATE, beside=(quota(limits_memory="163Mi"),)),
    Case("surge", "quota_surge", beside=(quota(limits_memory="200Mi"),)),
    Case("large", "node_size", policy=FAR),
    Case("promised", "node_overcommit", policy={"gate": {"memory_overcommit": 0.01}}),
    Case("vertical", "vpa", beside=(vpa("Auto"),)),
    Case("horizontal", "hpa_request", resources={"limits": LIMITS}, beside=(hpa("memory"),)),
    Case("classless", "qos_change", resources={}, policy={"create_missing": True}),
    Case("spare", "pdb", strategy=RECREATE, beside=(PDB,)),
    Case("hours", "blackout", decision="limited", policy={"gate": ALWAYS}),
    Case("secure", "dry_run"),
    Case("operated", "managed_by_operator"),
    Case("elsewhere", "repository_not_allowed"),
]
GOING = [
    Case("kept", "bumped", decision="opened", beside=(hpa("memory"), vpa("Off"), PDB), policy={"requests": "scale"}),
    Case("canary", "bumped", decision="opened"),
]


@pytest.fixture
def loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    """With access to the cluster by the least rights, and to Prometheus."""
    kubectl(lab, "apply", "-f", DEFINITIONS)
    kubectl(lab, "wait", "--for=condition=Established", "--timeout=60s", "-f", DEFINITIONS)
    overrides = [{"namespace": case.name, "policy": case.policy} for case in (*STOPPED, *GOING) if case.policy]
    access = {"kubeconfig": str(least_rights(lab, tmp_path))}
    host = {"host": "gitea", "api_url": f"{git_host.URL}/api/v1"}
    pattern = f"{urlsplit(git_host.URL).netloc}/{git_host.USER}/*"
    secret = may_read_secret(lab, "git", token=git_host.credentials(lab).token)
    more = {
        "limit_bump_cluster_access": access,
        # No repository is listed: the cluster names it, a pattern allows it, and its token is in a Secret.
        "limit_bump_repositories": [],
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
    namespaces = [case.name for case in (*STOPPED, *GOING)]
    kubectl(lab, "delete", "namespace", "--ignore-not-found", "--wait=false", *namespaces)


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
    # What runs may stay, new pods may not come.
    kubectl(loop.lab, "label", "namespace", "secure", "pod-security.kubernetes.io/enforce=restricted")
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
    return {case.name for case in (*STOPPED, *GOING)} <= {one["metric"]["namespace"] for one in found}


def alert(case: Case, pod: str) -> dict[str, Any]:
    labels = {"alertname": "ContainerMemoryNearLimit", "remediation": "bump_limits", "resource": "memory"}
    return {
        "status": "firing",
        "labels": {**labels, "namespace": case.name, "pod": pod, "container": "server"},
        "annotations": {"value": "60Mi", "limit": "64Mi"},
        "startsAt": "2026-11-21T10:00:00.000Z",
    }


def post(loop: Loop, alerts: list[dict[str, Any]]) -> None:
    headers = {"Authorization": f"Bearer {loop.token.read_text()}"}
    answer = within(
        loop.lab, lambda: requests.post(loop.receiver, json={"alerts": alerts}, headers=headers, timeout=60)
    )
    assert answer.ok, answer.text


def test_every_bump_that_cannot_work_is_stopped_before_its_pull_request_with_its_reason(loop: Loop) -> None:
    cases = [*STOPPED, *GOING]
    files = {f"apps/{case.name}.yaml": yaml.safe_dump_all(case.documents(), sort_keys=False) for case in cases}
    head = git_host.commit(loop.lab, REPOSITORY, files, "Add the carts")
    gitops.wait_applied(loop.lab, REPOSITORY, head, deadline=180)
    prepare_by_hand(loop)
    pods = {
        case.name: loop.until(f"a pod runs in {case.name}", lambda case=case: pod_of(loop, case), seconds=180)
        for case in cases
    }
    loop.until("the kubelet's metrics of all reach back far enough", lambda: measured(loop), seconds=180)

    post(loop, [alert(case, pods[case.name]) for case in cases])

    def decided() -> dict[str, dict[str, Any]]:
        return {one["target"].partition("/")[0]: one for one in loop.decisions() if one.get("target")}

    loop.until("all is decided", lambda: len(decided()) == len(cases), seconds=240)
    told = {name: (one["decision"], one["reason"]) for name, one in decided().items()}
    assert told == {case.name: (case.decision, case.reason) for case in cases}, json.dumps(decided(), indent=1)

    pulls = {pull["title"]: pull for pull in loop.pulls()}
    assert sorted(pulls) == ["Raise memory of canary/cart to 164Mi", "Raise memory of kept/cart to 164Mi"]
    kept, canary = (pulls[f"Raise memory of {name}/cart to 164Mi"] for name in ("kept", "canary"))
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
    for pull in (kept, canary):
        assert "### Usage" in pull["body"], pull["body"]
        assert verify(pull["body"]) == []
    loop.until("both are merged by the tick", lambda: all(pull["merged"] for pull in loop.pulls()), seconds=180)
