#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publish_leaks
short_description: Show on /metrics what leaked from node pools
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Writes the number of leaks by pool and kind where the C(/metrics) of the event source C(platform.ops.receiver)
    finds it.
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: Numbers at a moment; the leaks themselves come from M(platform.ops.node_pool_info).
  idempotent:
    support: full
    description: Publishing is no change.
options:
  state_dir:
    description: Remediation state folder, the same as that of the event source C(platform.ops.receiver).
    type: path
    required: true
  leaks:
    description: Of each pool, RV(platform.ops.node_pool_info#module:leaks), found with its provider's list of machines.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what leaked
  platform.ops.publish_leaks:
    state_dir: "{{ remediation_state_dir }}"
    leaks:
      workers: "{{ compared.leaks }}"
"""

RETURN = r"""
counts:
  description: By pool, the number of each kind.
  type: dict
  returned: success
"""

import time
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity import _leaks, _watch

METRIC = "platform_ops_pool_machine_leaks"
SPEC: dict[str, Any] = {
    "argument_spec": {
        "state_dir": {"type": "path", "required": True},
        "leaks": {"type": "dict", "required": True},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    found = {
        pool: [_leaks.Leak(item["kind"], item["name"], item["message"]) for item in items]
        for pool, items in params["leaks"].items()
    }
    samples = [
        sample
        for pool, leaks in sorted(found.items())
        for sample in _watch.leak_samples(METRIC, pool, leaks, _leaks.LISTED)
    ]
    if not check_mode:
        seen = ("platform_ops_pool_inspected_seconds", {}, round(time.time(), 3))
        _watch.write(Path(params["state_dir"]), "machine_leaks", [seen, *samples])
    counts: dict[str, dict[str, int]] = {pool: {} for pool in found}
    for _metric, labels, value in samples:
        counts[labels["pool"]][labels["kind"]] = int(value)
    return {"changed": False, "counts": counts}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
