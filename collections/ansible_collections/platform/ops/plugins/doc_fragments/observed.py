# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that ask the cluster and Prometheus, paired with module_utils/cluster/_access.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster_access:
    description: How the API server of the cluster is reached. It is not asked when none of its options is given.
    type: dict
    suboptions:
      in_cluster:
        description: Use the service account of the pod that this runs in.
        type: bool
        default: false
      kubeconfig:
        description: A kubeconfig file.
        type: path
      context:
        description: The context in it, the current one when not given.
        type: str
      timeout:
        description: Seconds to wait for one answer.
        type: float
        default: 30.0
  prometheus:
    description: The Prometheus that has the metrics of the cluster's kubelets. Not asked without a C(url).
    type: dict
    suboptions:
      url:
        description: Its address, before C(/api/v1). Without credentials in it. Redirects are not followed.
        type: str
      token:
        description: Bearer token.
        type: str
      token_file:
        description: File with the bearer token, read for each question.
        type: path
      ca_file:
        description: Certificates of the authorities that its certificate may come from.
        type: path
      matchers:
        description: Labels that every series must have, such as the cluster's name where several share a Thanos.
        type: dict
        default: {}
      timeout:
        description: Seconds to wait for one answer.
        type: float
        default: 30.0
"""
