# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine-readable block in the body of a pull request: what was changed, and everything the numbers came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

VERSION = 1
_FENCE = re.compile(r"^```json platform\.ops\n(?P<json>.*?)\n```[ \t]*$", re.MULTILINE | re.DOTALL)
_CHANGE = {"field": str, "resource": str, "after": str}


def fenced(block: Mapping[str, Any]) -> str:
    """Return the block as it stands in a body; the same block gives the same bytes."""
    text = json.dumps({"version": VERSION, **block}, indent=1, sort_keys=True, ensure_ascii=True)
    # Inside JSON text these can be written as escapes: a fence ends at back-quotes, a marker begins with a bracket.
    for sign in "`<>":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"```json platform.ops\n{text}\n```"


def block_in_body(body: str) -> dict[str, Any] | None:
    """Return the block of a body; None where there is none, or where somebody edited it into something else."""
    found = _FENCE.findall(body.replace("\r\n", "\n"))
    if not found:
        return None
    try:
        block = json.loads(found[-1])
    except (ValueError, RecursionError):
        return None
    return block if _is_block(block) else None


def _is_block(block: object) -> bool:
    if not isinstance(block, dict) or block.get("version") != VERSION:
        return False
    target, changes = block.get("target"), block.get("changes")
    if not isinstance(target, dict) or not isinstance(changes, list):
        return False
    replicas = block.get("replicas", 1)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        return False
    names = (target.get(name) for name in ("namespace", "kind", "name"))
    return all(name is None or isinstance(name, str) for name in names) and all(map(_is_change, changes))


def _is_change(change: object) -> bool:
    return (
        isinstance(change, dict)
        and all(isinstance(change.get(name), kind) for name, kind in _CHANGE.items())
        and all(change.get(name) is None or isinstance(change[name], str) for name in ("container", "before"))
    )


def numbers(block: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return what a block says will be written, for comparing two of them."""
    return sorted(
        (change.get("container") or "", change["field"], change["resource"], change["after"])
        for change in block["changes"]
    )
