# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of several processes one works and the others stand by.

ansible-rulebook keeps its state in PostgreSQL, and whoever starts with the same persistence id goes on with it. Who
that is, it leaves to others: each process takes itself for the leader. So each runs under this, which starts it only
while it holds a lock of the same database. The lock belongs to a session and goes with it, however that ends.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.platform.ops.plugins.module_utils._errors import InputError

logger = logging.getLogger("platform.ops.standby")

STANDING_BY, LEADING, STOPPING = "standing by", "leading", "stopping"


class Lock(Protocol):
    """A lock that one process at a time holds. Every method may raise OSError when the database does not answer."""

    def take(self) -> bool: ...
    def held(self) -> bool: ...
    def drop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Database:
    """Where the rulebook's state is, by the variables that ansible-rulebook itself reads."""

    host: str
    port: int
    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Database:
        missing = [name for name in ("drools_db_host", "drools_db_port", "drools_db_name") if not variables.get(name)]
        if missing:
            raise InputError(
                f"Standing by needs {', '.join(missing)} in the rulebook's variables: the PostgreSQL database that its "
                "processes share."
            )
        names = {"user": "drools_db_user", "password": "drools_db_password"}
        names |= {name: f"drools_{name}" for name in ("sslmode", "sslpassword", "sslrootcert", "sslcert", "sslkey")}
        options = {option: str(variables[name]) for option, name in names.items() if variables.get(name)}
        return cls(
            str(variables["drools_db_host"]),
            int(variables["drools_db_port"]),
            str(variables["drools_db_name"]),
            options,
        )


