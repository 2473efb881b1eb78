# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters with which role haproxy finds the servers it sends to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.platform.ops.plugins.module_utils._errors import OpsError
from ansible_collections.platform.ops.plugins.module_utils.balance import _servers

Servers = list[dict[str, str]]


def inventory_servers(hosts: list[str], hostvars: Mapping[str, Mapping[str, Any]]) -> Servers:
    try:
        return _servers.from_inventory(hosts, hostvars)
    except OpsError as error:
        raise AnsibleFilterError(error.message) from error


def balanced_servers(
    given: Servers, nodes: list[Mapping[str, Any]], control_plane: bool = False, selector: str = ""
) -> Servers:
    try:
        return _servers.merge(given, _servers.from_nodes(nodes, control_plane, selector))
    except OpsError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"inventory_servers": inventory_servers, "balanced_servers": balanced_servers}
