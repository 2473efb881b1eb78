# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The single writes to Nodes that operations consist of. Each may be done twice with the outcome of once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.capacity import _parse
from ansible_collections.platform.ops.plugins.module_utils.capacity._journal import SeenNode
from ansible_collections.platform.ops.plugins.module_utils.capacity._pool import Operation, Spec
from ansible_collections.platform.ops.plugins.module_utils.capacity._records import (
    CORDONED_BY,
    OUT_OF_SERVICE_TAINT,
    STARTUP_TAINT,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster import _paths
from ansible_collections.platform.ops.plugins.module_utils.cluster._api import Api, Json


def look(api: Api, name: str, spec: Spec) -> SeenNode | None:
    try:
        raw = api.get(_paths.node(name))
    except NotFoundError:
        return None
    return seen(raw, spec)


def seen(raw: Mapping[str, Any], spec: Spec) -> SeenNode:
    record = _parse.node(raw)
    condition = next((c for c in (raw.get("status") or {}).get("conditions") or () if c["type"] == "Ready"), None)
    text = "the kubelet has not reported"
    if condition is not None:
        text = f"{condition.get('reason', '')} {condition.get('message', '')}".strip() or f"Ready={condition['status']}"
    return SeenNode(
        uid=record.uid,
        ready=record.ready,
        condition=text,
        provider_id=record.provider_id,
        labelled=all(record.labels.get(key) == value for key, value in spec.labels.items())
        and set(spec.taints) <= set(record.taints),
        starting=any(taint.key == STARTUP_TAINT for taint in record.taints),
        unschedulable=record.unschedulable,
        cordoned_by=record.cordoned_by,
        out_of_service=any(taint.key == OUT_OF_SERVICE_TAINT for taint in record.taints),
    )


def _taints(raw: Json) -> list[Json]:
    return list((raw.get("spec") or {}).get("taints") or ())


def _patch(api: Api, raw: Json, change: Json) -> None:
    """Only if the Node is still as it was read; else nothing, and the next look decides anew."""
    change.setdefault("metadata", {})["resourceVersion"] = raw["metadata"]["resourceVersion"]
    try:
        api.patch(_paths.node(raw["metadata"]["name"]), change)
    except (ConflictError, NotFoundError):
        return


def label(api: Api, name: str, spec: Spec) -> None:
    raw = api.get(_paths.node(name))
    there = set(_parse.taints(_taints(raw)))
    missing = [{"key": t.key, "value": t.value, "effect": t.effect} for t in spec.taints if t not in there]
    replaced = {(taint["key"], taint["effect"]) for taint in missing}
    kept = [taint for taint in _taints(raw) if (taint["key"], taint["effect"]) not in replaced]
    _patch(api, raw, {"metadata": {"labels": dict(spec.labels)}, "spec": {"taints": kept + missing}})


def admit(api: Api, name: str) -> None:
    raw = api.get(_paths.node(name))
    kept = [taint for taint in _taints(raw) if taint["key"] != STARTUP_TAINT]
    _patch(api, raw, {"spec": {"taints": kept or None}})


def cordon(api: Api, op: Operation) -> None:
    raw = api.get(_paths.node(op.node))
    if raw["metadata"].get("uid") == op.node_uid:
        _patch(api, raw, {"metadata": {"annotations": {CORDONED_BY: op.id}}, "spec": {"unschedulable": True}})


def uncordon(api: Api, name: str, operation: str) -> None:
    """Only if this operation cordoned it."""
    raw = api.get(_paths.node(name))
    if (raw["metadata"].get("annotations") or {}).get(CORDONED_BY) == operation:
        kept = [taint for taint in _taints(raw) if taint["key"] != OUT_OF_SERVICE_TAINT]
        spec: Json = {"unschedulable": None}
        if len(kept) < len(_taints(raw)):
            spec["taints"] = kept or None
        _patch(api, raw, {"metadata": {"annotations": {CORDONED_BY: None}}, "spec": spec})


def put_out_of_service(api: Api, op: Operation) -> None:
    """Let the cluster give up the pods and volumes of a machine that has no power."""
    raw = api.get(_paths.node(op.node))
    if raw["metadata"].get("uid") == op.node_uid:
        taint = {"key": OUT_OF_SERVICE_TAINT, "value": "nodeshutdown", "effect": "NoExecute"}
        _patch(api, raw, {"spec": {"taints": [*_taints(raw), taint]}})


def put_in_service(api: Api, op: Operation) -> None:
    """Take back what put_out_of_service did, and that alone: who cordoned the Node keeps it cordoned."""
    raw = api.get(_paths.node(op.node))
    if raw["metadata"].get("uid") == op.node_uid:
        kept = [taint for taint in _taints(raw) if taint["key"] != OUT_OF_SERVICE_TAINT]
        _patch(api, raw, {"spec": {"taints": kept or None}})


def delete(api: Api, name: str, uid: str) -> None:
    """The Node with this uid: one that took its name meanwhile is left alone."""
    try:
        api.delete(_paths.node(name), {"preconditions": {"uid": uid}})
    except (ConflictError, NotFoundError):
        return
