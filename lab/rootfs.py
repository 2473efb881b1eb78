# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file system that every machine starts from: a small Debian with systemd, made once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab.place import CACHE
from lab.shell import run, say

# The last Debian whose systemd runs on cgroup v1 hosts as well.
SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "nftables",
    "conntrack",
    "ethtool",
    "socat",
    "iproute2",
    "kmod",
    "procps",
    "ca-certificates",
    # no package can be installed into a machine of a lab: what roles want to find is here
    "haproxy",
    "python3-apt",
)


def rootfs() -> Path:
    digest = hashlib.sha256("\n".join((SUITE, *PACKAGES)).encode()).hexdigest()[:16]
    target = CACHE / "rootfs" / digest
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _build(target)
    return target


def _build(target: Path) -> None:
    say("making the machines' root file system with debootstrap (about 90 s, once)")
    started = time.monotonic()
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        bootstrap(partial, PACKAGES)
        for path in (partial / "etc" / "ssh").glob("ssh_host_*"):  # each machine gets its own
            path.unlink()
        (partial / "etc" / "systemd" / "system" / "multi-user.target.wants" / "haproxy.service").unlink()
        (partial / "etc" / "machine-id").write_text("")
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    say(f"made the root file system in {time.monotonic() - started:.0f} s")


def bootstrap(folder: Path, packages: Sequence[str]) -> None:
    """A minimal Debian with these packages in an empty folder, without what only installing and reading needs."""
    # In a mount namespace of its own: what debootstrap mounts goes with it, even when it is killed.
    command = ["unshare", "--mount", "--propagation", "private", "nice", "-n", "10"]
    command += ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(folder)]
    run([*command, *_mirror()], timeout=1200)
    for name in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.chmod(0o755)


def _mirror() -> list[str]:
    """The mirror that this host uses, if it is a Debian one of the same suite; else debootstrap's own default."""
    listed = run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(RELEASE) $(REPO_URI)"])
    for line in listed.splitlines():
        kind, release, uri = line.split()
        if kind == "Packages" and release == SUITE and "security" not in uri:
            return [uri]
    return []
