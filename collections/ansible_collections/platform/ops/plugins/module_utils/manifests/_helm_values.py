# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm values: laid over each other by Helm's rules, probed, and written out again. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.manifests._layouts_origin import (
    Node,
    Path,
    Place,
    Plain,
    clone,
)
from ansible_collections.platform.ops.plugins.module_utils.manifests._sites import Number

FIELDS = ("limits", "requests")
RESOURCES = ("memory", "cpu", "ephemeral-storage")
_RAW = re.compile(r"[-+.]?[0-9][0-9a-fA-FxXoO_.eE+-]*|true|false|yes|no|on|off|y|n|\.inf|\.nan", re.IGNORECASE)
_QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i|[kMGTPEmun])?")
_NUMBER_KEY = re.compile(r"mem|cpu|storage", re.IGNORECASE)
_STEP = re.compile(r"((?:[^\\.\[\]]|\\.)+)((?:\[[0-9]+\])*)(?:\.|$)")


def merge(base: Node, over: Node) -> Node:
    """`over` laid over `base` (changed in place). A null stays, for it takes away what the chart sets by default."""
    for key, value in over.items():
        old = base.get(key)
        if isinstance(value, Node) and isinstance(old, Node):
            merge(old, value)
        else:
            base.put(key, clone(value), over.leaves[key])
    base.homes += over.homes
    return base


def dump(value: Any) -> str:
    """Text that Helm reads as the same values: JSON, with plain scalars left plain."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {dump(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(dump(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, Plain) and _RAW.fullmatch(value):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False)


class PathError(Exception):
    """A dotted path that cannot be read."""


def dotted(text: str) -> Path:
    r"""The steps of a Helm path: `a.b[0].c`, a dot within a key written `\.`."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise PathError(f"{text!r} is not a path of keys such as server.resources or workers[0].resources")
        steps.append(re.sub(r"\\(.)", r"\1", match[1]))
        steps += [int(number) for number in re.findall(r"\[([0-9]+)\]", match[2])]
        position = match.end()
    if not steps or text.endswith("."):
        raise PathError(f"{text!r} is not a path of keys such as server.resources or workers[0].resources")
    return tuple(steps)


def set_path(root: Node, path: Path, value: Any, place: Place) -> bool:
    """Sets one value, making mappings (never list elements) on the way; False where something else is in the way."""
    here: Any = root
    for step, following in pairwise(path):
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
            continue
        if not isinstance(here, Node) or not isinstance(step, str):
            return False
        if not isinstance(here.get(step), Node | list):
            if isinstance(following, int):
                return False
            here.put(step, Node(), place)
        here = here[step]
    if isinstance(here, Node) and isinstance(path[-1], str):
        here.put(path[-1], value, place)
        return True
    return False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path of values that may hold a container's resources (or, alone, one number of it)."""

    path: Path
    alone: bool


def candidates(values: Node) -> list[Candidate]:
    """Paths worth a probe, by how charts are commonly written; the render decides."""
    found: dict[Path, Candidate] = {("resources",): Candidate(("resources",), False)}
    for path, node in _mappings(values, ()):
        for key, value in node.items():
            here = (*path, key)
            mapping = value is None or isinstance(value, Node)
            if mapping and (key.lower().endswith("resources") or _holds_numbers(value)):
                found[here] = Candidate(here, False)
            elif _may_be_number(path, key, value):
                found[here] = Candidate(here, True)
            if key == "image" and "resources" not in node:
                found.setdefault((*path, "resources"), Candidate((*path, "resources"), False))
    return list(found.values())


def _may_be_number(path: Path, key: str, value: Any) -> bool:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value) or path[-1:] in (("limits",), ("requests",)):
        return False
    return value.endswith("i") or _NUMBER_KEY.search(key) is not None


def _holds_numbers(value: Any) -> bool:
    return isinstance(value, Node) and any(isinstance(value.get(field), Node) for field in FIELDS)


def _mappings(value: Any, path: Path) -> Iterator[tuple[Path, Node]]:
    if isinstance(value, Node):
        yield path, value
        for key, item in value.items():
            yield from _mappings(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _mappings(item, (*path, number))


@dataclass(frozen=True, slots=True)
class Probe:
    """Values in which every candidate holds numbers that stand nowhere else, and what each of them means."""

    values: Node
    meaning: dict[str, tuple[Candidate, Number | None]]


# Above any number a chart holds, below what Kubernetes' quantities can hold.
_FIRST = 7_300_001


def probe(values: Node) -> Probe:
    marked = clone(values)
    meaning: dict[str, tuple[Candidate, Number | None]] = {}
    place = Place("", "probe")
    for candidate in candidates(values):
        if candidate.alone:
            # Its unit tells nothing about which number it is; the render does.
            text = f"{_FIRST + len(meaning)}Ki"
            if set_path(marked, candidate.path, text, place):
                meaning[text] = (candidate, None)
            continue
        for field in FIELDS:
            for name in RESOURCES:
                text = f"{_FIRST + len(meaning)}{'m' if name == 'cpu' else 'Ki'}"
                if set_path(marked, (*candidate.path, field, name), text, place):
                    meaning[text] = (candidate, (field, name))
    return Probe(marked, meaning)
