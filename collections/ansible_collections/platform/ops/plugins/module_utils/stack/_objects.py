# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring objects to the cluster by server-side apply, or take them away; guards what is not ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.platform.ops.plugins.module_utils.stack._diff import Key, key, plain, title
from ansible_collections.platform.ops.plugins.module_utils.stack._server import FIELD_MANAGER, Server, UnknownKindError
from ansible_collections.platform.ops.plugins.module_utils.stack._version import is_newer

Object = dict[str, Any]
HELM_RELEASE = "meta.helm.sh/release-name"
KEEP = ("helm.sh/resource-policy", "keep")


@dataclass(frozen=True, slots=True)
class Guards:
    take_ownership: bool = False  # also apply what a Helm release owns
    version_annotation: str = ""  # never replace an object that is newer by this annotation
    owned_by: str = ""  # the Helm release whose objects are ours
    create_only: bool = False  # leave what is there to whoever made it


@dataclass(slots=True)
class Outcome:
    before: dict[Key, Object] = field(default_factory=dict)
    after: dict[Key, Object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    applied: list[Object] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.before != self.after


def apply_objects(server: Server, things: Iterable[Object], guards: Guards, *, dry_run: bool) -> Outcome:
    outcome = Outcome()
    for thing in things:
        _apply(server, thing, guards, outcome, dry_run=dry_run)
    return outcome


def _apply(server: Server, thing: Object, guards: Guards, outcome: Outcome, *, dry_run: bool) -> None:
    live = server.find(thing)
    if live is not None:
        if note := keeps(live, thing, guards):
            outcome.notes.append(note)
            return
        refuse_foreign(live, guards)
    # By a name of its own: what the same manager leaves out is removed, and another component may make it this moment.
    manager = f"{FIELD_MANAGER}-shared" if guards.create_only else FIELD_MANAGER
    try:
        would = server.apply(thing, dry_run=True, manager=manager)
    except NotFoundError:
        # Its kind or its namespace comes with an earlier step that check mode did not run.
        if not dry_run:
            raise
        outcome.notes.append(f"{title(thing)} would be created; its kind or namespace is not there yet.")
        would = thing
    if live is not None and plain(live) == plain(would):
        outcome.applied.append(thing)
        return
    if live is not None:
        outcome.before[key(thing)] = live
    outcome.after[key(thing)] = would if dry_run else server.apply(thing, dry_run=False, manager=manager)
    outcome.applied.append(thing)


def keeps(live: Mapping[str, Any], thing: Mapping[str, Any], guards: Guards) -> str:
    """Why the live object stays as it is, or nothing."""
    if guards.create_only:
        return f"{title(thing)} is there and stays as it is."
    if not guards.version_annotation:
        return ""
    there = _annotation(live, guards.version_annotation)
    ours = _annotation(thing, guards.version_annotation)
    if there and ours and is_newer(there, ours):
        return f"{title(thing)} stays at {there}: it is newer than the pinned {ours}."
    return ""


def refuse_foreign(live: Mapping[str, Any], guards: Guards) -> None:
    owner = _annotation(live, HELM_RELEASE)
    if owner and owner != guards.owned_by and not guards.take_ownership:
        namespace = _annotation(live, "meta.helm.sh/release-namespace")
        raise ConflictError(
            f"Failed to apply {title(live)}: the Helm release {namespace}/{owner} owns it, "
            "and its next upgrade would undo ours. Switch the CRDs off in that release, "
            "or set take_ownership to take them over on purpose.",
            reason="owned_by_helm",
        )


def _annotation(thing: Mapping[str, Any], name: str) -> str:
    return str(((thing.get("metadata") or {}).get("annotations") or {}).get(name) or "")


def keep_on_uninstall(thing: Object) -> Object:
    metadata = dict(thing.get("metadata") or {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), KEEP[0]: KEEP[1]}
    return {**thing, "metadata": metadata}


def instances_of(server: Server, things: Iterable[Object]) -> list[Object]:
    """Every object in the cluster of the kinds that the CustomResourceDefinitions among `things` define, by reference.

    Others may stand beside them, such as the policy that the Gateway API's manifest brings along.
    """
    found: list[Object] = []
    for crd in things:
        if crd["kind"] != "CustomResourceDefinition":
            continue
        spec = crd["spec"]
        version = next(str(entry["name"]) for entry in spec["versions"] if entry.get("storage"))
        api_version, names = f"{spec['group']}/{version}", spec["names"]
        try:
            live = list(server.api.items(f"/apis/{api_version}/{names['plural']}"))
        except NotFoundError:  # the definition itself is not there
            continue
        for thing in live:
            metadata = {key: thing["metadata"][key] for key in ("name", "namespace") if thing["metadata"].get(key)}
            found.append({"apiVersion": api_version, "kind": names["kind"], "metadata": metadata})
    return found


def delete_objects(server: Server, things: Iterable[Object], *, dry_run: bool) -> Outcome:
    outcome = Outcome()
    for thing in things:
        try:
            live = server.find(thing)
        except UnknownKindError:
            live = None
        if live is None:
            continue
        outcome.before[key(thing)] = live
        outcome.applied.append(thing)
        if not (live.get("metadata") or {}).get("deletionTimestamp"):
            try:
                server.delete(thing, dry_run=dry_run)
            except NotFoundError:
                continue  # gone between the look and the deletion
    return outcome
