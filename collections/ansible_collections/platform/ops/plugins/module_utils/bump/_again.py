# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that propose once more what a pull request has proposed, from its machine-readable block. Pure.

Needed when the base branch has moved so that the two conflict: the change is made anew from the base branch. It is
asked for as `set`, which never lowers, so what the base branch has got meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils.bump._assign import RESOURCE_OPTIONS, Subject

POD = "pod"  # how history and block name the container of pod-level resources


def subject_of_block(block: Mapping[str, Any]) -> Subject:
    """Return the workload that a block is about."""
    target = block["target"]
    return Subject(target.get("namespace") or "", target["name"], target.get("kind"))


def items_of_block(block: Mapping[str, Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an item for each container whose limits the block raises.

    Args:
        block: the machine-readable block of a pull request.
        options: where and how the workload is edited, as `options_for` gives it.
    """
    subject = subject_of_block(block)
    workload = {"namespace": subject.namespace, "kind": subject.kind, "name": subject.name}
    rules: dict[str | None, dict[str, Any]] = {}
    for change in block["changes"]:
        option = RESOURCE_OPTIONS.get(change["resource"])
        if option and change["field"] == "limits":
            container = change.get("container") or None
            rules.setdefault(None if container == POD else container, {})[option] = {"set": change["after"]}
    return [
        {
            "label": replace(subject, container=container).label,
            "workload": workload,
            "bump": {**options, **workload, "container": container, **rule},
            "remediations": [],
        }
        for container, rule in rules.items()
    ]
