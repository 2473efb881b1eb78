# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`istioctl analyze` finds nothing wrong with what our roles tell the mesh, and finds what is wrong.

The ingress is the one by Istio's own Gateway. Of a Canary it is given what Flagger makes of the fields that it
copies as they are: a VirtualService and a DestinationRule.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.tools import tool
from tests.site.conftest import INPUTS, ROOT

pytestmark = [pytest.mark.real, pytest.mark.campaign, pytest.mark.timeout(1800)]
Objects = list[dict[str, Any]]
MESH_KINDS = {"PeerAuthentication", "Sidecar", "ServiceEntry", "AuthorizationPolicy", "RequestAuthentication"}
MESH_KINDS |= {"Gateway", "DestinationRule"}
CANARY = {
    "canary_namespace": "shop",
    "canary_name": "cart",
    "canary_port": 8080,
    "canary_gateways": ["mesh", "istio-ingress/platform"],
    "canary_hosts": ["flask.example.org"],
    "canary_strategy": "routing",
    "canary_match": [{"headers": {"x-canary": {"exact": "always"}}}],
    "canary_slower": 1.5,
}


def rendered(folder: Path, playbook: str, given: dict[str, Any], *words: str) -> Objects:
    folder.mkdir()
    variables = {"platform_state": "rendered", "platform_render_dir": str(folder), **given}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), playbook, *words, "-e", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    components = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [thing for component in components for thing in component["before"] + component["objects"]]


def by_flagger(canary: dict[str, Any]) -> Objects:
    """The fields of a Canary's service and analysis that Flagger copies as they are into Istio's objects."""
    name, namespace = canary["metadata"]["name"], canary["metadata"]["namespace"]
    service, api = canary["spec"]["service"], "networking.istio.io/v1"
    rule = {
        "match": canary["spec"]["analysis"]["match"],
        "retries": service["retries"],
        "route": [{"destination": {"host": f"{name}-{suffix}"}, "weight": 50} for suffix in ("primary", "canary")],
    }
    spec = {"gateways": service["gateways"], "hosts": [*service["hosts"], name], "http": [rule]}
    place = {"namespace": namespace}
    routes = {"apiVersion": api, "kind": "VirtualService", "metadata": {"name": name, **place}, "spec": spec}
    return [routes] + [
        {
            "apiVersion": api,
            "kind": "DestinationRule",
            "metadata": {"name": host, **place},
            "spec": {"host": host, "trafficPolicy": service["trafficPolicy"]},
        }
        for host in (f"{name}-primary", f"{name}-canary")
    ]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    folder = tmp_path_factory.mktemp("mesh")
    given = {"platform_components": ["istio", "eda"]}
    things = rendered(folder / "site", "site.yml", given, "-e", f"@{INPUTS / 'rich.yml'}")
    canaries = rendered(folder / "canary", "playbooks/canary.yml", CANARY)
    made = [thing for canary in canaries if canary["kind"] == "Canary" for thing in by_flagger(canary)]
    return things + canaries + made


def analyze(folder: Path, things: Objects) -> tuple[int, str]:
    given = folder / "given.yaml"
    given.write_text("\n---\n".join(json.dumps(thing) for thing in things))
    command = [tool("istioctl"), "analyze", "--use-kube=false", "--all-namespaces", "--color=false", str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_istioctl_finds_nothing_wrong_with_what_our_roles_tell_the_mesh(tmp_path: Path, objects: Objects) -> None:
    assert {thing["kind"] for thing in objects} >= MESH_KINDS
    code, said = analyze(tmp_path, objects)
    assert (code, said.count("No validation issues found")) == (0, 1), said


def one(objects: Objects, kind: str) -> dict[str, Any]:
    return next(thing for thing in objects if thing["kind"] == kind and "istio.io" in thing["apiVersion"])


def test_istioctl_finds_a_gateway_that_is_not_there(tmp_path: Path, objects: Objects) -> None:
    wrong = copy.deepcopy(objects)
    one(wrong, "VirtualService")["spec"]["gateways"] = ["istio-ingress/no-such"]
    code, said = analyze(tmp_path, wrong)
    assert code, said
    assert 'Referenced gateway not found: "istio-ingress/no-such"' in said


def test_istioctl_finds_a_value_that_istio_does_not_know(tmp_path: Path, objects: Objects) -> None:
    wrong = copy.deepcopy(objects)
    one(wrong, "PeerAuthentication")["spec"]["mtls"]["mode"] = "STRICTLY"
    code, said = analyze(tmp_path, wrong)
    assert code, said
    assert "STRICTLY" in said
