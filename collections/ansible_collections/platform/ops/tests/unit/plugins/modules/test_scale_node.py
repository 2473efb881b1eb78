# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.modules import scale_node


def params(**given: Any) -> dict[str, Any]:
    spec = scale_node.SPEC["argument_spec"]
    return {name: given.get(name, option.get("default")) for name, option in spec.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"state": "absent", "count": 1}, "count goes with state present, not with absent"),
        ({"state": "resumed", "count": 1}, "count goes with state present, not with resumed"),
        ({"state": "present", "name": "w-1"}, "name goes with state absent, not with present"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_asked(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        scale_node.run(params(pool="w", **given), check_mode=False, diff_mode=False)


def test_a_kubeconfig_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"/nowhere/config.*set kubeconfig and context"):
        scale_node.run(params(pool="w", kubeconfig="/nowhere/config"), check_mode=True, diff_mode=False)
