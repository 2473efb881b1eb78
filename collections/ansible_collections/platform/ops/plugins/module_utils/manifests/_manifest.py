# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites in plain Kubernetes manifests."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import keys_of
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    WORKLOAD_KINDS,
    FoundSites,
    Path,
    Reason,
    Refusal,
    RefusedError,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree
from ansible_collections.platform.ops.plugins.module_utils.manifests._workloads import (
    Workload,
    dig,
    objects,
    workloads,
)

LAYOUT = "manifest"

_GENERATORS = {".jsonnet": "Jsonnet", ".libsonnet": "Jsonnet", ".cue": "CUE", ".pkl": "Pkl", ".dhall": "Dhall"}
_HEAP = re.compile(r"-Xmx\w+|-XX:MaxRAMPercentage=[\d.]+|--max-old-space-size[= ]\d+|GOMEMLIMIT")
_TEMPLATES = {".tpl": "a template", ".tmpl": "a template", ".gotmpl": "a template", ".j2": "a template"}


def find(tree: Tree, target: Target) -> FoundSites:
    """Sites of the target in plain manifests."""
    if target.kind is not None and target.kind not in WORKLOAD_KINDS:
        return FoundSites(refusals=tuple(_not_a_workload(tree, target)))
    found: list[Workload] = []
    refusals: list[Refusal] = []
    kinds = WORKLOAD_KINDS if target.kind is None else (target.kind,)
    for file in tree.naming_of_kind(target.name, *kinds):
        if not _within(file, target.source):
            continue
        if _chart_template(tree, file):
            if _says(tree, file, target.name):
                refusals.append(_templated(file, target))
            continue
        try:
            found += [one for one in workloads(tree, file) if _is(one, target)]
        except RefusedError as error:
            if _says(tree, file, target.name):
                refusals.append(error.refusal)
    found, notes = _followed(tree, found)
    sites = [site for one in found for site in _sites(one, notes)]
    if not found and not refusals:
        refusals += _hints(tree, target)
    return FoundSites(tuple(sites), tuple(refusals))


def _is(one: Workload, target: Target) -> bool:
    return (
        one.name == target.name
        and target.kind in (None, one.kind)
        and (target.namespace is None or one.namespace in (None, target.namespace))
    )


def _within(file: str, source: str | None) -> bool:
    if source is None:
        return True
    folder = posixpath.normpath(source)
    return folder in (".", file) or file.startswith(folder + "/")


def _followed(tree: Tree, found: list[Workload]) -> tuple[list[Workload], tuple[str, ...]]:
    """An Argo Rollout that names a workload has no pods of its own: the numbers stand in that workload."""
    own: list[Workload] = [one for one in found if one.follows is None]
    notes: list[str] = []
    for rollout in found:
        if rollout.follows is None:
            continue
        kind, name = rollout.follows
        referred = Target(name, kind, rollout.namespace)
        for file in tree.naming_of_kind(name, kind):
            try:
                own += [one for one in workloads(tree, file) if _is(one, referred) and one not in own]
            except RefusedError:
                continue
        notes.append(f"Rollout {rollout.name} takes its pods from {kind} {name}; the number stands there.")
    return own, tuple(notes)


def _sites(one: Workload, notes: tuple[str, ...]) -> Iterator[Site]:
    pod = dig(one.body, one.pod[len(one.at) :])
    if not isinstance(pod, dict):
        return
    source = f"{one.file}#{one.document.index}" + (f".{keys_of(one.at)}" if one.at else "")
    common = (*notes, *_pod_notes(one))

    def site(container: str, kind: str, path: Path, more: tuple[str, ...] = common) -> Site:
        return Site(
            file=one.file,
            document=one.document.index,
            resources=path,
            layout=LAYOUT,
            kind=one.kind,
            name=one.name,
            namespace=one.namespace,
            container=container,
            container_type=kind,
            source=source,
            notes=more,
        )

    for section in ("containers", "initContainers"):
        listed = pod.get(section)
        for number, container in enumerate(listed if isinstance(listed, list) else []):
            if not isinstance(container, dict):
                continue
            if section == "containers":
                kind = "container"
            else:
                kind = "sidecar" if container.get("restartPolicy") == "Always" else "init"
            path = (*one.pod, section, number, "resources")
            yield site(str(container.get("name", "")), kind, path, (*common, *_heap_notes(container)))
    if isinstance(pod.get("resources"), dict):
        yield site("", "pod", (*one.pod, "resources"))


