# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences between sets of objects, as Ansible shows them. Pure; never shows what a Secret holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import write_yaml

Object = Mapping[str, Any]
Key = tuple[str, str, str, str]
# What the API server writes by itself, and what no one who reads a difference asked for.
SERVER_FIELDS = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


def key(thing: Object, namespace: str = "") -> Key:
    metadata = thing.get("metadata") or {}
    return (
        str(thing.get("apiVersion")),
        str(thing.get("kind")),
        str(metadata.get("namespace") or namespace),
        str(metadata.get("name")),
    )


def title(thing: Object) -> str:
    _api, kind, namespace, name = key(thing)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def plain(thing: Object) -> dict[str, Any]:
    """The object without what the server adds, its secrets replaced by their fingerprints."""
    shown = {name: value for name, value in thing.items() if name != "status"}
    metadata = {k: v for k, v in (thing.get("metadata") or {}).items() if k not in SERVER_FIELDS}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if "last-applied" not in k}
    if "annotations" in metadata:
        metadata = {**metadata, "annotations": annotations}
    shown["metadata"] = metadata
    if thing.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if shown.get(part):
                shown[part] = {name: _fingerprint(value) for name, value in shown[part].items()}
    return shown


def _fingerprint(value: Any) -> str:
    return f"(secret, sha256 {hashlib.sha256(str(value).encode()).hexdigest()[:12]})"


def by_key(things: Iterable[Object], namespace: str = "") -> dict[Key, Object]:
    return {key(thing, namespace): thing for thing in things}


def difference(before: Mapping[Key, Object], after: Mapping[Key, Object]) -> dict[str, str]:
    """Only the objects that differ, before and after, as two texts."""
    differing = sorted(k for k in {*before, *after} if _shown(before.get(k)) != _shown(after.get(k)))
    return {
        "before": "".join(_text(before[k]) for k in differing if k in before),
        "after": "".join(_text(after[k]) for k in differing if k in after),
    }


def _shown(thing: Object | None) -> dict[str, Any] | None:
    return None if thing is None else plain(thing)


def _text(thing: Object) -> str:
    return f"--- # {title(thing)}\n{write_yaml(plain(thing))}"
