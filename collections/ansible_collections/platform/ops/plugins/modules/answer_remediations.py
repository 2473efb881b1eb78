#!/usr/bin/python
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: answer_remediations
short_description: Answer remediations with pull requests that raise limits
version_added: 0.1.0
author:
  - platform.ops contributors (@platform-ops)
description:
  - Assigns each remediation to a workload and its repository, and then does what M(platform.ops.checkout),
    M(platform.ops.bump_limits) and M(platform.ops.open_pr) do, in one task, since tasks cost more time than the work.
  - Does not fail when a repository cannot be worked in. Every remediation has a decision in RV(decisions), in the
    form that M(platform.ops.record_decisions) takes; those of a repository that is out of reach are C(failed).
  - Works on the controller, over a local connection, only.
  - Role C(platform.ops.limit_bump) documents the inputs in full.
attributes:
  check_mode:
    support: full
    description: Computes the same result and writes nothing to the git hosts.
  diff_mode:
    support: full
    description: Returns what changes in the files.
  idempotent:
    support: full
    description: A second run changes nothing.
extends_documentation_fragment:
  - platform.ops.observed
options:
  remediations:
    description: What to answer.
    type: list
    elements: dict
    default: []
  followed:
    description:
      - Results of M(platform.ops.follow_pull_requests), each as a dictionary of C(repository), its name, and
        C(results). What conflicts with the base branch is proposed anew.
    type: list
    elements: dict
    default: []
  repositories:
    description: The git repositories that manifests are in.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: A name to refer to it by.
        type: str
        required: true
      url:
        description: Its address, or the path of a bare repository.
        type: str
        required: true
      namespaces:
        description: Patterns of the namespaces whose manifests are in it. All if not given.
        type: list
        elements: str
      base:
        description: Branch that is deployed.
        type: str
        default: main
      host:
        description: Kind of git host, where the address does not tell.
        type: str
        choices: [github, gitlab, gitea, local]
      api_url:
        description: Base address of the host's API, where the address does not tell.
        type: str
      token:
        description: Token of the account that opens pull requests.
        type: str
      app_id:
        description: Identifier of a GitHub App, instead of a token.
        type: str
      installation_id:
        description: Installation of the GitHub App.
        type: str
      private_key:
        description: Private key of the GitHub App, in PEM form.
        type: str
      secret: &secret
        description: The Secret that holds the token, instead of C(token). Needs O(cluster_access).
        type: dict
        suboptions:
          namespace:
            description: Its namespace.
            type: str
            required: true
          name:
            description: Its name.
            type: str
            required: true
          key:
            description: The key in it. C(token), C(bearerToken) and C(password) are tried if not given.
            type: str
  allow_repositories:
    description:
      - Repositories besides O(repositories) that may be worked in when Flux or Argo CD objects in the cluster name
        them. The first match counts. All others are refused by name.
    type: list
    elements: dict
    default: []
    suboptions:
      match:
        description:
          - Pattern of host and path in lower case, such as V(github.com/acme/*). The host has no wildcards, so that a
            token goes nowhere else.
        type: str
        required: true
      base:
        description: Branch that is deployed.
        type: str
        default: main
      host:
        description: Kind of git host, where the address does not tell.
        type: str
        choices: [github, gitlab, gitea, local]
      api_url:
        description: Base address of the host's API, where the address does not tell.
        type: str
      token:
        description: Token of the account that opens pull requests.
        type: str
      app_id:
        description: Identifier of a GitHub App, instead of a token.
        type: str
      installation_id:
        description: Installation of the GitHub App.
        type: str
      private_key:
        description: Private key of the GitHub App, in PEM form.
        type: str
      secret: *secret
  argocd_namespace:
    description: Namespace of the Applications of Argo CD.
    type: str
    default: argocd
  gate:
    description: What is judged before a pull request, with O(cluster_access). A policy may have a C(gate) of its own.
    type: dict
    suboptions:
      memory_overcommit:
        description:
          - How many times a node's memory the limits of its pods may promise. V(0) is no bound.
        type: float
        default: 2.0
      dry_run:
        description: Ask the API server by a dry run whether it would admit the new pod, where this account may.
        type: bool
        default: true
      restart:
        description: Hours in which workloads may restart.
        type: dict
        suboptions:
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
  usage:
    description: How the history in Prometheus is used, with O(prometheus).
    type: dict
    suboptions:
      window:
        description: How far to look back.
        type: str
        default: 7d
      history:
        description: How much of it has to be measured. Not asked for after a kill for memory.
        type: str
        default: 1h
      percentile:
        description: Which percentile is shown beside the peak.
        type: int
        default: 95
      rate:
        description: Over how long CPU use is averaged.
        type: str
        default: 5m
      leak_after:
        description: How long a container must live for its growth to tell of a leak.
        type: str
        default: 1h
  workloads:
    description: What can't be found by name.
    type: list
    elements: dict
    default: []
  policy:
    description: How far limits are raised, and how often.
    type: dict
    default: {}
  overrides:
    description: Policies for some namespaces or workloads.
    type: list
    elements: dict
    default: []
  allow_namespaces:
    description: Patterns of namespaces in which limits may be raised.
    type: list
    elements: str
    default: ["*"]
  deny_namespaces:
    description: Patterns of namespaces in which limits are never raised.
    type: list
    elements: str
    default: []
  paused:
    description: Decide nothing now.
    type: bool
    default: false
  clones:
    description: Folder in which clones are kept between runs.
    type: path
    required: true
  declined_for:
    description: How long a pull request that was closed without a merge counts as a no.
    type: str
    default: 14d
  cluster:
    description: Name of the cluster; part of the identity of a pull request.
    type: str
    default: default
  branch_prefix:
    description: What the names of our branches start with.
    type: str
    default: platform-ops/
  author_name:
    description: Name of the author of our commits.
    type: str
    default: platform.ops
  author_email:
    description: E-mail address of the author of our commits. Nobody else may use it.
    type: str
    default: platform-ops@localhost
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
- name: Answer an alert
  platform.ops.answer_remediations:
    repositories:
      - {name: fleet, url: "https://github.com/acme/fleet.git", token: "{{ git_token }}"}
    clones: /var/lib/platform-ops/clones
    policy:
      memory: {factor: 1.5, max: 8Gi}
    remediations:
      - kind: bump_limits
        id: by-hand
        source: people
        status: firing
        resource: memory
        workload: {namespace: shop, kind: Deployment, name: checkout, container: server}
  register: answer
"""

RETURN = r"""
decisions:
  description: One for each remediation.
  returned: always
  type: list
  elements: dict
pull_requests:
  description: What M(platform.ops.open_pr) returned for each workload.
  returned: always
  type: list
  elements: dict
failures:
  description: For each repository that could not be worked in, what stopped the work.
  returned: always
  type: list
  elements: str
"""
