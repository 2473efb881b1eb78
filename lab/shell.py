# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run other programs, and wait for conditions with a deadline."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """Says what failed, on what, why, and what to do next."""


class MissingError(LabError):
    """The host lacks something that a lab needs; tests are skipped for this, and for nothing else."""


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
) -> str:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout, env=env, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(words)}` did not end within {timeout:.0f} s") from error
    except OSError as error:
        raise LabError(
            f"`{words[0]}` could not be started: {error.strerror}; `python -m lab prepare` installs it"
        ) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"`{' '.join(words)}` ended with code {done.returncode}: {said or 'it said nothing'}")
    return done.stdout


def succeeds(command: Sequence[str | Path], *, timeout: float = 10) -> bool:
    try:
        run(command, timeout=timeout)
    except LabError:
        return False
    return True


def wait_for[T](
    what: str,
    condition: Callable[[], T | bool | None],
    *,
    deadline: float,
    check: Callable[[], None] = lambda: None,
    every: float = 0.1,
) -> T | bool:
    """The first truthy answer of `condition`. `check` raises when waiting longer is pointless (the process died)."""
    until = time.monotonic() + deadline
    problem = ""
    while True:
        try:
            if answer := condition():
                return answer
        except LabError as error:
            problem = f" (last answer: {error})"
        check()
        if time.monotonic() > until:
            raise LabError(f"{what}: not so after {deadline:.0f} s{problem}")
        time.sleep(every)
