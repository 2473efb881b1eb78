# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose turn it is: components that are brought to their state side by side tell each other by files how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.platform.ops.plugins.module_utils._errors import ConflictError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.stack._wait import Clock

PAUSE = 0.2


def tell(folder: Path, name: str, ended: str) -> None:
    """At once, so that nobody reads half a word."""
    scratch = folder / f".{name}"
    try:
        scratch.write_text(ended)
        scratch.replace(folder / name)
    except OSError as error:
        raise UnavailableError(
            f"{name} could not tell the others in {folder} that it is {ended}: {error}; they wait in vain. "
            "Stop this run and start it again."
        ) from error


def wait(
    folder: Path, name: str, waits_for: Sequence[str], *, timeout: float, clock: Clock | None = None
) -> dict[str, str]:
    """How those that go first ended; raises as soon as one of them failed, or when the deadline passes."""
    clock = clock or Clock()
    started = clock.now()
    while True:
        ended = {other: _read(folder / other) for other in waits_for}
        failed = [other for other, how in ended.items() if how == "failed"]
        if failed:
            raise ConflictError(
                f"{name} was not tried: {', '.join(failed)}, which goes first, failed. See the error above; then run "
                "this again.",
                reason="not_its_turn",
            )
        left = [other for other, how in ended.items() if not how]
        if not left:
            return ended
        if clock.now() - started >= timeout:
            raise UnavailableError(
                f"{name} waited {timeout:.0f} s for {', '.join(left)}, which has not ended. See what it is at, or "
                "raise platform_run_timeout; then run this again.",
                reason="not_its_turn",
            )
        clock.sleep(PAUSE)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
