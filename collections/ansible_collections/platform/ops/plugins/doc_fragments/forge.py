# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options shared by the modules that talk to a git host, paired with module_utils/forge/_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Address of the repository, such as V(https://github.com/acme/fleet.git),
        V(git@gitlab.example.org:acme/fleet.git), or the path of a bare repository on this machine.
        Never with a password in it.
    type: str
    required: true
  host:
    description: Kind of git host. Inferred from O(repository) if it is not given; a path is V(local).
    type: str
    choices: [github, gitlab, gitea, local]
  api_url:
    description: Base address of the host's API where it is in an unusual place.
    type: str
  token:
    description: Token of the account that opens pull requests. Not needed for V(local).
    type: str
  app_id:
    description: Identifier of a GitHub App, used instead of O(token).
    type: str
  installation_id:
    description: Installation of the GitHub App.
    type: str
  private_key:
    description: Private key of the GitHub App, in PEM form.
    type: str
  cluster:
    description: Name of the cluster; part of the identity of a pull request.
    type: str
    default: default
  base:
    description: Branch that is deployed, and into which pull requests go.
    type: str
    default: main
  branch_prefix:
    description: What the names of our branches start with. Pull requests of other branches are not looked at.
    type: str
    default: platform-ops/
  author_name:
    description: Name of the author and committer of our commits.
    type: str
    default: platform.ops
  author_email:
    description:
      - E-mail address of the author and committer of our commits. Nobody else may use it, as commits with another
        address are taken for people's and never overwritten.
    type: str
    default: platform-ops@localhost
requirements:
  - git 2.38 or newer
  - PyGithub, python-gitlab and requests (for hosts other than local)
  - tenacity (for hosts other than local)
"""
