# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An uninstall takes along what it was told to, and nothing else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site.conftest import ROOT, Components, played, variants


def removed(place: Path, kubeconfig: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """The common role takes a component away, with these inputs."""
    always = {"component_name": "thing", "component_state": "absent", "component_namespace": "removal"}
    return played(place, "component", **always, platform_kubeconfig=kubeconfig, **given)


@pytest.mark.timeout(600)
def test_the_word_false_on_a_command_line_keeps_secrets_and_kinds(tmp_path: Path) -> None:
    given = {"component_secrets": [{"name": "token"}], "component_crds": [{"files": [str(tmp_path / "crds.json")]}]}
    nowhere = str(tmp_path / "no-cluster")
    kept = removed(tmp_path, nowhere, **given, platform_remove_data="false", platform_remove_crds="no")
    assert kept.returncode == 0, kept.stdout[-3000:]
    for switch in ("platform_remove_data", "platform_remove_crds"):
        assert removed(tmp_path, nowhere, **given, **{switch: "true"}).returncode


CONDITION = r"(?:when:.*|\bif |\bnot |\band |\bor |^\s+- |that: |\()"


INSIDE = r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"  # of parentheses, two deep


def conditions(text: str, switch: str) -> list[str]:
    """Where this switch decides something and is taken as it comes."""
    used = re.compile(rf"{CONDITION}{switch}\b(?!(?: \| default\({INSIDE}\))? \| bool)", re.MULTILINE)
    return [found.group() for found in used.finditer(text)]


def test_every_switch_is_read_as_a_switch_where_it_decides_something() -> None:
    """`-e NAME=false` is a word, and every word is true."""
    found = []
    roles = [ROOT / "roles", ROOT / "collections/ansible_collections/platform/ops/roles"]
    parts = ("tasks", "vars", "templates")
    files = [path for root in roles for part in parts for path in root.rglob(f"*/{part}/**/*")]
    texts = {path: path.read_text() for path in files if path.suffix in (".yml", ".j2")}
    for spec in [path for root in roles for path in root.glob("*/meta/argument_specs.yml")]:
        for entry in yaml.safe_load(spec.read_text())["argument_specs"].values():
            switches = [name for name, option in entry.get("options", {}).items() if option.get("type") == "bool"]
            found += [
                f"{path.relative_to(ROOT)}: {use}"
                for name in switches
                for path, text in texts.items()
                for use in conditions(text, name)
            ]
    assert sorted(set(found)) == []


def test_the_search_finds_a_switch_that_is_taken_as_it_comes() -> None:
    assert conditions("when: remove_data", "remove_data")
    assert conditions("when:\n    - remove_data", "remove_data")
    assert conditions("{{ a if remove_data | default(true) else b }}", "remove_data")
    taken = "{{ a if remove_data | default((x | default('')) | length > 0) | bool else b }}"
    assert not conditions(taken, "remove_data")


@pytest.mark.timeout(600)
def test_a_number_on_a_command_line_is_a_number(tmp_path: Path) -> None:
    given = {"canary_namespace": "shop", "canary_name": "cart"}
    slower, none = variants(tmp_path, "canary", {**given, "canary_slower": "1.5"}, {**given, "canary_slower": "0"})
    (canary,) = [thing for thing in slower["objects"] if thing["kind"] == "Canary"]
    assert canary["spec"]["analysis"]["metrics"][-1]["thresholdRange"] == {"max": 1.5}
    assert [thing["kind"] for thing in none["objects"]] == ["Canary"]


def test_all_that_stores_says_where_its_volumes_are(components: Components) -> None:
    storing = {name for name in ("monitoring", "loki", "tempo", "efk", "eda") if name in components}
    assert {name for name, component in components.items() if component["data"]} == storing
