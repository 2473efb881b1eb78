# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts rendered with our values: needs the charts themselves (PLATFORM_CHARTS_DIR, one sub-folder per chart)."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.stack._helm import Helm, Release
from ansible_collections.platform.ops.plugins.module_utils.stack._images import images_of
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_objects

from tests.site.conftest import ROOT, Components

pytestmark = pytest.mark.real
Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def charts() -> Path:
    named = os.environ.get("PLATFORM_CHARTS_DIR")
    if not named:
        pytest.skip("needs the charts: set PLATFORM_CHARTS_DIR to a folder with one sub-folder per chart")
    return Path(named)


@lru_cache
def helm() -> Helm:
    built = subprocess.run([ROOT / "scripts/tool", "helm"], capture_output=True, text=True, check=True, timeout=600)
    return Helm(built.stdout.strip())


@pytest.fixture(scope="session")
def rendered(components: Components, charts: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for component in components.values():
        for release in component["releases"]:
            folder = charts / release["pin"]["folder"]
            where = Release(release["name"], release.get("namespace") or component["namespace"])
            texts = [helm().template(where, folder, release["values"]) for _ in range(2)]
            found[release["name"]] = (texts[0], texts[1])
    return found


def objects(rendered: dict[str, tuple[str, str]], release: str) -> Objects:
    return read_objects(rendered[release][0], release)


def test_two_renders_are_equal(rendered: dict[str, tuple[str, str]]) -> None:
    assert [name for name, (one, other) in rendered.items() if one != other] == []


def test_no_image_is_untagged_or_tagged_latest_and_all_come_from_the_mirror(
    rendered: dict[str, tuple[str, str]], inputs: str
) -> None:
    things = [thing for name in rendered for thing in objects(rendered, name)]
    images = images_of(things, elastic_registry="docker.elastic.co", mesh_image="registry.istio.io/release/proxyv2:1")
    assert len(images) > 20
    assert [image for image in images if image.endswith(":latest") or ":" not in image.rpartition("/")[2]] == []
    if inputs == "rich":
        known = ("docker.elastic.co/", "registry.istio.io/release/proxyv2:1")
        assert [image for image in images if not image.startswith(("registry.example.org/", *known))] == []


def test_logs_are_deleted_after_seven_days(rendered: dict[str, tuple[str, str]]) -> None:
    config = next(
        yaml.safe_load(thing["data"]["config.yaml"])
        for thing in objects(rendered, "loki")
        if thing["kind"] == "ConfigMap" and "config.yaml" in thing.get("data", {})
    )
    assert config["limits_config"]["retention_period"] == "168h"
    assert config["compactor"]["retention_enabled"] is True
    assert config["compactor"]["delete_request_store"]


def test_every_part_of_loki_keeps_to_its_nodes(rendered: dict[str, tuple[str, str]], inputs: str) -> None:
    workloads = [t for t in objects(rendered, "loki") if t["kind"] in ("Deployment", "StatefulSet", "DaemonSet")]
    assert workloads
    for thing in workloads:
        pod = thing["spec"]["template"]["spec"]
        if inputs == "rich":
            assert pod["nodeSelector"] == {"pool": "platform"}, thing["metadata"]["name"]
            assert pod["tolerations"][0]["key"] == "pool", thing["metadata"]["name"]


def test_gateways_carry_the_label_that_routes_select(rendered: dict[str, tuple[str, str]]) -> None:
    (deployment,) = [t for t in objects(rendered, "istio-ingressgateway") if t["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["metadata"]["labels"]["istio"] == "ingressgateway"
