# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the preflight finds on a real API server: everything at once, each with what to do, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server
from ansible_collections.platform.ops.plugins.modules import check_cluster

from lab.shell import wait_for

pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node")]
Check = Callable[..., dict[str, Any]]
DEFAULT = "storageclass.kubernetes.io/is-default-class"
OTHERS = {"meta.helm.sh/release-name": "stack", "meta.helm.sh/release-namespace": "other"}


@pytest.fixture
def check(kubeconfig: str) -> Check:
    def run(config: str = kubeconfig, **need: Any) -> dict[str, Any]:
        usual = {name: option.get("default") for name, option in check_cluster.COMPONENT.items()}
        params = {"kubeconfig": config, "context": None, "components": [{**usual, "name": "logs", **need}]}
        params |= {"node_selector": {}, "tolerations": [], "check_capacity": True}
        return check_cluster.run(params, check_mode=False, diff_mode=False)

    return run


@pytest.fixture
def make(server: Server) -> Iterator[Callable[[dict[str, Any]], None]]:
    made: list[dict[str, Any]] = []

    def apply(thing: dict[str, Any]) -> None:
        server.apply(thing, dry_run=False)
        made.append(thing)

    yield apply
    for thing in reversed(made):
        server.delete(thing, dry_run=False)


def thing(api: str, kind: str, name: str, *, namespace: str = "", **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def said(check: Check, **need: Any) -> str:
    with pytest.raises(InputError) as caught:
        check(**need)
    assert caught.value.message.startswith("The cluster cannot take these components yet; nothing was changed:")
    return str(caught.value.message)


def test_a_cluster_that_can_take_it_is_told_apart(check: Check) -> None:
    answer = check(kubernetes=">=1.30", requests={"cpu": "1", "memory": "1Gi"}, host_ports=[9100])
    assert answer["version"].startswith("v1.")
    assert (answer["openshift"], answer["warning_list"]) == (False, [])


def test_an_account_without_the_rights_is_told_which_it_lacks(
    check: Check, make: Any, server: Server, kubeconfig: str, tmp_path: Path
) -> None:
    make(thing("v1", "ServiceAccount", "reader", namespace="default"))
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    rbac = "rbac.authorization.k8s.io/v1"
    make(thing(rbac, "ClusterRoleBinding", "reader", subjects=[subject], roleRef=role))
    rules = [{"apiGroups": [""], "resources": ["nodes", "secrets"], "verbs": ["get", "list"]}]
    rules += [{"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list"]}]
    make(thing(rbac, "ClusterRole", "reader", rules=rules))
    more = {**role, "name": "reader"}
    make(thing(rbac, "ClusterRoleBinding", "reader-more", subjects=[subject], roleRef=more))
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = server.api.create("/api/v1/namespaces/default/serviceaccounts/reader/token", request)["status"]["token"]
    config = yaml.safe_load(Path(kubeconfig).read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    file = tmp_path / "reader.conf"
    file.write_text(yaml.safe_dump(config))
    told = said(check, config=str(file))
    for right in ("create namespaces", "create secrets", "create customresourcedefinitions.apiextensions.k8s.io"):
        assert f"This account may not {right}" in told


@pytest.mark.parametrize(
    ("need", "words"),
    [
        ({"kubernetes": ">=1.99"}, "runs on Kubernetes >=1.99, this is v1."),
        ({"storage_class": "golden"}, "there is no StorageClass golden; there are "),
        ({"requests": {"cpu": "5000", "memory": "1Gi"}}, "ask for 5000.0 cpu where "),
        ({"pool": {"selector": {"pool": "logs"}, "nodes": 3}}, "3 nodes with pool=logs are needed"),
    ],
    ids=["version", "storage", "capacity", "pool"],
)
def test_what_the_cluster_lacks_is_named_with_what_to_do(check: Check, need: dict[str, Any], words: str) -> None:
    assert words in said(check, **need)


def test_no_default_storage_class_names_the_variable(check: Check, make: Any, server: Server) -> None:
    path = "/apis/storage.k8s.io/v1/storageclasses"
    marked = [
        c["metadata"]["name"] for c in server.api.items(path) if (c["metadata"].get("annotations") or {}).get(DEFAULT)
    ]
    make(thing("storage.k8s.io/v1", "StorageClass", "slow", provisioner="example.org/none"))
    try:
        for name in marked:
            server.api.patch(f"{path}/{name}", {"metadata": {"annotations": {DEFAULT: "false"}}})
        assert "no StorageClass is the default; set platform_storage_class to one of " in said(check, storage_class="")
    finally:
        for name in marked:
            server.api.patch(f"{path}/{name}", {"metadata": {"annotations": {DEFAULT: "true"}}})


def test_what_others_brought_already_is_not_taken_over(check: Check, make: Any) -> None:
    spec: dict[str, Any] = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100}
    spec |= {
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "m", "namespace": "kube-system"},
    }
    make(thing("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", spec=spec))
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "boards", "kind": "Board"}
    crd = {"group": "other.example.org", "scope": "Namespaced", "names": names, "versions": [version]}
    api, name = "apiextensions.k8s.io/v1", "boards.other.example.org"
    make(thing(api, "CustomResourceDefinition", name, metadata={"annotations": OTHERS}, spec=crd))
    told = said(check, release="logging/logs", api_service="v1beta1.metrics.k8s.io", crds=[name])
    assert "already has APIService v1beta1.metrics.k8s.io, from its distribution; set logs_enabled to false" in told
    assert f"already has CRD {name}, from other/stack" in told


def test_a_port_of_the_nodes_that_is_taken_is_named_with_its_pod(check: Check, make: Any, server: Server) -> None:
    ports = [{"containerPort": 9100, "hostPort": 9100}]
    containers = [{"name": "main", "image": "registry.example.org/exporter:1", "ports": ports}]
    pod = thing("v1", "Pod", "exporter", namespace="default", spec={"containers": containers})
    make(pod)
    wait_for("it is scheduled", lambda: (server.find(pod) or {})["spec"].get("nodeName"), deadline=60)
    assert "is held by pod default/exporter; remove it" in said(check, host_ports=[9100])


def test_no_load_balancer_is_said_and_does_not_stop(check: Check) -> None:
    (warning,) = check(load_balancer=True)["warning_list"]
    assert "set istio_gateway_service_type to NodePort" in warning


def test_all_reasons_come_at_once(check: Check) -> None:
    told = said(check, kubernetes=">=1.99", storage_class="golden", requests={"cpu": "5000"})
    assert told.count("\n- ") == 3
