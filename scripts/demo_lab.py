# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The closed loop on screen: a container is killed for its memory on a real machine, and a pull request heals it.

Starts a lab of its own and ends it again (`--keep` leaves it). What stands in for a real part: docs/lab.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from lab import cgroups, git_host, gitops, lifecycle, machine, parts, prepare, state
from lab.__main__ import build
from lab.place import Lab, place
from lab.shell import LabError
from tests.support.loop import PARTS, REPOSITORY, Loop, closed_loop, deployment, watched

BEFORE, AFTER = "64Mi", "164Mi"
MANIFEST = deployment("cart", "-memory=90", limits={"memory": BEFORE, "cpu": "500m"})
WITHIN = 180.0  # seconds for any one step, on a busy machine


class Show:
    """One line per step, with the time since the start; the moments that count go into the table."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.moments: list[tuple[str, float]] = []

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self, text: str) -> None:
        print(f"[{self.seconds():6.1f} s] {text}", flush=True)

    def moment(self, name: str, text: str) -> None:
        self.moments.append((name, self.seconds()))
        self.line(text)

    def table(self) -> None:
        print("\n  step            at       after the one before")
        before = self.moments[0][1]
        for name, at in self.moments:
            print(f"  {name:<14} {at:6.1f} s   {at - before:6.1f} s")
            before = at


def start_lab(lab: Lab, show: Show) -> None:
    if state.exists(lab):
        show.line(f"lab {lab.name} is there already")
        return
    show.line("a control plane, a real machine, Prometheus, Alertmanager, Gitea and Flux's kustomize-controller start")
    lifecycle.up(lab)
    machine.add(lab, "worker-1")
    for part in PARTS:
        parts.add(lab, part)


def play(loop: Loop, show: Show) -> None:
    lab = loop.lab

    def wait(what: str, condition: Callable[[], Any]) -> Any:
        return loop.until(what, condition, WITHIN)

    git_host.commit(lab, REPOSITORY, {"apps/cart.yaml": MANIFEST}, "Add the cart")
    show.line(f"a team commits the cart: it may use {BEFORE} and needs 90 MiB")
    wait("the kernel kills the container", lambda: loop.killed("cart"))
    show.moment("killed", "GitOps applied it, and the kernel killed the container for its memory")
    (alert, *_) = wait("an alert fires", lambda: loop.alerts("cart"))
    show.moment("alert fired", f"{alert['labels']['alertname']} fires for {alert['labels']['pod']}")
    (pull, *_) = wait("a pull request is open", loop.pulls)
    show.moment("pull request", f"#{pull['number']} {pull['title']}")
    merged = wait("it is merged", lambda: next((one for one in loop.pulls() if one["merged"]), None))
    show.moment("merged", f"#{merged['number']} is merged by its merge policy, as {merged['merge_commit_sha'][:10]}")
    gitops.wait_applied(lab, REPOSITORY, git_host.head(lab, REPOSITORY), deadline=WITHIN)
    show.moment("applied", f"kustomize-controller applied it: memory is {loop.limits('cart')['memory']} in the cluster")
    wait("one pod runs and was never restarted", lambda: loop.well("cart"))
    show.moment("rolled out", "one pod runs with it and was never restarted")
    wait("the alert resolves", lambda: not loop.alerts("cart"))
    show.moment("resolved", "nothing fires any more")
    verdict = wait("the verdict is written", lambda: loop.verdict(merged["number"]))
    (label,) = (name for name in verdict["labels"] if name.startswith("verdict-"))
    show.moment("verdict", f"#{merged['number']} carries the label {label}")
    changed = git_host.text(lab, REPOSITORY, "apps/cart.yaml")
    if changed != MANIFEST.replace(f"memory: {BEFORE}", f"memory: {AFTER}") or len(loop.pulls()) != 1:
        raise LabError(f"the loop did not end as it should: {len(loop.pulls())} pull requests, and on main\n{changed}")
    show.line(f"one pull request; on main nothing but {BEFORE} -> {AFTER} has changed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="demo", help="default: %(default)s")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    options = parser.parse_args()
    lab = place(options.lab)
    try:
        if why := prepare.obstacle():
            raise LabError(f"{why}. `make demo` needs no cluster.")
        cgroups.require()
        build(machines=True)
        prepare.prepare(*parts.NEEDS.values())
        parts.build(*PARTS)
        show = Show()
        try:
            start_lab(lab, show)
            with tempfile.TemporaryDirectory() as folder, closed_loop(lab, Path(folder), watched(lab)) as loop:
                show.line("ansible-rulebook listens for Alertmanager, with rulebook platform.ops.remediate")
                play(loop, show)
            show.table()
        finally:
            if not options.keep:
                lifecycle.down(lab)
    except LabError as error:
        print(f"demo-lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
