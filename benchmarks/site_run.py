# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long `site.yml` takes for the whole platform, side by side and one component after the other.

On a lab with simulated nodes, from stand-in charts whose pods count only after START seconds, as those of real programs
do: what can be gained is the waiting. The longest chain is worked out from the times that the components took one after
the other.

    python -m benchmarks.site_run CHART_DATA [START]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.report import ROOT, machine, publish, table, tool
from lab import lifecycle, simulated
from lab.place import Lab, place
from lab.web import within
from tests.site.charts import assemble

GRAPH = ROOT / "roles/platform/vars/main/graph.yml"


def run(lab: Lab, charts: Path, data: Path, *words: str) -> tuple[float, dict[str, float]]:
    """Seconds of the whole run, and when each component had ended."""
    variables = {
        "platform_kubeconfig": str(lab.folder / "super-admin.conf"),
        "platform_helm_binary": tool("helm"),
        "platform_charts_dir": str(charts),
        "platform_check_values": False,
        "gateway_api_files": [str(data / "gateway-api" / "crds.json")],
        "istio_gateway_service_type": "NodePort",
    }
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "site.yml", *words, "-e", json.dumps(variables)]
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "TMPDIR": scratch}
        began, clock = time.time(), time.perf_counter()
        done = within(
            lab,
            lambda: subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False),
        )
        seconds = time.perf_counter() - clock
        if done.returncode:
            raise SystemExit(done.stdout[-4000:] + done.stderr[-1000:])
        ends = {path.name: path.stat().st_mtime - began for path in Path(scratch).glob("platform-*/*")}
    return seconds, ends


def measure(name: str, charts: Path, data: Path, *words: str) -> tuple[float, dict[str, float]]:
    lab = place(f"bench-site-{name}")
    try:
        lifecycle.up(lab)
        simulated.add(lab, [f"sim-{number}" for number in range(1, 7)])
        return run(lab, charts, data, *words)
    finally:
        lifecycle.down(lab)


def longest_chain(took: dict[str, float], graph: dict[str, Any]) -> tuple[float, list[str]]:
    def chain(name: str) -> tuple[float, list[str]]:
        before = [*graph[name].get("needs", ()), *graph[name].get("after", ())]
        best = max((chain(other) for other in before if other in took), default=(0.0, []))
        return best[0] + took[name], [*best[1], name]

    return max(chain(name) for name in took)


def main(data: Path, start: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        charts = assemble(Path(folder) / "charts", data, start_seconds=start, istio=False)
        alone, ends = measure("one", charts, data, "--forks", "1")
        together, _ = measure("all", charts, data, "--forks", "20")
    order = sorted(ends.items(), key=lambda entry: entry[1])
    starts = [0.0, *(end for _, end in order)]
    took = {name: end - begin for (name, end), begin in zip(order, starts, strict=False)}
    took[order[0][0]] -= max(0.0, order[0][1] - min(took.values()))  # the plan and the preflight come before the first
    seconds, names = longest_chain(took, yaml.safe_load(GRAPH.read_text())["platform_graph"])
    rows = [
        ("one component after the other (`--forks 1`)", f"{alone:.0f} s"),
        ("side by side (`--forks 20`)", f"{together:.0f} s"),
        (f"longest chain: {', '.join(names)}", f"{seconds:.0f} s"),
    ]
    found = {"alone": alone, "together": together, "chain": seconds, "names": names, "took": took, "start": start}
    publish("site_run", {**found, "machine": machine()}, table(("What", "Seconds"), rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 30)
