# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils.forge._checks import judge


@pytest.mark.parametrize(
    ("runs", "required", "state", "missing"),
    [
        ([], None, "success", ()),
        ([], (), "success", ()),
        ([], ("ci",), "pending", ("ci",)),
        ([("ci", "success")], ("ci",), "success", ()),
        ([("ci", "success"), ("lint", "failure")], ("ci",), "success", ()),
        ([("ci", "success"), ("lint", "failure")], (), "failure", ()),
        ([("ci", "success"), ("lint", "failure")], None, "failure", ()),
        ([("ci", "pending"), ("lint", "success")], None, "pending", ()),
        ([("ci", "failure"), ("lint", "pending")], None, "failure", ()),
        ([("ci", "failure")], ("ci", "deploy"), "failure", ("deploy",)),
        ([("ci", "success")], ("ci", "deploy"), "pending", ("deploy",)),
        ([("ci", "failure"), ("ci", "success")], ("ci",), "success", ()),
    ],
)
def test_required_checks_decide_and_where_none_is_required_all_do(runs, required, state, missing):
    checks = judge(runs, required)
    assert (checks.state, checks.missing) == (state, missing)


def test_whether_a_check_is_required_is_none_where_the_host_does_not_tell():
    assert [check.required for check in judge([("ci", "success")], None).runs] == [None]
    assert [check.required for check in judge([("ci", "success")], ()).runs] == [False]
    assert [check.required for check in judge([("ci", "success")], ("ci",)).runs] == [True]


def test_globs_count_as_such_only_where_the_host_means_them():
    runs = [("ci/build", "success"), ("lint", "failure")]
    assert judge(runs, ("ci/*",), patterns=True).state == "success"
    assert judge(runs, ("ci/*",)).missing == ("ci/*",)
