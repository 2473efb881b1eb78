# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the frame does with a release, on a real API server, scheduler and controllers, with simulated nodes."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    ConflictError,
    InputError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server
from ansible_collections.platform.ops.plugins.modules import apply_objects, helm_release, wait_ready

from tests.site.conftest import ROOT

CHART = Path(__file__).parent / "stand_in_chart"
NAMESPACE = "frame"
pytestmark = [
    pytest.mark.real,
    pytest.mark.stand_in("stand-in-chart"),
    pytest.mark.stand_in("kwok-node"),
]
Act = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def helm() -> str:
    done = subprocess.run([ROOT / "scripts/tool", "helm"], capture_output=True, text=True, check=True, timeout=600)
    return done.stdout.strip()


def defaults(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: option.get("default") for name, option in spec["argument_spec"].items()}


@pytest.fixture
def release(kubeconfig: str, helm: str, request: pytest.FixtureRequest) -> Iterator[Act]:
    """Brings a release of the stand-in chart, named after the test, to a state; removed at the end."""
    name = f"r{abs(hash(request.node.name)) % 10**8}"

    def act(check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        given = {
            "name": name,
            "namespace": NAMESPACE,
            "chart": str(CHART),
            "binary_path": helm,
            "kubeconfig": kubeconfig,
        }
        params = {**defaults(helm_release.SPEC), **given, "timeout": 60, **changes}
        return helm_release.run(params, check_mode=check_mode, diff_mode=True)

    act.name = name  # type: ignore[attr-defined]
    yield act
    act(state="absent")


def wait(kubeconfig: str, objects: list[dict[str, Any]], timeout: int) -> dict[str, Any]:
    params = {"kubeconfig": kubeconfig, "context": None, "objects": objects, "timeout": timeout}
    return wait_ready.run(params, check_mode=False, diff_mode=False)


def thing(kind: str, name: str, api: str = "v1") -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}


def test_install_check_again_upgrade_and_uninstall(release: Act, kubeconfig: str, server: Server) -> None:
    name = release.name  # type: ignore[attr-defined]
    would = release(check_mode=True)
    assert (would["changed"], would["action"]) == (True, "install")
    assert "Deployment" in would["diff"]["after"]
    assert server.find(thing("ConfigMap", name)) is None

    done = release()
    assert done["changed"]
    wait(kubeconfig, done["objects"], 60)
    again = release()
    assert (again["changed"], again["why"]) == (False, "chart, values and objects are as wanted")

    other = {"values": {"message": "other"}}
    assert release(check_mode=True, **other)["diff"]["after"].count("\n---") <= 2
    assert "other" not in release(check_mode=True, **other)["diff"]["after"].split("kind: Secret")[1]
    assert release(**other)["action"] == "upgrade"
    live = server.find(thing("ConfigMap", name))
    assert live
    assert live["data"] == {"message": "other"}

    gone = release(state="absent")
    assert gone["notes"] == [f"Secret {name} is kept"]
    assert server.find(thing("Deployment", name, "apps/v1")) is None
    assert server.find(thing("Secret", name)) is not None
    assert not release(state="absent")["changed"]


def test_an_object_that_somebody_deleted_comes_back(release: Act, server: Server) -> None:
    name = release.name  # type: ignore[attr-defined]
    release()
    server.delete(thing("ConfigMap", name), dry_run=False)
    repaired = release()
    assert repaired["action"] == "repair"
    assert f"ConfigMap {NAMESPACE}/{name}" in repaired["why"]
    assert server.find(thing("ConfigMap", name)) is not None


def test_a_release_that_a_dead_helm_run_left_pending_is_recovered(release: Act, server: Server) -> None:
    name = release.name  # type: ignore[attr-defined]
    release()
    leave_pending(server, name)
    with pytest.raises(ConflictError, match="another Helm run seems to be at work"):
        release(values={"message": "other"})
    done = release(values={"message": "other"}, stuck_after=0)
    assert done["changed"]
    assert "was left pending-upgrade" in done["notes"][0]
    assert not release(values={"message": "other"})["changed"]


def leave_pending(server: Server, name: str) -> None:
    """What Helm leaves when it is killed between recording the next revision and finishing it."""
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    secret = server.api.get(f"{path}/sh.helm.release.v1.{name}.v1")
    record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    record["version"], record["info"]["status"] = 2, "pending-upgrade"
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    labels = {**secret["metadata"]["labels"], "status": "pending-upgrade", "version": "2"}
    metadata = {"name": f"sh.helm.release.v1.{name}.v2", "namespace": NAMESPACE, "labels": labels}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": secret["type"],
        "data": {"release": packed},
    }
    server.api.create(path, body)


def test_a_pod_that_cannot_run_is_named_with_the_schedulers_words(release: Act, kubeconfig: str) -> None:
    done = release(values={"nodeSelector": {"no-such": "node"}})
    with pytest.raises(UnavailableError) as caught:
        wait(kubeconfig, done["objects"], 5)
    assert "0 of 1 replicas available" in caught.value.message
    assert "not scheduled: 0/" in caught.value.message


def test_a_failing_hook_says_which_and_why(release: Act) -> None:
    with pytest.raises(OpsError) as caught:
        release(values={"failingHook": True}, timeout=5)
    assert "pre-install" in caught.value.message
    assert "-hook: has not completed" in caught.value.message


def test_an_unreachable_registry_says_what_to_do(release: Act, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="put the chart's folder into platform_charts_dir"):
        release(chart="oci://127.0.0.1:1/charts/loki", version="1.0.0", cache=str(tmp_path))


def test_a_value_key_that_does_nothing_is_refused_before_anything_is_changed(release: Act, server: Server) -> None:
    name = release.name  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=rf"release {NAMESPACE}/{name}: .* mesage \(is it message\?\)"):
        release(check_values=True, values={"mesage": "hello"})
    assert server.find(thing("ConfigMap", name)) is None


def test_crds_too_large_for_a_client_side_apply_pass_and_keep_their_equals_sign(
    kubeconfig: str, server: Server, chart_data: Path
) -> None:
    file = chart_data / "prometheus-operator-crds" / "crds.json"
    params = {**defaults(apply_objects.SPEC), "kubeconfig": kubeconfig, "files": [str(file)], "keep": True}

    def run() -> dict[str, Any]:
        return apply_objects.run(params, check_mode=False, diff_mode=False)

    run()
    assert not run()["changed"]
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    live = server.find({**crd, "metadata": {"name": "alertmanagerconfigs.monitoring.coreos.com"}})
    assert live
    assert live["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert '"="' in str(live).replace("'", '"')
