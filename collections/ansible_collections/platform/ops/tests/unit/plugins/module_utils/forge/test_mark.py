# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mark in the body of a merged pull request."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._block import block_in_body, fenced
from ansible_collections.platform.ops.plugins.module_utils.forge._key import key_in_body, marker
from ansible_collections.platform.ops.plugins.module_utils.forge._mark import Mark, mark_in_body, with_mark

AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
FULL = Mark(AT, AT, "not_fixed", "killed_again", AT, ("server/memory", "server/ephemeral-storage"), AT, 7)
BODY = f"Text.\n\n{fenced({'target': {'name': 'cart'}, 'changes': []})}\n\n{marker('0123456789abcdef')}\n"


@pytest.mark.parametrize("mark", [Mark(), Mark(applied=AT), FULL])
def test_what_is_written_is_read_back(mark):
    assert mark_in_body(with_mark(BODY, mark)) == mark


def test_it_is_written_over_the_one_before_and_leaves_the_rest_alone():
    body = with_mark(with_mark(BODY, Mark(applied=AT)), FULL)
    assert body.count("platform.ops verdict") == 1
    assert (key_in_body(body), block_in_body(body)) == ("0123456789abcdef", block_in_body(BODY))
    assert body.startswith(BODY.rstrip())
    assert with_mark(body, FULL) == body


def test_a_host_that_writes_other_line_ends_changes_nothing():
    assert mark_in_body(with_mark(BODY, FULL).replace("\n", "\r\n")) == FULL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- platform.ops verdict {} -->",
        "<!-- platform.ops verdict {broken} -->",
        '<!-- platform.ops verdict {"verdict": "wonderful"} -->',
        '<!-- platform.ops verdict {"applied": "yesterday"} -->',
        '<!-- platform.ops verdict {"left": 7} -->',
        "<!-- platform.ops verdict [" + "[" * 100000 + " -->",
        '> <!-- platform.ops verdict {"verdict": "fixed"} -->',
    ],
)
def test_what_cannot_be_read_counts_as_nothing(text):
    assert mark_in_body(f"Body.\n{text}\n") == Mark()


def test_only_codes_are_taken_over():
    body = '<!-- platform.ops verdict {"reason": "<script>", "left": ["a b", "server/cpu"], "revert": true} -->'
    assert mark_in_body(body) == Mark(left=("server/cpu",))
