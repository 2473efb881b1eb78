# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The power of a lab's machine, as `ipmitool chassis power` has it for others: power.py LAB on|off|status NAME."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import machine, process
from lab.place import place


def main(lab_name: str, what: str, name: str) -> None:
    lab = place(lab_name)
    known = machine.find(lab, name)
    on = process.pid_of(lab, f"machine-{name}") is not None
    if what == "on" and not on:
        machine.start(lab, known)
    elif what == "off" and on:
        machine.switch_off(lab, known)
    elif what == "status":
        print(f"Chassis Power is {'on' if on else 'off'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
