# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._values import check_values


@pytest.fixture(params=["folder", "archive"])
def chart(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A chart with a subchart under another name, as a folder and as `helm pull` leaves it."""
    folder = tmp_path / "logs"
    (folder / "charts/store").mkdir(parents=True)
    dependency = "dependencies: [{name: store, alias: shelf, version: 1.0.0}]\n"
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: logs\nversion: 1.0.0\n" + dependency)
    (folder / "values.yaml").write_text("compactor: {enabled: true}\nconfig: {}\nlist: []\nshelf: {size: 1}\n")
    (folder / "charts/store/Chart.yaml").write_text("apiVersion: v2\nname: store\nversion: 1.0.0\n")
    (folder / "charts/store/values.yaml").write_text("replicas: 1\nglobal: {registry: ''}\n")
    if request.param == "folder":
        return folder
    with tarfile.open(tmp_path / "logs-1.0.0.tgz", "w:gz") as archive:
        archive.add(folder, "logs")
    return tmp_path / "logs-1.0.0.tgz"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"compactor": {"enabled": False}},
        {"config": {"anything": {"goes": 1}}},
        {"list": [{"a": 1}]},
        {"shelf": {"replicas": 2, "size": 3}, "global": {"registry": "x"}},
        {"free": {"form": 1}},
    ],
)
def test_declared_and_free_keys_pass(chart: Path, values: dict[str, Any]) -> None:
    check_values(values, chart, ["free"], "logging/logs")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"compactr": {"enabled": True}}, "does not declare compactr (is it compactor?)"),
        ({"compactor": {"enable": True}}, "compactor.enable (is it compactor.enabled?)"),
        ({"shelf": {"xyz": 1}}, "shelf.xyz."),
        ({"store": {"replicas": 2}}, "does not declare store"),
    ],
)
def test_a_key_that_would_do_nothing_is_refused_with_the_one_that_was_meant(
    chart: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_values(values, chart, ["free."], "logging/logs")
    assert said in caught.value.message
    assert "release logging/logs" in caught.value.message
    assert "platform_undeclared_values" in caught.value.message
