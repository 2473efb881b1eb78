# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of workload kinds in YAML documents, and where their pods are described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._document import Document
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Path
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree

_GROUPS = {
    "Deployment": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
    "ReplicaSet": ("apps", "extensions"),
    "ReplicationController": ("",),
    "Job": ("batch",),
    "CronJob": ("batch",),
    "Pod": ("",),
    "Rollout": ("argoproj.io",),
}
_POD_SPEC: dict[str, Path] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
}
_TEMPLATE: Path = ("spec", "template", "spec")


@dataclass(frozen=True, slots=True)
class Workload:
    """An object of a workload kind, wherever it stands in a document."""

    file: str
    document: Document
    at: Path  # of the object within the document
    kind: str
    name: str
    namespace: str | None
    body: dict[str, Any]

    @property
    def pod(self) -> Path:
        """The path of the pod's spec within the document."""
        return self.at + _POD_SPEC.get(self.kind, _TEMPLATE)

    @property
    def follows(self) -> tuple[str, str] | None:
        """Kind and name of the workload whose pods an Argo Rollout takes over."""
        reference = dig(self.body, ("spec", "workloadRef"))
        if self.kind == "Rollout" and isinstance(reference, dict):
            return str(reference.get("kind", "")), str(reference.get("name", ""))
        return None

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name} in {self.file}, line {self.document.line(self.at)}"


def dig(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def objects(value: Any, at: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The Kubernetes objects in a document: itself, or the items of a List, also of a list of lists."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        if len(at) < 16:
            for number, item in enumerate(items):
                yield from objects(item, (*at, "items", number))
    else:
        yield at, value


def workloads(tree: Tree, file: str) -> tuple[Workload, ...]:
    """The workloads in a file.

    Raises:
        RefusedError: the file cannot be read as YAML.
    """
    key = ("workloads", file)
    held: tuple[Workload, ...] | None = tree.memo.get(key)
    if held is None:
        held = tuple(_workloads(tree, file))
        tree.memo[key] = held
    return held


def _workloads(tree: Tree, file: str) -> Iterator[Workload]:
    for document in tree.documents(file):
        for at, body in objects(document.data):
            kind = body["kind"]
            metadata = body.get("metadata")
            groups = _GROUPS.get(kind)
            if groups is None or not isinstance(metadata, dict):
                continue
            group = str(body.get("apiVersion", "")).rpartition("/")[0]
            if group not in groups:
                continue
            namespace = metadata.get("namespace")
            name = str(metadata.get("name", ""))
            yield Workload(file, document, at, kind, name, str(namespace) if namespace else None, body)
