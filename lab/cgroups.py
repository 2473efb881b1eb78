# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One subtree per machine in every cgroup hierarchy. The machine sees its subtree as the whole, so two kubelets never
meet in one folder (they would delete each other's pods' groups), and `down` knows what to remove."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab.place import Lab
from lab.shell import LabError, wait_for


def hierarchies() -> dict[str, Path]:
    """Name of each mounted hierarchy (`memory`, `systemd`, `unified`, …) and where it is mounted."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] in ("cgroup", "cgroup2") and before.split()[4].startswith("/sys/fs/cgroup"):
            mount = Path(before.split()[4])
            found[mount.name] = mount
    return found


def require() -> None:
    if "memory" not in hierarchies():
        raise LabError(
            "real machines need the cgroup v1 hierarchies (memory, cpu, cpuset, …) under /sys/fs/cgroup, and this "
            "kernel was booted with cgroup v2 alone. Use simulated nodes here, or kind where Docker exists."
        )


def group(lab: Lab, machine: str) -> str:
    return f"{lab.id}/{machine}"


def create(lab: Lab, machine: str) -> None:
    for mount in hierarchies().values():
        folder = mount
        for part in group(lab, machine).split("/"):
            parent, folder = folder, folder / part
            folder.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, and then nothing can run in it
                if mount.name == "cpuset" and not (folder / name).read_text().strip():
                    (folder / name).write_text((parent / name).read_text())


def remove(lab: Lab, machine: str | None = None) -> None:
    """The machine's groups, or all of the lab's; their processes have ended before."""
    for mount in hierarchies().values():
        top = mount / (group(lab, machine) if machine else lab.id)
        if top.is_dir():
            wait_for(f"the empty control groups under {top} can be removed", partial(_remove, top), deadline=10)


def _remove(top: Path) -> bool:
    """A group may count as busy for a moment after its last process is gone."""
    folders = [path for path in top.rglob("*") if path.is_dir()]
    try:
        for folder in [*sorted(folders, key=lambda path: -len(path.parts)), top]:
            folder.rmdir()
    except FileNotFoundError:
        return not top.exists()
    except OSError as error:
        raise LabError(f"{error.filename}: {error.strerror}") from error
    return True
