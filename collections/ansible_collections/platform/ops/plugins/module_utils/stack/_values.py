# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys of our values a chart does not declare. A typo in a value is silent in most charts."""

from __future__ import annotations

import difflib
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.stack._yaml import read_mapping

# Istio's charts wrap their values in this key and lift them to the root themselves.
ISTIO_WRAPPER = "_internal_defaults_do_not_set"


def check_values(values: Mapping[str, Any], chart: Path, free: Iterable[str], release: str) -> None:
    """Refuse keys that the chart (a folder or an archive) does not declare and that do not begin like one of `free`."""
    declared = chart_values(chart)
    if not declared:
        return
    known = tuple(free)
    wrong = [key for key in undeclared(values, declared) if not key.startswith(known)]
    if wrong:
        listed = "; ".join(f"{key}{_suggestion(key, declared)}" for key in wrong)
        raise InputError(
            f"Failed to check the values of release {release}: chart {chart.name} does not declare {listed}. "
            "A key that it does not declare does nothing. Correct it; if the chart reads it all the same, "
            "add it to platform_undeclared_values.",
            reason="undeclared_value",
        )


def _suggestion(key: str, declared: Any) -> str:
    *path, last = key.split(".")
    for part in path:
        declared = declared.get(part) if isinstance(declared, dict) else None
    near = difflib.get_close_matches(last, list(declared or ()), n=1)
    return f" (is it {'.'.join([*path, near[0]])}?)" if near else ""


def chart_values(chart: Path) -> dict[str, Any]:
    if chart.is_dir():
        return declared_values(chart)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with tarfile.open(chart) as archive:
                wanted = [m for m in archive.getmembers() if Path(m.name).name in ("values.yaml", "Chart.yaml")]
                archive.extractall(scratch, wanted, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise InputError(f"Failed to read {chart}: {error}; remove the file to have it fetched anew.") from error
        (folder,) = Path(scratch).iterdir()
        return declared_values(folder)


def declared_values(chart: Path) -> dict[str, Any]:
    """The chart's own values with those of its subcharts below their names (or aliases)."""
    values = _load(chart / "values.yaml")
    values = {**values.pop(ISTIO_WRAPPER, {}), **values}
    for dependency in _load(chart / "Chart.yaml").get("dependencies") or ():
        folder = chart / "charts" / dependency["name"]
        if not folder.is_dir():
            continue
        name = dependency.get("alias") or dependency["name"]
        below = declared_values(folder)
        values[name] = merged(values.get(name) or {}, below)
        values["global"] = merged(values.get("global") or {}, below.get("global") or {})
    return values


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    text = path.read_text()
    has_more_than_comments = any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
    return read_mapping(text, str(path)) if has_more_than_comments else {}


def merged(one: Any, other: Any) -> Any:
    """Everything that either declares."""
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: merged(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    return other if one in (None, {}) else one


def undeclared(ours: Any, declared: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    # A mapping without keys, a list or nothing at all: the chart takes whatever is given there.
    if not isinstance(ours, dict) or not isinstance(declared, dict) or not declared:
        return
    for key, value in ours.items():
        if key not in declared:
            yield ".".join((*path, str(key)))
        else:
            yield from undeclared(value, declared[key], (*path, str(key)))