def _heap_notes(container: dict[str, Any]) -> Iterator[str]:
    """A runtime that was told its heap does not use what the limit gives it."""
    said = _HEAP.search(str([container.get(key) for key in ("command", "args", "env")]))
    if said:
        yield f"{container.get('name')} is told its heap size ({said[0]}), which a higher memory limit does not change."


def _pod_notes(one: Workload) -> Iterator[str]:
    if one.kind == "Pod":
        yield "A bare Pod takes new numbers only when it is created anew or resized in place."
    if one.kind in ("Job", "CronJob"):
        yield "Jobs already created keep their numbers; new ones get the new numbers."


# --- why not


def _says(tree: Tree, file: str, name: str) -> bool:
    return name.encode() in tree.read(file)


def _chart_template(tree: Tree, file: str) -> bool:
    folder = posixpath.dirname(file)
    while folder:
        above, _slash, last = folder.rpartition("/")
        if last == "templates" and tree.exists(f"{above}/Chart.yaml" if above else "Chart.yaml"):
            return True
        folder = above
    return False


def _templated(file: str, target: Target) -> Refusal:
    return Refusal(
        Reason.TEMPLATED,
        f"{file} names {target.name}, but it is a template of a Helm chart: its numbers come from values. "
        "Give helm: {values_file, path}.",
        file,
    )


def _not_a_workload(tree: Tree, target: Target) -> Iterator[Refusal]:
    if target.kind != "Canary":
        kinds = ", ".join(WORKLOAD_KINDS)
        yield Refusal(Reason.INVALID_INPUT, f"{target.kind} is no kind that runs containers. Kinds: {kinds}.")
        return
    for file in tree.naming_of_kind(target.name, "Canary"):
        try:
            documents = tree.documents(file)
        except RefusedError:
            continue
        for document in documents:
            for _at, body in objects(document.data):
                if body["kind"] == "Canary" and dig(body, ("metadata", "name")) == target.name:
                    reference = dig(body, ("spec", "targetRef")) or {}
                    yield Refusal(
                        Reason.CANARY,
                        f"Canary {target.name} ({file}) holds no numbers: Flagger copies them from "
                        f"{reference.get('kind', 'its target')} {reference.get('name', '')}. Name that one.",
                        file,
                    )


def _hints(tree: Tree, target: Target) -> Iterator[Refusal]:
    """Files that make manifests by program, if one of them says the name."""
    for file, language, template in _programs(tree):
        if _within(file, target.source) and _says(tree, file, target.name):
            reason = Reason.GENERATED if language else Reason.TEMPLATED
            yield Refusal(
                reason,
                f"{file} names {target.name}, but it is {language or template}, from which manifests are made by a "
                "program; it is not edited. Change it by hand, or point `path` at the rendered manifests.",
                file,
            )


def _programs(tree: Tree) -> list[tuple[str, str | None, str | None]]:
    key = ("programs",)
    if key not in tree.memo:
        tree.memo[key] = [
            (file, _GENERATORS.get(suffix), _TEMPLATES.get(suffix))
            for file in tree.files()
            if (suffix := posixpath.splitext(file)[1]) in _GENERATORS or suffix in _TEMPLATES
        ]
    held: list[tuple[str, str | None, str | None]] = tree.memo[key]
    return held
