# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles node and cluster write, held against whoever reads it: kubeadm for its own files, TOML for containerd's.

RHEL-like machines cannot be had here: for them this is all there is.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from lab.place import ROOT
from lab.shell import LabError, run
from lab.tools import tool

ROLES = ROOT / "collections/ansible_collections/platform/ops/roles"
FAMILIES = ("Debian", "RedHat")


def environment() -> jinja2.Environment:
    """Jinja as Ansible sets it up, with the filters of Ansible's own that the templates use."""
    made = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"])
    made.filters["to_json"] = json.dumps
    made.filters["bool"] = bool
    made.filters["combine"] = lambda first, *others: {k: v for one in (first, *others) for k, v in one.items()}
    made.tests["version"] = lambda value, other, _operator: (
        tuple(map(int, value.split("."))) >= tuple(map(int, other.split(".")))
    )
    return made


def render(role: str, template: str, **variables: Any) -> str:
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    text = (ROLES / role / "templates" / template).read_text()
    return environment().from_string(text).render({**defaults, **variables})


@pytest.mark.parametrize("driver", ["systemd", "cgroupfs"])
@pytest.mark.parametrize("version", ["1.6", "1.7", "2.0", "2.1", "2.3"])
def test_containerd_is_told_driver_image_and_folders_in_the_words_of_its_version(version: str, driver: str) -> None:
    image = "registry.k8s.io/pause:3.10"
    text = render(
        "node", "containerd.toml.j2", __node_runtime_version=version, __node_pause=image, node_cgroup_driver=driver
    )
    settings = tomllib.loads(text)
    plugins = settings["plugins"]
    if version.startswith("1."):
        runtime = images = plugins["io.containerd.grpc.v1.cri"]
        assert settings["version"] == 2
        assert images["sandbox_image"] == image
        assert runtime["cni"] == {"bin_dir": "/opt/cni/bin"}
    else:
        runtime, images = plugins["io.containerd.cri.v1.runtime"], plugins["io.containerd.cri.v1.images"]
        assert settings["version"] == 3
        assert images["pinned_images"] == {"sandbox": image}
        assert runtime["cni"] == ({"bin_dir": "/opt/cni/bin"} if version == "2.0" else {"bin_dirs": ["/opt/cni/bin"]})
    assert images["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is (driver == "systemd")
    assert runtime["restrict_oom_score_adj"] is False


def validate(folder: Path, text: str) -> None:
    path = folder / "kubeadm.yml"
    path.write_text(text)
    run([tool("kubeadm"), "config", "validate", "--config", path])


JOIN = {
    "node_endpoint": "10.0.0.5:6443",
    "node_token": "abcdef.0123456789abcdef",
    "node_ca_cert_hash": "sha256:" + "0" * 64,
    "node_name": "worker-1",
}
JOINS: dict[str, dict[str, Any]] = {
    "plain": {},
    "address": {"node_address": "10.0.0.21"},
    "pool": {"node_provider_id": "hosts://w", "node_labels": {"a": "b", "c": "d"}, "node_kubelet_args": {"v": 4}},
    "control plane": {"node_certificate_key": "f" * 64, "node_address": "10.0.0.12", "node_taints": []},
    "control plane without an address": {"node_certificate_key": "f" * 64},
    "passing checks over": {"node_ignore_preflight_errors": ["Swap", "NumCPU"]},
}


@pytest.mark.parametrize("case", JOINS)
def test_kubeadm_understands_how_a_machine_joins(case: str, tmp_path: Path) -> None:
    text = render("node", "join.yml.j2", **JOIN, **JOINS[case])
    validate(tmp_path, text)
    read = yaml.safe_load(text)
    assert read["discovery"]["bootstrapToken"]["caCertHashes"] == [JOIN["node_ca_cert_hash"]]
    assert "unsafeSkipCAVerification" not in text
    assert ("controlPlane" in read) == ("node_certificate_key" in JOINS[case])


def cluster_yml(**variables: Any) -> str:
    known = {
        "__cluster_founder_address": "10.0.0.11",
        "__cluster_machines": {"founder": "cp-1"},
        "__cluster_version": "v1.36.3",
        "__cluster_sans": ["10.0.0.5", "lb.example.org"],
        "cluster_endpoint": "10.0.0.5:6443",
    }
    return render("cluster", "cluster.yml.j2", **{**known, **variables})


def test_kubeadm_understands_what_the_cluster_shall_be(tmp_path: Path) -> None:
    text = cluster_yml(
        cluster_kubelet={"maxPods": 50},
        cluster_kube_proxy={"mode": "nftables"},
        cluster_api_server_args={"audit-log-maxage": 30, "profiling": False},
        cluster_etcd_args={"quota-backend-bytes": "4294967296"},
        cluster_skip_phases=["addon/coredns"],
    )
    validate(tmp_path, text)
    init, cluster, kubelet, proxy = yaml.safe_load_all(text)
    assert cluster["apiServer"]["certSANs"] == ["10.0.0.5", "lb.example.org"]
    assert [arg["value"] for arg in cluster["apiServer"]["extraArgs"]] == ["30", "false"]
    assert cluster["controlPlaneEndpoint"] == "10.0.0.5:6443"
    assert (kubelet["cgroupDriver"], kubelet["maxPods"]) == ("systemd", 50)
    assert proxy["mode"] == "nftables"
    assert "certificateKey" not in init


def test_kubeadm_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="certSANz"):
        validate(tmp_path, cluster_yml().replace("certSANs", "certSANz"))


def families() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = yaml.safe_load((ROLES / "node/vars/main.yml").read_text())[
        "__node_families"
    ]
    return found


def test_every_family_says_the_same_things() -> None:
    assert list(families()) == list(FAMILIES)
    known = {"runtime", "packages", "kubernetes", "kubectl"}
    assert all(set(family) == known and all(family.values()) for family in families().values())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("control_plane", [True, False])
def test_a_machine_gets_the_packages_of_its_family(family: str, control_plane: bool) -> None:
    tasks = yaml.safe_load((ROLES / "node/tasks/packages.yml").read_text())
    task = next(task for task in tasks if task["name"] == "Install runtime and kubelet")
    expression = task["ansible.builtin.package"]["name"].strip().removeprefix("{{").removesuffix("}}")
    facts = {"__node_family": family, "node_packages": {}, "node_control_plane": control_plane}
    names = environment().compile_expression(expression)(**facts, known=families()[family])
    assert {"kubelet", "kubeadm", "ethtool", "socat"} <= set(names)
    assert ("kubectl" in names) == control_plane
    assert ("containerd" if family == "Debian" else "containerd.io") in names
    assert ("conntrack" if family == "Debian" else "conntrack-tools") in names
    pinned = {**facts, "node_packages": {family: ["kubelet=1.36.3-*"]}}
    assert environment().compile_expression(expression)(**pinned, known={}) == ["kubelet=1.36.3-*"]


def test_tasks_that_only_one_family_understands_say_so() -> None:
    """A module of apt must not run on a system with dnf, and the other way round."""
    for path in (ROLES / "node/tasks").glob("*.yml"):
        for task in yaml.safe_load(path.read_text()):
            condition = str(task.get("when", ""))
            if "ansible.builtin.yum_repository" in task:
                assert "'RedHat'" in condition, task["name"]
            if "ansible.builtin.apt" in task:
                assert "'Debian'" in condition or "__node_sources" in condition, task["name"]
            if "/etc/apt" in json.dumps(task):
                assert "'Debian'" in condition, task["name"]
