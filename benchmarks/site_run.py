# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long `site.yml` takes for the whole platform, side by side and one component after the other.

On a lab with simulated nodes, from stand-in charts whose pods count only START seconds after they are ready, as those
of real programs do: what can be gained is the waiting. The longest chain is worked out from the times that the
components took one after the other.

    python -m benchmarks.site_run [START]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from benchmarks.report import ROOT, machine, publish, table, tool
from lab import lifecycle, simulated
from lab.place import Lab, place
from lab.web import within
from tests.site.charts import assemble

GRAPH = ROOT / "roles/platform/vars/main/graph.yml"
LINE = re.compile(r"(\S+ \S+),(\d+) p=\d+ .*?\| (.*)")


def marks(log: str) -> dict[str, float]:
    """When the components began ("") and when each of them was done."""
    found: dict[str, float] = {}
    task = ""
    for at, millis, words in LINE.findall(log):
        seconds = datetime.fromisoformat(at).timestamp() + int(millis) / 1000
        if "PLAY [Bring the components" in words:
            found[""] = seconds
        if begun := re.match(r"TASK \[(.*?)\]", words):
            task = begun[1]
        ended = re.match(r"(?:ok|changed): \[(\w+)\]", words)
        if ended and task.endswith("Tell the others that it is done"):
            found[ended[1]] = seconds
    return found


def run(lab: Lab, charts: Path, data: Path, log: Path, forks: int) -> float:
    """Seconds of the whole run."""
    variables = {
        "platform_kubeconfig": str(lab.folder / "super-admin.conf"),
        "platform_helm_binary": tool("helm"),
        "platform_charts_dir": str(charts),
        "platform_check_values": False,
        "gateway_api_files": [str(data / "gateway-api" / "crds.json")],
        "istio_gateway_service_type": "NodePort",
    }
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "site.yml", "--forks", str(forks), "-e", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOG_PATH": str(log)}
    clock = time.perf_counter()
    done = within(
        lab, lambda: subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    )
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-1000:])
    return time.perf_counter() - clock


@contextmanager
def operated_lab() -> Iterator[Lab]:
    lab = place("bench-site")
    try:
        lifecycle.up(lab)
        simulated.add(lab, [f"sim-{number}" for number in range(1, 5)])
        command = [sys.executable, "-m", "tests.site.operators", str(lab.folder / "super-admin.conf")]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}/collections:{ROOT}"}
        operators = within(lab, lambda: subprocess.Popen(command, cwd=ROOT, env=environment))
        try:
            yield lab
        finally:
            operators.terminate()
            operators.wait()
    finally:
        lifecycle.down(lab)


def longest_chain(took: dict[str, float], graph: dict[str, Any]) -> tuple[float, list[str]]:
    def chain(name: str) -> tuple[float, list[str]]:
        before = [*graph[name].get("needs", ()), *graph[name].get("after", ())]
        best = max((chain(other) for other in before if other in took), default=(0.0, []))
        return best[0] + took[name], [*best[1], name]

    return max(chain(name) for name in took)


def main(start: int) -> None:
    data = Path(os.environ.get("PLATFORM_CHARTS_DATA") or ROOT.parent / "shared" / "charts")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        charts = assemble(folder / "charts", data, start_seconds=start, istio=False)
        with operated_lab() as lab:
            alone = run(lab, charts, data, folder / "alone.log", 1)
        with operated_lab() as lab:
            together = run(lab, charts, data, folder / "together.log", 20)
        ends = marks((folder / "alone.log").read_text())
    order = sorted(ends.items(), key=lambda entry: entry[1])
    took = {name: end - begun for (_, begun), (name, end) in pairwise(order)}
    seconds, names = longest_chain(took, yaml.safe_load(GRAPH.read_text())["platform_graph"])
    plan = alone - (order[-1][1] - order[0][1])
    rows = [
        ("one component after the other (`--forks 1`)", f"{alone:.0f} s"),
        ("side by side (`--forks 20`)", f"{together:.0f} s"),
        (f"the longest chain ({', '.join(names)}) with plan and preflight", f"{seconds + plan:.0f} s"),
    ]
    found = {"alone": alone, "together": together, "chain": seconds, "plan": plan, "names": names, "took": took}
    publish("site_run", {**found, "start": start, "machine": machine()}, table(("What", "Time"), rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
