# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closing a pull request of ours that became pointless.

A pull request that people close without a merge is a no. One that we close must not read like that, so it is marked
before it is closed; the mark stands in the body, which every host returns with its list.
"""

from __future__ import annotations

from ansible_collections.platform.ops.plugins.module_utils.forge._types import Host, PullRequest

MARK = "<!-- platform.ops retired -->"


def retire(host: Host, pull_request: PullRequest, message: str) -> PullRequest:
    """Mark, close with a comment, delete the branch. A run that is killed in between is completed by the next."""
    if not is_retired(pull_request):
        host.update(pull_request.number, body=f"{pull_request.body.rstrip()}\n{MARK}\n")
    done = host.close(pull_request.number, message)
    host.delete_branch(pull_request.branch)
    return done


def is_retired(pull_request: PullRequest) -> bool:
    return MARK in pull_request.body
