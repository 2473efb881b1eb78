# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role says what its inputs are, in one place, and the documents agree with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site.conftest import ROOT

ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/main.yml"))
GRAPH = yaml.safe_load((ROOT / "roles/platform/vars/main/graph.yml").read_text())


def options(role: Path) -> dict[str, Any]:
    spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text())
    return dict(spec["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_argument_spec_and_the_defaults_agree(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    declared = {name: option["default"] for name, option in options(role).items() if not option.get("required")}
    assert declared == defaults


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_component_can_be_removed_and_carries_an_upgrade_note(role: Path) -> None:
    if role.name in ("platform", "component"):
        return
    assert options(role)[f"{role.name}_state"]["choices"] == ["present", "absent", "rendered"]
    about = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["description"]
    assert about[-1].startswith("Upgrades: ")


def test_the_readmes_are_those_of_the_argument_specs() -> None:
    check = [sys.executable, "scripts/role_docs.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_component_of_the_graph_has_a_role_and_every_profile_names_components() -> None:
    names = set(GRAPH["platform_graph"])
    assert names <= {role.name for role in ROLES}
    for profile in GRAPH["platform_profiles"].values():
        assert isinstance(profile, str) or set(profile) <= names


def test_every_input_that_the_preflight_names_is_one() -> None:
    for name, component in GRAPH["platform_graph"].items():
        asks = component["asks"]
        if "version_input" in asks:
            assert asks["version_input"] in options(ROOT / "roles" / name)
            assert asks["pinned"].startswith("{{ " + asks["version_input"] + " | default(")
        else:
            assert f"{name}_version" not in options(ROOT / "roles" / name)


def test_every_version_can_be_raised_by_renovate() -> None:
    lines = (ROOT / "roles/platform/vars/main/versions.yml").read_text().splitlines()
    versions = [number for number, line in enumerate(lines) if line.strip().startswith("version:")]
    assert versions
    for number in versions:
        assert "# renovate: datasource=" in lines[number - 1], lines[number]


def run_site(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "site.yml", *words]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=280)


def test_a_retired_component_is_refused_with_its_successor_and_comes_only_when_accepted(tmp_path: Path) -> None:
    given = ("--tags", "ingress_nginx", "-e", "platform_state=rendered", "-e", f"platform_render_dir={tmp_path}")
    refused = run_site(*given)
    assert refused.returncode
    assert "ingress_nginx is retired since March 2026" in refused.stdout + refused.stderr
    assert "Use component istio" in refused.stdout + refused.stderr
    assert not list(tmp_path.iterdir())
    accepted = run_site(*given, "-e", "accept_retired=true")
    assert accepted.returncode == 0, accepted.stdout[-3000:]
    assert "Its successor is component istio" in accepted.stdout
    assert (tmp_path / "ingress_nginx.json").is_file()


def test_a_state_that_only_the_command_line_knows_is_refused_where_nothing_may_be_changed(tmp_path: Path) -> None:
    given = ("--tags", "priority_classes", "-e", f"platform_kubeconfig={tmp_path}/none")
    rendered = ("-e", "platform_state=rendered", "-e", f"platform_render_dir={tmp_path}")
    refused = run_site(*given, *rendered, "-e", "priority_classes_state=present")
    assert refused.returncode
    assert "the command line sets priority_classes_state to present; leave that out." in refused.stdout


def test_the_priority_classes_have_what_their_kind_has_and_whole_sentences() -> None:
    defaults = yaml.safe_load((ROOT / "roles/priority_classes/defaults/main.yml").read_text())
    for entry in defaults["priority_classes_list"]:
        assert set(entry) <= {"name", "value", "description", "preempting"}
        assert entry["description"].count("(") == entry["description"].count(")")


def test_no_profile_brings_anything_retired() -> None:
    retired = yaml.safe_load((ROOT / "roles/platform/vars/main/retired.yml").read_text())["platform_retired"]
    assert not retired.keys() & GRAPH["platform_graph"].keys()


def test_on_openshift_pods_that_need_the_node_may_have_it_and_hosts_get_routes(tmp_path: Path) -> None:
    given = {
        "platform_state": "rendered",
        "platform_render_dir": str(tmp_path),
        "platform_openshift": True,
        "platform_components": ["istio", "opentelemetry"],
        "istio_ingress_tls_secret": "tls",
        "istio_ingress_hosts": [{"host": "flask.example.org"}],
    }
    done = run_site("-e", json.dumps(given))
    assert done.returncode == 0, done.stdout[-3000:]
    istio, collector = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("istio", "opentelemetry"))
    bound = [o["roleRef"]["name"] for part in (istio, collector) for o in part["before"] if o["kind"] == "RoleBinding"]
    assert bound == ["system:openshift:scc:privileged"] * 2
    assert [release["values"]["global"]["platform"] for release in istio["releases"][1:3]] == ["openshift"] * 2
    (route,) = [thing for thing in istio["objects"] if thing["kind"] == "Route"]
    assert (route["spec"]["host"], route["spec"]["tls"]["termination"]) == ("flask.example.org", "passthrough")
