# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which the playbooks choose components and where charts and images come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.stack import _graph, _source


def plan_components(
    graph: Mapping[str, Any],
    wanted: list[str],
    disabled: list[str] | None = None,
    skipped: list[str] | None = None,
    states: Mapping[str, str] | None = None,
    *,
    render: bool = False,
) -> list[dict[str, Any]]:
    states = states or {}
    try:
        _graph.check_graph(graph)
        if render:
            wanted, states = _graph.only_rendered(graph, wanted, states)
        removed = [name for name in wanted if states.get(name) == "absent"]
        kept = [name for name in wanted if states.get(name) != "absent"]
        chosen = [*removed, *_graph.select(graph, kept, disabled or [], skipped or [])]
        return [asdict(step) for step in _graph.plan(graph, chosen, states)]
    except OpsError as error:
        raise AnsibleFilterError(error.message) from error


def with_retired(
    graph: Mapping[str, Any], retired: Mapping[str, Any], wanted: list[str], accept: bool = False
) -> Mapping[str, Any]:
    try:
        return _graph.with_retired(graph, retired, wanted, accept)
    except OpsError as error:
        raise AnsibleFilterError(error.message) from error


def component_needs(graph: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, **graph[name].get("asks", {})} for name in names]


def left_behind(graph: Mapping[str, Any], removed: list[str]) -> dict[str, list[str]]:
    return _graph.left_behind(graph, removed)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "plan_components": plan_components,
            "with_retired": with_retired,
            "component_needs": component_needs,
            "left_behind": left_behind,
            "mirrored_chart": _source.mirrored_chart,
            "mirrored_registry": _source.mirrored_registry,
            "mirrored_image": _source.mirrored_image,
        }
