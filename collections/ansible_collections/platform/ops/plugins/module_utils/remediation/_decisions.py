# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision log: one JSON line per decision in `<state>/decisions.jsonl`, for people, metrics and reports."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, UnavailableError

DECISIONS = (
    *("opened", "updated", "unchanged", "refused", "declined", "limited", "failed"),
    *("would_open", "merged", "closed"),
    *("started", "would_start", "completed", "undone"),  # nodes
    *("fixed", "not_fixed", "stalled", "superseded", "handed_over"),
)
FIELDS = (
    *("at", "id", "kind", "source", "cluster", "target", "resource", "decision", "reason", "message"),
    *("pull_request", "branch", "changes", "seconds", "stages", "count"),
)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    return _text(datetime.now(UTC))


def decision_record(data: Mapping[str, Any]) -> dict[str, Any]:
    """One line's content in the order of FIELDS, without what is not known. Raises InputError for a wrong decision."""
    if data.get("decision") not in DECISIONS:
        raise InputError(f"decision must be one of {', '.join(DECISIONS)}, not {data.get('decision')!r}.")
    if unknown := sorted(set(data) - set(FIELDS)):
        raise InputError(f"A decision has no {', '.join(unknown)}. It has: {', '.join(FIELDS)}.")
    record = {name: value for name in FIELDS if (value := data.get(name)) is not None}
    try:
        at = datetime.fromisoformat(str(record.get("at") or now())).astimezone(UTC)
    except ValueError:
        raise InputError(f"at must be a time, as in 2026-01-31T07:00:00Z, not {data['at']!r}.") from None
    return {"at": _text(at), **{name: value for name, value in record.items() if name != "at"}}


class DecisionLog:
    """Appends whole lines; several processes may do so at once. `keep` rotated files stay, `.1` is the newest."""

    def __init__(self, state_dir: str | Path, *, max_bytes: int = 16 * 2**20, keep: int = 4) -> None:
        self.path = Path(state_dir).expanduser() / "decisions.jsonl"
        self._max_bytes, self._keep = max_bytes, keep

    def rotated(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        lines = [json.dumps(decision_record(record), separators=(",", ":"), default=str) for record in records]
        if not lines:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._exclusive():
                self._rotate()
                self._write(lines)
        except OSError as error:
            raise UnavailableError(
                f"The decision log {self.path} cannot be written: {error}. Free the disk or correct its owner."
            ) from error

    def _rotate(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < self._max_bytes:
            return
        for number in range(self._keep, 0, -1):
            older = self.path if number == 1 else self.rotated(number - 1)
            if older.exists():
                older.replace(self.rotated(number))

    def _write(self, lines: list[str]) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                os.write(descriptor, b"\n")  # a writer was killed in the middle of its line
            for line in lines:
                os.write(descriptor, line.encode() + b"\n")
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def files(self) -> list[Path]:
        """Oldest first."""
        candidates = [self.rotated(number) for number in range(self._keep, 0, -1)] + [self.path]
        return [path for path in candidates if path.exists()]

    def read(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Skips lines that a killed writer left half-written."""
        earliest = _text(since) if since else ""
        for path in self.files():
            with path.open("rb") as lines:
                for line in lines:
                    record = parse_line(line)
                    if record and record.get("at", "") >= earliest:
                        yield record


def parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
