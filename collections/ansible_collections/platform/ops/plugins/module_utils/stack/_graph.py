# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which components a run touches, in which order, and what each waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

# needs: must be there, and is selected along; after: only goes first when both are selected.
Graph = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    state: str
    waits_for: tuple[str, ...]


def check_graph(graph: Graph) -> None:
    for name, node in graph.items():
        unknown = {*node.get("needs", ()), *node.get("after", ())} - graph.keys()
        if unknown:
            raise InputError(f"Component {name} names components that do not exist: {', '.join(sorted(unknown))}.")
    order(graph, graph.keys())


def with_retired(graph: Graph, retired: Graph, wanted: Iterable[str], accept: bool) -> Graph:
    """With the retired components that are wanted; refused unless `accept`, or where nothing is left of them."""
    asked = [name for name in wanted if name in retired]
    for name in asked:
        about = retired[name]
        if accept and about.get("chart"):
            continue
        way = " Set accept_retired to true to install it all the same." if about.get("chart") else ""
        raise InputError(
            f"Component {name} is retired since {about['since']}: {about['why']}. Use {about['successor']}.{way}"
        )
    nodes = {
        name: {"asks": {"kubernetes": ">=1.25", "release": f"{retired[name]['namespace']}/{name.replace('_', '-')}"}}
        for name in asked
    }
    return {**graph, **nodes}


def select(graph: Graph, wanted: Iterable[str], disabled: Iterable[str], skipped: Iterable[str]) -> list[str]:
    """The wanted components with everything they need, without those switched off, in install order."""
    wanted, off = list(wanted), {*disabled, *skipped}
    unknown = sorted({*wanted, *off} - graph.keys())
    if unknown:
        raise InputError(f"There is no component {', '.join(unknown)}; there are {', '.join(sorted(graph))}.")
    chosen: set[str] = set()
    todo = [name for name in wanted if name not in off]
    while todo:
        name = todo.pop()
        if name in chosen:
            continue
        chosen.add(name)
        for need in graph[name].get("needs", ()):
            if need in off:
                raise InputError(
                    f"Component {name} needs {need}, which is switched off; switch {need} on, or {name} off as well."
                )
            todo.append(need)
    return order(graph, chosen)


def order(graph: Graph, chosen: Iterable[str]) -> list[str]:
    """Dependencies first; where nothing decides, the graph's own order."""
    left, done = [name for name in graph if name in set(chosen)], list[str]()
    while left:
        free = [name for name in left if not set(edges(graph, name)) & set(left)]
        if not free:
            raise InputError(f"The components {', '.join(left)} wait for each other in a circle.")
        done += free
        left = [name for name in left if name not in free]
    return done


def edges(graph: Graph, name: str) -> list[str]:
    return [*graph[name].get("needs", ()), *graph[name].get("after", ())]


def plan(graph: Graph, chosen: Iterable[str], states: Mapping[str, str]) -> list[Step]:
    """Removals go first and against the arrows, installs along them."""
    names = order(graph, chosen)
    removed = [name for name in reversed(names) if states.get(name) == "absent"]
    present = [name for name in names if states.get(name) != "absent"]
    steps = [Step(name, "absent", tuple(o for o in removed if name in edges(graph, o))) for name in removed]
    steps += [
        Step(name, states.get(name, "present"), tuple(o for o in present if o in edges(graph, name)))
        for name in present
    ]
    return steps


def only_rendered(graph: Graph, wanted: Iterable[str], states: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What is wanted and the states where nothing may be changed: what is to be absent has nothing to write."""
    return [name for name in wanted if states.get(name) != "absent"], dict.fromkeys(graph, "rendered")


def left_behind(graph: Graph, removed: Iterable[str]) -> dict[str, list[str]]:
    """For each removed component those that need it and stay."""
    gone = set(removed)
    return {
        name: users
        for name in sorted(gone)
        if (users := sorted(o for o in graph if o not in gone and name in graph[o].get("needs", ())))
    }
