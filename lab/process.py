# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, watch and end the lab's processes. Each runs in a network namespace of the lab, which is also how `down` finds
them: a process id in a file may be stale, a namespace is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.place import Lab
from lab.shell import LabError, wait_for

# A proxy, a kubeconfig or git settings of whoever starts a lab must not change what it does.
INHERITED = ("PATH", "HOME", "LANG", "PLATFORM_OPS_CACHE")

_children: list[subprocess.Popen[bytes]] = []


def _started(pid: int) -> str | None:
    """The kernel's start time of a process; it tells a process from a later one with the same number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    # Of a killed process the first thread can be a zombie while others have not let go of its ports yet.
    ended = fields[0] == "Z" and int(fields[17]) <= 1
    return None if ended else fields[19]


def _record(lab: Lab, name: str) -> Path:
    return lab.folder / "processes" / f"{name}.json"


def start(
    lab: Lab,
    name: str,
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    outside: bool = False,
) -> None:
    """`outside`: the program enters the lab's network by itself."""
    if pid_of(lab, name):
        raise LabError(f"{name} of lab {lab.name} runs already")
    log = lab.log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    enter = [] if outside else ["nsenter", f"--net=/run/netns/{lab.netns}", "--"]
    words = [*enter, *[str(word) for word in command]]
    with log.open("a") as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=lab.folder,
            env={name: os.environ[name] for name in INHERITED if name in os.environ} | dict(env or {}),
            start_new_session=True,
        )
    _children.append(process)
    record = _record(lab, name)
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"pid": process.pid, "started": _started(process.pid), "command": words}))


def pid_of(lab: Lab, name: str) -> int | None:
    try:
        record = json.loads(_record(lab, name).read_text())
    except FileNotFoundError:
        return None
    pid = int(record["pid"])
    return pid if record["started"] and _started(pid) == record["started"] else None


def names(lab: Lab) -> list[str]:
    return sorted(path.stem for path in (lab.folder / "processes").glob("*.json"))


def must_live(lab: Lab, name: str) -> None:
    _reap()
    if pid_of(lab, name) is None:
        log = lab.log(name)
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else "(no log)"
        raise LabError(f"{name} of lab {lab.name} has ended; the end of {log}:\n  {tail}")


def stop(lab: Lab, name: str, *, how: signal.Signals = signal.SIGTERM, within: float = 20) -> None:
    if pid := pid_of(lab, name):
        end([pid], how=how, within=within)
    _record(lab, name).unlink(missing_ok=True)


def end(pids: Sequence[int], *, how: signal.Signals = signal.SIGTERM, within: float = 15) -> None:
    """Signal all at once, wait, then kill what is left."""
    for kind, seconds in ((how, within), (signal.SIGKILL, 10.0)):
        alive = [pid for pid in pids if _started(pid)]
        for pid in alive:
            try:
                os.kill(pid, kind)
            except ProcessLookupError:
                continue
        try:
            wait_for(f"processes {alive} have ended", lambda: _all_gone(pids), deadline=seconds)
        except LabError:
            if kind is signal.SIGKILL:
                raise
        else:
            return


def _all_gone(pids: Sequence[int]) -> bool:
    _reap()
    return not any(_started(pid) for pid in pids)


def _reap() -> None:
    """Our own children would stay as zombies; those of the program that uses us are not ours to wait for."""
    for child in _children:
        child.poll()


def in_namespaces(names_: Sequence[str]) -> list[int]:
    """Every process of the machine whose network namespace is one of these."""
    wanted = set()
    for name in names_:
        try:
            wanted.add((info := Path("/run/netns", name).stat()).st_ino)
        except FileNotFoundError:
            continue
        if info.st_dev == Path("/run").stat().st_dev:  # a file without a namespace mounted on it: half made
            wanted.discard(info.st_ino)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if (entry / "ns" / "net").stat().st_ino in wanted:
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


def with_children(pids: Sequence[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], list(pids)
    while todo:
        found.append(pid := todo.pop())
        todo += children.get(pid, [])
    return found


def memory(pid: int) -> int:
    """Bytes that the process holds, with its share of what it has in common with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
