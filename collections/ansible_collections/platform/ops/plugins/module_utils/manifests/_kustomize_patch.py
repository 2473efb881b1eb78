# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add a patch to an overlay that has none for an object yet: a new file and one more entry of `patches`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import Identity
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Path,
    Place,
    UnreadableError,
    as_list,
    parse,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Reader, Reason, refuse

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*")


@dataclass(frozen=True, slots=True)
class NewPatch:
    """A strategic-merge patch that names one object, perhaps one container, and says nothing about it yet."""

    kustomization: str
    file: str
    identity: Identity
    pod: tuple[str, ...] = ()  # path of the pod spec
    group: str = ""  # containers | initContainers; none: the patch names the object only
    container: str = ""

    def naming(self, pod: tuple[str, ...], group: str, container: str) -> NewPatch:
        return replace(self, pod=pod, group=group, container=container)

    @property
    def resources(self) -> Path:
        return (*self.pod, self.group, 0, "resources")

    def write(self, read: Reader) -> Mapping[str, bytes]:
        """The new contents of the files it takes, from what they hold now.

        Raises:
            RefusedError: the kustomization cannot take one more entry without changing something else.
        """
        before = read(self.kustomization)
        if before is None:
            raise refuse(Reason.NOT_FOUND, f"{self.kustomization} is gone.", self.kustomization)
        newline = "\r\n" if b"\r\n" in before else "\n"
        made: dict[str, bytes] = {}
        if read(self.file) is None:  # else this run has written it already, for another number
            made[self.file] = self._text().replace("\n", newline).encode()
        path = posixpath.relpath(self.file, posixpath.dirname(self.kustomization) or ".")
        if not _has(before, path, self.kustomization):
            made[self.kustomization] = with_patch(before, path, self.kustomization)
        return made

    def _text(self) -> str:
        lines = [f"apiVersion: {scalar(self.identity.api)}", f"kind: {scalar(self.identity.kind)}", "metadata:"]
        lines.append(f"  name: {scalar(self.identity.name)}")
        if self.identity.namespace:
            lines.append(f"  namespace: {scalar(self.identity.namespace)}")
        if self.group:
            for depth, key in enumerate((*self.pod, self.group)):
                lines.append(f"{'  ' * depth}{key}:")
            lines.append(f"{'  ' * (len(self.pod) + 1)}- name: {scalar(self.container)}")
        return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """The text as a YAML string: plain where that cannot be read as anything else."""
    if _PLAIN.fullmatch(text) and text.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null"):
        return text
    return "'" + text.replace("'", "''") + "'"


def _has(data: bytes, path: str, file: str) -> bool:
    return any(isinstance(one, Node) and one.get("path") == path for one in as_list(_body(data, file).get("patches")))


def _body(data: bytes, file: str) -> Node:
    try:
        documents = [one for one in parse(data, Place(file, "kustomize-inline")) if one is not None]
    except UnreadableError as error:
        raise refuse(Reason(error.code), f"{file} cannot be read: {error.message}.", file) from error
    if len(documents) != 1 or not isinstance(documents[0], Node):
        raise refuse(Reason.INVALID_YAML, f"{file} is not one kustomization.", file)
    return documents[0]


def with_patch(data: bytes, path: str, file: str) -> bytes:
    """The kustomization with one more patch at the end of `patches`; every other byte stays.

    Raises:
        RefusedError: parsed again, something else would differ.
    """
    before = _body(data, file)
    text = data.decode("utf-8")
    after = _spliced(text, path).encode()
    expected = dict(before)
    expected["patches"] = [*as_list(before.get("patches")), {"path": path}]
    try:
        same = dict(_body(after, file)) == expected
    except UnreadableError:
        same = False
    if not same:
        raise refuse(
            Reason.UNVERIFIED,
            f"A patch cannot be added to {file} without changing something else there. Add an entry of `patches` for "
            "this workload by hand, then run again.",
            file,
        )
    return after


def _spliced(text: str, path: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    keys = {key.value: value for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    patches = keys.get("patches")
    entry = f"path: {scalar(path)}"
    if isinstance(patches, yaml.SequenceNode) and patches.flow_style:
        at = patches.value[-1].end_mark.index if patches.value else patches.start_mark.index + 1
        return text[:at] + (", " if patches.value else "") + "{" + entry + "}" + text[at:]
    if isinstance(patches, yaml.SequenceNode):
        return _line_after(text, _end(patches), f"{' ' * patches.start_mark.column}- {entry}", newline)
    lists = [one for one in keys.values() if isinstance(one, yaml.SequenceNode) and not one.flow_style]
    column = lists[0].start_mark.column if lists else 0
    if patches is not None:
        return _line_after(text, patches.end_mark.index, f"{' ' * column}- {entry}", newline)
    return _line_after(text, len(text), f"patches:{newline}{' ' * column}- {entry}", newline)


def _end(node: Any) -> int:
    """Where the last thing written in a node ends; the end that YAML gives a block includes what follows it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _line_after(text: str, at: int, line: str, newline: str) -> str:
    """`line` put below the line in which `at` stands (or right at it, where a line begins)."""
    if at > 0 and text[at - 1] != "\n":
        end = text.find("\n", at)
        if end < 0:
            return text + newline + line
        at = end + 1
    return text[:at] + line + newline + text[at:]
