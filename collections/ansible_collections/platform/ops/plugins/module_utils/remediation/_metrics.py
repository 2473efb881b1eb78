# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of this process and of the decision log, in Prometheus' text format."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog, parse_line
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Depth

Labels = tuple[tuple[str, str], ...]
BUCKETS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
# From the alert to a stage of its pull request: people review, GitOps applies, pods roll.
STAGE_BUCKETS = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0, 604800.0)
STAGES = ("opened", "merged", "applied", "rolled_out", "resolved")
_FILES_REMEMBERED = 100
VERDICTS = ("fixed", "not_fixed", "stalled", "superseded")
_STATE_AFTER = {"opened": "open", "updated": "open", "merged": "merged", "closed": "closed", "declined": "closed"}


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(
        '{}="{}"'.format(key, text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for key, text in labels
    )
    number = str(int(value)) if value == int(value) else repr(float(value))
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


class Counts:
    """Counters by name and labels; what they mean stands with their first use."""

    def __init__(self) -> None:
        self._values: dict[str, Counter[Labels]] = {}
        self._kinds: dict[str, tuple[str, str]] = {}

    def declare(self, name: str, kind: str, text: str) -> None:
        self._kinds[name] = (kind, text)
        self._values.setdefault(name, Counter())

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        self._values[name][tuple(labels.items())] += amount  # type: ignore[assignment]

    def set(self, name: str, value: float, **labels: str) -> None:
        self._values[name][tuple(labels.items())] = value  # type: ignore[assignment]

    def clear(self, name: str) -> None:
        self._values[name].clear()

    def lines(self) -> Iterator[str]:
        for name, values in self._values.items():
            kind, text = self._kinds[name]
            yield f"# HELP {name} {text}"
            yield f"# TYPE {name} {kind}"
            for labels, value in sorted(values.items()):
                yield _line(name, labels, value)


class DecisionTally:
    """Follows the decision log and keeps sums; each line is read once, over rotations too. Threads may share it."""

    def __init__(self, log: DecisionLog) -> None:
        self._log = log
        self._lock = Lock()
        # Inode and first line → bytes read, the last seen last. A new file soon gets the inode of one removed.
        self._read: dict[tuple[int, bytes], int] = {}
        self._decisions: Counter[Labels] = Counter()
        self._pull_requests: dict[str, str] = {}
        self._durations: dict[str, Counter[str]] = {}
        self._verdicts: dict[str, str] = {}
        self._handed_over: set[str] = set()
        self._stages: dict[str, dict[str, Counter[str]]] = {}

    def update(self) -> None:
        with self._lock:
            for path in self._log.files():
                self._follow(path)
            for old in list(self._read)[:-_FILES_REMEMBERED]:
                del self._read[old]

    def _follow(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                status, first = os.fstat(file.fileno()), file.readline()
                key = (status.st_ino, first)
                done = self._read.pop(key, 0)
                self._read[key] = done if done <= status.st_size else 0
                file.seek(self._read[key])
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read[key] += len(line)
                    if record := parse_line(line):
                        self._count(record)
        except FileNotFoundError:
            return  # rotated away between listing and opening; found under its new name next time

    def _count(self, record: Mapping[str, Any]) -> None:
        kind, decision = str(record.get("kind", "none")), str(record.get("decision"))
        labels = (("kind", kind), ("decision", decision), ("reason", str(record.get("reason", ""))))
        self._decisions[labels] += int(record.get("count", 1))
        if record.get("pull_request") and decision in _STATE_AFTER:
            self._pull_requests[str(record["pull_request"])] = _STATE_AFTER[decision]
        if isinstance(record.get("seconds"), (int, float)):
            self._observe(self._durations.setdefault(kind, Counter()), float(record["seconds"]))
        if record.get("pull_request"):
            self._judge(str(record["pull_request"]), decision, record.get("stages"))

    def _judge(self, pull_request: str, decision: str, stages: object) -> None:
        if decision == "handed_over":
            self._handed_over.add(pull_request)
        if decision not in VERDICTS:
            return
        self._verdicts[pull_request] = decision
        if decision in ("fixed", "not_fixed") and isinstance(stages, Mapping):  # the last word, so each counts once
            by_stage = self._stages.setdefault(decision, {})
            for stage in STAGES:
                if isinstance(stages.get(stage), (int, float)):
                    self._observe(by_stage.setdefault(stage, Counter()), float(stages[stage]), STAGE_BUCKETS)

    @staticmethod
    def _observe(histogram: Counter[str], seconds: float, buckets: tuple[float, ...] = BUCKETS) -> None:
        for limit in buckets:
            histogram[f"{limit:g}"] += seconds <= limit
        histogram["+Inf"] += 1
        histogram["sum"] += seconds  # type: ignore[assignment]

    def lines(self) -> list[str]:
        with self._lock:
            return list(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# HELP platform_ops_decisions_total Decisions on remediations, from the decision log."
        yield "# TYPE platform_ops_decisions_total counter"
        for labels, count in sorted(self._decisions.items()):
            yield _line("platform_ops_decisions_total", labels, count)
        yield "# HELP platform_ops_pull_requests Pull requests by the state last decided on."
        yield "# TYPE platform_ops_pull_requests gauge"
        for state in ("open", "merged", "closed"):
            count = sum(known == state for known in self._pull_requests.values())
            yield _line("platform_ops_pull_requests", (("state", state),), count)
        yield from self._verdict_lines()
        name = "platform_ops_decision_seconds"
        yield f"# HELP {name} Time from the start of a run to its decision."
        yield f"# TYPE {name} histogram"
        for kind, histogram in sorted(self._durations.items()):
            yield from _histogram(name, (("kind", kind),), histogram, BUCKETS)

    def _verdict_lines(self) -> Iterator[str]:
        yield "# HELP platform_ops_pull_request_verdicts Merged pull requests by their last verdict."
        yield "# TYPE platform_ops_pull_request_verdicts gauge"
        for verdict in VERDICTS:
            count = sum(known == verdict for known in self._verdicts.values())
            yield _line("platform_ops_pull_request_verdicts", (("verdict", verdict),), count)
        yield "# HELP platform_ops_handed_over_total Workloads handed over to people."
        yield "# TYPE platform_ops_handed_over_total counter"
        yield _line("platform_ops_handed_over_total", (), len(self._handed_over))
        name = "platform_ops_remediation_stage_seconds"
        yield f"# HELP {name} Time from the alert to a stage of its pull request, once that has its verdict."
        yield f"# TYPE {name} histogram"
        for verdict, by_stage in sorted(self._stages.items()):
            for stage, histogram in sorted(by_stage.items()):
                yield from _histogram(name, (("verdict", verdict), ("stage", stage)), histogram, STAGE_BUCKETS)


def _histogram(name: str, labels: Labels, values: Counter[str], buckets: tuple[float, ...]) -> Iterator[str]:
    for limit in (*(f"{bucket:g}" for bucket in buckets), "+Inf"):
        yield _line(f"{name}_bucket", (*labels, ("le", limit)), values[limit])
    yield _line(f"{name}_sum", labels, round(values["sum"], 6))
    yield _line(f"{name}_count", labels, values["+Inf"])


def write_metrics(state_dir: Path, name: str, counts: Counts) -> None:
    """Metrics that somebody else than the receiver measures; each writer has a name, and so a file, of its own."""
    folder = state_dir / "metrics"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".{name}.{os.getpid()}"
        fresh.write_text("\n".join([*counts.lines(), ""]))
        fresh.replace(folder / f"{name}.prom")
    except OSError as error:
        raise UnavailableError(f"Metrics cannot be written to {folder}: {error}.") from error


def written_lines(state_dir: Path) -> Iterator[str]:
    for path in sorted((state_dir / "metrics").glob("*.prom")):
        with suppress(FileNotFoundError):
            yield from path.read_text().splitlines()


def pause_lines(state_dir: Path) -> Iterator[str]:
    """The pause switch of role limit_bump is a file in the state folder."""
    yield "# HELP platform_ops_paused Whether the pause switch is on."
    yield "# TYPE platform_ops_paused gauge"
    yield _line("platform_ops_paused", (), (state_dir / "paused").exists())


def inbox_lines(depths: Mapping[str, Depth]) -> Iterator[str]:
    yield "# HELP platform_ops_inbox_items Undecided remediations."
    yield "# TYPE platform_ops_inbox_items gauge"
    for lane, depth in sorted(depths.items()):
        for state in ("waiting", "standing_back", "offered"):
            yield _line("platform_ops_inbox_items", (("lane", lane), ("state", state)), getattr(depth, state))
    yield "# HELP platform_ops_inbox_oldest_seconds Age of the oldest undecided remediation."
    yield "# TYPE platform_ops_inbox_oldest_seconds gauge"
    for lane, depth in sorted(depths.items()):
        yield _line("platform_ops_inbox_oldest_seconds", (("lane", lane),), round(depth.oldest_seconds, 3))
