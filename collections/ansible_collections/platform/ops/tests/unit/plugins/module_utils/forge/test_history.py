# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._block import fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._history import (
    Commit,
    bumps_in_message,
    history,
    trailers,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._key import marker
from ansible_collections.platform.ops.plugins.module_utils.forge._types import PullRequest

KEY = "0123456789abcdef"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGE = {"container": "server", "field": "limits", "resource": "memory", "before": "256Mi", "after": "384Mi"}
BLOCK = {"target": {"namespace": "shop", "kind": "Deployment", "name": "checkout"}, "replicas": 3, "changes": [CHANGE]}
BODY = f"{fenced(BLOCK)}\n{marker(KEY)}"
MERGED = PullRequest(
    number=7,
    url="u",
    state="merged",
    draft=False,
    title="t",
    body=BODY,
    branch="platform-ops/a",
    head_sha="1" * 40,
    base="main",
    created_at=NOW - 2 * HOUR,
    updated_at=NOW,
    merged_at=NOW,
    closed_at=NOW,
    merge_sha="2" * 40,
)
COMMIT = Commit("3" * 40, (), "x", NOW, f"T\n\n{trailers(KEY, [CHANGE])}\n")


def seen(pull_requests, commits):
    return [(bump.after, bump.state, bump.number) for bump in history(pull_requests, commits)]


@pytest.mark.parametrize(
    ("pull_requests", "commits", "expected"),
    [
        ([MERGED], [], [("384Mi", "merged", 7)]),
        ([MERGED], [COMMIT], [("384Mi", "merged", 7)]),
        # the pull request is gone from the host, git still tells
        ([], [COMMIT], [("384Mi", "merged", None)]),
        # somebody rewrote the body, git still tells
        ([replace(MERGED, body=f"rewritten\n{marker(KEY)}")], [COMMIT], [("384Mi", "merged", 7)]),
        # closed, but merged by hand before
        ([replace(MERGED, state="closed", merged_at=None)], [COMMIT], [("384Mi", "merged", 7)]),
        ([replace(MERGED, state="closed", merged_at=None)], [], [("384Mi", "closed", 7)]),
        # the merge of another pull request does not make a closed one merged
        (
            [replace(MERGED, number=6, state="closed", merged_at=None), MERGED],
            [COMMIT],
            [("384Mi", "closed", 6), ("384Mi", "merged", 7)],
        ),
        # a long time later: another bump
        ([MERGED], [replace(COMMIT, at=NOW - 40 * HOUR)], [("384Mi", "merged", 7), ("384Mi", "merged", None)]),
        ([replace(MERGED, state="open", merged_at=None, closed_at=None)], [], [("384Mi", "open", 7)]),
        # not ours
        ([replace(MERGED, body="no marker")], [], []),
        ([], [replace(COMMIT, message="no trailer")], []),
    ],
)
def test_each_source_covers_for_the_other(pull_requests, commits, expected):
    assert sorted(seen(pull_requests, commits), key=str) == sorted(expected, key=str)


def test_a_bump_knows_its_workload_and_replicas():
    (bump,) = history([MERGED], [])
    shown = bump.to_dict()
    assert (shown["namespace"], shown["name"], shown["replicas"], shown["at"]) == (
        "shop",
        "checkout",
        3,
        NOW.isoformat(),
    )


def test_several_commits_of_one_pull_request_are_one_bump_from_first_to_last():
    second = {**CHANGE, "before": "384Mi", "after": "512Mi"}
    later = Commit("4" * 40, (), "x", NOW, f"T\n\n{trailers(KEY, [second])}\n")
    first = replace(COMMIT, at=NOW - HOUR)
    (bump,) = history([replace(MERGED, body=marker(KEY))], [later, first])
    assert (bump.before, bump.after) == ("256Mi", "512Mi")


def test_trailers_come_back_as_they_were():
    changes = [CHANGE, {**CHANGE, "container": "", "resource": "cpu", "before": None, "after": "1500m"}]
    found = bumps_in_message("T\n\n" + trailers(KEY, changes))
    assert [(one["container"], one["resource"], one["before"], one["after"]) for one in found] == [
        ("server", "memory", "256Mi", "384Mi"),
        ("pod", "cpu", "none", "1500m"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "```json platform.ops\n{}\n```",
        "```json platform.ops\nnot json\n```",
        '```json platform.ops\n{"version": 1, "target": {}, "changes": [{"after": 1}]}\n```',
        '```json platform.ops\n{"version": 1, "target": [], "changes": []}\n```',
        f"```json platform.ops\n{'[' * 100000}\n```",
    ],
)
def test_an_edited_block_counts_as_none(body):
    assert seen([replace(MERGED, body=f"{body}\n{marker(KEY)}")], []) == []


def test_a_host_that_rewrites_line_ends_does_no_harm():
    assert seen([replace(MERGED, body=BODY.replace("\n", "\r\n"))], []) == [("384Mi", "merged", 7)]
