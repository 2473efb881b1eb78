# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of the repository as a whole."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
OPS = ROOT / "collections/ansible_collections/platform/ops"
# Spelled in pieces, so that this file does not name them either.
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("deb", "debian", "org"),
    )
]


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_no_file_names_the_host_of_a_package_index():
    found = [(p.relative_to(ROOT), host) for p in tracked() for host in INDEX_HOSTS if host in text_of(p)]
    assert not found


def test_collections_for_galaxy_are_those_of_the_locked_environment():
    installed = Path(find_spec("ansible_collections.kubernetes.core").submodule_search_locations[0])
    for wanted in yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]:
        manifest = yaml.safe_load(
            (installed.parent.parent / wanted["name"].replace(".", "/") / "MANIFEST.json").read_text()
        )
        assert manifest["collection_info"]["version"] == wanted["version"], wanted["name"]


def test_every_direct_requirement_is_locked_with_hashes():
    lock = (ROOT / "requirements/lock.txt").read_text()
    for source in ("run.in", "dev.in"):
        for line in (ROOT / "requirements" / source).read_text().splitlines():
            if match := re.match(r"[A-Za-z][\w.-]*", line):
                name = re.sub(r"[-_.]+", "-", match[0]).lower()  # PEP 503
                pinned = re.search(rf"^{name}==\S+.*\\\n +--hash=sha256:", lock, re.MULTILINE)
                assert pinned, f"{match[0]} of {source} is not locked; run make lock"


def test_links_between_documents_lead_somewhere():
    broken = []
    for page in [p for p in tracked() if p.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page)):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert not broken


def test_every_role_input_has_a_default_or_is_required_and_every_default_is_declared():
    for specs in [*ROOT.glob("roles/*/meta/argument_specs.yml"), *OPS.glob("roles/*/meta/argument_specs.yml")]:
        role = specs.parent.parent
        points = yaml.safe_load(specs.read_text())["argument_specs"].values()
        options = {name: option for point in points for name, option in point.get("options", {}).items()}
        defaults_file = role / "defaults/main.yml"
        defaults = (yaml.safe_load(defaults_file.read_text()) or {}) if defaults_file.exists() else {}
        assert set(defaults) <= set(options), f"{role.name}: defaults without a spec"
        required = {name for name, option in options.items() if option.get("required")}
        assert set(options) - required <= set(defaults), f"{role.name}: optional inputs without a default"
        assert not required & set(defaults), f"{role.name}: required inputs with a default"
        for name, option in options.items():
            # accept_retired is a promise about the whole run, and short on purpose: people are told to set it.
            named = name.startswith(role.name) or name == "accept_retired"
            assert named, f"{role.name}: {name} does not start with the role's name"
            secret = option["type"] == "str" and re.search(r"token|password|secret|private_key", name)
            if secret and not name.endswith(("_file", "_secret")):
                assert option.get("no_log"), f"{role.name}: {name} looks like a secret and is not no_log"


@pytest.mark.parametrize("script", [p for p in (ROOT / "scripts").iterdir() if p.is_file()], ids=lambda p: p.name)
def test_every_script_says_what_it_is_for(script):
    lines = text_of(script).splitlines()
    assert any(line.startswith(("# ", '"""')) for line in lines[:8])


def test_every_stand_in_says_what_it_replaces_why_and_where():
    for entry in yaml.safe_load((ROOT / "tests/stand_ins.yml").read_text()):
        assert {"name", "replaces", "why", "used_by"} <= set(entry), entry


def test_the_documentation_shows_every_stand_in():
    page = (ROOT / "docs/testing.md").read_text()
    for entry in yaml.safe_load((ROOT / "tests/stand_ins.yml").read_text()):
        assert f"| `{entry['name']}` | {entry['replaces']} |" in page, entry["name"]
