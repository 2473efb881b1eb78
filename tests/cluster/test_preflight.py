# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cluster.yml before it changes anything, on a real machine."""

from __future__ import annotations

import pytest

from lab import machine
from lab.state import Machine
from tests.cluster.conftest import Site
from tests.cluster.settings import LAB

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def bare(site: Site) -> Machine:
    site.variables = {**LAB}
    return site.machine("cp-1", "control_plane", contents="node")


def untouched(site: Site, bare: Machine) -> bool:
    listed = machine.ssh(
        site.lab, bare, "sh", "-c", "ls /etc/kubernetes /etc/sysctl.d /etc/modules-load.d /etc/cni 2>&1; true"
    )
    return "platform-ops" not in listed and "manifests" not in listed


def test_all_that_speaks_against_a_cluster_is_said_at_once_and_nothing_is_changed(site: Site, bare: Machine) -> None:
    site.groups["control_plane"]["cp-2"] = {"ansible_host": bare.address}  # the same machine under two names
    try:
        said = site.refused("cluster", "-e", "cluster_pod_subnet=10.96.0.0/16", "-e", "cluster_clock_tolerance=-1000")
    finally:
        del site.groups["control_plane"]["cp-2"]
    for text in (
        "Nothing was changed.",
        "has 2 machines. etcd needs a majority",
        f"cp-1, cp-2 have the same address {bare.address}",
        "cp-1, cp-2 have the same /etc/machine-id",
        f"cluster_endpoint {bare.address}:6443 is one of 2 control planes",
        "cluster_pod_subnet 10.96.0.0/16 and cluster_service_subnet 10.96.0.0/12 overlap",
        "The clock of cp-1 is",
    ):
        assert text in said, text
    assert untouched(site, bare)


def test_check_mode_shows_what_would_be_done_and_does_nothing(site: Site, bare: Machine) -> None:
    said = site.run("cluster", "--check", "--diff")
    assert said.returncode == 0, said.stdout[-4000:]
    assert "+net.ipv4.ip_forward = 1" in said.stdout
    assert "+controlPlaneEndpoint:" in said.stdout
    assert untouched(site, bare)
