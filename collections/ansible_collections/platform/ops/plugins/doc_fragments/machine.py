# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Paired with module_utils/machines/_serve.py."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Tells the steps that it would write.
    support: full
  diff_mode:
    description: The steps are told in RV(steps) instead.
    support: none
  idempotent:
    description: The operation is the key, so that asking twice has the outcome of asking once.
    support: full
options:
  pool:
    description: The NodePool that the machines belong to.
    type: str
    required: true
  operation:
    description: The operation that the machine is for. Required unless O(state=listed).
    type: str
    default: ""
  provider_id:
    description: With O(state=absent), the machine; the one that was made for the operation when left out.
    type: str
    default: ""
  state:
    description: V(present) has a machine for the operation, V(absent) has it gone, V(listed) shows what there is.
    type: str
    choices: [present, absent, listed]
    default: present
"""
