# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.platform.ops.plugins.module_utils.capacity._failure import MOST, text

TOKEN = "abcdef.0123456789abcdef"
KEY = "0123456789abcdef" * 4
REFUSED = """[preflight] Running pre-flight checks
error execution phase preflight: [preflight] Some fatal errors occurred:
\t[ERROR Swap]: running with swap on is not supported. Please disable swap
[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`
To see the stack trace of this error execute with --v=5 or higher"""


def kubeadm(stderr: str, command: str = "join") -> dict[str, Any]:
    words = ["kubeadm", command, "--config", "/etc/kubernetes/platform-ops-join.yml"]
    return {"failed": True, "msg": "non-zero return code", "rc": 1, "cmd": words, "stderr": stderr}


def test_what_kubeadm_said_is_told_without_its_advice() -> None:
    told = text(kubeadm(REFUSED))
    assert told.startswith("kubeadm join: [preflight] Running pre-flight checks error execution phase preflight")
    assert told.endswith("[ERROR Swap]: running with swap on is not supported. Please disable swap")


def test_of_much_the_end_is_told_and_no_token_or_key() -> None:
    said = f"token {TOKEN} and key {KEY}, pinned sha256:{KEY}"
    told = text(kubeadm("x " * 2000 + said, "reset"))
    assert told.startswith("kubeadm reset: … ")
    assert told.endswith(f"token abcdef.******** and key ********, pinned sha256:{KEY}")
    assert len(told) < MOST + 20


@pytest.mark.parametrize("tail", range(40))
def test_no_part_of_a_token_is_left_where_the_text_is_cut(tail: int) -> None:
    assert "89abcdef" not in text(kubeadm(f"{TOKEN} {'y' * (MOST - tail)}"))


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"msg": "AnsibleError: no such host"}, "AnsibleError: no such host"),
        ({"msg": "non-zero return code", "cmd": ["ipmitool", "-P", "x"], "stderr": "x"}, "non-zero return code"),
        ({"msg": "non-zero return code", "cmd": "kubeadm join", "stderr": "x"}, "non-zero return code"),
        (kubeadm(""), "non-zero return code"),
        ({}, ""),
    ],
)
def test_of_anything_else_only_the_message_is_told(result: dict[str, Any], told: str) -> None:
    assert text(result) == told
