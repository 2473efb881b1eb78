# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any number of branches pushed in one call, each only if nobody else moved it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.platform.ops.plugins.module_utils.forge._git import Git

HEADS = "refs/heads/"
# The list of arguments has a limit, and a host may have one for the branches of a push.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Push:
    """`expected` is where the branch was seen last, None if there was none."""

    branch: str
    commit: str
    expected: str | None


def push(git: Git, address: str, pushes: Sequence[Push]) -> Mapping[str, str]:
    """Push all; return the branches that were refused, with what git said about each."""
    refused: dict[str, str] = {}
    for first in range(0, len(pushes), AT_ONCE):
        refused |= _push(git, address, pushes[first : first + AT_ONCE])
    return refused


def _push(git: Git, address: str, pushes: Sequence[Push]) -> dict[str, str]:
    leases = [f"--force-with-lease={HEADS}{one.branch}:{one.expected or ''}" for one in pushes]
    specs = [f"{one.commit}:{HEADS}{one.branch}" for one in pushes]
    flags = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
    said = git.run("push", *flags, *leases, "--", address, *specs, ok=(0, 1)).text
    refused = {}
    for line in said.splitlines():
        flag, _tab, rest = line.partition("\t")
        names, _tab, why = rest.partition("\t")
        if flag == "!":
            refused[names.partition(":")[2].removeprefix(HEADS)] = why
    return refused
