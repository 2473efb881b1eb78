# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles leave as it is in a cluster in use: volumes, labels that others gave, a strict mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server

from lab.shell import wait_for
from tests.site.conftest import changed, make_namespaces, played, recap

NAMESPACE = "in-use"
pytestmark = [pytest.mark.real, pytest.mark.stand_in("kwok-node"), pytest.mark.timeout(900)]


def component(place: Path, kubeconfig: str, **given: Any) -> str:
    """What is said when the common role brings a component to a state."""
    always = {"component_name": "thing", "component_namespace": NAMESPACE, "platform_kubeconfig": kubeconfig}
    done = played(place, "component", **{**always, **given})
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def test_volumes_stay_unless_they_are_to_go(tmp_path: Path, kubeconfig: str, server: Server) -> None:
    def volume(name: str, **labels: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}

    ours, of_the_chart, of_others = volume("ours"), volume("storage-0", app="logs"), volume("theirs", app="shop")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ours", "namespace": NAMESPACE}}
    make_namespaces(server, [ours])
    for thing in (ours, of_the_chart, of_others, config):
        server.apply(thing, dry_run=False)
    given = {"component_objects": [config, ours], "component_data": [{"selector": ["app=logs"]}]}
    component(tmp_path, kubeconfig, **given, component_state="absent", platform_remove_data="false")
    assert server.find(config) is None
    assert all(server.find(thing) for thing in (ours, of_the_chart, of_others))
    component(tmp_path, kubeconfig, **given, component_state="absent", platform_remove_data="true")
    assert [thing["metadata"]["name"] for thing in (ours, of_the_chart, of_others) if server.find(thing)] == ["theirs"]


def test_a_namespace_that_two_components_use_keeps_the_labels_of_the_one_it_belongs_to(
    tmp_path: Path, kubeconfig: str, server: Server
) -> None:
    owner = {"component_namespace": "shared", "component_namespace_labels": {"istio-injection": "disabled"}}
    guest = {"component_namespace": "guest", "component_more_namespaces": ["shared"]}
    for given in (guest, owner):
        assert changed(recap(component(tmp_path, kubeconfig, **given)))
    for given in (guest, owner):
        assert not changed(recap(component(tmp_path, kubeconfig, **given)))
    live = server.find({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shared"}})
    assert live
    assert live["metadata"]["labels"]["istio-injection"] == "disabled"


@pytest.mark.usefixtures("with_crds")
def test_a_pod_without_a_proxy_keeps_a_mesh_from_becoming_strict_and_does_not_open_one_that_is(
    tmp_path: Path, kubeconfig: str, server: Server
) -> None:
    def decided() -> str:
        done = played(tmp_path, "istio", tasks_from="mtls", platform_kubeconfig=kubeconfig)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    meshed = {"name": "meshed", "labels": {"istio-injection": "enabled"}}
    containers = [{"name": "main", "image": "registry.example.org/main:1"}]
    pod = {"name": "bare", "namespace": "meshed"}
    bare: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": {"containers": containers}}
    peers = {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": "istio-system"},
        "spec": {"mtls": {"mode": "PERMISSIVE"}},
    }
    make_namespaces(server, [peers])
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meshed}, dry_run=False)
    server.apply(bare, dry_run=False)
    wait_for("it runs", lambda: (server.find(bare) or {})["status"].get("phase") == "Running", deadline=180)
    assert "mTLS stays PERMISSIVE" in decided()
    server.apply(peers, dry_run=False)
    assert "mTLS stays PERMISSIVE" in decided()
    server.apply({**peers, "spec": {"mtls": {"mode": "STRICT"}}}, dry_run=False)
    assert "mTLS stays STRICT, and these pods in namespaces of the mesh run without a proxy: meshed/bare." in decided()
