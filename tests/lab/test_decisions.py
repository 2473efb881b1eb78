# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided without touching the host."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from subprocess import PIPE

import pytest

from lab import images, kubeadm, machine_files, process, simulated, state
from lab.__main__ import parser
from lab.machine import _reserved
from lab.place import Lab, place, pod_range
from lab.shell import LabError, run, wait_for
from lab.state import Machine, State


def test_a_lab_is_named_by_its_folder_alone_so_that_down_finds_it_after_a_crash() -> None:
    assert place("one").id == place("one").id
    assert place("one").id != place("two").id


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "-a", "a-", "x" * 40, "a b", "../x"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="no name for a lab"):
        place(name)


@pytest.mark.parametrize("words", [["-n", "shop", "get", "pods"], ["get", "pods", "--help"], ["--lab", "x"]])
def test_all_that_follows_kubectl_is_kubectl_s(words: list[str]) -> None:
    options = parser().parse_args(["--lab", "one", "kubectl", *words])
    assert (options.lab, options.words) == ("one", words)


def test_machines_get_addresses_and_pod_ranges_of_their_own() -> None:
    current = State()
    for number in range(240):
        index = current.free_index()
        current.machines[str(number)] = Machine(str(number), index, "4Gi")
    assert len({machine.address for machine in current.machines.values()}) == 240
    assert len({pod_range(machine.index) for machine in current.machines.values()}) == 240


def test_an_address_that_was_given_back_is_used_again() -> None:
    current = State({"a": Machine("a", 10, "4Gi"), "b": Machine("b", 11, "4Gi")})
    del current.machines["a"]
    assert current.free_index() == 10


def test_a_full_lab_says_so() -> None:
    current = State({str(i): Machine(str(i), i, "4Gi") for i in range(10, 251)})
    with pytest.raises(LabError, match="no address left"):
        current.free_index()


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    lab = Lab("x", tmp_path)
    with state.changing(lab) as current:
        current.machines["w"] = Machine("w", 12, "2Gi")
        current.parts.append("control-plane")
    assert state.read(lab) == State({"w": Machine("w", 12, "2Gi")}, ["control-plane"])


@pytest.mark.parametrize("size", ["4", "4G", "four", "100000Gi", "Gi"])
def test_a_machine_size_that_makes_no_sense_is_refused(size: str) -> None:
    with pytest.raises(LabError):
        _reserved(size)


def test_a_machine_reads_kernel_settings_from_files_of_its_own() -> None:
    files = machine_files.files(Machine("w", 10, "4Gi"), authorized_key="key", kube_proxy_config="{}", reserved="1Ki")
    unit = files["etc/systemd/system/lab-kernel-settings.service"]
    for name in machine_files.KERNEL_SETTINGS:
        source = f"etc/lab/kernel/{name.replace('/', '.')}"
        assert source in files
        assert f"/{source} /proc/sys/{name}\n" in unit


def test_every_unit_that_is_enabled_is_written() -> None:
    files = machine_files.files(Machine("w", 10, "4Gi"), authorized_key="", kube_proxy_config="", reserved="1Ki")
    for link, target in machine_files.links().items():
        assert target == "/dev/null" or target.lstrip("/") in files, link


def test_a_bare_machine_has_nothing_that_a_cluster_brings() -> None:
    files = machine_files.files(Machine("w", 10, "4Gi"), authorized_key="", kube_proxy_config=None, reserved="1Ki")
    assert not [name for name in files if "cni" in name or "kube-proxy" in name or "containerd" in name]
    for link, target in machine_files.links(bare=True).items():
        assert target == "/dev/null" or target.lstrip("/") in files, link


def test_the_image_archive_holds_one_image_per_name_with_its_program() -> None:
    made = [images.Image(name, {"workload": b"program"}, "/workload") for name in ("a/b:1", "c/d:1")]
    with tarfile.open(fileobj=io.BytesIO(images.pack(made))) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    manifest = json.loads(content["manifest.json"])
    assert [entry["RepoTags"] for entry in manifest] == [["a/b:1"], ["c/d:1"]]
    assert len({entry["Config"] for entry in manifest}) == 2
    with tarfile.open(fileobj=io.BytesIO(content[manifest[0]["Layers"][0]])) as layer:
        program = layer.extractfile("workload")
        assert program and program.read() == b"program"
        assert layer.getmember("workload").mode == 0o755


def test_the_uploaded_configuration_names_the_folder_that_joining_machines_have() -> None:
    cluster = kubeadm.documents(Path("/etc/kubernetes/pki"))[1]
    assert cluster["certificatesDir"] == "/etc/kubernetes/pki"
    assert "127.0.0.1" in cluster["apiServer"]["certSANs"]


def test_a_simulated_node_says_that_it_is_one() -> None:
    record = simulated.node("sim-1", cpu="2", memory="1Gi")
    assert record["metadata"]["annotations"][simulated.ANNOTATION] == "fake"  # type: ignore[index]


def test_waiting_ends_at_the_deadline_and_tells_the_last_answer() -> None:
    def fails() -> bool:
        raise LabError("connection refused")

    with pytest.raises(LabError, match=r"the thing is up: not so after 0 s \(last answer: connection refused\)"):
        wait_for("the thing is up", fails, deadline=0)


def test_waiting_ends_at_once_when_it_is_pointless() -> None:
    def dead() -> None:
        raise LabError("etcd has ended")

    with pytest.raises(LabError, match="etcd has ended"):
        wait_for("ready", lambda: False, deadline=60, check=dead)


def test_a_failed_command_is_reported_with_what_it_said() -> None:
    with pytest.raises(LabError, match=r"`sh -c .*` ended with code 3: no such thing"):
        run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_a_process_has_not_ended_while_one_of_its_threads_may_hold_a_port() -> None:
    program = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print(flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE) as child:
        assert child.stdin and child.stdout
        child.stdout.readline()
        state = Path(f"/proc/{child.pid}/stat")
        wait_for(
            "its first thread has ended", lambda: state.read_text().rpartition(")")[2].split()[0] == "Z", deadline=60
        )
        assert not process._all_gone([child.pid])
        child.stdin.close()
        wait_for("all of it has ended", lambda: process._all_gone([child.pid]), deadline=60)
