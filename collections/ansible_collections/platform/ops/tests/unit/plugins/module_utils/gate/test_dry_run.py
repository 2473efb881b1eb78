# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pod that is asked for by dry run is one that the workload's controller would ask for."""

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.gate._judge import Rules, judge
from ansible_collections.platform.ops.plugins.module_utils.gate._look import Live, Look
from ansible_collections.platform.ops.plugins.module_utils.gate._types import Reason

CHANGE = {"container": "server", "field": "limits", "resource": "memory", "after": "128Mi"}
NODE = {
    "metadata": {"name": "one", "labels": {}},
    "spec": {},
    "status": {
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}


class Server:
    """Has one node, and takes a pod if each of its mounts has a volume: the rule that matters here."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []

    def items(self, path: str, _query: Any = None) -> list[dict[str, Any]]:
        return [NODE] if path.endswith("/nodes") else []

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if "/pods" not in path:
            return {"status": {"allowed": True}}
        self.pods.append(body)
        volumes = {one["name"] for one in body["spec"].get("volumes") or ()}
        for one in body["spec"]["containers"]:
            for mount in one.get("volumeMounts") or ():
                if mount["name"] not in volumes:
                    raise InputError(f"the API server answered 422: Not found: {mount['name']}", reason="invalid")
        return body


def asked(spec: dict[str, Any], *claims: str) -> tuple[Reason | None, dict[str, Any]]:
    container = {"name": "server", "resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}}}
    spec = {"containers": [{**container, "volumeMounts": [{"name": one} for one in ("scratch", "data")]}], **spec}
    template = {"metadata": {}, "spec": spec}
    maker = {
        "metadata": {"name": "store", "namespace": "shop"},
        "spec": {
            "template": template,
            "selector": {},
            "volumeClaimTemplates": [{"metadata": {"name": one}, "spec": {}} for one in claims],
        },
    }
    live = Live("shop", "StatefulSet", maker, template, (), frozenset({("StatefulSet", "store")}))
    server = Server()
    verdict = judge(Look(server), live, [CHANGE], Rules())  # type: ignore[arg-type]
    return verdict.reason, server.pods[0]["spec"]


SCRATCH = {"name": "scratch", "emptyDir": {}}
CLAIMED = {"name": "data", "persistentVolumeClaim": {"claimName": "data-store-0"}}


def test_a_stateful_set_brings_the_volumes_of_its_claims() -> None:
    reason, pod = asked({"volumes": [SCRATCH]}, "data")
    assert reason is None
    assert pod["volumes"] == [SCRATCH, CLAIMED]


def test_a_claim_goes_before_a_volume_of_the_same_name_as_the_controller_has_it() -> None:
    reason, pod = asked({"volumes": [{"name": "data", "emptyDir": {}}, SCRATCH]}, "data")
    assert reason is None
    assert pod["volumes"] == [SCRATCH, CLAIMED]


def test_a_mount_without_any_volume_is_still_refused() -> None:
    reason, _pod = asked({"volumes": [SCRATCH]}, "other")
    assert reason == Reason.DRY_RUN
