# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Up and down of a whole lab. `down` needs the lab's name alone: what a crashed `up` left is found by it."""

from __future__ import annotations

import shutil
import signal
import stat
from pathlib import Path

from lab import cgroups, control_plane, network, process, state
from lab.machine import forget_nspawn
from lab.place import Lab
from lab.shell import LabError, run, say


def up(lab: Lab, *, bare: bool = False) -> None:
    """The control plane; everything else is added to a lab that runs. A bare lab is a network for machines alone."""
    if state.exists(lab):
        raise LabError(
            f"lab {lab.name} exists already in {lab.folder}; `python -m lab status`, or `python -m lab down` first"
        )
    with state.changing(lab) as new:
        new.parts.append(state.NETWORK if bare else state.CONTROL_PLANE)
    network.create(lab)
    if not bare:
        control_plane.up(lab)


def down(lab: Lab) -> None:
    """Ends and removes all of it, in whatever state it is; fine when there is nothing."""
    netns = network.namespaces(lab)
    while pids := process.in_namespaces(netns):  # again for what was started meanwhile
        say(f"ending {len(pids)} processes of lab {lab.name}")
        process.end(pids, how=signal.SIGKILL)
    for mount in mounts(lab):
        run(["umount", "--lazy", mount])
    for name in netns:
        network.delete(name)
        forget_nspawn(name)
    cgroups.remove(lab)
    if lab.folder.exists():
        shutil.rmtree(lab.folder)
    check_dev_null()


def mounts(lab: Lab) -> list[str]:
    """What is mounted under the lab's folder in this mount namespace, deepest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{lab.folder}/")), key=len, reverse=True)


def leftovers(lab: Lab) -> list[str]:
    """What `down` must have removed and has not; empty when all is well."""
    netns = network.namespaces(lab)
    found = [f"network namespace {name}" for name in netns]
    found += [f"process {pid}" for pid in process.in_namespaces(netns)]
    found += [f"mount {point}" for point in mounts(lab)]
    found += [
        f"control group {mount / lab.id}" for mount in cgroups.hierarchies().values() if (mount / lab.id).exists()
    ]
    if lab.folder.exists():
        found.append(f"folder {lab.folder}")
    return found


def check_dev_null() -> None:
    """Tools that share the host's /dev have once turned it into a file; everything on the machine breaks then."""
    if not stat.S_ISCHR(Path("/dev/null").stat().st_mode):
        raise LabError("/dev/null is no device any more; as root: rm /dev/null && mknod -m 666 /dev/null c 1 3")
