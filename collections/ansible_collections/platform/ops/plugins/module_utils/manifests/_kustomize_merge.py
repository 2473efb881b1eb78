# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategic merge and JSON6902 patches over trees that remember where their values stand."""

from __future__ import annotations

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    as_text,
    clone,
    dig,
)

# Lists that Kubernetes merges by a key; of all others the patch's list replaces the whole.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}


class PatchError(Exception):
    """A patch that Kustomize itself would refuse."""


def strategic_merge(base: Node, patch: Node) -> Node | None:
    """`base` with `patch` laid over it (changed in place); None when the patch deletes it."""
    directive = patch.get("$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        base.clear()
        base.leaves.clear()
        base.homes.clear()
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            base.drop(key)
            base.removed.append(patch.leaves[key])
            continue
        _merge_key(base, key, value, patch.leaves[key])
    base.homes += patch.homes
    return base


def _merge_key(base: Node, key: str, value: Any, place: Place) -> None:
    old = base.get(key)
    if isinstance(value, Node) and isinstance(old, Node):
        if strategic_merge(old, value) is None:
            base.drop(key)
        return
    if isinstance(value, list) and isinstance(old, list) and key in MERGE_KEYS:
        base[key] = _merge_list(old, value, MERGE_KEYS[key])
        return
    if isinstance(value, Node) and value.get("$patch") == "delete":
        base.drop(key)
        return
    base.put(key, _without_directives(clone(value)), place)


def _merge_list(old: list[Any], patch: list[Any], key: str) -> list[Any]:
    """Kustomize puts the elements that the patch names first, in the patch's order."""
    if any(isinstance(item, Node) and item.get("$patch") == "replace" for item in patch):
        return [_without_directives(clone(item)) for item in patch if set(item) != {"$patch"}]
    rest = {as_text(item.get(key)): item for item in old if isinstance(item, Node)}
    merged: list[Any] = []
    for item in patch:
        if not isinstance(item, Node):
            continue
        known = rest.pop(as_text(item.get(key)), None)
        result = strategic_merge(known if known is not None else Node(), item)
        if result is not None:
            merged.append(result)
    return merged + list(rest.values())


def _without_directives(value: Any) -> Any:
    if isinstance(value, Node):
        for key in [key for key, item in value.items() if key.startswith("$") or item is None]:
            value.drop(key)
        for item in value.values():
            _without_directives(item)
    elif isinstance(value, list):
        for item in value:
            _without_directives(item)
    return value


def apply_operations(base: Node, operations: list[Any]) -> None:
    """JSON6902, in place.

    Raises:
        PatchError: an operation that does not fit the object.
    """
    for operation in operations:
        if not isinstance(operation, Node):
            raise PatchError("an operation is not a mapping")
        _apply(base, operation)


def pointer(text: str) -> tuple[str, ...]:
    """The steps of a JSON pointer (`~1` is a slash, `~0` a tilde)."""
    if not text.startswith("/"):
        raise PatchError(f"{text!r} is not a JSON pointer to a field")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def _apply(base: Node, operation: Node) -> None:
    kind, steps = as_text(operation.get("op")), pointer(as_text(operation.get("path")))
    if kind == "test":
        return
    if kind in ("add", "replace"):
        # JSON has no homeless value: a mapping in `value` is a home of its own, `op/value/...`.
        place = operation.leaves.get("value", operation.homes[0])
        _write(base, steps, clone(operation.get("value")), place, insert=kind == "add")
    elif kind == "remove":
        _remove(base, steps, operation.homes[0])
    elif kind in ("move", "copy"):
        source = pointer(as_text(operation.get("from")))
        holder, last = _holder(base, source)
        value = clone(_get(holder, last))
        place = holder.leaves[last] if isinstance(holder, Node) else operation.homes[0]
        if kind == "move":
            _remove(base, source, operation.homes[0])
        _write(base, steps, value, place, insert=True)
    else:
        raise PatchError(f"unknown operation {kind!r}")


def _index(items: list[Any], step: str) -> int:
    if not step.isascii() or not step.isdigit() or int(step) >= len(items):
        raise PatchError(f"there is no element {step!r}")
    return int(step)


def _holder(base: Node, steps: tuple[str, ...]) -> tuple[Node | list[Any], str]:
    here: Any = base
    for step in steps[:-1]:
        here = _get(here, step)
    if not isinstance(here, Node | list):
        raise PatchError(f"/{'/'.join(steps)} leads nowhere")
    return here, steps[-1]


def _get(here: Any, step: str) -> Any:
    if isinstance(here, list):
        return here[_index(here, step)]
    if isinstance(here, Node) and step in here:
        return here[step]
    raise PatchError(f"there is no {step!r}")


def _write(base: Node, steps: tuple[str, ...], value: Any, place: Place, *, insert: bool) -> None:
    holder, last = _holder(base, steps)
    if isinstance(holder, Node):
        if not insert and last not in holder:
            raise PatchError(f"there is no /{'/'.join(steps)} to replace")
        holder.put(last, value, place)
    elif last == "-" and insert:
        holder.append(value)
    elif insert:
        holder.insert(len(holder) if last == str(len(holder)) else _index(holder, last), value)
    else:
        holder[_index(holder, last)] = value


def _remove(base: Node, steps: tuple[str, ...], place: Place) -> None:
    holder, last = _holder(base, steps)
    _get(holder, last)
    if isinstance(holder, Node):
        holder.drop(last)
        holder.removed.append(place)
    else:
        del holder[_index(holder, last)]


def containers(body: Node) -> list[tuple[str, int, Node]]:
    """(containers | initContainers, index, container) of a workload of any kind."""
    pod = pod_spec(body)
    if pod is None:
        return []
    return [
        (group, number, item)
        for group in ("containers", "initContainers")
        for number, item in enumerate(pod.get(group) or [])
        if isinstance(item, Node)
    ]


def pod_path(kind: str) -> tuple[str, ...]:
    if kind == "Pod":
        return ("spec",)
    if kind == "CronJob":
        return ("spec", "jobTemplate", "spec", "template", "spec")
    return ("spec", "template", "spec")


def pod_spec(body: Node) -> Node | None:
    found = dig(body, *pod_path(as_text(body.get("kind"))))
    return found if isinstance(found, Node) else None
