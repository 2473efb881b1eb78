# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._preflight import Facts, Need, problems, warnings

CLASS = {"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}


def node(name: str, **parts: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": parts.pop("labels", {})},
        "spec": parts,
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}},
    }


def facts(**changes: Any) -> Facts:
    given: dict[str, Any] = {"version": "v1.36.3", "storage_classes": [CLASS], "nodes": [node("a")]}
    return Facts(**{**given, **changes})


def test_a_cluster_that_can_take_it_has_no_problem() -> None:
    need = Need("loki", kubernetes=">=1.25", storage_class="", requests={"cpu": "1", "memory": "1Gi"})
    assert problems(facts(), [need]) == []


def test_all_reasons_come_at_once() -> None:
    needs = [
        Need("istio", kubernetes=">=1.32, <1.37"),
        Need("loki", storage_class="slow", requests={"memory": "64Gi"}),
        Need("metrics_server", api_service="v1beta1.metrics.k8s.io", release="kube-system/metrics-server"),
    ]
    found = problems(
        facts(version="v1.30.0", denied=["create namespaces"], owners={"v1beta1.metrics.k8s.io": ""}), needs
    )
    assert [problem.split(":")[0].split(" ")[0] for problem in found] == [
        "This",
        "istio",
        "loki",
        "metrics_server",
        "The",
    ]


def test_no_default_storage_class_names_the_variable_and_the_classes() -> None:
    bare = {"metadata": {"name": "slow"}}
    (found,) = problems(facts(storage_classes=[bare]), [Need("loki", storage_class="")])
    assert "set platform_storage_class to one of slow" in found


def test_what_a_component_installed_itself_is_no_clash() -> None:
    need = Need("metrics_server", api_service="m", release="kube-system/metrics-server", crds=["c"])
    assert problems(facts(owners={"m": "kube-system/metrics-server", "c": ""}), [need]) == []


def test_a_crd_of_another_release_is_a_clash() -> None:
    (found,) = problems(facts(owners={"c": "other/stack"}), [Need("prometheus_crds", crds=["c"])])
    assert "from other/stack" in found


def test_a_host_port_held_by_another_pod_is_named_with_pod_and_node() -> None:
    pod = {
        "metadata": {"name": "exporter", "namespace": "old", "labels": {}},
        "spec": {
            "nodeName": "a",
            "hostNetwork": True,
            "containers": [{"name": "x", "ports": [{"containerPort": 9100}]}],
        },
        "status": {"phase": "Running"},
    }
    (found,) = problems(facts(pods=[pod]), [Need("monitoring", host_ports=[9100], release="monitoring/monitoring")])
    assert "port 9100 of node a is held by pod old/exporter" in found


def test_capacity_counts_what_runs_and_leaves_out_what_is_installed() -> None:
    need = Need("loki", release="logging/loki", requests={"memory": "3Gi"})
    pod = {
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"nodeName": "a", "containers": [{"name": "c", "resources": {"requests": {"memory": "2Gi"}}}]},
        "status": {"phase": "Running"},
    }
    (found,) = problems(facts(pods=[pod]), [need])
    assert "3.0Gi memory where 2.0Gi are free" in found
    assert problems(facts(pods=[pod], releases=frozenset({"logging/loki"})), [need]) == []


TAINT = {"key": "dedicated", "value": "logging", "effect": "NoSchedule"}
TOLERANT = [{"key": "dedicated", "operator": "Exists"}]
LARGE = {"memory": "3Gi"}


@pytest.mark.parametrize(
    ("nodes", "needs", "short"),
    [
        ([node("a")], [Need("eda", deployment="r/remediation", requests={"memory": "5Gi"})], []),
        ([node("a")], [Need("eda", deployment="r/other", requests={"memory": "5Gi"})], ["eda"]),
        # A pool of its own is not asked of others, and others' nodes are not asked of it.
        ([node("a"), node("b", taints=[TAINT])], [Need("x", requests=LARGE)], []),
        ([node("a", taints=[TAINT])], [Need("loki", requests=LARGE, tolerations=TOLERANT)], []),
        ([node("a", taints=[TAINT])], [Need("x", requests=LARGE)], ["x"]),
        (
            [node("a"), node("b", labels={"pool": "l"}, taints=[TAINT])],
            [Need("x", requests=LARGE), Need("loki", requests=LARGE, tolerations=TOLERANT, selector={"pool": "l"})],
            [],
        ),
        # Each would fit; together they do not.
        (
            [node("a"), node("b", taints=[TAINT])],
            [Need(name, requests=LARGE, tolerations=TOLERANT) for name in ("x", "y", "z")],
            ["x, y, z"],
        ),
        (
            [node("a"), node("b", taints=[TAINT])],
            [Need("x", requests=LARGE), Need("y", requests=LARGE), Need("loki", requests=LARGE, tolerations=TOLERANT)],
            ["x, y"],
        ),
    ],
)
def test_capacity_is_asked_of_the_nodes_that_a_component_may_run_on(
    nodes: list[dict[str, Any]], needs: list[Need], short: list[str]
) -> None:
    found = problems(facts(nodes=nodes, deployments=frozenset({"r/remediation"})), needs)
    assert [text.partition("(")[2].partition(")")[0] for text in found] == short


def test_capacity_is_a_warning_where_it_is_not_to_be_checked() -> None:
    need = Need("loki", requests={"memory": "64Gi"})
    assert problems(facts(), [need], check_capacity=False) == []
    (warning,) = warnings(facts(), [need], check_capacity=False)
    assert "64.0Gi memory where 4.0Gi are free" in warning
    assert warnings(facts(), [need]) == []


def test_another_version_than_the_pinned_one_is_not_measured_by_what_that_runs_on() -> None:
    pinned = Need("istio", kubernetes="<1.30", version_input="istio_version")
    (found,) = problems(facts(), [pinned])
    assert "set istio_version to one that fits, or istio_enabled to false" in found
    other = replace(pinned, pinned=False)
    assert problems(facts(), [other]) == []
    (warning,) = warnings(facts(), [other])
    assert "whether that of istio_version does is not known" in warning
    (found,) = problems(facts(), [Need("eda", kubernetes="<1.30")])
    assert "upgrade the cluster, or set eda_enabled to false" in found


def test_a_pool_counts_only_nodes_whose_taints_are_tolerated() -> None:
    taint = {"key": "dedicated", "value": "logging", "effect": "NoSchedule"}
    nodes = [
        node("a", labels={"pool": "logging"}, taints=[taint]),
        node("b", labels={"pool": "logging"}, taints=[taint]),
    ]
    pool = {"selector": {"pool": "logging"}, "nodes": 2}
    (found,) = problems(facts(nodes=nodes), [Need("loki", pool=pool)])
    assert "2 nodes with pool=logging are needed" in found
    tolerant = {**pool, "tolerations": [{"key": "dedicated", "operator": "Exists"}]}
    assert problems(facts(nodes=nodes), [Need("loki", pool=tolerant)]) == []


def test_a_missing_load_balancer_is_a_warning_only() -> None:
    need = Need("istio", load_balancer=True)
    assert problems(facts(), [need]) == []
    assert "NodePort" in warnings(facts(), [need])[0]
    assert warnings(facts(nodes=[node("a", providerID="aws:///eu/i-1")]), [need]) == []
