# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every value our roles set is one that the pinned chart declares."""

from __future__ import annotations

import re
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


SECRET = re.compile(
    r"pass(word|phrase)?$|token$|signing_key$|api_?key$|secret_?(access)?_?key$|credentials$", re.IGNORECASE
)
# A file that holds it, a variable of a pod that does, Kiali's way to name a Secret and a key in it, or a key's name.
ELSEWHERE = re.compile(r"^(/|\$\{|secret:|admin-|[a-z-]*(password|token|key)$)")


def literal_secrets(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            named = SECRET.search(str(key)) and isinstance(value, str) and value and not ELSEWHERE.match(value)
            if named:
                yield f"{path}.{key}"
            yield from literal_secrets(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from literal_secrets(value, f"{path}[{number}]")


def test_no_secret_stands_in_a_value_or_in_an_object_that_is_no_secret(components: Components) -> None:
    found = []
    for component in components.values():
        for release in component["releases"]:
            found += literal_secrets(release["values"], release["name"])
        for thing in component["before"] + component["objects"]:
            assert thing["kind"] != "Secret", f"{component['name']}: generated ones are made by ensure_secret"
            found += literal_secrets(thing, f"{thing['kind']} {thing['metadata']['name']}")
    assert found == []


def test_the_check_for_secrets_finds_one() -> None:
    assert list(literal_secrets({"grafana": {"adminPassword": "hunter2"}}))
    assert list(literal_secrets({"a": [{"auth_token": "abc"}]}))
    assert not list(literal_secrets({"a": {"passwordKey": "admin-password", "credentials_file": "/etc/token"}}))