def lock_key(persistence_id: str) -> int:
    """Advisory locks are numbers of 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"platform.ops {persistence_id}".encode()).digest()[:8], "big", signed=True)


class PostgresLock:
    """A session-level advisory lock. A session that hangs is lost after a few seconds, here and at the server."""

    def __init__(self, database: Database, persistence_id: str, *, timeout: int = 5) -> None:
        self._database, self._key, self._timeout = database, lock_key(persistence_id), timeout
        self._session: Any = None

    def _ask(self, query: str, *values: object) -> object:
        import psycopg  # noqa: PLC0415 (ansible-rulebook brings it; nothing else of the package needs it)

        try:
            if self._session is None:
                self._session = psycopg.connect(**self._parameters())
            row = self._session.execute(query, values or None).fetchone()
        except psycopg.Error as error:
            self._close()
            raise OSError(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__) from error
        return row[0]

    def _parameters(self) -> dict[str, Any]:
        patience = self._timeout * 1000
        server = {"tcp_keepalives_idle": self._timeout, "tcp_keepalives_interval": 1, "tcp_keepalives_count": 3}
        server |= {"statement_timeout": patience, "tcp_user_timeout": patience}
        return {
            "host": self._database.host,
            "port": self._database.port,
            "dbname": self._database.name,
            **self._database.options,
            "connect_timeout": self._timeout,
            "autocommit": True,
            "keepalives_idle": self._timeout,
            "keepalives_interval": 1,
            "keepalives_count": 3,
            "tcp_user_timeout": patience,
            "application_name": "platform.ops standby",
            "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
        }

    def take(self) -> bool:
        return bool(self._ask("SELECT pg_try_advisory_lock(%s)", self._key))

    def held(self) -> bool:
        """Asked over the session that took it: as long as that answers, the lock is ours."""
        return self._session is not None and bool(self._ask("SELECT true"))

    def drop(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close()


@dataclass(frozen=True, slots=True)
class Times:
    """In seconds: between two looks; that the work may take to end when told so, and when the lock is lost."""

    look: float = 1.0
    stop: float = 75.0
    lost: float = 5.0


LAST_WORD_SECONDS = 12.0  # that it may take to be heard before we end


class Teller:
    """Tells whether we lead, again until it was heard, from a thread of its own: the lock must not wait for that.

    Only what is so now is told; what changed before it was heard need not be.
    """

    def __init__(self, tell: Callable[[bool], None], look: float) -> None:
        self._tell, self._look = tell, look
        self._wanted: bool | None = None
        self._closing = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, leads: bool) -> None:
        with self._news:
            self._wanted = leads
            self._news.notify()

    def close(self) -> None:
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(LAST_WORD_SECONDS)

    def _run(self) -> None:
        heard: bool | None = None
        wait = self._look
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closing or self._wanted != heard)  # noqa: B023 (called here only)
                wanted, closing = self._wanted, self._closing
            if wanted is None or wanted == heard:
                return
            try:
                self._tell(wanted)
                heard, wait = wanted, self._look
            except OSError as error:
                heard = None  # it may have been, or not
                if closing:
                    return
                logger.error("%s. Tried again in %g s.", error, wait)
                with self._news:
                    self._news.wait_for(lambda: self._closing or self._wanted != wanted, wait)  # noqa: B023
                wait = min(2 * wait, 10 * self._look)


class Standby:
    """Runs a command while the lock is held. `state` and `healthy` are for probes.

    `lead` is told when we begin and cease to lead; when it raises OSError it is told again.
    """

    def __init__(
        self,
        lock: Lock,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        lead: Callable[[bool], None] = lambda _leads: None,
        times: Times | None = None,
    ) -> None:
        self.state = STANDING_BY
        self.healthy = False
        self._lock, self._command, self._environment = lock, list(command), dict(environment)
        self._times = times or Times()
        self._teller = Teller(lead, self._times.look)
        self._told_to_stop = threading.Event()

    def stop(self) -> None:
        self._told_to_stop.set()

    def run(self) -> int:
        """Until told to stop, or the work ends by itself; then its exit code, so that whoever started us sees it."""
        try:
            self._teller.say(False)  # a predecessor in the same pod may have led
            while not self._told_to_stop.is_set():
                if self._try():
                    code = self._work()
                    if code is not None:
                        return code
                self._told_to_stop.wait(self._times.look)
        finally:
            self.state = STOPPING
            self._lock.drop()
            self._teller.close()
        return 0

    def _try(self) -> bool:
        try:
            taken = self._lock.take()
        except OSError as error:
            if self.healthy:
                logger.error("The database does not answer: %s. Standing by until it does.", error)
            self.healthy = False
            return False
        if not self.healthy:
            logger.warning("The database answers; %s.", "leading" if taken else "another process leads, standing by")
        self.healthy = True
        return taken

    def _work(self) -> int | None:
        """None when the lock was lost and standing by goes on."""
        logger.warning("Leading: starting %s", self._command[0])
        # Not a module's program to run and wait for: it works as long as the lock is held.
        work = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self._command, env=self._environment, start_new_session=True
        )
        self.state = LEADING
        self._teller.say(True)
        try:
            while True:
                if self._told_to_stop.wait(self._times.look):
                    self._end(work, self._times.stop)
                    return 0
                if work.poll() is not None:
                    logger.error("%s ended with code %d.", self._command[0], work.returncode)
                    return work.returncode or 1
                if not self._still_held():
                    # Another process may lead already. What both do meanwhile the git host keeps to one pull request.
                    logger.error("The lock is lost: stopping %s.", self._command[0])
                    self.healthy = False
                    self._teller.say(False)
                    self._end(work, self._times.lost)
                    return None
        finally:
            self._end(work, 0)
            self.state = STANDING_BY
            self._teller.say(False)

    def _still_held(self) -> bool:
        try:
            return self._lock.held()
        except OSError as error:
            logger.error("The database does not answer: %s.", error)
            return False

    @staticmethod
    def _end(work: subprocess.Popen[bytes], seconds: float) -> None:
        """Asks, waits, then kills it with all that it started: playbooks have sessions of their own."""
        family = _family(work.pid)
        if work.poll() is None and seconds:
            work.send_signal(signal.SIGTERM)
            until = time.monotonic() + seconds
            while work.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
        for pid in family if work.poll() is None else family[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        work.wait()


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                parents.setdefault(int(parent), []).append(int(entry.name))
    family = [pid]
    for member in family:
        family += parents.get(member, [])
    return family
