#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: judge_pull_requests
short_description: Say of merged pull requests whether they helped
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Follows each merged bump from its merge to the revision that is applied, to the rollout, to what the alerts and the
    pods say afterwards, and writes V(fixed), V(not_fixed) or V(stalled) to the pull request, as a comment and a label.
  - Meant to run at intervals. Each run says what is true now and waits for nothing. The pull request itself is the only
    state; only those merged lately are looked at.
  - A bump whose pods fit on no node or are refused by the API server gets a pull request that takes it back.
  - A bump that was not enough is returned in RV(further), as remediations for M(platform.ops.answer_remediations).
    When the further step does not help either, or is not to be had, the workload is handed over to people.
attributes:
  check_mode:
    support: full
    description: Returns what would be said and done. Writes nothing to the host.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
    description: A second run changes nothing until something else has changed.
extends_documentation_fragment:
  - platform.ops.forge
  - platform.ops.merge
  - platform.ops.observed
options:
  path:
    description: A checkout of the repository, such as the C(path) that M(platform.ops.checkout) returns.
    type: path
    required: true
  watch:
    description: How long it has to be quiet after the rollout to be called fixed.
    type: str
    default: 15m
  settle:
    description: How long after the rollout an alert does not count yet, as containers may be busy when they start.
    type: str
    default: 5m
  stalled_after:
    description: After how long without getting on it is called stalled. It is looked at again all the same.
    type: str
    default: 1h
  unfit_after:
    description: How long its pods may wait for a node or for admission before the bump is taken back.
    type: str
    default: 10m
  hand_over_for:
    description: How long further alerts for a workload are refused once it was handed over to people.
    type: str
    default: 7d
  look_back:
    description: How long ago a pull request may have been merged to be looked at.
    type: str
    default: 7d
  argocd_namespace:
    description: Namespace of Argo CD's own Applications.
    type: str
    default: argocd
  answers:
    description:
      - Decisions that M(platform.ops.answer_remediations) returned on RV(further) of an earlier call. A workload whose
        further step was refused is handed over to people.
    type: list
    elements: dict
    default: []
  labels:
    description: Labels of pull requests that take a bump back.
    type: list
    elements: str
    default: []
  declined_for:
    description: How long a pull request that was closed without a merge counts as a no.
    type: str
    default: 14d
seealso:
  - module: platform.ops.follow_pull_requests
  - module: platform.ops.answer_remediations
"""

EXAMPLES = r"""
- name: Say what became of the merged bumps
  platform.ops.judge_pull_requests:
    repository: https://github.com/acme/fleet.git
    token: "{{ git_token }}"
    path: "{{ fleet.path }}"
    cluster_access: {in_cluster: true}
    prometheus: {url: "http://kps-prometheus.monitoring.svc:9090"}
    watch: 30m
  register: judged
"""

RETURN = r"""
results:
  description:
    - For each pull request that was looked at its C(number), C(url), C(branch), C(title), C(target), C(reason),
      C(message), C(changed), C(news) (its verdict is new), C(handed_over_until), C(seconds) (from the alert to each
      stage), C(revert) (what M(platform.ops.open_pr) returns for one that takes it back), C(further), and its C(state),
      which is V(watching), V(fixed), V(not_fixed), V(stalled), V(superseded) or V(failed).
  returned: always
  type: list
  elements: dict
further:
  description: Remediations for the one further step of what was not enough.
  returned: always
  type: list
  elements: dict
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils._main import main_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import OBSERVED, api_of, prometheus_of
from ansible_collections.platform.ops.plugins.module_utils.forge._clone import common_folder
from ansible_collections.platform.ops.plugins.module_utils.forge._git import logged_in
from ansible_collections.platform.ops.plugins.module_utils.forge._options import (
    HOST,
    MERGE,
    host_of,
    identity_of,
    merge_policy_of,
    policy_of,
    remote_of,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._publication import Settings
from ansible_collections.platform.ops.plugins.module_utils.forge._schedule import duration
from ansible_collections.platform.ops.plugins.module_utils.forge._trees import Stamp
from ansible_collections.platform.ops.plugins.module_utils.verdict._episodes import refusals
from ansible_collections.platform.ops.plugins.module_utils.verdict._judge import Policy
from ansible_collections.platform.ops.plugins.module_utils.verdict._look import Look
from ansible_collections.platform.ops.plugins.module_utils.verdict._take_back import Reverter
from ansible_collections.platform.ops.plugins.module_utils.verdict._watch import Watcher

DURATIONS = {
    "watch": "15m",
    "settle": "5m",
    "stalled_after": "1h",
    "unfit_after": "10m",
    "hand_over_for": "7d",
    "look_back": "7d",
}
SPEC: dict[str, Any] = {
    "argument_spec": {
        **HOST,
        **OBSERVED,
        "path": {"type": "path", "required": True},
        **{name: {"type": "str", "default": default} for name, default in DURATIONS.items()},
        "argocd_namespace": {"type": "str", "default": "argocd"},
        "answers": {"type": "list", "elements": "dict", "default": []},
        "labels": {"type": "list", "elements": "str", "default": []},
        "declined_for": {"type": "str", "default": "14d"},
        "merge": MERGE,
    },
    "supports_check_mode": True,
}


def run(params: dict[str, Any], *, check_mode: bool, diff_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    api = api_of(params)
    if api is None:
        raise InputError("Whether a bump helped is told by the cluster: give cluster_access.")
    host, remote, now = host_of(params), remote_of(params), datetime.now(UTC)
    who = identity_of(params)
    settings = Settings(
        remote=remote,
        stamp=Stamp(who, who, now),
        policy=policy_of(params["declined_for"], None),  # no limit on taking back what does not work
        merge=merge_policy_of(params["merge"]),
        labels=tuple(params["labels"]),
    )
    with logged_in(Path(params["path"]), host.git_login()) as given:
        common = common_folder(given)
        git = given.at(common.parent if common.name == ".git" else common)
        watcher = Watcher(
            git,
            host,
            remote,
            Look(api, prometheus_of(params), git, now, argocd_namespace=params["argocd_namespace"]),
            Reverter(git, host, settings, now, cluster=params["cluster"], url=params["repository"]),
            Policy(**{name: duration(params[name], name) for name in DURATIONS}),
            params["cluster"],
            now,
            refusals(params["answers"]),
            check_mode,
        )
        results = watcher.watch()
    return {
        "changed": any(result["changed"] for result in results),
        "results": results,
        "further": [one for result in results for one in result["further"]],
        **({"warnings": [*host.warnings]} if host.warnings else {}),
    }


def main() -> None:
    main_of(SPEC, run)


if __name__ == "__main__":
    main()
