# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab is made of: machines of its own, or kind where Docker exists. PLATFORM_OPS_LAB_BACKEND chooses; without it
the host does. A lab that exists stays what it is."""

from __future__ import annotations

import os
import shutil

from lab import prepare
from lab.place import Lab
from lab.shell import LabError, succeeds

VARIABLE = "PLATFORM_OPS_LAB_BACKEND"
AUTO, MACHINES, KIND = CHOICES = ("auto", "machines", "kind")
NO_DOCKER = "kind needs Docker, and no Docker daemon answers here (`docker info`)"


def docker_answers() -> bool:
    """A client alone is not Docker."""
    return bool(shutil.which("docker")) and succeeds(["docker", "info"], timeout=30)


def choose(wanted: str, *, docker: bool, obstacle: str | None) -> str:
    """`obstacle`: why no machines can run here, if so."""
    if wanted not in CHOICES:
        raise LabError(f"{VARIABLE}={wanted!r} is no backend of the lab; use {', '.join(CHOICES)}")
    if wanted == KIND and not docker:
        raise LabError(f"{NO_DOCKER}. Start it, or leave {VARIABLE} unset to use what this host has.")
    if wanted == MACHINES and obstacle:
        raise LabError(f"{obstacle}. Set {VARIABLE}=kind where Docker exists.")
    if wanted != AUTO:
        return wanted
    if docker:
        return KIND
    if obstacle:
        raise LabError(f"no lab can run here: {obstacle}; and {NO_DOCKER}")
    return MACHINES


def for_new_labs() -> str:
    return choose(os.environ.get(VARIABLE) or AUTO, docker=docker_answers(), obstacle=prepare.obstacle())


def obstacle(wanted: str = AUTO) -> str | None:
    """Why no lab of this kind can be started here; for skip reasons."""
    try:
        choose(wanted, docker=docker_answers(), obstacle=prepare.obstacle())
    except LabError as error:
        return str(error)
    return None


def of(lab: Lab) -> str | None:
    """What an existing lab is made of; also a half-made one, for `down`."""
    if (lab.folder / "kind.yaml").exists():
        return KIND
    return MACHINES if lab.folder.exists() else None


def must_be_machines(lab: Lab, what: str) -> None:
    if of(lab) == KIND:
        raise LabError(
            f"lab {lab.name} is a kind cluster, which has no {what}. `python -m lab down`, then "
            f"{VARIABLE}=machines python -m lab up, where the host allows it."
        )
