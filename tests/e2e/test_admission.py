# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's arithmetic is the API server's: what it admits we let pass, what it refuses we refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError, InputError
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Connection, KubeApi, connect
from ansible_collections.platform.ops.plugins.module_utils.gate import _limit_range, _quota
from ansible_collections.platform.ops.plugins.module_utils.gate._dry_run import dry_run
from ansible_collections.platform.ops.plugins.module_utils.gate._look import Look
from ansible_collections.platform.ops.plugins.module_utils.gate._pod import claimed, defaulted, qos
from ansible_collections.platform.ops.plugins.module_utils.gate._rollout import Rollout
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

from lab.control_plane import kubectl
from lab.place import Lab
from lab.shell import wait_for
from lab.web import within
from tests.support.access import least_rights

pytestmark = pytest.mark.real

ONCE = Rollout(1, 0, 1, "once")


@pytest.fixture(scope="module")
def api(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> KubeApi:
    """With the least rights that the role asks for."""
    return connect(Connection(str(least_rights(lab, tmp_path_factory.mktemp("access")))))


def container(name: str = "server", **resources: Any) -> dict[str, Any]:
    return {"name": name, "image": "lab.local/workload:1", "resources": resources}


def spec(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": list(containers), **more}


def namespace_with(lab: Lab, name: str, *items: dict[str, Any]) -> None:
    made: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}]
    made += [{"apiVersion": "v1", **one, "metadata": {"name": "bounds", "namespace": name}} for one in items]
    kubectl(lab, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))

    def account() -> bool:  # admission refuses pods before it is there
        return "default" in kubectl(lab, "-n", name, "get", "serviceaccounts", "-o", "name")

    wait_for(f"the service account of {name} is there", account, deadline=180)


def create(lab: Lab, api: KubeApi, namespace: str, pod: dict[str, Any]) -> dict[str, Any] | None:
    """The pod as the API server would make it; None when it would not."""
    body = {"metadata": {"generateName": "asked-", "namespace": namespace}, "spec": pod}
    try:
        return within(lab, lambda: api.create(f"/api/v1/namespaces/{namespace}/pods?dryRun=All", body))
    except (AuthError, InputError):
        return None


PODS = {
    "small": spec(container(limits={"memory": "64Mi"}, requests={"memory": "16Mi"})),
    "no request": spec(container(limits={"memory": "164Mi", "cpu": "1"})),
    "wide": spec(container(limits={"memory": "164Mi", "cpu": "1"}, requests={"memory": "8Mi", "cpu": "10m"})),
    "two": spec(
        container(limits={"memory": "100Mi"}, requests={"memory": "100Mi"}),
        container("proxy", limits={"memory": "100Mi"}, requests={"memory": "50Mi"}),
    ),
    "init": spec(
        container(limits={"memory": "10Mi"}),
        initContainers=[container("setup", limits={"memory": "500Mi"})],
    ),
    "beside": spec(
        container(limits={"memory": "60Mi"}),
        initContainers=[{**container("log", limits={"memory": "80Mi"}), "restartPolicy": "Always"}],
    ),
    "whole": spec(container(), resources={"limits": {"memory": "150Mi"}, "requests": {"memory": "20Mi"}}),
    "bare": spec(container()),
}
RANGES: list[dict[str, Any]] = [
    {"type": "Container", "max": {"memory": "128Mi"}, "default": {"memory": "128Mi"}},
    {
        "type": "Container",
        "min": {"memory": "32Mi"},
        "default": {"memory": "64Mi"},
        "defaultRequest": {"memory": "48Mi"},
    },
    {"type": "Container", "maxLimitRequestRatio": {"memory": "4"}, "default": {"memory": "64Mi"}},
    {"type": "Pod", "max": {"memory": "164Mi"}},
    {"type": "Pod", "min": {"memory": "60Mi"}},
    {"type": "Pod", "maxLimitRequestRatio": {"memory": "2"}},
]


