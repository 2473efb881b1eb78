#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bump_limits
short_description: Raise resource limits in a checked-out repository, byte by byte
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Finds where the limits of a container are decided in a folder of manifests, works out new ones by a policy, and
    writes them.
  - Every other byte stays as it is. A file is parsed to locate the number, the number is replaced, and the file is
    parsed again; if anything but the intended numbers differs, the file is left alone.
  - Knows plain manifests of all workload kinds, Kustomize, Helm values, Flux HelmReleases and Argo CD Applications.
    Jsonnet, CUE, chart templates and SOPS-encrypted files are recognised and refused by name.
  - Works off one target, or the list in O(items) with a result for each; a refusal of one never touches the others.
requirements:
  - PyYAML
  - helm (only for Helm values that shall be discovered)
  - git (only for O(worktree))
attributes:
  check_mode:
    support: full
    description: Computes the same result and writes nothing.
  diff_mode:
    support: full
    description: Returns what changes in the files.
  idempotent:
    support: partial
    description: Whether a second run changes nothing.
    details:
      - A limit given by C(set) is reached once. C(factor) and C(add) start from the limit that stands in O(path), so
        that in place they raise again with each run, up to the cap; with O(worktree) they start from the base branch
        and change nothing again.
options:
  path:
    description:
      - Folder of the checked-out repository, or a single file. What is to be changed is always worked out from here.
      - Symbolic links that lead outside are not followed.
    type: path
    required: true
  items:
    description:
      - Targets to work off in one call. Each takes the options of a single target; what an item leaves out is taken
        from the options of the task.
    type: list
    elements: dict
    suboptions: &target
      name:
        description: Name of the workload as the cluster knows it.
        type: str
      kind:
        description: Kind of the workload, such as V(Deployment). Optional if only one kind bears the name.
        type: str
      namespace:
        description: Namespace of the workload. Manifests that leave the namespace open match too, if no other names it.
        type: str
      container:
        description: Container, init container or sidecar. Optional if the pod has one container.
        type: str
      source:
        description:
          - Folder or file, relative to O(path), from which the workload is built or applied, such as an overlay or a
            chart. Narrows the search.
        type: str
      memory:
        description: How far to raise the memory limit. Exactly one of C(factor), C(add) and C(set).
        type: dict
        suboptions: &rule
          factor:
            description: The new limit is this many times the base, which is the larger one of limit and C(usage).
            type: float
          add:
            description: The new limit is the base and this much more.
            type: str
          set:
            description: The new limit. One that is not above the present limit is no change.
            type: str
          floor:
            description:
              - With C(factor), the least step; the rule is then max(base + floor, base * factor), as the Vertical Pod
                Autoscaler has it.
            type: str
          max:
            description: Cap. A limit that has reached it is not raised.
            type: str
          max_factor:
            description:
              - Cap as a multiple of the limit before the first bump in C(history), or of the one that this bump wrote
                where there was none. What is older than the history is not known, see
                O(platform.ops.checkout#module:history_for); what grows for longer is held by C(max).
            type: float
          usage:
            description: Observed peak. If it is not below the cap, nothing is changed, since a bump would not help.
            type: str
          round:
            description: Round the new limit up to a multiple of this.
            type: str
      cpu:
        description: How far to raise the CPU limit. Exactly one of C(factor), C(add) and C(set).
        type: dict
        suboptions: *rule
      ephemeral_storage:
        description: How far to raise the limit of ephemeral storage. Exactly one of C(factor), C(add) and C(set).
        type: dict
        suboptions: *rule
      requests:
        description:
          - What happens to the request when its limit is raised. V(keep) leaves it, V(scale) keeps its ratio to the
            limit, V(match) makes it equal. V(keep) if it is not given.
          - Guaranteed pods stay Guaranteed, whatever stands here.
        type: str
        choices: [keep, scale, match]
      helm:
        description: Where the numbers stand in Helm values, for charts in which that shall not be discovered.
        type: dict
        suboptions:
          values_file:
            description: File of values, relative to O(path).
            type: str
          path:
            description: Path of the C(resources) mapping in it, such as V(server.resources).
            type: str
      allow_shared:
        description: Change numbers that other places use through a YAML anchor.
        type: bool
      allow_qos_change:
        description: Allow a bump that gives the pod another quality-of-service class.
        type: bool
      create_missing:
        description: Write a limit where there is none, in the style of the file.
        type: bool
      shared_base:
        description:
          - What to do when only a Kustomize base that several environments share has the number. V(patch) gives the
            environment a patch of its own, V(edit) changes the base for all of them, V(refuse) changes nothing.
            V(patch) if it is not given.
        type: str
        choices: [patch, edit, refuse]
      worktree:
        description:
          - Git worktree of the repository in O(path) to write to. It may be sparse.
            A limit that it has raised at least as far already is kept.
        type: path
      start:
        description:
          - Commit from which files are taken that the worktree does not hold. Its C(HEAD) if it is not given.
        type: str
      label:
        description: Returned as it is.
        type: raw
      history:
        description:
          - Earlier bumps of this workload, as M(platform.ops.pull_request_info) gives them; dictionaries of
            C(container), C(resource), C(field), C(before), C(after), C(at), C(state) (V(open), V(merged) or V(closed)),
            C(replicas), C(unmet) (it was judged not to have been enough, so the next one need not wait) and
            C(refused_until) (it was handed over to people).
        type: list
        elements: dict
      policy:
        description: What earlier bumps allow now.
        type: dict
        suboptions:
          cooldown:
            description: Least time between two merged bumps of a container and resource, such as V(6h).
            type: str
          bumps_per_day:
            description: How many bumps of a workload may be merged in 24 hours.
            type: int
          memory_per_day:
            description:
              - By how much the memory limits of all workloads in the repository may grow in 24 hours, replicas counted.
                An item that has its own is measured by that, against the same growth.
            type: str
          cpu_per_day:
            description: The same for CPU.
            type: str
  fleet_history:
    description:
      - Earlier bumps of all workloads, in the form of C(history). The budgets in O(policy) are counted from it.
    type: list
    elements: dict
    default: []
  <<: *target
"""

EXAMPLES = r"""
- name: Half as much memory again, but never more than 4Gi
  platform.ops.bump_limits:
    path: "{{ checkout }}"
    kind: Deployment
    name: checkout
    namespace: shop
    container: server
    memory: {factor: 1.5, max: 4Gi}
  register: bump

- name: The rule of the Vertical Pod Autoscaler after an out-of-memory kill
  platform.ops.bump_limits:
    path: "{{ checkout }}"
    name: checkout
    memory: {factor: 1.2, floor: 100Mi, usage: 512Mi, max_factor: 4}
    requests: scale

- name: A storm in one call, each workload in its own worktree
  platform.ops.bump_limits:
    path: "{{ checkout }}"
    requests: keep
    policy: {cooldown: 6h, memory_per_day: 64Gi}
    items:
      - name: checkout
        namespace: shop
        memory: {factor: 1.5, max: 4Gi}
        worktree: /var/lib/platform-ops/worktrees/checkout
      - name: search
        namespace: shop
        cpu: {add: 500m, max: "4"}
        worktree: /var/lib/platform-ops/worktrees/search

- name: Helm values by explicit path
  platform.ops.bump_limits:
    path: "{{ checkout }}"
    name: grafana
    helm: {values_file: monitoring/values.yaml, path: grafana.resources}
    memory: {set: 1Gi}
"""

RETURN = r"""
reason:
  description:
    - Stable code, such as V(bumped), V(sufficient), V(capped), V(cooldown), V(budget), V(not_found) or V(ambiguous).
  returned: with a single target
  type: str
  sample: bumped
message:
  description: The reason in words.
  returned: with a single target
  type: str
  sample: memory limit 256Mi -> 384Mi.
target:
  description: Kind, name, namespace and container that were found.
  returned: with a single target
  type: dict
changes:
  description: Numbers, from what the base has to what is there now.
  returned: with a single target
  type: list
  elements: dict
  sample:
    - file: apps/checkout.yaml
      line: 31
      yaml_path: spec.template.spec.containers[0].resources.limits.memory
      container: server
      resource: memory
      field: limits
      before: 256Mi
      after: 384Mi
      layout: manifest
arithmetic:
  description: How each number was worked out.
  returned: with a single target
  type: list
  elements: dict
affects:
  description: Overlays and releases that share what was edited.
  returned: with a single target
  type: list
  elements: str
notes:
  description: What people should know besides.
  returned: with a single target
  type: list
  elements: str
files:
  description: Files that hold the numbers, relative to O(path).
  returned: with a single target
  type: list
  elements: str
replicas:
  description: Replicas that the manifest asks for; 1 where it does not say.
  returned: with a single target
  type: int
label:
  description: The label that was given.
  returned: with a single target
  type: raw
worktree:
  description: The worktree that was given.
  returned: with a single target
  type: str
results:
  description: For each item what a single target returns, with C(changed) and C(failed), in the order of the items.
  returned: with O(items)
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.manifests._bump import Outcome, bump, open_tree
from ansible_collections.platform.ops.plugins.module_utils.manifests._document import YAML_IMPORT_ERROR

RULE = {
    "type": "dict",
    "options": {
        "factor": {"type": "float"},
        "add": {"type": "str"},
        "set": {"type": "str"},
        "floor": {"type": "str"},
        "max": {"type": "str"},
        "max_factor": {"type": "float"},
        "usage": {"type": "str"},
        "round": {"type": "str"},
    },
}
# Nothing is required within an item, so that one that lacks something is refused by itself.
TARGET: dict[str, Any] = {
    "name": {"type": "str"},
    "kind": {"type": "str"},
    "namespace": {"type": "str"},
    "container": {"type": "str"},
    "source": {"type": "str"},
    "memory": RULE,
    "cpu": RULE,
    "ephemeral_storage": RULE,
    "requests": {"type": "str", "choices": ["keep", "scale", "match"]},
    "helm": {"type": "dict", "options": {"values_file": {"type": "str"}, "path": {"type": "str"}}},
    "allow_shared": {"type": "bool"},
    "allow_qos_change": {"type": "bool"},
    "create_missing": {"type": "bool"},
    "shared_base": {"type": "str", "choices": ["patch", "edit", "refuse"]},
    "worktree": {"type": "path"},
    "start": {"type": "str"},
    "label": {"type": "raw"},
    "history": {"type": "list", "elements": "dict"},
    "policy": {
        "type": "dict",
        "options": {
            "cooldown": {"type": "str"},
            "bumps_per_day": {"type": "int"},
            "memory_per_day": {"type": "str"},
            "cpu_per_day": {"type": "str"},
        },
    },
}


SPEC: dict[str, Any] = {
    "argument_spec": {
        "path": {"type": "path", "required": True},
        "items": {"type": "list", "elements": "dict", "options": TARGET},
        "fleet_history": {"type": "list", "elements": "dict", "default": []},
        **TARGET,
    },
    "required_one_of": [("name", "items")],
    "mutually_exclusive": [("name", "items")],
    "supports_check_mode": True,
}


def given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def diff(outcome: Outcome) -> list[dict[str, str]]:
    return [
        {
            "before_header": path,
            "after_header": path,
            "before": (before or b"").decode("utf-8", "replace"),
            "after": after.decode("utf-8", "replace"),
        }
        for path, before, after in outcome.files
    ]


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    """
    Raises:
        OpsError: what concerns all items.
    """
    common = given({key: params[key] for key in TARGET})
    items = params["items"]
    single = items is None
    outcome = bump(
        open_tree(params["path"]),
        [common] if single else [{**common, **given(item)} for item in items],
        now=datetime.now(UTC),
        policy=common.get("policy"),
        fleet_history=params["fleet_history"],
        check=check_mode,
    )
    results = [result.as_dict() for result in outcome.results]
    more: dict[str, Any] = {"diff": diff(outcome)} if diff_mode else {}
    if not single:
        return {"changed": any(result["changed"] for result in results), "results": results, **more}
    return {**results[0], **more, "msg": results[0]["message"]}


def main() -> None:
    main_of(SPEC, run, {"PyYAML": YAML_IMPORT_ERROR})


if __name__ == "__main__":
    main()
