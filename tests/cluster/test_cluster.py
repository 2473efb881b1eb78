# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cluster.yml on bare machines: three control planes behind HAProxy and two workers; one control plane is switched off,
a machine replaces it, a worker comes and another goes, and an application answers all the while.

One test: each step needs the cluster that the one before has left.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from lab import machine, network, status
from lab.images import WORKLOAD
from lab.shell import LabError, run, say, wait_for
from lab.tools import tool
from tests.cluster.clients import Clients
from tests.cluster.conftest import Site
from tests.cluster.settings import LAB
from tests.support.inside import inside

pytestmark = [pytest.mark.real, pytest.mark.campaign, pytest.mark.timeout(5400)]

TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
KEY = re.compile(r"(?<!sha256:)\b[0-9a-f]{64}\b")

APPLICATION = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 10,
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": {"app": "web"}},
                        }
                    ],
                    "containers": [
                        {
                            "name": "web",
                            "image": WORKLOAD,
                            "args": ["-port=8080"],
                            "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
                            # It still answers while the proxies of the nodes learn that it goes.
                            "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                        }
                    ],
                },
            },
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {
            "type": "NodePort",
            "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}],
        },
    },
    {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    },
]


class Cluster:
    """The cluster through its load balancer, as its administrator."""

    def __init__(self, site: Site, kubeconfig: Path) -> None:
        self.site, self.kubeconfig = site, kubeconfig

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        command = network.inside(self.site.lab.netns, tool("kubectl"), "--kubeconfig", self.kubeconfig, *words)
        return run(command, stdin=stdin, timeout=120)

    def objects(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *words, "-o", "json"))["items"]
        return found

    def nodes(self) -> set[str]:
        return {node["metadata"]["name"] for node in self.objects("nodes")}

    def ready(self) -> set[str]:
        return {
            node["metadata"]["name"]
            for node in self.objects("nodes")
            if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
        }

    def secrets(self) -> list[str]:
        return [secret["metadata"]["name"] for secret in self.objects("secrets", "-n", "kube-system")]

    def answers(self) -> bool:
        try:
            return bool(self.nodes())
        except LabError:
            return False


def make(site: Site) -> str:
    said = site.playbook("cluster")
    assert not TOKEN.search(said)
    assert not KEY.search(said)
    return said


def changes(said: str) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", said, re.MULTILINE)}


def etcd_members(site: Site, on: str) -> set[str]:
    """As etcd on that machine tells."""
    pki = "/etc/kubernetes/pki"
    fetch = (
        "import json, ssl, urllib.request as u; "
        f"c = ssl.create_default_context(cafile='{pki}/etcd/ca.crt'); "
        f"c.load_cert_chain('{pki}/apiserver-etcd-client.crt', '{pki}/apiserver-etcd-client.key'); "
        "r = u.Request('https://127.0.0.1:2379/v3/cluster/member/list', b'{}'); "
        "print(*[m['name'] for m in json.load(u.urlopen(r, context=c))['members']])"
    )
    return set(machine.ssh(site.lab, machine.find(site.lab, on), "python3", "-c", fetch).split())


def leaves_no_secret(site: Site, cluster: Cluster) -> None:
    assert [name for name in cluster.secrets() if name.startswith("bootstrap-token") or name == "kubeadm-certs"] == []
    for name in (*site.groups["control_plane"], *site.groups["workers"]):
        found = machine.ssh(
            site.lab, machine.find(site.lab, name), "find", "/etc/kubernetes", "-name", "platform-ops-*"
        )
        assert {Path(path).name for path in found.split()} <= {"platform-ops-cluster.yml"}