@pytest.mark.parametrize("number", range(len(RANGES)))
def test_limit_ranges_admit_what_we_admit(lab: Lab, api: KubeApi, number: int) -> None:
    namespace = f"range-{number}"
    namespace_with(lab, namespace, {"kind": "LimitRange", "spec": {"limits": [RANGES[number]]}})
    [limit_range] = within(lab, lambda: Look(api).of("limit_ranges", namespace))
    for name, pod in PODS.items():
        ours = _limit_range.check(defaulted(pod, [limit_range]), [limit_range])
        if name == "whole" or (name == "bare" and RANGES[number]["type"] == "Pod"):
            continue  # names no number at all, which no bump leaves so; or numbers that defaults of containers exceed
        assert (create(lab, api, namespace, pod) is not None) == (ours.reason is None), (name, ours.message)


HARD: list[dict[str, Any]] = [
    {"hard": {"limits.memory": "164Mi"}},
    {"hard": {"limits.memory": "163Mi"}},
    {"hard": {"requests.memory": "150Mi", "limits.cpu": "1"}},
    {"hard": {"memory": "80Mi"}},
    {"hard": {"pods": "0"}},
    {"hard": {"pods": "0"}, "scopes": ["BestEffort"]},
    {"hard": {"pods": "0"}, "scopes": ["Terminating"]},
]


@pytest.mark.parametrize("number", range(len(HARD)))
def test_quotas_admit_what_we_admit(lab: Lab, api: KubeApi, number: int) -> None:
    namespace = f"quota-{number}"
    namespace_with(lab, namespace, {"kind": "ResourceQuota", "spec": HARD[number]})

    def counted() -> list[Any]:
        listed = within(lab, lambda: Look(api).of("quotas", namespace))
        return [one for one in listed if (one.get("status") or {}).get("hard")]

    quotas: Any = wait_for("the quota is counted", counted, deadline=180)
    hard = HARD[number]["hard"]
    for name, pod in PODS.items():
        made = defaulted(pod)
        values = {
            (field, resource)
            for one in pod["containers"]
            for field in ("limits", "requests")
            for resource in one["resources"].get(field, {})
        }
        if name in ("bare", "whole") or ("limits.cpu" in hard and ("limits", "cpu") not in values):
            continue  # a quota wants every number that it counts to be written, which no bump changes
        ours = _quota.check(made, [], ONCE, quotas)
        assert (create(lab, api, namespace, pod) is not None) == (ours.reason is None), (name, ours.message)


@pytest.mark.parametrize("name", PODS)
def test_qos_classes_are_the_api_server_s(lab: Lab, api: KubeApi, name: str) -> None:
    made = create(lab, api, "default", PODS[name])
    assert made is not None
    assert qos(defaulted(PODS[name])) == made["status"]["qosClass"]


def test_a_dry_run_tells_what_admission_says(lab: Lab, api: KubeApi) -> None:
    namespace_with(lab, "secured")
    kubectl(lab, "label", "namespace", "secured", "pod-security.kubernetes.io/enforce=restricted")
    there = within(lab, lambda: dry_run(api, "default", {}, PODS["small"]))
    refused = within(lab, lambda: dry_run(api, "secured", {}, PODS["small"]))
    invalid = within(
        lab, lambda: dry_run(api, "default", {}, spec(container(limits={"memory": "1"}, requests={"memory": "2"})))
    )
    assert (there.reason, refused.reason, invalid.reason) == (None, Reason.DRY_RUN, Reason.DRY_RUN)
    assert "restricted" in refused.message


def test_the_claims_of_a_stateful_set_are_volumes_of_its_pods(lab: Lab, api: KubeApi) -> None:
    mounting = {**container(limits={"memory": "64Mi"}), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    maker = {"metadata": {"name": "store"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}
    written = within(lab, lambda: dry_run(api, "default", {}, spec(mounting)))
    made = within(lab, lambda: dry_run(api, "default", {}, claimed(spec(mounting), maker)))
    assert (written.reason, made.reason) == (Reason.DRY_RUN, None)


def test_the_least_rights_write_nothing(lab: Lab, api: KubeApi, tmp_path: Path) -> None:
    body = {"metadata": {"name": "x"}, "data": {}}
    with pytest.raises(AuthError):
        within(lab, lambda: api.create("/api/v1/namespaces/default/configmaps", body))
    with pytest.raises(AuthError):
        within(lab, lambda: api.get("/api/v1/namespaces/kube-system/secrets"))
