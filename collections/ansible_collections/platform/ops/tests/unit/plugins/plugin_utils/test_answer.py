# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.bump._gate import OpenGate
from ansible_collections.platform.ops.plugins.plugin_utils import _answer

ITEM: dict[str, Any] = {
    "label": "shop/Deployment/web/app",
    "workload": {"namespace": "shop", "kind": "Deployment", "name": "web"},
    "bump": {"name": "web"},
    "remediations": [{"id": "a", "kind": "bump_limits", "source": "alertmanager", "resource": "memory"}],
}


@pytest.mark.parametrize("where", ["admit", "checkout"])
def test_what_nobody_foresaw_is_decided_for_its_repository(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Without a decision the whole batch would come back, and end the same way."""

    def broken(*_: object, **__: object) -> None:
        raise TypeError("s3cret")

    if where == "admit":
        monkeypatch.setattr(OpenGate, "admit", broken)
    monkeypatch.setattr(_answer, "_run", broken)
    working = _answer._Run(defaultdict(str), OpenGate(), check_mode=False, diff_mode=False)
    answer = working.answer({"name": "fleet", "url": "file:///x"}, [ITEM])
    (decision,) = answer["decisions"]
    assert (decision["decision"], decision["id"]) == ("failed", "a")
    assert "fleet" in answer["failure"] and "TypeError" in answer["failure"]
    assert "s3cret" not in answer["failure"]
