# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options shared by the modules that talk to one cluster, paired with module_utils/stack/_spec.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: The kubeconfig file; also from the environment (E(K8S_AUTH_KUBECONFIG), E(KUBECONFIG)).
    type: path
  context:
    description: The context in it, the current one when empty; also from the environment (E(K8S_AUTH_CONTEXT)).
    type: str
requirements:
  - kubernetes
attributes:
  check_mode:
    support: full
    description: Returns what it would have done, and does nothing.
  diff_mode:
    support: full
    description: Shows the objects that differ; secrets are shown by their fingerprint.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
"""
