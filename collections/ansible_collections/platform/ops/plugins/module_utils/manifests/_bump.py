# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bumps of many workloads over one tree: find, decide, edit. One item's refusal never touches another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, OpsError, unforeseen
from ansible_collections.platform.ops.plugins.module_utils.manifests import _layouts, _manifest
from ansible_collections.platform.ops.plugins.module_utils.manifests._apply import Planned, apply
from ansible_collections.platform.ops.plugins.module_utils.manifests._choose import Chosen, choose
from ansible_collections.platform.ops.plugins.module_utils.manifests._destination import (
    Destination,
    InPlace,
    Repository,
    Worktree,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._item import Item
from ansible_collections.platform.ops.plugins.module_utils.manifests._numbers import Held, Pod, held, pod_of
from ansible_collections.platform.ops.plugins.module_utils.manifests._plan import Decision, Present, decide
from ansible_collections.platform.ops.plugins.module_utils.manifests._pod import Around, grown
from ansible_collections.platform.ops.plugins.module_utils.manifests._policy import (
    Budget,
    Policy,
    cooling,
    first_value,
    handed_over,
    history,
    too_often,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._result import Result
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    FoundSites,
    Number,
    Reason,
    RefusedError,
    Site,
    Target,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._tree import Tree


@dataclass(frozen=True)
class Outcome:
    results: tuple[Result, ...]
    files: tuple[tuple[str, bytes | None, bytes], ...]  # path to show, before, after


def open_tree(path: str) -> Tree:
    """
    Raises:
        InputError: there is neither a folder nor a file at the path.
    """
    if os.path.isdir(path):  # noqa: PTH112
        return Tree(path)
    if os.path.isfile(path):  # noqa: PTH113
        folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100
        return Tree(folder, only=name)
    raise InputError(f"path {path} is neither a folder nor a file. Check out the repository first.")


def bump(
    tree: Tree,
    items: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    policy: Mapping[str, Any] | None = None,
    fleet_history: Iterable[Mapping[str, Any]] = (),
    check: bool = False,
) -> Outcome:
    """Decide all items and write what was decided, except in check mode.

    Raises:
        OpsError: something that concerns all items: the common policy or history, or a file that cannot be written.
    """
    work = _Work(tree, now, Budget(history(fleet_history), now))
    Policy.read(policy or {})  # what is wrong for all is told at once
    read: list[Item | Result] = []
    for given in items:
        try:
            read.append(Item.read(given, policy))
        except InputError as error:
            read.append(_unread(given, error))
    plain = [item for item in read if isinstance(item, Item) and item.helm is None]
    with suppress(Exception):  # what goes wrong here goes wrong again for the item that it is about
        _layouts.warm_up(tree, [item.target for item in plain])
    results = [work.item(one) if isinstance(one, Item) else one for one in read]
    files: list[tuple[str, bytes | None, bytes]] = []
    for folder, destination in work.destinations.items():
        files += [(os.path.join(folder, file), before, after) for file, before, after in destination.changed()]  # noqa: PTH118
        if not check:
            destination.write()
    return Outcome(tuple(results), tuple(files))


def _unread(given: Mapping[str, Any], error: InputError) -> Result:
    named = {key: _text(given.get(key)) for key in ("kind", "name", "namespace", "container")}
    return Result(given.get("label"), named, False, Reason(error.reason), error.message, worktree=given.get("worktree"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


@dataclass
class _Work:
    tree: Tree
    now: datetime
    budget: Budget
    destinations: dict[str, Destination] = field(default_factory=dict)
    _repository: Repository | None = None

    def item(self, item: Item) -> Result:
        target = item.target
        empty = Result(
            label=item.label,
            target={
                "kind": target.kind,
                "name": target.name,
                "namespace": target.namespace,
                "container": target.container,
            },
            changed=False,
            reason=Reason.NOT_FOUND,
            message="",
            worktree=item.worktree,
        )
        try:
            chosen = choose(self._found(item), target)
            return self._bump(item, chosen, _named(empty, chosen.site))
        except RefusedError as error:
            return replace(empty, reason=error.refusal.reason, message=error.message)
        except OpsError as error:
            reason = Reason(error.reason) if error.reason in set(Reason) else Reason.INVALID_INPUT
            return replace(empty, reason=reason, message=error.message)
        except Exception as error:
            return replace(empty, reason=Reason.UNSUPPORTED, message=_defect(target, error))

    def _found(self, item: Item) -> list[FoundSites]:
        if item.helm is not None:
            return [_layouts.explicit(self.tree, item.target, item.helm["values_file"], item.helm["path"])]
        return [_layouts.find(self.tree, item.target, item.shared_base), _manifest.find(self.tree, item.target)]

    def _bump(self, item: Item, chosen: Chosen, result: Result) -> Result:
        pod = pod_of(self.tree, chosen.places)
        if theirs := handed_over(item.past, self.now):
            return replace(result, reason=Reason.HANDED_OVER, message=theirs)
        often = too_often(item.policy, item.past, self.now)
        if often:
            return replace(result, reason=Reason.BUDGET, message=often)
        planned: list[Planned] = []
        decisions: list[Decision] = []
        for resource in item.rules:
            decision, plans = self._resource(item, chosen, pod, resource)
            decisions.append(decision)
            planned += plans
        result = _summed(result, decisions, chosen, pod)
        if not planned:
            return result
        planned += self._pod(chosen, pod, planned)
        self._check_qos(item, pod, planned)
        added = _added(item, planned, pod)
        refusal = self.budget.refusal(item.policy, added)
        if refusal:
            return replace(result, reason=Reason.BUDGET, message=refusal)
        destination = self._destination(item)
        applied = apply(self.tree, destination, planned, item.allow_shared)
        self.budget.spend(added)
        return replace(result, changed=applied.changed, changes=applied.changes, files=applied.files)

    def _resource(self, item: Item, chosen: Chosen, pod: Pod, resource: str) -> tuple[Decision, list[Planned]]:
        places = chosen.places
        limit = held(self.tree, places, ("limits", resource))
        if chosen.pod is not None and (limit is None or limit.quantity is None):
            whole = held(self.tree, (chosen.pod,), ("limits", resource))
            if whole is not None and whole.quantity is not None:
                places, limit = (chosen.pod,), whole
        container = places[0].container
        request = held(self.tree, places, ("requests", resource))
        waits = cooling(item.policy, item.past, container, resource, self.now)
        if waits:
            return Decision(Reason.COOLDOWN, waits), []
        present = Present(
            limit=limit.quantity if limit else None,
            request=request.quantity if request else None,
            keep_equal=resource in ("cpu", "memory") and pod.qos() == "Guaranteed",
            first=first_value(item.past, container, resource),
            create_missing=item.create_missing,
        )
        decision = decide(resource, item.rules[resource], present, item.requests)
        homes: dict[str, Held | None] = {"limits": limit, "requests": request}
        plans: list[Planned] = []
        for change in decision.changes:
            home = homes[change.field]
            if home is None:
                why = f"No place was found where the {resource} {change.field} could be written."
                return Decision(Reason.NO_RESOURCES, why), []
            plans.append(Planned(home, change))
        return decision, plans

    def _pod(self, chosen: Chosen, pod: Pod, planned: Sequence[Planned]) -> list[Planned]:
        """The pod's own numbers, where they would bind."""
        if chosen.pod is None or pod.whole is None or planned[0].held.site.container_type == "pod":
            return []
        homes: dict[Number, Held] = {}
        for one in planned:
            for what in ("limits", "requests"):
                number = (what, one.change.resource)
                home = held(self.tree, (chosen.pod,), number)
                if home is not None and home.quantity is not None:
                    homes[number] = home
        own = {number: home.quantity for number, home in homes.items() if home.quantity is not None}
        sums = {number: pod.total(number) for number in homes}
        changes = grown([one.change for one in planned], Around(own, sums))
        return [Planned(homes[change.field, change.resource], change) for change in changes]

    def _check_qos(self, item: Item, pod: Pod, planned: Sequence[Planned]) -> None:
        after = pod
        for one in planned:
            site, change = one.held.site, one.change
            numbers = {(change.field, change.resource): change.after.value}
            whole = site.container_type == "pod"
            after = after.changed(site.resources if pod.complete else next(iter(pod.containers)), whole, numbers)
        if pod.qos() != after.qos() and not item.allow_qos_change:
            raise OpsError(
                f"The bump would turn the pod from {pod.qos()} into {after.qos()}, which changes who is evicted first. "
                "Set allow_qos_change to do that.",
                reason=Reason.QOS_CHANGE.value,
            )

    def _destination(self, item: Item) -> Destination:
        folder = item.worktree or self.tree.root
        if folder not in self.destinations:
            if item.worktree is None:
                self.destinations[folder] = Destination(InPlace(self.tree))
            else:
                self._repository = self._repository or Repository(self.tree.root)
                self.destinations[folder] = Destination(Worktree(self._repository, item.worktree, item.start))
        return self.destinations[folder]


def _defect(target: Target, error: Exception) -> str:
    return (
        f"Failed to work out the bump of {target}: {unforeseen(error)}. Some file is odd in a way that nobody "
        "foresaw. That is a defect of platform.ops: please report it with this line and the file."
    )


def _named(result: Result, site: Site) -> Result:
    target = {"kind": site.kind, "name": site.name, "namespace": site.namespace or result.target["namespace"]}
    return replace(result, target={**target, "container": site.container or result.target["container"]})


def _summed(result: Result, decisions: Sequence[Decision], chosen: Chosen, pod: Pod) -> Result:
    """One answer from one decision per resource: a bump if any of them is one."""
    leading = next((one for one in decisions if one.reason is Reason.BUMPED), None)
    if leading is None:
        leading = next((one for one in decisions if one.reason is not Reason.SUFFICIENT), decisions[0])
        message = " ".join(one.message for one in decisions)
        others: list[str] = []
    else:
        message = "; ".join(one.message for one in decisions if one.reason is Reason.BUMPED) + "."
        others = [one.message for one in decisions if one.reason is not Reason.BUMPED]
    container = chosen.site.container
    notes = [note for one in decisions for note in one.notes] + others
    notes += [note for site in chosen.places for note in site.notes]
    return replace(
        result,
        reason=leading.reason,
        message=message,
        arithmetic=tuple({"container": container, **sums} for one in decisions for sums in one.arithmetic),
        affects=tuple(dict.fromkeys(place for site in chosen.places for place in site.affects)),
        notes=tuple(dict.fromkeys(notes)),
        replicas=pod.replicas,
    )


def _added(item: Item, planned: Sequence[Planned], pod: Pod) -> dict[str, Fraction]:
    """How much the fleet's limits grow; what an open pull request of this workload asks for is counted already."""
    added: dict[str, Fraction] = {}
    for one in planned:
        change = one.change
        if change.field != "limits" or one.held.site.container_type == "pod":
            continue
        container = one.held.site.container
        asked = [past.after.value for past in item.past if past.is_of(container, change.resource, "open")]
        known = max([change.before.value if change.before else Fraction(0), *asked])
        more = max(Fraction(0), change.after.value - known) * pod.replicas
        added[change.resource] = added.get(change.resource, Fraction(0)) + more
    return added
