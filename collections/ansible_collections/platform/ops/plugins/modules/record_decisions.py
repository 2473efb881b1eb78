#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: record_decisions
short_description: Puts the decisions on remediations on record
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Appends decisions to the decision log C(decisions.jsonl) of the remediation state folder and gives the remediations
    back to the inbox, as done or for later.
  - A remediation that a run gave no decision on is handed out again by the event source C(platform.ops.lane).
  - Traces and logs go to an OpenTelemetry collector when E(OTEL_EXPORTER_OTLP_ENDPOINT) is set.
attributes:
  check_mode:
    support: full
    description: Says what would be done and later; writes nothing.
  diff_mode:
    support: none
    description: A log only grows.
  idempotent:
    support: none
    description: Each call appends to the log. Marking a remediation done twice changes nothing.
options:
  state_dir:
    description: Remediation state folder, the same as that of the event source C(platform.ops.receiver).
    type: path
    required: true
  retry_seconds:
    description: How long C(failed) and C(limited) remediations stand back that do not say C(not_before).
    type: float
    default: 300
  decisions:
    description:
      - One entry per decision; keys with an empty value count as not given.
      - C(decision), required, is one of V(opened), V(updated), V(unchanged), V(refused), V(declined), V(limited),
        V(failed), V(would_open), V(merged), V(closed), of merged ones V(fixed), V(not_fixed), V(stalled),
        V(superseded), V(handed_over), and of nodes V(started), V(would_start), V(completed), V(undone).
      - C(id) is the id of the remediation; left out for what no alert asked for, such as a merge.
      - C(kind), C(source), C(cluster), C(target) (as C(namespace/kind/name/container)) and C(resource) say what it is
        about, C(reason) (a stable code) and C(message) (a sentence) why it was decided so.
      - C(pull_request) is the address of the pull request, C(branch) its branch.
      - C(changes) are the changes of M(platform.ops.bump_limits); the report of observe mode is made from them.
      - C(stages) are the seconds from the alert to each stage of a pull request, by name of the stage.
      - C(seconds) is how long it took, C(at) (RFC 3339, now by default) when it was decided.
      - C(not_before) (RFC 3339) has the remediation handed out again at that time.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Record what was decided
  platform.ops.record_decisions:
    state_dir: "{{ remediation_state_dir }}"
    decisions:
      - id: alertmanager:3f1d9c0b7a5e4d21:2026-01-31T07:00:00.000Z
        kind: bump_limits
        target: shop/Deployment/checkout/server
        resource: memory
        decision: opened
        reason: bumped
        message: Raises memory from 256Mi to 384Mi.
        pull_request: https://git.example.org/fleet/pulls/7
      - id: alertmanager:4b21c9d07a5e4d21:2026-01-31T07:00:00.000Z
        kind: bump_limits
        decision: limited
        reason: budget
        message: The budget of pull requests for this hour is used up.
        not_before: "2026-01-31T08:00:00Z"
"""

RETURN = r"""
recorded:
  description: Number of decisions written to the log.
  returned: always
  type: int
done:
  description: Ids of remediations that are decided.
  returned: always
  type: list
  elements: str
later:
  description: Ids of remediations that will be handed out again.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.remediation._record import record

SPEC: dict[str, Any] = {
    "argument_spec": {
        "state_dir": {"type": "path", "required": True},
        "retry_seconds": {"type": "float", "default": 300.0},
        "decisions": {"type": "list", "elements": "dict", "required": True},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    """
    Raises:
        OpsError: the decisions cannot be written down.
    """
    decisions = [{k: v for k, v in entry.items() if v not in (None, "")} for entry in params["decisions"]]
    result = record(params["state_dir"], decisions, retry_seconds=params["retry_seconds"], check=check_mode)
    return {"changed": bool(decisions), **result}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
