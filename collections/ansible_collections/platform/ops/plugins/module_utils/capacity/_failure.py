# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes on record of a provider's task that failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MOST = 400
# A bootstrap token, of which the first half is public, and the key that certificates are encrypted with.
_TOKEN = re.compile(r"\b([a-z0-9]{6})\.[a-z0-9]{16}\b")
_KEY = re.compile(r"(?<!sha256:)\b[0-9a-f]{64}\b")
# Ends of what kubeadm says that tell nothing.
_ADVICE = re.compile(r"(\[preflight\] If you know what you are doing|To see the stack trace of this error).*?(?=\n|$)")


def text(result: Mapping[str, Any]) -> str:
    """What the task said, and kubeadm on its error output; empty when it said nothing.

    The record is read by more people than the log, so of no other program: what it prints may hold a secret.
    """
    said = str(result.get("msg") or "")
    command = result.get("cmd")
    if isinstance(command, list) and command[:1] == ["kubeadm"]:
        errors = " ".join(_ADVICE.sub("", str(result.get("stderr") or "")).split())
        errors = _KEY.sub("********", _TOKEN.sub(r"\1.********", errors))
        shown = errors if len(errors) <= MOST else f"… {errors[-MOST:]}"
        said = f"kubeadm {' '.join(map(str, command[1:2]))}: {shown}" if shown else said
    return said
