# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long from an alert's post to its open pull request, beside an empty playbook run by the same rulebook.

The two rulebooks run at the same time and are asked in turn, so that both see the same machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections"), str(ROOT / "scripts")]

import demo

from benchmarks.report import machine, publish, table
from tests.support.rulebook import Rulebook, free_port, rulebook

ROUNDS = 9
EMPTY = """
- name: Nothing
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say so
      ansible.builtin.debug:
        msg: nothing
"""


def many_workloads(first: int, count: int) -> str:
    """Manifests of workloads app<first> and following, limit 64Mi each."""
    model = (ROOT / "examples/fleet/apps/shop/currencyservice.yaml").read_text()
    return "---\n".join(model.replace("currencyservice", f"app{number}") for number in range(first, first + count))


def ask(running: Rulebook, number: int, done: Callable[[], bool]) -> float:
    """Post one alert, and return the seconds until it is done."""
    body = demo.payload(
        demo.near_limit("memory", "60Mi", **demo.pod("shop", f"app{number}-6d5f7c9b8d-x2x4z", "server"))
    )
    start = time.monotonic()
    if running.post("/alertmanager", body).status != 202:
        raise RuntimeError("the alert was not taken")
    while not done():
        if time.monotonic() - start > 60:
            raise TimeoutError(running.output()[-2000:])
        time.sleep(0.005)
    return time.monotonic() - start


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, ExitStack() as stack:
        folders = [Path(scratch) / name for name in ("ours", "empty")]
        running = []
        for folder in folders:
            folder.mkdir()
            fleet = demo.make_fleet(folder, {"apps/many.yaml": many_workloads(0, ROUNDS + 1)})
            variables = demo.make_inventory(folder, fleet)
            more = yaml.safe_load(variables.read_text()) | {"remediation_tick_seconds": 86400}
            if folder.name == "empty":
                (folder / "empty.yml").write_text(EMPTY)
                more["remediation_bump_playbook"] = str(folder / "empty.yml")
            variables.write_text(yaml.safe_dump(more | {"remediation_listen_port": free_port()}))
            running.append(stack.enter_context(rulebook(variables, folder / "inventory")))
        ours, empty = running
        pulls = folders[0] / "fleet.git/refs/platform-ops/pulls"
        times: dict[str, list[float]] = {"ours": [], "empty": []}
        for number in range(ROUNDS + 1):  # the first one clones; it is shown apart
            opened = len(list(pulls.glob("*")))
            recaps = empty.output().count("PLAY RECAP")
            times["empty"].append(ask(empty, number, lambda recaps=recaps: empty.output().count("PLAY RECAP") > recaps))
            times["ours"].append(ask(ours, number, lambda opened=opened: len(list(pulls.glob("*"))) > opened))
    median = {name: statistics.median(values[1:]) for name, values in times.items()}
    rows = [
        ("an empty playbook, run by the same rulebook", f"{median['empty']:.2f} s", "1.00"),
        (
            "alert to open pull request, `local` host",
            f"{median['ours']:.2f} s",
            f"{median['ours'] / median['empty']:.2f}",
        ),
    ]
    note = f"Gathering takes 0.25 s of each. The first alert, which clones, took {times['ours'][0]:.2f} s."
    data = {"machine": machine(), "seconds": times}
    publish("latency", data, f"{table(('What', f'Median of {ROUNDS}', 'Ratio'), rows)}\n\n{note}")


if __name__ == "__main__":
    main()
