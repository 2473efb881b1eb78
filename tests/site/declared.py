# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys of our values a chart does not declare. A typo in a value is silent in most charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Values = Mapping[str, Any]
ISTIO_WRAPPER = "_internal_defaults_do_not_set"


def load(path: Path) -> dict[str, Any]:
    return (
        yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        if path.is_file()
        else {}
    )


def merged(one: Any, other: Any) -> Any:
    """Everything that either declares."""
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: merged(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    return other if one in (None, {}) else one


def declared_values(chart: Path) -> dict[str, Any]:
    """The chart's own values with those of its subcharts below their names (or aliases)."""
    values = load(chart / "values.yaml")
    values = {**values.pop(ISTIO_WRAPPER, {}), **values}
    for dependency in load(chart / "Chart.yaml").get("dependencies") or ():
        folder = chart / "charts" / dependency["name"]
        if not folder.is_dir():
            continue
        name = dependency.get("alias") or dependency["name"]
        below = declared_values(folder)
        values[name] = merged(values.get(name) or {}, below)
        values["global"] = merged(values.get("global") or {}, below.get("global") or {})
    return values


def undeclared(ours: Any, declared: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    # A mapping without keys, a list or nothing at all: the chart takes whatever is given there.
    if not isinstance(ours, dict) or not isinstance(declared, dict) or not declared:
        return
    for key, value in ours.items():
        if key not in declared:
            yield ".".join((*path, str(key)))
        else:
            yield from undeclared(value, declared[key], (*path, str(key)))
