# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_lease
short_description: Give back the Lease of a node pool
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - The last task of a play that worked on a pool under one O(holder). Without it others wait until the Lease ends.
  - A Lease that somebody else holds is left alone. Taking turns is no change.
extends_documentation_fragment:
  - platform.ops.cluster
  - platform.ops.node_pool
"""

EXAMPLES = r"""
- name: Let others work on the pool
  platform.ops.node_lease:
    pool: workers
    holder: "{{ run_id }}"
"""

RETURN = r"""
released:
  description: Whether it was ours, and was given back.
  type: bool
  returned: success
"""

import time
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._arguments import LIBRARIES, POOL_OPTIONS, api_of
from ansible_collections.platform.ops.plugins.module_utils.capacity._operate import lease_name
from ansible_collections.platform.ops.plugins.module_utils.cluster import _lease

SPEC: dict[str, Any] = {"argument_spec": POOL_OPTIONS, "supports_check_mode": True}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    api, namespace, name = api_of(params), params["lease_namespace"], lease_name(params["pool"])
    holder = params["holder"]
    ours = bool(holder) and _lease.holder(api, namespace, name, time.time()) == holder
    if ours and not check_mode:
        _lease.release(api, namespace, name, holder, time.time)
    return {"changed": False, "released": ours}


def main() -> None:
    main_of(SPEC, run, LIBRARIES)


if __name__ == "__main__":
    main()
