# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role eda makes of its inputs, and which inputs it refuses before anything is changed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site.conftest import ROOT, Components

IMAGE = "registry.example.org/remediation:1"
Objects = dict[tuple[str, str], dict[str, Any]]


RICH = pytest.mark.parametrize("inputs", ["rich"], indirect=True)


@pytest.fixture
def objects(components: Components) -> Objects:
    return {(thing["kind"], thing["metadata"]["name"]): thing for thing in components["eda"]["objects"]}


def settings(objects: Objects) -> dict[str, Any]:
    return dict(yaml.safe_load(objects["ConfigMap", "remediation"]["data"]["remediation.yml"]))


@pytest.mark.parametrize("inputs", ["defaults"], indirect=True)
def test_without_an_image_it_is_a_part_of_no_profile(components: Components) -> None:
    assert "eda" not in components


@RICH
def test_the_configuration_names_secrets_and_holds_none(objects: Objects) -> None:
    repositories = {entry["name"]: entry for entry in settings(objects)["limit_bump_repositories"]}
    assert repositories["fleet"]["token"] == "{{ lookup('ansible.builtin.file', '/run/secrets/git/git-fleet/token') }}"
    assert repositories["apps"]["private_key"].count("/run/secrets/git/git-app/private_key")
    assert not any("secret" in entry for entry in repositories.values())
    assert "drools_db_password" not in settings(objects)
    assert [kind for kind, _name in objects if kind == "Secret"] == []
    (container,) = objects["Deployment", "remediation"]["spec"]["template"]["spec"]["containers"]
    secret = ("drools_db_password", "EDA_CONTROLLER_TOKEN", "APPLICATIONINSIGHTS_CONNECTION_STRING")
    given = {entry["name"]: entry for entry in container["env"]}
    assert all("secretKeyRef" in given[name]["valueFrom"] for name in secret)


@RICH
def test_the_pod_keeps_to_the_restricted_profile(objects: Objects) -> None:
    pod = objects["Deployment", "remediation"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
    assert pod["topologySpreadConstraints"]
    assert not any("hostPath" in volume for volume in pod["volumes"])


@RICH
def test_its_roles_change_nothing_and_read_no_secrets(objects: Objects) -> None:
    bound = [
        thing
        for (kind, name), thing in objects.items()
        if kind in ("ClusterRole", "Role") and not name.startswith("remediation-standby")
    ]
    assert bound
    for role in bound:
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= {"get", "list"}, rule
            assert "secrets" not in rule["resources"] and "*" not in rule["resources"], rule


@RICH
def test_several_replicas_have_a_budget_and_a_service_that_follows_the_leader(objects: Objects) -> None:
    assert objects["PodDisruptionBudget", "remediation"]["spec"]["maxUnavailable"] == 1
    assert objects["Service", "remediation"]["spec"]["selector"]["platform.ops/role"] == "leader"
    labels = objects["Deployment", "remediation"]["spec"]["template"]["metadata"]["labels"]
    assert "platform.ops/role" not in labels


@RICH
def test_the_gateway_lets_deliveries_through_and_nothing_else(objects: Objects) -> None:
    (route,) = objects["VirtualService", "remediation"]["spec"]["http"]
    paths = {path for match in route["match"] for path in match["uri"].values()}
    assert paths == {"/alertmanager", "/newrelic", "/generic/"}
    assert {match["method"]["exact"] for match in route["match"]} == {"POST"}
    assert (route["retries"]["attempts"], route["timeout"]) == (2, "30s")
    first, *others = objects["AuthorizationPolicy", "remediation"]["spec"]["rules"]
    assert first["from"][0]["source"]["requestPrincipals"] == ["https://sso.example.org/*"]
    assert all(
        rule.get("from") or rule["to"] == [{"operation": {"methods": ["GET"], "ports": ["8080"]}}] for rule in others
    )
    assert objects["PeerAuthentication", "remediation"]["spec"]["mtls"] == {"mode": "STRICT"}


REFUSED = {
    "eda_image must name": {"eda_image": ""},
    "eda_image must name the": {"eda_image": "registry.example.org/remediation:latest"},
    "Settings go into a ConfigMap": {"eda_repositories": [{"name": "a", "url": "https://x/a.git", "token": "t"}]},
    "Settings go into a ConfigMap,": {"eda_environment": {"GIT_TOKEN": "t"}},
    "which the role sets itself": {"eda_settings": {"remediation_token_file": "/x"}},
    "standing by needs a PostgreSQL": {"eda_replicas": 2},
    "is one volume for one pod": {
        "eda_replicas": 2,
        "eda_storage": "1Gi",
        "eda_database": {"host": "db", "name": "n", "secret": "s"},
    },
    "not among istio_ingress_hosts": {"eda_host": "remediation.example.org"},
    "need both eda_controller_url": {"eda_controller_url": "https://controller.example.org"},
}


def test_inputs_that_do_not_go_together_are_refused_with_what_to_do(tmp_path: Path) -> None:
    tasks = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {"name": "eda", "tasks_from": "preflight"},
                    "vars": {"eda_image": IMAGE, **inputs},
                }
            ],
            "rescue": [
                {
                    "ansible.builtin.set_fact": {
                        "said": "{{ said | default({}) | combine({"
                        + json.dumps(what)
                        + ": ansible_failed_result.msg}) }}"
                    }
                }
            ],
        }
        for what, inputs in {**REFUSED, "nothing": {}}.items()
    ]
    tasks.append({"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(tmp_path / "said")}})
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), str(tmp_path / "play.yml")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    said = json.loads((tmp_path / "said").read_text())
    assert set(said) == set(REFUSED)
    for what, message in said.items():
        assert what.rstrip(",").removesuffix(" the") in message, message
