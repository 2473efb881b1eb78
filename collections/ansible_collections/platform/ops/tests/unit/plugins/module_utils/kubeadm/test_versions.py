# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version skew policy of Kubernetes, as a machine that joins meets it."""

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.kubeadm._versions import problems


def programs(kubelet: str, kubeadm: str, joined: str = "no") -> dict[str, dict[str, str]]:
    return {"w": {"kubelet": kubelet, "kubeadm": kubeadm, "joined": joined}}


@pytest.mark.parametrize(
    ("running", "found"),
    [
        (True, programs("v1.36.3", "v1.36.0")),
        (True, programs("v1.33.9", "v1.36.3")),
        (True, programs("v1.34.0", "v1.34.0", "yes")),
        (False, programs("v1.36.3", "v1.36.3")),
        (False, programs("v1.36.3", "v1.37.0")),
    ],
)
def test_what_the_policy_allows_is_no_problem(running: bool, found: dict[str, dict[str, str]]) -> None:
    assert problems("v1.36.3", running, found) == []


@pytest.mark.parametrize(
    ("running", "found", "text"),
    [
        (True, programs("v1.37.0", "v1.36.3"), "w has kubelet v1.37.0, newer than the cluster's v1.36.3"),
        (True, programs("v1.32.0", "v1.36.3"), "more than 3 minor versions older"),
        (True, programs("v1.32.0", "v1.32.0", "yes"), "more than 3 minor versions older"),
        (True, programs("v1.36.3", "v1.35.0"), "w has kubeadm v1.35.0, and joins a cluster of v1.36.3"),
        (True, programs("v1.36.3", "v1.37.0"), "w has kubeadm v1.37.0, and joins"),
        (False, programs("v1.35.0", "v1.35.0"), "cannot make a cluster of v1.36.3"),
        (False, programs("v1.36.0", "v1.38.0"), "cannot make a cluster of v1.36.3"),
        (True, programs("", "v1.36.3"), "w has no kubelet: set node_repositories"),
        (True, programs("v1.36.3", ""), "w has no kubeadm"),
    ],
)
def test_what_it_forbids_is_said(running: bool, found: dict[str, dict[str, str]], text: str) -> None:
    said = problems("v1.36.3", running, found)
    assert len(said) == 1
    assert text in said[0]


def test_a_version_that_is_none_is_refused() -> None:
    assert "is no version of Kubernetes" in problems("latest", False, {})[0]
