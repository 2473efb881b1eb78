# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which role cluster decides what to do with the machines of an inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.kubeadm import _preflight, _versions


def cluster_machines(looks: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The founder, and what each machine is."""
    machines = [_preflight.parse(look) for look in looks]
    return {
        "founder": _preflight.founder(machines),
        "running": any(machine.admin for machine in machines),
        "joined": sorted({machine.name for machine in machines if machine.joined}),
    }


def cluster_problems(looks: list[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[str]:
    return _preflight.problems([_preflight.parse(look) for look in looks], _preflight.Wanted(**wanted))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "cluster_machines": cluster_machines,
            "cluster_problems": cluster_problems,
            "cluster_version_problems": _versions.problems,
        }
