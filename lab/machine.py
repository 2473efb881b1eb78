# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real machines: systemd-nspawn containers with an init, SSH, containerd and a kubelet, joined by kubeadm."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from lab import cgroups, images, machine_files, network, process, state
from lab.control_plane import kubectl
from lab.kubeadm import join_command
from lab.place import Lab
from lab.rootfs import rootfs
from lab.shell import LabError, run, succeeds, wait_for
from lab.simulated import ready_nodes
from lab.state import Machine
from lab.tools import ON_MACHINES, tool

# The overlay and the machine's view of its control groups live in a mount namespace of their own: the host's mount
# table never shows them, and they go with the last process.
BOOT = """\
set -eu
mount -t overlay overlay -o "lowerdir=$ROOTFS,upperdir=$HOME_/upper,workdir=$HOME_/work" "$HOME_/root"
mount -t tmpfs -o mode=755 tmpfs "$HOME_/cgroup"
for mount in /sys/fs/cgroup/*; do
  name=${mount##*/}
  if [ -L "$mount" ]; then
    cp -P "$mount" "$HOME_/cgroup/$name"
  elif [ -d "$mount/$GROUP" ]; then
    mkdir "$HOME_/cgroup/$name"
    mount --bind "$mount/$GROUP" "$HOME_/cgroup/$name"
    echo $$ >"$mount/$GROUP/cgroup.procs"
  fi
done
# 133: the machine asks to be booted again
while status=0; systemd-nspawn "$@" || status=$?; [ "$status" = 133 ]; do :; done
exit "$status"
"""


def home(lab: Lab, name: str) -> Path:
    return lab.folder / "machines" / name


def add(lab: Lab, name: str, *, memory: str = "4Gi", join: bool = True, contents: str = "workload") -> Machine:
    """A booted machine that answers SSH and, unless told otherwise, a Ready node of the cluster. `contents` names the
    set of images it can run."""
    cgroups.require()
    if contents not in images.SETS:
        raise LabError(f"there is no set of images {contents!r}; there are {', '.join(images.SETS)}")
    with state.changing(lab) as current:
        if name in current.machines:
            raise LabError(f"lab {lab.name} has a machine {name} already")
        if join and current.bare:
            raise LabError(f"lab {lab.name} has no cluster to join; add {name} with --no-join (join=False)")
        machine = Machine(name, current.free_index(), memory, contents)
        current.machines[name] = machine
    network.connect(lab, machine)
    _furnish(lab, machine)
    start(lab, machine)
    if join:
        join_cluster(lab, machine)
    return machine


def start(lab: Lab, machine: Machine) -> None:
    """Boot, for the first time or after a power-off."""
    cgroups.create(lab, machine.name)
    folder = home(lab, machine.name)
    name = f"{lab.id}-{machine.name}"
    binds = [f"--bind-ro={tool(binary)}:/usr/bin/{binary}" for binary in ON_MACHINES]
    binds += [f"--bind-ro={path}:/opt/lab/{path.name}" for path in images.archives(machine.images)]
    options = [
        f"--directory={folder / 'root'}",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--quiet",
        f"--machine={name}",
        f"--hostname={machine.name}",
        f"--network-namespace-path=/run/netns/{lab.machine_netns(machine.name)}",
        "--capability=all",
        "--system-call-filter=@keyring bpf @privileged",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
        f"--bind={folder / 'cgroup'}:/sys/fs/cgroup",
        "--bind=/dev/kmsg",
        # an overlay cannot be the upper layer of another: images and volumes live on the host's file system
        f"--bind={folder / 'containerd'}:/var/lib/containerd",
        f"--bind={folder / 'kubelet'}:/var/lib/kubelet",
        *binds,
    ]
    process.start(
        lab,
        f"machine-{machine.name}",
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOOT, "boot", *options],
        env={
            "ROOTFS": str(rootfs()),
            "HOME_": str(folder),
            "GROUP": cgroups.group(lab, machine.name),
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
            "SYSTEMD_NSPAWN_LOCK": "0",
        },
    )
    wait_for(
        f"machine {machine.name} answers SSH",
        lambda: succeeds(ssh_command(lab, machine, "systemctl is-active containerd lab-images")),
        deadline=120,
        check=lambda: process.must_live(lab, f"machine-{machine.name}"),
    )