def test_a_cluster_survives_the_loss_of_a_control_plane_and_nodes_come_and_go(site: Site, tmp_path: Path) -> None:
    cluster = Cluster(site, tmp_path / "kubeconfig")
    site.variables = {**LAB, "cluster_kubeconfig_file": str(cluster.kubeconfig)}
    balancer = site.machine("lb-1", "load_balancers")
    for number in (1, 2, 3):
        site.machine(f"cp-{number}", "control_plane", contents="control-plane")
    for number in (1, 2):
        site.machine(f"worker-{number}", "workers", contents="node", memory="1Gi")

    started = time.monotonic()
    make(site)
    took = time.monotonic() - started
    assert cluster.ready() == {"cp-1", "cp-2", "cp-3", "worker-1", "worker-2"}
    assert cluster.kubeconfig.stat().st_mode & 0o077 == 0
    leaves_no_secret(site, cluster)

    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": APPLICATION}))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=180s")
    processes = status.status(site.lab)["megabytes"]
    say(f"three control planes, two workers, HAProxy: {processes} MiB, made in {took:.0f} s")

    with inside(site.lab):
        wait_for("the application answers", lambda: Clients.once(f"http://{balancer.address}/"), deadline=180)

        # the founder of the cluster is switched off
        with Clients(f"http://{balancer.address}/") as web, Clients(f"https://{balancer.address}:6443/readyz") as api:
            machine.switch_off(site.lab, machine.find(site.lab, "cp-1"))
            wait_for("the API answers without cp-1", cluster.answers, deadline=180)
            cluster.kubectl("create", "configmap", "written-without-cp-1")
            wait_for("cp-1 is seen as lost", lambda: "cp-1" not in cluster.ready(), deadline=300)
        say(f"cp-1 off: application {web.summary()}; API {api.summary()}")
        assert web.failures == []
        assert api.longest_gap < 60

        # its record goes; what would be wrong is refused
        assert "answers by SSH; leave lost=true out" in site.refused(
            "cluster_remove", "-e", "node=cp-2", "-e", "lost=true"
        )
        assert "does not answer by SSH" in site.refused("cluster_remove", "-e", "node=cp-1")
        assert "etcd would be left with cp-1 not well" in site.refused("cluster_remove", "-e", "node=cp-2")
        assert cluster.nodes() == {"cp-1", "cp-2", "cp-3", "worker-1", "worker-2"}
        site.playbook("cluster_remove", "-e", "node=cp-1", "-e", "lost=true")
        machine.remove(site.lab, "cp-1")
        del site.groups["control_plane"]["cp-1"]
        assert cluster.nodes() == {"cp-2", "cp-3", "worker-1", "worker-2"}
        assert etcd_members(site, "cp-2") == {"cp-2", "cp-3"}

        # a new control plane, first in the inventory, and a new worker
        others = site.groups.pop("control_plane")
        site.machine("cp-4", "control_plane", contents="control-plane")
        site.groups["control_plane"] |= others
        site.machine("worker-3", "workers", contents="node", memory="1Gi")
        with Clients(f"http://{balancer.address}/") as web:
            make(site)
            assert cluster.ready() == {"cp-2", "cp-3", "cp-4", "worker-1", "worker-2", "worker-3"}
            assert etcd_members(site, "cp-2") == {"cp-2", "cp-3", "cp-4"}
            leaves_no_secret(site, cluster)

            # a worker goes, and the application moves within its budget
            site.playbook("cluster_remove", "-e", "node=worker-1")
            gone = machine.find(site.lab, "worker-1")
            assert cluster.nodes() == {"cp-2", "cp-3", "cp-4", "worker-2", "worker-3"}
            with pytest.raises(LabError):
                machine.ssh(site.lab, gone, "ls", "/etc/kubernetes/kubelet.conf")
            del site.groups["workers"]["worker-1"]
        say(f"nodes came and went: application {web.summary()}")
        assert web.failures == []

    configured = machine.ssh(site.lab, balancer, "cat", "/etc/haproxy/haproxy.cfg")
    assert set(re.findall(r"^    server (\S+)", configured, re.MULTILINE)) == cluster.nodes()
    # all as it is wanted: another run changes nothing, neither on the first machines nor on those that came
    assert set(changes(make(site)).values()) == {0}

    # the cluster's own Nodes name the same servers as the inventory
    nodes_alone = {
        "haproxy_from_cluster": True,
        "haproxy_kubeconfig": str(cluster.kubeconfig),
        "haproxy_control_planes": [],
        "haproxy_ingress_nodes": [],
    }
    assert changes(site.playbook("load_balancers", "-e", json.dumps(nodes_alone)))["lb-1"] == 0
