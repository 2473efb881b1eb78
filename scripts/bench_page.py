# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/benchmarks.md: what the benchmarks left in build/benchmarks, and what the page said of the others."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "benchmarks"
PARTS = {
    "locate": (
        "Finding and editing in a fleet",
        "Aim: at most 1.0 s for one target and 3.0 s for 200, none missed, ahead of yq. ripgrep is the floor: it only "
        "looks for the name.",
    ),
    "byte_exact": (
        "Byte-exact edits",
        "One corpus of awkward files, each edited by every tool. Right is the file with nothing but the number "
        "changed, or the file left alone where no edit is right. The corpus is ours (`tests/corpus/`); the peers "
        "were told the path and the value.",
    ),
    "latency": ("From alert to pull request", "Aim: at most 1.5 times an empty playbook."),
    "storm": ("A storm", "Aim: 200 right pull requests, none twice, none lost, all open within 120 s."),
    "planning": (
        "Planning nodes",
        "Aim: plans for 1,000 nodes and 20,000 pods in less than 5 s and 500 MB, from slim records in memory. Fetching "
        "the raw JSON, page by page from a server on loopback, is shown beside it.",
    ),
    "drain": (
        "Draining a node",
        "Aim: drain and removal take at most 1.1 times `kubectl drain` and the same removal. Ours evicts in parallel "
        "within the budgets, and also waits until the replacements are Ready elsewhere, which kubectl does not. Its "
        "time is nearly constant, as if held by the client's limit (client-go: 5 requests a second); on a cluster that "
        "evicts more slowly both come closer.",
    ),
    "site_run": (
        "Installing the platform",
        "Aim: the whole of `site.yml` as fast as its longest chain. 13 components of stand-in charts on simulated "
        "nodes, each pod ready 20 s after its start: what can be gained is the waiting. The chain is worked out from "
        "the times that the components took one after the other.",
    ),
}


HEAD = "# Benchmarks\n\nWritten by `make bench`. Each table was measured in one run, its rows in turn.\n"


def sections(page: str) -> dict[str, str]:
    """What stands under each title."""
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {title: body.strip() for title, _, body in parts}


def measured(name: str, about: str) -> str:
    machine = json.loads((RESULTS / f"{name}.json").read_text())["machine"]
    where = (
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, Python {machine['python']}, load {machine['load']} at the end, {machine['at']}."
    )
    return f"{about}\n\n{(RESULTS / f'{name}.md').read_text().strip()}\n\n{where}"


def main() -> None:
    page = ROOT / "docs" / "benchmarks.md"
    before = sections(page.read_text())
    parts = [HEAD]
    for name, (title, about) in PARTS.items():
        fresh = (RESULTS / f"{name}.md").exists()
        if body := measured(name, about) if fresh else before.get(title):
            parts.append(f"## {title}\n\n{body}\n")
    page.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