def join_cluster(lab: Lab, machine: Machine) -> None:
    # cgroup v1 is what such hosts have; the kubelet is told so by failCgroupV1
    options = (f"--node-name={machine.name}", "--ignore-preflight-errors=SystemVerification")
    ssh(lab, machine, *join_command(lab), *options, timeout=180)
    wait_for(f"node {machine.name} is Ready", lambda: machine.name in ready_nodes(lab), deadline=90)


def remove(lab: Lab, name: str) -> None:
    """The machine is switched off and gone, and so is its node; works on half-made ones too."""
    machine = find(lab, name)
    if not state.read(lab).bare:
        kubectl(lab, "delete", "node", name, "--ignore-not-found", "--wait=false")
    switch_off(lab, machine)
    network.disconnect(lab, machine)
    cgroups.remove(lab, name)
    shutil.rmtree(home(lab, name), ignore_errors=True)
    with state.changing(lab) as current:
        current.machines.pop(name, None)


def switch_off(lab: Lab, machine: Machine) -> None:
    """As if the power were cut."""
    process.end(process.in_namespaces([lab.machine_netns(machine.name)]), how=signal.SIGKILL)
    process.stop(lab, f"machine-{machine.name}", how=signal.SIGKILL)
    forget_nspawn(f"{lab.id}-{machine.name}")


def forget_nspawn(name: str) -> None:
    """Folders that a killed systemd-nspawn leaves in /run."""
    for kind in ("propagate", "unix-export"):
        shutil.rmtree(Path("/run/systemd/nspawn", kind, name), ignore_errors=True)


def find(lab: Lab, name: str) -> Machine:
    machines = state.read(lab).machines
    if name not in machines:
        raise LabError(f"lab {lab.name} has no machine {name}; it has: {', '.join(sorted(machines)) or 'none'}")
    return machines[name]


def ssh(lab: Lab, machine: Machine, *words: str, timeout: float = 60) -> str:
    return run(ssh_command(lab, machine, shlex.join(words)), timeout=timeout)


def load_image(lab: Lab, machine: Machine, archive: Path) -> None:
    """Give a machine an image that it did not boot with."""
    with archive.open("rb") as content:
        command = ssh_command(lab, machine, "ctr -n k8s.io images import -")
        done = subprocess.run(command, stdin=content, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise LabError(f"machine {machine.name} did not take {archive}: {done.stderr.strip()[-1000:]}")


def ssh_command(lab: Lab, machine: Machine, line: str) -> list[str]:
    options = {
        "UserKnownHostsFile": lab.folder / "ssh" / "known_hosts",
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": 3,
        "BatchMode": "yes",
        "LogLevel": "ERROR",
    }
    words = ["ssh", "-i", str(lab.ssh_key)]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return network.inside(lab.netns, *words, f"root@{machine.address}", line)


def _furnish(lab: Lab, machine: Machine) -> None:
    folder = home(lab, machine.name)
    for name in ("upper", "work", "root", "cgroup", "containerd", "kubelet"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "upper").chmod(0o755)
    bare = state.read(lab).bare
    texts = machine_files.files(
        machine,
        authorized_key=_key(lab.ssh_key),
        kube_proxy_config=None if bare else (lab.folder / "kube-proxy.conf").read_text(),
        reserved=_reserved(machine.memory),
    )
    # systemd would take the host's, and all machines would have the same
    texts["etc/machine-id"] = uuid.uuid4().hex + "\n"
    for name, text in texts.items():
        path = folder / "upper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, target in machine_files.links(bare=bare).items():
        path = folder / "upper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    (folder / "upper" / "root").chmod(0o700)
    public = _key(folder / "upper" / "etc" / "ssh" / "ssh_host_ed25519_key").split()
    with (lab.folder / "ssh" / "known_hosts").open("a") as known:
        known.write(f"{machine.address} {public[0]} {public[1]}\n")


def _key(path: Path) -> str:
    """The public half; the pair is made at the first call."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path])
    return path.with_name(path.name + ".pub").read_text()


def _reserved(memory: str) -> str:
    """The kubelet sees the host's memory; all but the machine's share is reserved."""
    units = {"Ki": 1, "Mi": 1 << 10, "Gi": 1 << 20}
    total = int(Path("/proc/meminfo").read_text().split()[1])
    number, unit = memory[:-2], memory[-2:]
    if unit not in units or not number.isdigit():
        raise LabError(f"{memory!r} is no size of memory for a machine; write it like 4Gi or 512Mi")
    if int(number) * units[unit] >= total:
        raise LabError(f"a machine with {memory} does not fit on a host with {total >> 20} GiB of memory")
    return f"{total - int(number) * units[unit]}Ki"
