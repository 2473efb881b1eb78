# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options shared by the modules that work on one node pool, paired with module_utils/capacity/_arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  pool:
    description: The name of the NodePool.
    type: str
    required: true
  holder:
    description:
      - Who acts, for the Lease that lets one writer at a time work on the pool.
      - Tasks of one play give the same text, and keep the Lease between them; M(platform.ops.node_lease) gives it back.
      - When empty, the module takes the Lease under a name of its own and gives it back at the end.
    type: str
    default: ""
  lease_namespace:
    description: Where the Leases of the pools live.
    type: str
    default: platform-ops
  lease_duration:
    description: After this many seconds without a sign of life another writer may take over.
    type: int
    default: 300
"""
