#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: answer_remediations
short_description: Check out, raise limits and propose them, for all remediations of one repository
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Does what M(platform.ops.checkout), M(platform.ops.bump_limits) and M(platform.ops.open_pr) do, one after the other
    in one task, since tasks cost more time than the work.
  - Does not fail when the repository cannot be worked in. Every remediation has a decision in RV(decisions), in the
    form that M(platform.ops.record_decisions) takes; those of a repository that is out of reach are C(failed).
  - Works on the controller, over a local connection, only.
attributes:
  check_mode:
    support: full
    description: Computes the same result and writes nothing to the git host.
  diff_mode:
    support: full
    description: Returns what changes in the files.
  idempotent:
    support: full
    description: A second run changes nothing.
extends_documentation_fragment:
  - platform.ops.forge
options:
  clones:
    description: Folder in which clones are kept between runs.
    type: path
    required: true
  declined_for:
    description: How long a pull request that was closed without a merge counts as a no.
    type: str
    default: 14d
  items:
    description: Items of one repository, as the filter C(platform.ops.assign_remediations) returns them.
    type: list
    elements: dict
    required: true
  labels:
    description: Labels of the pull requests.
    type: list
    elements: str
    default: []
  reviewers:
    description: Users who are asked for a review.
    type: list
    elements: str
    default: []
  team_reviewers:
    description: Teams that are asked for a review.
    type: list
    elements: str
    default: []
  draft:
    description: Open pull requests as drafts.
    type: bool
    default: false
  sign:
    description: How commits are signed; see M(platform.ops.open_pr).
    type: dict
  limits:
    description: How many pull requests are opened, and when; see M(platform.ops.open_pr).
    type: dict
  merge:
    description: Who merges; see M(platform.ops.open_pr).
    type: dict
seealso:
  - module: platform.ops.checkout
  - module: platform.ops.bump_limits
  - module: platform.ops.open_pr
  - module: platform.ops.record_decisions
"""

EXAMPLES = r"""
- name: Answer what was assigned to a repository
  platform.ops.answer_remediations:
    repository: https://github.com/acme/fleet.git
    token: "{{ git_token }}"
    clones: /var/lib/platform-ops/clones
    items: "{{ assigned.repositories[0]['items'] }}"
  register: answer
"""

RETURN = r"""
decisions:
  description: One for each remediation of the items.
  returned: always
  type: list
  elements: dict
pull_requests:
  description: What M(platform.ops.open_pr) returned for each workload.
  returned: always
  type: list
  elements: dict
failure:
  description: What stopped the work on this repository; empty if nothing did.
  returned: always
  type: str
"""
