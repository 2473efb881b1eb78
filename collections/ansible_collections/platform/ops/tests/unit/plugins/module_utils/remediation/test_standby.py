# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command runs while the lock is held and at no other time; tests/service does the same with PostgreSQL."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._standby import (
    LEADING,
    STANDING_BY,
    Database,
    Standby,
    Times,
    lock_key,
)

QUICK = Times(look=0.02, stop=5.0, lost=0.5)
# Starts a process with a session of its own, as ansible-runner does, writes down both ids and ignores SIGTERM.
FAMILY = """
trap '' TERM
setsid sh -c 'echo $$ >>"$PIDS"; exec sleep 300' &
echo $$ >>"$PIDS"
wait
"""


class FakeLock:
    def __init__(self, free=True):
        self.free, self.answers, self.mine, self.dropped = free, True, False, 0
        self.asked = 0

    def _ask(self):
        self.asked += 1
        if not self.answers:
            self.mine = False
            raise OSError("no answer")

    def take(self):
        self._ask()
        self.mine = self.free
        return self.mine

    def held(self):
        self._ask()
        return self.mine

    def drop(self):
        self.mine, self.dropped = False, self.dropped + 1


def eventually(condition, seconds=60):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return found


@pytest.fixture
def start(tmp_path):
    running = []

    def begin(lock, *command, lead=None):
        told = []
        environment = {**os.environ, "PIDS": str(tmp_path / "pids")}
        command = command or ("sleep", "300")
        standby = Standby(lock, command, environment=environment, lead=lead or told.append, times=QUICK)
        standby.told, standby.code = told, []
        thread = threading.Thread(target=lambda: standby.code.append(standby.run()), daemon=True)
        thread.start()
        running.append((standby, thread))
        return standby

    yield begin
    for standby, thread in running:
        standby.stop()
        thread.join(30)
        assert not thread.is_alive()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def pids(tmp_path, count):
    path = tmp_path / "pids"
    lines = path.read_text().split() if path.exists() else []
    return [int(line) for line in lines] if len(lines) >= count else []


def test_it_stands_by_well_until_the_lock_is_free(start):
    lock = FakeLock(free=False)
    standby = start(lock)
    eventually(lambda: standby.healthy)
    eventually(lambda: standby.told == [False])
    assert standby.state == STANDING_BY
    lock.free = True
    eventually(lambda: standby.state == LEADING)
    eventually(lambda: standby.told == [False, True])


def test_a_lost_lock_ends_the_work_with_all_it_started_and_it_stands_by_again(start, tmp_path):
    lock = FakeLock()
    standby = start(lock, "sh", "-c", FAMILY)
    family = eventually(lambda: pids(tmp_path, 2))
    lock.answers = False
    eventually(lambda: not any(map(alive, family)))
    eventually(lambda: standby.state == STANDING_BY and not standby.healthy)
    assert standby.told[-1] is False
    lock.answers = True
    eventually(lambda: standby.state == LEADING)
    assert standby.code == []


class Hearer:
    """Who is told that we lead: an API server that may be away, or let us wait."""

    def __init__(self):
        self.heard, self.asked, self.away = [], 0, False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, leads):
        self.asked += 1
        self.may_answer.wait(60)
        if self.away:
            raise OSError("no route to host")
        self.heard.append(leads)


def test_it_is_said_again_until_it_is_heard_that_we_lead(start):
    hearer = Hearer()
    hearer.away = True
    standby = start(FakeLock(), lead=hearer)
    eventually(lambda: standby.state == LEADING)
    before = hearer.asked
    eventually(lambda: hearer.asked > before + 3)
    hearer.away = False
    eventually(lambda: hearer.heard == [True])


def test_it_is_said_again_until_it_is_heard_that_we_lead_no_more(start):
    hearer, lock = Hearer(), FakeLock()
    standby = start(lock, lead=hearer)
    eventually(lambda: hearer.heard[-1:] == [True])
    hearer.away, lock.answers = True, False
    eventually(lambda: standby.state == STANDING_BY)
    before = hearer.asked
    eventually(lambda: hearer.asked > before + 3)
    hearer.away = False
    eventually(lambda: hearer.heard[-1] is False)


def test_the_lock_is_looked_at_while_who_is_told_lets_us_wait(start):
    hearer, lock = Hearer(), FakeLock()
    hearer.may_answer.clear()
    standby = start(lock, lead=hearer)
    eventually(lambda: standby.state == LEADING)
    before = lock.asked
    eventually(lambda: lock.asked > before + 3)
    hearer.may_answer.set()
    eventually(lambda: hearer.heard[-1:] == [True])


def test_the_last_word_is_said_before_it_ends(start):
    hearer = Hearer()
    standby = start(FakeLock(), lead=hearer)
    eventually(lambda: hearer.heard[-1:] == [True])
    standby.stop()
    assert eventually(lambda: standby.code) == [0]
    assert hearer.heard[-1] is False


def test_work_that_ends_by_itself_ends_it_too_so_that_the_lock_is_free_and_somebody_sees_it(start):
    lock = FakeLock()
    standby = start(lock, "sh", "-c", "exit 3")
    assert eventually(lambda: standby.code) == [3]
    assert lock.dropped
    assert standby.told[-1] is False


def test_told_to_stop_it_lets_the_work_end(start, tmp_path):
    mark = tmp_path / "ended"
    standby = start(FakeLock(), "sh", "-c", f"trap 'echo well >{mark}; exit 0' TERM; echo 1 >>$PIDS; sleep 300 & wait")
    eventually(lambda: pids(tmp_path, 1))
    standby.stop()
    assert eventually(lambda: standby.code) == [0]
    assert mark.read_text() == "well\n"


def test_a_database_that_does_not_answer_starts_nothing(start):
    lock = FakeLock()
    lock.answers = False
    standby = start(lock)
    eventually(lambda: lock.asked > 3)
    assert (standby.state, standby.healthy) == (STANDING_BY, False)
    lock.answers = True
    eventually(lambda: standby.state == LEADING)


def test_the_database_is_that_of_the_rulebook_and_a_missing_one_is_named():
    variables = {
        "drools_db_host": "db",
        "drools_db_port": "5432",
        "drools_db_name": "n",
        "drools_db_user": "u",
        "drools_sslmode": "require",
        "drools_db_password": "secret",
    }
    assert Database.of(variables) == Database(
        "db", 5432, "n", {"user": "u", "password": "secret", "sslmode": "require"}
    )
    with pytest.raises(InputError, match="drools_db_host, drools_db_name"):
        Database.of({"drools_db_port": 5432})


def test_the_lock_is_known_by_the_persistence_id():
    assert lock_key("a") == lock_key("a") != lock_key("b")
    assert -(2**63) <= lock_key("a") < 2**63
