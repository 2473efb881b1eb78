# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of the modules that may merge pull requests, paired with module_utils/forge/_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  merge:
    description: Who merges, and what has to hold first. M(platform.ops.follow_pull_requests) merges on a later run.
    type: dict
    suboptions:
      by:
        description:
          - V(people) do, or the V(host) when its conditions are met (auto-merge), or V(us) on a later run when its
            checks are green.
        type: str
        choices: [people, host, us]
        default: people
      method:
        description: How it is merged.
        type: str
        choices: [merge, squash, rebase]
        default: merge
      largest_factor:
        description: A number that is raised by more than this is left to people.
        type: float
      after:
        description: How long people may object before it is merged.
        type: str
        default: "0"
      require_checks:
        description: Do not merge, nor let the host merge, before at least one check has reported.
        type: bool
        default: false
      windows:
        description: Hours in which it may happen; any time if there are none.
        type: list
        elements: dict
        suboptions: &window
          days:
            description: Days of the week, V(mon) to V(sun). All if not given.
            type: list
            elements: str
          from:
            description: Time of day at which it begins.
            type: str
          to:
            description: Time of day at which it ends; may be on the next day.
            type: str
          timezone:
            description: Name of the timezone, such as V(Europe/Berlin). UTC if not given.
            type: str
          start:
            description: With C(end), a stretch of time instead of hours of the week.
            type: str
          end:
            description: End of the stretch of time.
            type: str
      blackouts:
        description: Hours in which it may not happen.
        type: list
        elements: dict
        suboptions: *window
"""
