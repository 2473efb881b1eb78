# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Up, down, and what must be true between and after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import control_plane, lifecycle, network, process, state
from lab.place import ROOT, Lab, place
from lab.shell import LabError, run, wait_for

pytestmark = pytest.mark.real


def test_down_leaves_nothing(fresh: Lab) -> None:
    lifecycle.up(fresh)
    assert lifecycle.leftovers(fresh)
    lifecycle.down(fresh)
    assert lifecycle.leftovers(fresh) == []


def test_down_without_a_lab_is_no_error(fresh: Lab) -> None:
    lifecycle.down(fresh)
    assert lifecycle.leftovers(fresh) == []


def test_a_second_up_is_refused_and_harms_nothing(lab: Lab) -> None:
    with pytest.raises(LabError, match="exists already"):
        lifecycle.up(lab)
    assert control_plane.kubectl(lab, "get", "--raw", "/readyz") == "ok"


@pytest.mark.parametrize(
    "moment",
    [
        "lab.json",
        "pki/ca.key",
        "processes/kube-apiserver.json",
        "machines/worker-1/upper/etc/hostname",
        "processes/machine-worker-1.json",
        "machines/worker-1/kubelet/config.yaml",
    ],
)
def test_down_cleans_up_after_an_up_that_was_killed_half_way(fresh: Lab, moment: str) -> None:
    command = [sys.executable, "-m", "lab", "--lab", fresh.name, "up", "--machines", "1"]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for(f"{moment} is written", (fresh.folder / moment).exists, deadline=60, every=0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    lifecycle.down(fresh)
    assert lifecycle.leftovers(fresh) == []


def test_up_works_after_a_killed_one_was_cleaned_up(fresh: Lab) -> None:
    (fresh.folder / "pki").mkdir(parents=True)
    network.create(fresh)
    lifecycle.down(fresh)
    lifecycle.up(fresh)
    assert control_plane.kubectl(fresh, "get", "--raw", "/readyz") == "ok"


def test_two_labs_exist_side_by_side(lab: Lab, fresh: Lab) -> None:
    lifecycle.up(fresh)
    control_plane.kubectl(fresh, "create", "namespace", "only-here")
    assert "only-here" not in control_plane.kubectl(lab, "get", "namespaces")
    lifecycle.down(fresh)
    assert control_plane.kubectl(lab, "get", "--raw", "/readyz") == "ok"


def test_nothing_of_the_lab_runs_or_listens_outside_its_network(lab: Lab) -> None:
    inside = set(process.in_namespaces(network.namespaces(lab)))
    outside = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in inside:
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(lab.folder) in command and "python" not in command:
                outside.add(command)
    assert outside == set()


def test_what_is_sent_to_an_unserved_service_address_ends_in_the_lab(lab: Lab) -> None:
    """The host's default route would carry it out of the building."""
    assert "default" not in run(["ip", "-n", lab.netns, "route"])
    with pytest.raises(LabError, match=r"[Uu]nreachable|[Rr]efused|No route"):
        run(network.inside(lab.netns, "bash", "-c", "exec 3<>/dev/tcp/10.96.200.200/80"), timeout=10)


def test_a_part_that_died_is_named_with_the_end_of_its_log(fresh: Lab) -> None:
    lifecycle.up(fresh)
    for part in ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager"):
        process.stop(fresh, part, how=signal.SIGKILL)
        with pytest.raises(LabError, match=f"{part} of lab {fresh.name} has ended"):
            process.must_live(fresh, part)


def test_a_stale_process_record_never_hits_another_process(fresh: Lab) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (fresh.folder / "processes").mkdir(parents=True)
        record = fresh.folder / "processes" / "etcd.json"
        record.write_text(f'{{"pid": {bystander.pid}, "started": "1", "command": []}}')
        assert process.pid_of(fresh, "etcd") is None
        process.stop(fresh, "etcd")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_status_tells_that_there_is_no_lab() -> None:
    lab = place("never-made")
    assert not state.exists(lab)
    command = [sys.executable, "-m", "lab", "--lab", lab.name, "status"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "lab never-made: there is none; `python -m lab up` makes it\n")
