# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inbox: what was accepted and is not decided yet, on disk before the sender gets its 2xx.

One SQLite file in write-ahead mode with full synchronisation: several processes, one writer at a time, whole
transactions only, whatever is killed. It holds no truth: when it is lost, the alerts that still fire come again
from Alertmanager's API, and the git host knows which pull requests exist.

An item is `pending` or `decided`. A pending item is offered at most once at a time (`offered` = the revision that
was handed out), and stands back until `not_before`. A decided item stays for a while as the memory of its id.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import FIRING, RESOLVED, Remediation

HOUR = 3600.0
# Longer than the reading of a list takes, and than several Alertmanagers take to agree.
TWIN_SECONDS = 120.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    lane TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    pending INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    offered INTEGER,
    not_before REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    why TEXT,
    arrived REAL NOT NULL,
    seen REAL NOT NULL,
    decided REAL,
    PRIMARY KEY (lane, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due ON items (lane, arrived) WHERE pending;
CREATE INDEX IF NOT EXISTS offered ON items (lane) WHERE pending AND offered IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_id ON items (id);
"""


class InboxFullError(UnavailableError):
    default_reason = "inbox_full"


@dataclass(slots=True)
class Stored:
    """What put() did with what it was given."""

    new: int = 0
    updated: int = 0
    resolved: int = 0
    duplicate: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Depth:
    waiting: int
    standing_back: int
    offered: int
    oldest_seconds: float


class Inbox:
    """Args:
    state_dir: the remediation state folder; the inbox is made in it when missing.
    max_items: undecided items per lane beyond which put() raises InboxFullError.
    rearm_seconds: an alert that still fires this long after its decision is offered again.
    keep_seconds: how long decided ids are remembered.
    expire_seconds: undecided items that no sender repeated for so long are dropped by purge().
    """

    def __init__(
        self,
        state_dir: str | Path,
        *,
        max_items: int = 50_000,
        rearm_seconds: float = HOUR,
        keep_seconds: float = 24 * HOUR,
        expire_seconds: float = 7 * 24 * HOUR,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(state_dir).expanduser() / "inbox" / "inbox.sqlite3"
        self.max_items, self.rearm_seconds = max_items, rearm_seconds
        self.keep_seconds, self.expire_seconds = keep_seconds, expire_seconds
        self._clock = clock
        self._lock = RLock()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UnavailableError(
                f"The inbox {self.path} cannot be opened: {error}. It needs a local disk that this user can write; "
                "if the file is damaged, move it away: alerts that still fire come again by themselves.",
                reason="inbox_unavailable",
            ) from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise UnavailableError(
                    f"The inbox {self.path} did not take a change: {error}. Is the disk full, or a process stuck?",
                    reason="inbox_unavailable",
                ) from error

    def _read(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise UnavailableError(
                    f"The inbox {self.path} cannot be read: {error}.", reason="inbox_unavailable"
                ) from error

    def put(self, remediations: Iterable[Remediation], *, live: bool = False) -> Stored:
        """All or nothing; on the disk when it returns. The newest state of an id wins; resolved is final.

        Args:
            live: they are the sender's own list of what fires now, not deliveries of which one may be late. What it
                names has not resolved, whatever was posted: Alertmanager takes an alert for resolved when one
                repetition of it was late, and fires it again under the same id.
        """
        stored, now, lanes = Stored(), self._clock(), set()
        with self._transaction() as db:
            for item in remediations:
                lanes.add(item.lane)
                self._put_one(db, item, now, stored, live=live)
            for lane in lanes if stored.new or stored.updated else ():
                (count,) = db.execute("SELECT count(*) FROM items WHERE lane = ? AND pending", (lane,)).fetchone()
                if count > self.max_items:
                    raise InboxFullError(
                        f"Lane {lane} holds {count} undecided alerts, {self.max_items} are allowed: nothing of this "
                        "delivery was stored. See in the decision log why they are not being decided.",
                        retry_after=30,
                    )
        return stored

    def _put_one(self, db: sqlite3.Connection, item: Remediation, now: float, stored: Stored, *, live: bool) -> None:
        key = (item.lane, item.id)
        body = json.dumps(item.to_dict(), separators=(",", ":"))
        row = db.execute(
            "SELECT status, pending, body, seen, decided FROM items WHERE lane = ? AND id = ?", key
        ).fetchone()
        if row is None:
            # A resolution of something never seen asks for nothing, but it silences its own late twin.
            known = item.status == FIRING
            stored.new += known
            stored.resolved += not known
            db.execute(
                "INSERT INTO items (lane, id, status, body, pending, arrived, seen, decided) VALUES (?,?,?,?,?,?,?,?)",
                (*key, item.status, body, known, now, now, None if known else now),
            )
            return
        status, pending, old_body, seen, decided = row
        again = item.status == FIRING and not pending
        if status == RESOLVED and item.status == FIRING and not (again and live and now - decided >= TWIN_SECONDS):
            stored.late += 1
        elif status == FIRING and item.status == RESOLVED:
            stored.resolved += 1
            db.execute(
                "UPDATE items SET status = ?, body = ?, revision = revision + 1, pending = 1, not_before = 0, "
                "arrived = CASE WHEN pending THEN arrived ELSE ? END, seen = ? WHERE lane = ? AND id = ?",
                (RESOLVED, body, now, now, *key),
            )
        elif again and (status == RESOLVED or now - decided >= self.rearm_seconds):
            stored.updated += 1
            db.execute(
                "UPDATE items SET status = ?, body = ?, revision = revision + 1, pending = 1, offered = NULL, "
                "not_before = 0, attempts = 0, why = NULL, arrived = ?, seen = ? WHERE lane = ? AND id = ?",
                (FIRING, body, now, now, *key),
            )
        else:
            stored.duplicate += 1
            if (pending and body != old_body) or now - seen > HOUR:
                db.execute("UPDATE items SET body = ?, seen = ? WHERE lane = ? AND id = ?", (body, now, *key))

    def due(self, lane: str) -> float | None:
        """Seconds that the oldest item which could be taken has been waiting; None when there is none."""
        now = self._clock()
        ((arrived,),) = self._read(
            "SELECT min(max(arrived, not_before)) FROM items "
            "WHERE lane = ? AND pending AND offered IS NULL AND not_before <= ?",
            (lane, now),
        )
        return None if arrived is None else max(0.0, now - arrived)

    def take(self, lane: str, limit: int) -> list[dict[str, Any]]:
        """Offers up to `limit` items, oldest first; they are not offered again until released or decided."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, body FROM items WHERE lane = ? AND pending AND offered IS NULL AND not_before <= ? "
                "ORDER BY arrived, id LIMIT ?",
                (lane, self._clock(), limit),
            ).fetchall()
            db.executemany(
                "UPDATE items SET offered = revision WHERE lane = ? AND id = ?", [(lane, row[0]) for row in rows]
            )
        return [json.loads(body) for _id, body in rows]

    def pending(self, lane: str) -> list[dict[str, Any]]:
        """Everything undecided, oldest first, with why it stands back."""
        rows = self._read(
            "SELECT body, offered, not_before, attempts, why FROM items WHERE lane = ? AND pending "
            "ORDER BY arrived, id",
            (lane,),
        )
        return [
            {
                "remediation": json.loads(body),
                "offered": offered is not None,
                "not_before": not_before,
                "attempts": attempts,
                "why": why,
            }
            for body, offered, not_before, attempts, why in rows
        ]

    def offered(self, lane: str) -> int:
        query = "SELECT count(*) FROM items WHERE lane = ? AND pending AND offered IS NOT NULL"
        return int(self._read(query, (lane,))[0][0])

    def done(self, ids: Sequence[str]) -> int:
        """Marks as decided. What changed since it was offered (it resolved meanwhile) stays and is offered again."""
        with self._transaction() as db:
            before = db.total_changes
            db.executemany(
                "UPDATE items SET pending = 0, decided = ?, offered = NULL, attempts = 0, why = NULL "
                "WHERE id = ? AND pending AND (offered IS NULL OR offered = revision)",
                [(self._clock(), item) for item in ids],
            )
            decided = db.total_changes - before
            db.executemany("UPDATE items SET offered = NULL WHERE id = ? AND pending", [(item,) for item in ids])
        return decided

    def later(self, ids: Sequence[str], until: float, why: str) -> None:
        """Stands back until the given time (seconds since the epoch); a resolution brings it forward."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE items SET not_before = CASE WHEN offered IS NULL OR offered = revision THEN ? ELSE 0 END, "
                "offered = NULL, attempts = attempts + 1, why = ? WHERE id = ? AND pending",
                [(until, why, item) for item in ids],
            )

    def release(self, lane: str, until: float = 0.0, why: str | None = None) -> int:
        """Takes back everything offered and not decided: a run ended, or the process that offered it is gone."""
        with self._transaction() as db:
            return db.execute(
                "UPDATE items SET not_before = CASE WHEN offered = revision THEN ? ELSE 0 END, offered = NULL, "
                "attempts = attempts + ?, why = coalesce(?, why) WHERE lane = ? AND pending AND offered IS NOT NULL",
                (until, 1 if why else 0, why, lane),
            ).rowcount

    def depths(self) -> dict[str, Depth]:
        now = self._clock()
        rows = self._read(
            "SELECT lane, sum(offered IS NULL AND not_before <= :now), sum(offered IS NULL AND not_before > :now), "
            "sum(offered IS NOT NULL), min(arrived) FROM items WHERE pending GROUP BY lane",
            {"now": now},
        )
        return {lane: Depth(a, b, c, max(0.0, now - oldest)) for lane, a, b, c, oldest in rows}

    def purge(self) -> int:
        """Forgets decided ids and drops undecided items that nobody repeats any more; the number of the latter."""
        now = self._clock()
        with self._transaction() as db:
            db.execute("DELETE FROM items WHERE NOT pending AND decided < ?", (now - self.keep_seconds,))
            return db.execute(
                "DELETE FROM items WHERE pending AND offered IS NULL AND not_before < ? AND seen < ?",
                (now, now - self.expire_seconds),
            ).rowcount

    def version(self) -> int:
        """Changes whenever another connection changed the inbox; costs microseconds."""
        return int(self._read("PRAGMA data_version")[0][0])
