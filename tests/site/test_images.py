# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`playbooks/list_images.yml` prints every image that would be started, where an air gap has it from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.tools import tool
from tests.site.charts import assemble
from tests.site.conftest import said_by

MIRROR = "registry.example.org/mirror"


def listed(**given: Any) -> list[str]:
    """The images as the playbook prints them."""
    given = {"platform_helm_binary": str(tool("helm")), "platform_check_values": False, **given}
    said = said_by("playbooks/list_images.yml", "-e", json.dumps(given), ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    printed = said.partition("Images | Print them]")[2].partition("=> ")[2]
    return list(json.JSONDecoder().raw_decode(printed)[0]["msg"])


@pytest.mark.stand_in("stand-in-chart")
@pytest.mark.timeout(1000)
def test_images_of_charts_and_those_that_only_the_mesh_knows_are_listed_as_the_mirror_has_them(
    tmp_path: Path, chart_data: Path
) -> None:
    charts = assemble(tmp_path / "charts", chart_data)
    given = {"platform_components": ["istio"], "platform_charts_dir": str(charts)}
    found = listed(**given, platform_registries={"*": MIRROR})
    names = [image.rpartition(":")[0] for image in found]
    assert {f"{MIRROR}/registry.istio.io/release/{name}" for name in ("pilot", "proxyv2")} <= set(names)
    assert found == sorted(set(found))


@pytest.mark.stand_in("stand-in-chart")
@pytest.mark.timeout(1000)
def test_the_proxy_of_the_version_that_is_installed_is_listed_also_where_no_pod_of_ours_has_one(
    tmp_path: Path, chart_data: Path
) -> None:
    charts = assemble(tmp_path / "charts", chart_data, istio=False)
    given = {"platform_components": ["istio"], "platform_charts_dir": str(charts), "istio_ingress_api": "gateway_api"}
    assert "registry.istio.io/release/proxyv2:1.30.9" in listed(**given, istio_version="1.30.9")


def test_an_inventory_that_installs_and_removes_makes_it_neither_install_nor_remove(tmp_path: Path) -> None:
    inventory = {"localhost": {"hosts": {"localhost": {"ansible_connection": "local"}}}}
    states = {"priority_classes_state": "present", "tempo_state": "absent"}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": inventory, "vars": states}}))
    given = {"platform_components": ["priority_classes", "tempo"], "platform_kubeconfig": str(tmp_path / "none")}
    said = said_by("playbooks/list_images.yml", "-i", str(tmp_path / "hosts.yml"), "-e", json.dumps(given))
    assert set(re.findall(r"\(item=(\w+: \w+)\)", said)) == {"priority_classes: rendered"}


@pytest.mark.timeout(1000)
def test_every_image_of_the_real_charts_is_listed() -> None:
    folder = os.environ.get("PLATFORM_CHARTS_DIR")
    if not folder:
        pytest.skip("needs the charts: set PLATFORM_CHARTS_DIR to a folder with one sub-folder per chart")
    found = listed(platform_charts_dir=folder)
    names = [image.partition(":")[0].rpartition("/")[2] for image in found]
    known_to_operators = {"elasticsearch", "kibana", "prometheus", "alertmanager", "proxyv2", "cert-manager-acmesolver"}
    assert known_to_operators | {"grafana", "loki", "tempo", "kiali", "flagger", "fluent-bit"} <= set(names)
    assert len(found) > 30
    assert all(image.rpartition(":")[2] not in ("", "latest") and "/" in image for image in found)
