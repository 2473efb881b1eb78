# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a workload: which objects are asked for, and what is made of them together."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Series, selector
from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Alert
from ansible_collections.platform.ops.plugins.module_utils.verdict._look import Case, Look

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MERGED = NOW - timedelta(minutes=30)
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
FLUX = {f"{KUSTOMIZE}/name": "fleet", f"{KUSTOMIZE}/namespace": "flux-system"}
MEMORY = {"container": "server", "field": "limits", "resource": "memory", "before": "64Mi", "after": "164Mi"}
SERVED = {
    "/apis/apps/v1": {"Deployment": "deployments", "StatefulSet": "statefulsets"},
    f"/apis/{KUSTOMIZE}/v1": {"Kustomization": "kustomizations"},
    "/apis/helm.toolkit.fluxcd.io/v2": {"HelmRelease": "helmreleases"},
    "/apis/argoproj.io/v1alpha1": {"Application": "applications"},
}


class Api:
    """What the test has put there, by path. Kinds that are not served answer 404 as the API server does."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {"/api/v1/namespaces/shop/pods": []}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        if path in SERVED:
            return {"resources": [{"kind": kind, "name": name} for kind, name in SERVED[path].items()]}
        if path not in self.things:
            raise NotFoundError(path)
        return copy.deepcopy(self.things[path])

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        if path not in self.lists:
            raise NotFoundError(path)
        yield from copy.deepcopy(self.lists[path])

    def deployment(self, name: str = "cart", memory: str = "164Mi", labels: Mapping[str, str] | None = None) -> None:
        resources = {"limits": {"memory": memory}}
        self.things[f"/apis/apps/v1/namespaces/shop/deployments/{name}"] = {
            "metadata": {"name": name, "namespace": "shop", "labels": labels or {}, "uid": f"uid-{name}"},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"spec": {"containers": [{"name": "server", "resources": resources}]}},
            },
            "status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
        }
        self.lists["/api/v1/namespaces/shop/pods"].append(
            {
                "metadata": {
                    "name": f"{name}-6d4cf56db6-x7k2p",
                    "labels": {"app": name},
                    "creationTimestamp": MERGED.isoformat(),
                },
                "spec": {"containers": [{"name": "server", "resources": resources}]},
                "status": {"phase": "Running"},
            }
        )

    def kustomization(self, name: str = "fleet", **status: Any) -> None:
        self.things[f"/apis/{KUSTOMIZE}/v1/namespaces/flux-system/kustomizations/{name}"] = {
            "metadata": {"name": name, "namespace": "flux-system"},
            "status": status,
        }

    def canary(self, phase: str) -> None:
        status = {"phase": phase, "lastTransitionTime": NOW.isoformat()}
        spec = {"targetRef": {"kind": "Deployment", "name": "cart"}}
        self.lists["/apis/flagger.app/v1beta1/namespaces/shop/canaries"] = [{"spec": spec, "status": status}]


class Prometheus:
    """Answers by the name of the metric that is asked for."""

    def __init__(self, **answers: list[Series]) -> None:
        self.answers, self.asked = answers, list[str]()

    def select(self, metric: str, **labels: str) -> str:
        return selector(metric, labels)

    def query(self, expression: str, at: float) -> list[Series]:
        self.asked.append(expression)
        return [
            series
            for metric, found in self.answers.items()
            for series in found
            if f"{metric}{{" in expression and "exported_" not in expression
        ]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def commits(tmp_path: Path) -> tuple[Git, list[str]]:
    """Three commits, one after the other."""
    git = Git(tmp_path)
    git.run("init", "--quiet")
    made: list[str] = []
    tree = git.text("write-tree")
    who = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    for number in range(3):
        parents = [part for commit in made[-1:] for part in ("-p", commit)]
        made.append(git.run("commit-tree", tree, *parents, stdin=f"{number}\n".encode(), env=who).line)
    return git, made


def case(merge: str | None = None, **over: Any) -> Case:
    given = {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "cart",
        "changes": [MEMORY],
        "alertnames": frozenset(),
        "merge_sha": merge,
        "merged_at": MERGED,
        "applied": None,
        **over,
    }
    return Case(**given)


def look(api: Api, git: Git, prometheus: Any = None) -> Look:
    return Look(api, prometheus, git, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("applied", "attempted", "memory", "contained"),
    [
        (1, 1, "164Mi", True),
        (2, 2, "164Mi", True),  # a later commit
        (0, 0, "164Mi", False),
        (0, 1, "164Mi", True),  # it waits for health; the number is there
        (0, 1, "64Mi", False),  # it could not be applied
    ],
)
def test_the_revision_of_a_kustomization_has_the_merge(api, commits, applied, attempted, memory, contained):
    git, made = commits
    api.deployment(memory=memory, labels=FLUX)
    api.kustomization(
        lastAppliedRevision=f"main@sha1:{made[applied]}", lastAttemptedRevision=f"main@sha1:{made[attempted]}"
    )
    seen = look(api, git).seen(case(made[1]))
    assert (seen.source, seen.contained) == ("Kustomization flux-system/fleet", contained)
    assert bool(seen.differing) == (memory == "64Mi")


def test_a_source_with_commits_of_another_repository_says_nothing(api, commits):
    git, made = commits
    api.deployment(labels=FLUX)
    api.kustomization(lastAppliedRevision="main@sha1:" + "f" * 40)
    assert look(api, git).seen(case(made[1])).contained is None


def test_above_a_helm_release_its_own_kustomization_tells(api, commits):
    git, made = commits
    api.deployment(labels={"helm.toolkit.fluxcd.io/name": "cart", "helm.toolkit.fluxcd.io/namespace": "shop"})
    failing = [{"type": "Ready", "status": "False", "message": "upgrade failed"}]
    api.things["/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases/cart"] = {
        "metadata": {"name": "cart", "namespace": "shop", "labels": FLUX},
        "status": {"lastAttemptedRevision": "1.2.3", "conditions": failing},
    }
    api.kustomization(lastAppliedRevision=f"main@sha1:{made[0]}")
    seen = look(api, git).seen(case(made[1]))
    assert (seen.source, seen.contained, seen.trouble) == ("HelmRelease shop/cart", False, "upgrade failed")


def test_an_application_that_lists_the_workload_tells(api, commits):
    git, made = commits
    api.deployment(labels={"app.kubernetes.io/instance": "shop"})
    listed = [{"kind": "Deployment", "name": "cart", "namespace": "shop"}]
    api.things["/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop"] = {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "status": {"sync": {"status": "Synced", "revision": made[1]}, "resources": listed},
    }
    seen = look(api, git).seen(case(made[1]))
    assert (seen.source, seen.contained) == ("Application shop", True)


def test_a_workload_without_gitops_is_judged_by_its_numbers(api, commits):
    api.deployment()
    seen = look(api, commits[0]).seen(case(commits[1][1]))
    assert (seen.source, seen.contained, seen.differing, seen.waiting, seen.alerts) == ("", None, (), "", None)


def test_a_workload_that_is_gone(api, commits):
    assert not look(api, commits[0]).seen(case()).exists
    assert not look(api, commits[0]).seen(case(kind="Rollout")).exists  # nor is its kind there


def test_a_kind_that_nobody_wrote_down_is_looked_for(api, commits):
    api.deployment()
    assert look(api, commits[0]).seen(case(kind=None)).exists


@pytest.mark.parametrize(
    ("phase", "primary", "stage"),
    [
        ("Progressing", "64Mi", "analysing"),
        ("Succeeded", "164Mi", "promoted"),
        ("Failed", "64Mi", "rolled_back"),
        ("Succeeded", "64Mi", "waiting"),
    ],
)
def test_under_a_canary_the_primary_counts(api, commits, phase, primary, stage):
    api.deployment()
    api.deployment("cart-primary", primary)
    api.canary(phase)
    killed = {"name": "server", "restartCount": 2, "lastState": {"terminated": {"reason": "OOMKilled"}}}
    api.lists["/api/v1/namespaces/shop/pods"][1]["status"]["containerStatuses"] = [killed]
    seen = look(api, commits[0]).seen(case())
    assert seen.canary == stage
    assert seen.kills == ({"server": 2} if stage == "promoted" else {})


def test_prometheus_is_asked_for_alerts_and_for_kills_that_a_container_survived(api, commits):
    api.deployment()
    pod = {"pod": "cart-6d4cf56db6-x7k2p"}
    labels = {"alertname": "ContainerMemoryNearLimit", "remediation": "bump_limits", "resource": "memory", **pod}
    prometheus = Prometheus(
        ALERTS=[Series({**labels, "alertstate": "firing", "container": "server"}, ((0, 1),))],
        container_oom_events_total=[Series(pod, ((0, 3),)), Series({"pod": "other"}, ((0, 9),))],
    )
    seen = look(api, commits[0], prometheus).seen(case())
    assert seen.alerts == (Alert("ContainerMemoryNearLimit", "new", "server", "memory"),)
    assert seen.kills == {"server": 3}
    assert any("[1800s]" in expression for expression in prometheus.asked)


def test_events_tell_why_pods_of_a_stateful_set_are_refused(api, commits):
    api.deployment()
    stateful = api.things.pop("/apis/apps/v1/namespaces/shop/deployments/cart")
    stateful["status"] = {"readyReplicas": 0}
    api.things["/apis/apps/v1/namespaces/shop/statefulsets/cart"] = stateful
    times = {"firstTimestamp": NOW.isoformat(), "lastTimestamp": NOW.isoformat()}
    event = {"reason": "FailedCreate", "involvedObject": {"uid": "uid-cart"}, "message": "exceeded quota", **times}
    api.lists["/api/v1/namespaces/shop/events"] = [event]
    seen = look(api, commits[0]).seen(case(kind="StatefulSet"))
    assert seen.denied is not None
    assert seen.denied.message == "exceeded quota"
