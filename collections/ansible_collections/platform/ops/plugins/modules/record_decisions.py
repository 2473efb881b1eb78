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
  - A remediation that a run gave no decision on is handed out again by P(platform.ops.lane#event_source).
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
    description: Remediation state folder, the same as that of P(platform.ops.receiver#event_source).
    type: path
    required: true
  retry_seconds:
    description: How long C(failed) and C(limited) remediations stand back that do not say C(not_before).
    type: float
    default: 300
  decisions:
    description: One entry per decision.
    type: list
    elements: dict
    required: true
    suboptions:
      decision:
        description: What was decided.
        type: str
        required: true
        choices: [opened, updated, unchanged, refused, declined, limited, failed, would_open, merged, closed]
      id:
        description: Id of the remediation. Left out for what no alert asked for, such as a merge.
        type: str
      at:
        description: When it was decided, RFC 3339. Now when left out.
        type: str
      kind:
        description: Kind of the remediation.
        type: str
      source:
        description: Sender of the alert.
        type: str
      cluster:
        description: Cluster of the target.
        type: str
      target:
        description: What the remediation is about, as C(namespace/kind/name/container).
        type: str
      resource:
        description: The resource that was short.
        type: str
      reason:
        description: Stable code of the reason.
        type: str
      message:
        description: The reason in a sentence.
        type: str
      pull_request:
        description: Address of the pull request.
        type: str
      branch:
        description: Its branch.
        type: str
      changes:
        description: The changes of M(platform.ops.bump_limits), from which the report of observe mode is made.
        type: list
        elements: dict
      seconds:
        description: How long it took to decide.
        type: float
      not_before:
        description: The remediation is handed out again at this time, RFC 3339.
        type: str
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
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DECISIONS
from ansible_collections.platform.ops.plugins.module_utils.remediation._record import record

DECISION = {
    "decision": {"type": "str", "required": True, "choices": list(DECISIONS)},
    **{
        name: {"type": "str"}
        for name in (
            *("id", "at", "kind", "source", "cluster", "target", "resource", "reason", "message", "pull_request"),
            *("branch", "not_before"),
        )
    },
    "changes": {"type": "list", "elements": "dict"},
    "seconds": {"type": "float"},
}


SPEC: dict[str, Any] = {
    "argument_spec": {
        "state_dir": {"type": "path", "required": True},
        "retry_seconds": {"type": "float", "default": 300.0},
        "decisions": {"type": "list", "elements": "dict", "required": True, "options": DECISION},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    """
    Raises:
        OpsError: the decisions cannot be written down.
    """
    decisions = [{k: v for k, v in entry.items() if v is not None} for entry in params["decisions"]]
    result = record(params["state_dir"], decisions, retry_seconds=params["retry_seconds"], check=check_mode)
    return {"changed": bool(decisions), **result}


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
