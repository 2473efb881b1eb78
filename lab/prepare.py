# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host must have: root, and a few programs of the distribution, installed without starting any service."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from lab.place import CACHE
from lab.shell import LabError, run, say

# command: Debian package
CORE = {"ip": "iproute2", "nsenter": "util-linux", "nft": "nftables", "conntrack": "conntrack"}
MACHINES = {"systemd-nspawn": "systemd-container", "debootstrap": "debootstrap", "ssh": "openssh-client"}
MONITORING = {"prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager"}
DATABASE = {"pg_ctlcluster": "postgresql"}  # its servers are not on PATH
GIT = {"git": "git", "gcc": "gcc"}

REFUSE_STARTS = "#!/bin/sh\n# The lab installs programs, not services.\nexit 101\n"


def missing(*groups: dict[str, str]) -> list[str]:
    """Packages whose command is not here."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    wanted = {command: package for group in groups for command, package in group.items()}
    return sorted({package for command, package in wanted.items() if not shutil.which(command, path=places)})


def obstacle() -> str | None:
    """Why no lab can run here, if so; for skip reasons and for `prepare`."""
    if os.geteuid() != 0:
        return "the lab needs root (network namespaces, mounts, control groups)"
    if not shutil.which("apt-get") and missing(CORE, MACHINES, MONITORING, GIT):
        return "the lab needs a Debian-like host, or these programs installed: " + ", ".join(missing(CORE, MACHINES))
    return None


def prepare(*groups: dict[str, str]) -> None:
    if why := obstacle():
        raise LabError(f"{why}. Run it as root on Debian 12 or newer, or use kind where Docker exists.")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if packages := missing(*groups):
            _install(packages)
    if packages := missing(*groups):
        raise LabError(f"installed, but their commands are still not found: {', '.join(packages)}")


def _install(packages: list[str]) -> None:
    say(f"installing {', '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text(REFUSE_STARTS)
        policy.chmod(0o755)
    try:
        install = ["nice", "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        run(["nice", "apt-get", "update", "-qq"], timeout=300, env=env)
        run(install, timeout=900, env=env)
    except LabError as error:
        raise LabError(f"{error}\nInstall these packages by hand and run this again: {' '.join(packages)}") from error
    finally:
        if ours:
            policy.unlink(missing_ok=True)
