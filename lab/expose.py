# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Offer a server of the lab on 127.0.0.1 of the host, because somebody asked for it."""

from __future__ import annotations

import sys

from lab import process
from lab.place import API_PORT, GATEWAY, ROOT, Lab
from lab.shell import LabError, wait_for

SERVERS = {"api": API_PORT, "git": 3000, "prometheus": 9090, "alertmanager": 9093}


def expose(lab: Lab, server: str, local_port: int = 0) -> str:
    """Its address outside. Port 0 takes a free one."""
    if server not in SERVERS:
        raise LabError(f"there is no server {server!r} to expose; there are {', '.join(SERVERS)}")
    name = f"expose-{server}"
    answer = lab.folder / "exposed" / server
    if not process.pid_of(lab, name):
        answer.parent.mkdir(exist_ok=True)
        answer.unlink(missing_ok=True)
        words = [f"/run/netns/{lab.netns}", str(local_port), GATEWAY, str(SERVERS[server]), str(answer)]
        relay = [sys.executable, "-m", "lab.relay", *words]
        process.start(lab, name, relay, env={"PYTHONPATH": str(ROOT)}, outside=True)
        wait_for(f"{server} is exposed", answer.exists, deadline=20, check=lambda: process.must_live(lab, name))
    address = f"127.0.0.1:{answer.read_text()}"
    if server == "api":
        outside = lab.kubeconfig.read_text().replace(f"https://{GATEWAY}:{API_PORT}", f"https://{address}")
        lab.outside_kubeconfig.touch(mode=0o600)
        lab.outside_kubeconfig.write_text(outside)
    return address
