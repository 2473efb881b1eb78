# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import by_key, difference
from ansible_collections.platform.ops.plugins.module_utils.stack._source import (
    mirrored_chart,
    mirrored_image,
    mirrored_registry,
)
from ansible_collections.platform.ops.plugins.module_utils.stack._version import is_newer, satisfies

OCI = {"chart": "oci://ghcr.io/a/charts/loki", "version": "1.0.0"}
CLASSIC = {"chart": "kiali-server", "repository": "https://kiali.org/helm-charts", "version": "1.0.0"}


@pytest.mark.parametrize(
    ("mirror", "chart", "repository"),
    [
        ("", "oci://ghcr.io/a/charts/loki", None),
        ("oci://mirror.example.org/charts/", "oci://mirror.example.org/charts/loki", ""),
        ("https://charts.example.org", "loki", "https://charts.example.org"),
        ("/srv/charts", "/srv/charts/loki-1.0.0.tgz", ""),
    ],
)
def test_one_variable_moves_every_chart(mirror: str, chart: str, repository: str | None) -> None:
    moved = mirrored_chart(OCI, mirror)
    assert (moved["chart"], moved.get("repository")) == (chart, repository)


def test_a_classic_chart_moves_to_an_oci_mirror_as_well() -> None:
    moved = mirrored_chart(CLASSIC, "oci://mirror.example.org")
    assert (moved["chart"], moved["repository"]) == ("oci://mirror.example.org/kiali-server", "")


@pytest.mark.parametrize(
    ("image", "moved"),
    [
        ("quay.io/a/b:1", "m/quay.io/a/b:1"),
        ("grafana/loki:3", "hub/grafana/loki:3"),
        ("busybox", "hub/library/busybox"),
        ("localhost:5000/a", "m/localhost:5000/a"),
    ],
)
def test_images_move_with_their_registry(image: str, moved: str) -> None:
    assert mirrored_image(image, {"docker.io": "hub", "*": "m"}) == moved


def test_nothing_moves_without_a_mirror() -> None:
    assert mirrored_image("grafana/loki:3", {}) == "grafana/loki:3"
    assert mirrored_registry("quay.io", {"docker.io": "hub"}) == "quay.io"


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("v1.36.3", ">=1.32, <1.37", True),
        ("v1.36.1-gke.500", ">=1.36", True),
        ("v1.31.9", ">=1.32, <1.37", False),
        ("v1.37.0", ">=1.32, <1.37", False),
        ("v1.37.0-rc.0", "<1.37", True),
    ],
)
def test_versions_are_held_against_bounds(version: str, bounds: str, fits: bool) -> None:
    assert satisfies(version, bounds) is fits


def test_a_release_is_newer_than_its_candidate() -> None:
    assert is_newer("1.31.0", "1.31.0-rc.0")
    assert not is_newer("v1.6.1", "1.6.1")


def test_a_difference_shows_only_what_differs_and_no_secret() -> None:
    def secret(value: str) -> dict[str, object]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": value}}

    same = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    shown = difference(by_key([same, secret("b2xk")]), by_key([same, secret("bmV3")]))
    assert "ConfigMap" not in shown["after"]
    assert "bmV3" not in str(shown)
    assert shown["before"] != shown["after"]
