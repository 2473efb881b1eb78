# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab consists of, in one small file that is written before the thing it names is made."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.place import FIRST_MACHINE, LAST_MACHINE, Lab, address
from lab.shell import LabError

NETWORK = "network"
CONTROL_PLANE = "control-plane"


@dataclass(slots=True)
class Machine:
    name: str
    index: int
    memory: str
    images: str = "workload"  # a key of images.SETS

    @property
    def address(self) -> str:
        return address(self.index)


@dataclass(slots=True)
class State:
    machines: dict[str, Machine] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    @property
    def bare(self) -> bool:
        """A network alone: whoever wants a cluster makes one on the machines."""
        return CONTROL_PLANE not in self.parts

    def free_index(self) -> int:
        taken = {machine.index for machine in self.machines.values()}
        for index in range(FIRST_MACHINE, LAST_MACHINE + 1):
            if index not in taken:
                return index
        raise LabError(f"the lab has {len(taken)} machines and no address left")


def _path(lab: Lab) -> Path:
    return lab.folder / "lab.json"


def read(lab: Lab) -> State:
    try:
        data = json.loads(_path(lab).read_text())
    except FileNotFoundError:
        return State()
    return State({name: Machine(**machine) for name, machine in data["machines"].items()}, data["parts"])


def write(lab: Lab, state: State) -> None:
    _replace(_path(lab), json.dumps(asdict(state), indent=1))
    machines = state.machines.values()
    kubelets = [{"targets": [f"{machine.address}:10250"], "labels": {"node": machine.name}} for machine in machines]
    _replace(targets_file(lab), json.dumps(kubelets, indent=1))


def targets_file(lab: Lab) -> Path:
    """The machines' kubelets, as Prometheus reads lists of targets."""
    return lab.folder / "kubelets.json"


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".new")
    partial.write_text(text)
    partial.replace(path)


@contextmanager
def changing(lab: Lab) -> Iterator[State]:
    """Read, let the caller change, write; one writer at a time."""
    lab.folder.mkdir(parents=True, exist_ok=True)
    with (lab.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = read(lab)
        yield state
        write(lab, state)


def exists(lab: Lab) -> bool:
    return _path(lab).exists()
