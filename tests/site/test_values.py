# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every value our roles set is one that the pinned chart declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.platform.ops.plugins.module_utils.stack._values import declared_values, undeclared

from tests.site.conftest import ROOT, Components

# Charts that hand part of their values on to the program unread.
FREE = yaml.safe_load((ROOT / "roles/platform/vars/main/free_values.yml").read_text())["__platform_free_values"]


def test_every_value_we_set_is_declared_by_its_chart(components: Components, chart_data: Path) -> None:
    unknown, unseen = [], []
    for component in components.values():
        for release in component["releases"]:
            folder = release["pin"]["folder"]
            declared = declared_values(chart_data / folder)
            if not declared:
                unseen.append(folder)
                continue
            free = tuple(FREE.get(folder, {}))
            found = undeclared(release["values"], declared)
            unknown += [f"{folder}: {key}" for key in found if not key.startswith(free)]
    assert not unknown, "\n".join(unknown)
    if unseen:
        pytest.skip(f"values of all other charts are declared; there is no data of {', '.join(sorted(unseen))}")


def test_the_check_finds_a_key_that_does_nothing(chart_data: Path) -> None:
    declared = declared_values(chart_data / "flagger")
    assert list(undeclared({"podMonitor": {"enable": True}}, declared)) == ["podMonitor.enable"]


def images(node: Any) -> Iterator[tuple[str, str]]:
    """Registry and repository of every image that values describe in two parts."""
    if isinstance(node, dict):
        if isinstance(node.get("registry"), str) and isinstance(node.get("repository"), str):
            yield node["registry"], node["repository"]
        for value in node.values():
            yield from images(value)


def test_without_a_mirror_every_image_comes_from_where_its_chart_takes_it(
    components: Components, chart_data: Path, inputs: str
) -> None:
    if inputs != "defaults":
        pytest.skip("this input names a mirror")
    moved = []
    for component in components.values():
        for release in component["releases"]:
            declared = declared_values(chart_data / release["pin"]["folder"])
            usual = set(images(declared))
            ours = images(overlaid(declared, release["values"]))
            moved += [f"{release['name']}: {'/'.join(image)}" for image in ours if image not in usual]
    assert moved == []


def overlaid(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: overlaid(one.get(key), value) for key, value in other.items()}}
    return other


def test_no_chart_comes_without_a_version_and_no_image_is_tagged_latest(components: Components) -> None:
    for component in components.values():
        for release in component["releases"]:
            assert release["pin"]["version"]
            assert "latest" not in str(release["values"])
