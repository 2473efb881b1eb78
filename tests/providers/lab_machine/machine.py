#!/usr/bin/env python3
# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make or remove one bare machine of a lab: `machine.py add|remove LAB/NAME`. Twice is like once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# OpenTofu runs in the lab's network, where the API server is; machines are made from that of the host.
HOST_NETWORK = os.environ.get("LAB_HOST_NETWORK", "")
HOST = ["nsenter", f"--net={HOST_NETWORK}", "--"] if HOST_NETWORK else []


def lab(name: str, *words: str, check: bool = True) -> str:
    command = [*HOST, str(ROOT / ".venv/bin/python"), "-m", "lab", "--lab", name, *words]
    return subprocess.run(command, cwd=ROOT, check=check, stdout=subprocess.PIPE, text=True).stdout


def main(action: str, key: str) -> None:
    name, _, machine = key.partition("/")
    os.environ["PYTHONPATH"] = str(ROOT)
    known = json.loads(lab(name, "status", "--json"))["machines"]
    if machine in known:
        lab(name, "machine", "remove", machine)  # half-made by a run that was killed, or to be removed
    if action == "add":
        lab(name, "machine", "add", machine, "--no-join", "--memory", "2Gi")


if __name__ == "__main__":
    main(*sys.argv[1:3])
