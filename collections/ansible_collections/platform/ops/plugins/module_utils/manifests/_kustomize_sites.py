# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places that say something about one container of one built object, and which of them may be edited."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_build import (
    Built,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_merge import (
    containers,
    pod_path,
    pod_spec,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_patch import (
    NewPatch,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_select import (
    identity,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._kustomize_survey import (
    Survey,
    Top,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Place,
    as_list,
    as_node,
    as_text,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_spots import (
    FIELDS,
    Spot,
    container_type,
    document,
    numbers,
    spots,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import (
    Number,
    Reason,
    Refusal,
    Site,
)

SharedBase = Literal["patch", "edit", "refuse"]


@dataclass(frozen=True, slots=True)
class Marked:
    site: Site
    held: Mapping[Number, str]  # numbers decided there
    shared: bool  # other workloads take what stands there


@dataclass(frozen=True, slots=True)
class Environment:
    """An object as one top builds it; `others` are the tops that build another object from the same base."""

    known: Survey
    top: Top
    others: list[Top]
    shared_base: SharedBase


@dataclass(frozen=True, slots=True)
class Container:
    group: str  # containers | initContainers | "" for the pod itself
    name: str
    body: Node

    def within(self, built: Built) -> Node | None:
        """The same container of another object."""
        for group, _index, body in containers(built.body):
            if (group, as_text(body.get("name"))) == (self.group, self.name):
                return body
        return None


def environment_sites(here: Environment, wanted: str | None) -> tuple[list[Site], list[Refusal]]:
    """Sites of the wanted container (of all when None) and of the pod itself, strongest first."""
    sites: list[Site] = []
    refusals = _replaced(here)
    body = here.top.built.body
    for group, _index, item in containers(body):
        container = Container(group, as_text(item.get("name")), item)
        if wanted in (None, container.name):
            made, refused = _settle(here, container, _container_sites(here, container))
            sites += made
            refusals += refused
    pod = pod_spec(body)
    if pod is not None and isinstance(pod.get("resources"), Node):
        sites += _offered(_container_sites(here, Container("", "", pod)), {})
    return sites, refusals


def _container_sites(here: Environment, container: Container) -> list[Marked]:
    built = here.top.built
    resources = as_node(container.body.get("resources"))
    homes = [(document(home), home.path) for home in resources.homes]
    stated = {at for at, _path in homes}
    named = [home for home in container.body.homes if document(home) not in stated]
    homes += [(document(home), (*home.path, "resources")) for home in named]
    rank = {at: index for index, at in enumerate(_order(built))}
    now = identity(built.body)
    parts = (container.body, resources, *(as_node(resources.get(field)) for field in FIELDS))
    removed = max((rank.get(document(place), 0) for part in parts for place in part.removed), default=-1)
    marked: list[Marked] = []
    for spot in spots(numbers(resources), homes, resources.homes, rank):
        at = spot.document
        affects = _affected(here.others, container, spot)
        leaf = spot.leaf
        if rank.get(at, 0) < removed:
            # a stronger place takes numbers away: here only those that are in force may be written
            leaf = {number: spot.leaf.get(number, (*spot.resources, *number)) for number in spot.held}
            if not leaf:
                continue
        site = Site(
            file=at.file,
            document=at.document,
            outer=at.outer,
            inner_document=at.inner_document,
            resources=spot.resources,
            layout=spot.layout,
            kind=now.kind,
            name=now.name,
            namespace=now.namespace or None,
            container=container.name,
            container_type=container_type(container.group, container.body),
            leaf=leaf,
            source=here.top.source,
            affects=affects,
            notes=tuple(dict.fromkeys(built.notes)),
        )
        marked.append(Marked(site, spot.held, bool(affects) or _reaches_more(here.known, built, at)))
    return marked


def _order(built: Built) -> list[Place]:
    """The documents that took part, weakest first; one that took part twice counts where it came last."""
    order: dict[Place, None] = {document(built.origin): None}
    for step in built.trail:
        for patched in step.patched:
            at = document(patched.place)
            order.pop(at, None)
            order[at] = None
    return list(order)


def _affected(others: list[Top], container: Container, spot: Spot) -> tuple[str, ...]:
    """Other environments that would see a change at this spot."""
    found: set[str] = set()
    for other in others:
        theirs = container.within(other.built)
        if theirs is None:
            continue
        decided = numbers(as_node(theirs.get("resources")))
        inside = any(document(place) == spot.document for _text, place in decided.values())
        mentions = any(document(home) == spot.document for home in theirs.homes)
        if inside or (not decided and mentions):
            found.add(other.source)
    return tuple(sorted(found))


def _reaches_more(known: Survey, built: Built, at: Place) -> bool:
    for step in built.trail:
        for patched in step.patched:
            if patched.wide and document(patched.place) == at and step.folder in known.known:
                return known.reached_by(step.folder, patched.place) > 1
    return False


def _settle(here: Environment, container: Container, marked: list[Marked]) -> tuple[list[Site], list[Refusal]]:
    """What is shared with other workloads is edited, patched over or refused, as the policy says."""
    force = {number: text for number, (text, _place) in numbers(as_node(container.body.get("resources"))).items()}
    first = next((one.site for one in marked if one.shared and (one.held or not force)), None)
    if first is None:
        return _offered([one for one in marked if not one.shared], force), []
    if here.shared_base == "edit":
        return _offered(marked, force), []
    shared_with = f"{first.file} is shared with {', '.join(first.affects) or 'other workloads'}"
    # Only what is stronger than the shared place can be written to instead.
    own = [one for one in marked[: [one.site for one in marked].index(first)] if not one.shared]
    if here.shared_base == "refuse":
        text = f"{shared_with}, and shared_base is refuse. Give this environment a patch of its own first."
        return _offered(own, force), [Refusal(Reason.UNSUPPORTED, text, first.file, decisive=not own)]
    # Where an overlay already says something about this container, that is the place; else a new patch.
    if any(not one.site.leaf for one in own):
        return _offered(own, force), []
    made = _new_patch(here, container, first)
    if made is None:
        text = (
            f"{shared_with}, and {here.top.source} has no kustomization of its own to put a patch in. "
            "Set shared_base to edit to change all of them."
        )
        return _offered(own, force), [Refusal(Reason.UNSUPPORTED, text, first.file, decisive=not own)]
    return _offered([*own, Marked(made, {}, shared=False)], force), []


def _offered(marked: list[Marked], force: Mapping[Number, str]) -> list[Site]:
    """The sites, told which numbers are in force that none of them holds."""
    held = {number for one in marked for number in one.held}
    elsewhere = {number: text for number, text in force.items() if number not in held}
    return [replace(one.site, effective=elsewhere) for one in marked]


def _new_patch(here: Environment, container: Container, like: Site) -> Site | None:
    patch = own_patch(here.known, here.top, here.others, container.name)
    if patch is None:
        return None
    patch = patch.naming(pod_path(patch.identity.kind), container.group, container.name)
    return replace(
        like,
        file=patch.file,
        document=0,
        outer=(),
        inner_document=0,
        resources=patch.resources,
        layout="kustomize-patch",
        leaf={},
        affects=(),
        scaffold=patch.write,
    )


def own_patch(known: Survey, top: Top, others: list[Top], subject: str) -> NewPatch | None:
    """A new patch in the lowest kustomization that only this object goes through."""
    foreign = {step.folder for other in others for step in other.built.trail}
    step = next((one for one in top.built.trail if one.folder not in foreign and not one.virtual), None)
    if step is None:
        return None
    stem = f"{step.identity.name}-{step.identity.kind.lower()}-{subject}"
    names = [f"{stem}.yaml", *(f"{stem}-{number}.yaml" for number in range(2, 100))]
    files = [posixpath.normpath(posixpath.join(step.folder, name)) for name in names]
    file = next((one for one in files if not known.tree.exists(one)), None)
    return NewPatch(step.file, file, step.identity) if file is not None else None


def _replaced(here: Environment) -> list[Refusal]:
    """Kustomize's replacements run last and overwrite what any patch says."""
    refusals: list[Refusal] = []
    for step in here.top.built.trail:
        made = here.known.known.get(step.folder)
        for entry in as_list(made.body.get("replacements")) if made else ():
            for aim in as_list(as_node(entry).get("targets")):
                fields = [as_text(path) for path in as_list(as_node(aim).get("fieldPaths"))]
                selected = as_node(as_node(aim).get("select"))
                hit = any(".resources." in path or path.endswith(".resources") for path in fields)
                if made and hit and as_text(selected.get("kind")) in ("", identity(here.top.built.body).kind):
                    text = f"{made.file} sets resources by `replacements`. Change the source of the replacement."
                    refusals.append(Refusal(Reason.GENERATED, text, made.file, decisive=True))
    return refusals
