# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring one Helm release to its state: compare, recover what a dead Helm run left, write, tell."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import (
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster._paths import named, secrets
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import by_key, difference, title
from ansible_collections.platform.ops.plugins.module_utils.stack._explain import explain
from ansible_collections.platform.ops.plugins.module_utils.stack._helm import Helm, Release
from ansible_collections.platform.ops.plugins.module_utils.stack._plan import Found, is_stuck, plan_release
from ansible_collections.platform.ops.plugins.module_utils.stack._ready import WORKLOADS, readiness
from ansible_collections.platform.ops.plugins.module_utils.stack._server import Server
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_mapping, read_objects

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    release: Release
    chart: Path
    values: dict[str, Any]
    timeout: int
    stuck_after: int


def ensure_present(helm: Helm, server: Server, wanted: Wanted, *, check_mode: bool) -> dict[str, Any]:
    release, notes = wanted.release, []
    status = helm.status(release)
    if status and is_stuck(status, now=datetime.now(UTC), stuck_after=wanted.stuck_after):
        notes.append(
            f"revision {status['revision']} was left {status['status']} by a Helm run that died; it is dropped"
        )
        if not check_mode:
            drop_revision(server, release, str(status["revision"]))
            status = helm.status(release)
    after, hooks = _render(helm, wanted, notes, check_mode=check_mode)
    before = read_objects(helm.manifest(release), "the installed manifest") if status else []
    old, new = by_key(before, release.namespace), by_key(after, release.namespace)
    diff = difference(old, new)
    found = Found(str(status["status"]), str(status["chart"]), helm.values(release)) if status else None
    missing = missing_objects(server, new.values(), release.namespace) if found and not any(diff.values()) else []
    plan = plan_release(
        found,
        chart=chart_label(wanted.chart),
        values=wanted.values,
        manifest_differs=any(diff.values()),
        missing=missing,
    )
    if plan.action != "none" and not check_mode:
        try:
            helm.upgrade(release, wanted.chart, wanted.values, timeout=wanted.timeout)
        except UnavailableError as error:
            raise UnavailableError(
                f"Failed to {plan.action} release {release.namespace}/{release.name} from {wanted.chart.name}: "
                + error.message
                + hook_trouble(server, hooks, release.namespace),
                reason="helm_failed",
            ) from error
    return {
        "changed": plan.action != "none",
        "action": plan.action,
        "why": plan.why,
        "notes": notes,
        "diff": diff,
        "objects": [reference(thing, release.namespace) for thing in after if kind_of(thing) in WORKLOADS],
    }


def ensure_absent(helm: Helm, release: Release, *, timeout: int, check_mode: bool) -> dict[str, Any]:
    status = helm.status(release)
    result: dict[str, Any] = {"changed": bool(status), "action": "none", "why": "there is no such release", "notes": []}
    if not status:
        return {**result, "diff": {"before": "", "after": ""}, "objects": []}
    before = by_key(read_objects(helm.manifest(release), "the installed manifest"), release.namespace)
    kept = {k: thing for k, thing in before.items() if is_kept(thing)}
    result["notes"] = [f"{title(thing)} is kept" for thing in kept.values()]
    if not check_mode:
        helm.uninstall(release, timeout=timeout)
    return {**result, "action": "uninstall", "why": "", "diff": difference(before, kept), "objects": []}


def _render(helm: Helm, wanted: Wanted, notes: list[str], *, check_mode: bool) -> tuple[list[Object], str]:
    source = f"the objects of {wanted.chart.name}"
    try:
        manifest, hooks = helm.render(wanted.release, wanted.chart, wanted.values)
    except UnavailableError as error:
        if not check_mode:
            raise UnavailableError(
                f"Failed to render {wanted.chart.name} for release {wanted.release.name}: {error.message}",
                reason="not_rendered",
            ) from error
        # In check mode the CRDs and namespaces of earlier steps may be missing; then the cluster cannot be asked.
        manifest, hooks = helm.template(wanted.release, wanted.chart, wanted.values), ""
        notes.append(f"rendered without the cluster: {error.message.splitlines()[0]}")
    objects = [thing for thing in read_objects(manifest, source) if not is_hook(thing)]
    return objects, hooks


def is_hook(thing: Mapping[str, Any]) -> bool:
    return "helm.sh/hook" in ((thing.get("metadata") or {}).get("annotations") or {})


def is_kept(thing: Mapping[str, Any]) -> bool:
    return ((thing.get("metadata") or {}).get("annotations") or {}).get("helm.sh/resource-policy") == "keep"


def kind_of(thing: Mapping[str, Any]) -> tuple[str, str]:
    group, slash, _version = str(thing.get("apiVersion")).partition("/")
    return (group if slash else "", str(thing.get("kind")))


def reference(thing: Mapping[str, Any], namespace: str) -> Object:
    metadata = thing.get("metadata") or {}
    return {
        "apiVersion": thing["apiVersion"],
        "kind": thing["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata.get("namespace") or namespace},
    }


def missing_objects(server: Server, things: Iterable[Mapping[str, Any]], namespace: str) -> list[Object]:
    return [ref for ref in (reference(thing, namespace) for thing in things) if server.find(ref) is None]


def drop_revision(server: Server, release: Release, revision: str) -> None:
    """Forget a revision that never ended; the one before it counts again, and Helm can go on."""
    try:
        server.api.delete(named(secrets(release.namespace), f"sh.helm.release.v1.{release.name}.v{revision}"))
    except NotFoundError:
        return


def hook_trouble(server: Server, hooks: str, namespace: str) -> str:
    """What the cluster says of the Jobs and Pods that the chart runs as hooks."""
    words = []
    for thing in read_objects(hooks, "the chart's hooks"):
        if thing["kind"] not in ("Job", "Pod"):
            continue
        try:
            live = server.find(reference(thing, namespace))
        except OpsError:
            continue
        if live and not (state := readiness(live)).ready:
            words.append(f"{title(live)}: {state.why}; {explain(server.api, live)}".rstrip("; "))
    return (" Its hooks: " + " | ".join(words)) if words else ""


def chart_label(chart: Path) -> str:
    """name-version, as Helm lists it."""
    try:
        if chart.is_dir():
            text = (chart / "Chart.yaml").read_text()
        else:
            with tarfile.open(chart) as archive:
                member = next(
                    m for m in archive.getmembers() if m.name.count("/") == 1 and m.name.endswith("/Chart.yaml")
                )
                file = archive.extractfile(member)
                text = file.read().decode() if file else ""
        data = read_mapping(text, str(chart))
        return f"{data['name']}-{data['version']}"
    except (OSError, StopIteration, tarfile.TarError, KeyError) as error:
        raise InputError(
            f"Failed to read Chart.yaml of {chart}: {error or 'there is none'}; "
            "remove the file to have it fetched anew."
        ) from error
