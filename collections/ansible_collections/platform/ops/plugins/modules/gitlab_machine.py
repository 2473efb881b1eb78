# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gitlab_machine
short_description: Have a GitLab pipeline do one job on a machine
version_added: 0.1.0
author: platform.ops contributors (@platform-ops)
description:
  - Serves role P(platform.ops.machine_gitlab_pipeline#role). Finds the pipeline that does the job or starts it, and
    answers what it says now; nothing is waited for.
  - Operation, action and attempt are the key, in the pipeline's variable C(PLATFORM_OPS_JOB). A pipeline whose start
    was accepted while the answer was lost is found again by it. Of two with the same key the later one is cancelled.
options:
  url:
    description: The server.
    type: str
    default: https://gitlab.com
  project:
    description: The project with its groups, like C(platform/machines).
    type: str
    required: true
  ref:
    description: The branch or tag whose pipeline runs.
    type: str
    default: main
  token:
    description:
      - A token with scope C(api) and the right to run pipelines with variables; also from the environment
        (E(GITLAB_TOKEN)).
    type: str
    required: true
  result_job:
    description: The pipeline's job that keeps C(platform-ops.json) as an artifact.
    type: str
    default: machine
  variables:
    description: More variables of the pipeline. No secrets; people who see pipelines see them.
    type: dict
    default: {}
  action:
    description: What is to be done.
    type: str
    choices: [add, remove]
    required: true
  operation:
    description: The operation that it is done for.
    type: str
    required: true
  attempt:
    description: How often this failed before. Each attempt is a pipeline of its own.
    type: int
    default: 0
  started:
    description: When the operation began; pipelines from before are not looked at.
    type: str
    required: true
  pool:
    description: The NodePool.
    type: str
    required: true
  node:
    description: The name of the machine.
    type: str
    required: true
  address:
    description: The address that it is to have.
    type: str
    default: ""
  provider_id:
    description: What it is called at its provider, as far as known.
    type: str
    default: ""
  joins:
    description:
      - Whether the pipeline also joins the machine. When it does not say the provider id, none is answered then;
        else it is C(pipeline:///NODE), with which the machine is joined.
    type: bool
    default: false
attributes:
  check_mode:
    description: Says whether a pipeline would be started.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
  idempotent:
    description: The key sees to it that asking twice has the outcome of asking once.
    support: full
"""

EXAMPLES = r"""
- name: Have a machine made
  platform.ops.gitlab_machine:
    project: platform/machines
    action: add
    operation: 3f9c0e1d2b4a
    started: "2026-11-26T01:23:45Z"
    pool: workers
    node: workers-7
    address: 10.0.0.17
"""

RETURN = r"""
outcome:
  description: V(done), V(pending) or V(failed).
  type: str
  returned: always
message:
  description: Why it is pending or failed; names the pipeline.
  type: str
  returned: always
pipeline:
  description: The pipeline, with C(id), C(status) and C(url); empty when none was seen.
  type: dict
  returned: always
provider_id:
  description: The machine's C(spec.providerID); empty when nobody knows it.
  type: str
  returned: with outcome=done
name:
  description: The name of its Node, when the pipeline gives it.
  type: str
  returned: with outcome=done
address:
  description: Its address, when the pipeline gives it.
  type: str
  returned: with outcome=done
error_class:
  description: V(quota), V(stock_out) or V(other).
  type: str
  returned: with outcome=failed
"""

from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.machines._gitlab import GITLAB_IMPORT_ERROR, Project, serve
from ansible_collections.platform.ops.plugins.module_utils.machines._pipeline import Work

SPEC: dict[str, Any] = {
    "argument_spec": {
        "url": {"type": "str", "default": "https://gitlab.com"},
        "project": {"type": "str", "required": True},
        "ref": {"type": "str", "default": "main"},
        "token": {"type": "str", "required": True, "no_log": True, "fallback": (env_fallback, ["GITLAB_TOKEN"])},
        "result_job": {"type": "str", "default": "machine"},
        "variables": {"type": "dict", "default": {}},
        "action": {"type": "str", "choices": ["add", "remove"], "required": True},
        "operation": {"type": "str", "required": True},
        "attempt": {"type": "int", "default": 0},
        "started": {"type": "str", "required": True},
        "pool": {"type": "str", "required": True},
        "node": {"type": "str", "required": True},
        "address": {"type": "str", "default": ""},
        "provider_id": {"type": "str", "default": ""},
        "joins": {"type": "bool", "default": False},
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001 (_in_process.py)
    project = Project(
        params["url"].rstrip("/"),
        params["project"],
        params["token"],
        ref=params["ref"],
        started=params["started"],
        result_job=params["result_job"],
    )
    fields = ("operation", "action", "attempt", "node", "address", "pool", "provider_id", "joins")
    work = Work(**{name: params[name] for name in fields})
    return serve(project, work, params["variables"], dry=check_mode)


def main() -> None:
    main_of(SPEC, run, {"python-gitlab": GITLAB_IMPORT_ERROR})


if __name__ == "__main__":
    main()
