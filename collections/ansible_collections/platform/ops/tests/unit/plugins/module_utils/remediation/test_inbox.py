# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import (
    HOUR,
    TWIN_SECONDS,
    Inbox,
    InboxFullError,
)
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation

COLLECTIONS = Path(__file__).parents[8]
BUMPS, NODES = "bump_limits", "nodes"


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def item(number, status="firing", value="480Mi", kind="bump_limits"):
    data = {"kind": kind, "id": f"test:{number}", "source": "test", "status": status, "evidence": {"value": value}}
    target = {"app": f"app-{number}", "resource": "memory"} if kind == "bump_limits" else {"node": f"node-{number}"}
    return Remediation.from_dict(data | target)


def ids(batch):
    return [entry["id"] for entry in batch]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def inbox(tmp_path, clock):
    inbox = Inbox(tmp_path, clock=clock)
    yield inbox
    inbox.close()


def test_what_was_put_is_taken_once_in_the_order_it_came(inbox, clock):
    for number in (3, 1, 2):
        inbox.put([item(number)])
        clock.now += 1
    assert ids(inbox.take(BUMPS, 2)) == ["test:3", "test:1"]
    assert ids(inbox.take(BUMPS, 2)) == ["test:2"]
    assert inbox.take(BUMPS, 2) == []


def test_lanes_do_not_mix(inbox):
    inbox.put([item(1), item(2, kind="scale_in")])
    assert ids(inbox.take(BUMPS, 9)) == ["test:1"]
    assert ids(inbox.take(NODES, 9)) == ["test:2"]


def test_a_repetition_changes_nothing(inbox):
    assert inbox.put([item(1)]).new == 1
    assert inbox.put([item(1), item(1)]).duplicate == 2
    assert len(inbox.take(BUMPS, 9)) == 1
    assert inbox.put([item(1)]).duplicate == 1
    inbox.done(["test:1"])
    assert inbox.put([item(1)]).duplicate == 1
    assert inbox.take(BUMPS, 9) == []


def test_the_newest_evidence_wins_until_it_is_handed_out(inbox):
    inbox.put([item(1)])
    inbox.put([item(1, value="500Mi")])
    (taken,) = inbox.take(BUMPS, 9)
    assert taken["evidence"]["value"] == "500Mi"


def test_firing_and_resolved_cancel_into_resolved(inbox):
    inbox.put([item(1)])
    assert inbox.put([item(1, "resolved")]).resolved == 1
    (taken,) = inbox.take(BUMPS, 9)
    assert taken["status"] == "resolved"


def test_a_firing_that_comes_after_its_resolution_is_dropped(inbox):
    inbox.put([item(1, "resolved")])
    assert inbox.put([item(1)]).late == 1
    assert inbox.take(BUMPS, 9) == []


def resolved_and_decided(inbox):
    inbox.put([item(1)])
    inbox.put([item(1, "resolved")])
    inbox.done(ids(inbox.take(BUMPS, 9)))


def test_what_fires_now_by_the_sender_s_own_list_has_not_resolved(inbox, clock):
    # Alertmanager says resolved when one repetition of Prometheus was late, and firing again from the same start.
    resolved_and_decided(inbox)
    clock.now += 6 * HOUR
    assert inbox.put([item(1)]).late == 1
    assert inbox.put([item(1, value="500Mi")], live=True).updated == 1
    assert inbox.depths()[BUMPS].waiting == 1
    (taken,) = inbox.take(BUMPS, 9)
    assert (taken["status"], taken["evidence"]["value"]) == ("firing", "500Mi")
    inbox.done(["test:1"])
    assert inbox.put([item(1)], live=True).duplicate == 1
    assert inbox.put([item(1, "resolved")]).resolved == 1


def test_a_list_that_was_read_before_the_resolution_came_does_not_undo_it(inbox, clock):
    resolved_and_decided(inbox)
    clock.now += TWIN_SECONDS - 1
    assert inbox.put([item(1)], live=True).late == 1
    assert inbox.take(BUMPS, 9) == []
    inbox.put([item(2)])
    inbox.put([item(2, "resolved")])
    clock.now += HOUR
    assert inbox.put([item(2)], live=True).late == 1  # what it resolved from is still being decided
    assert [entry["status"] for entry in inbox.take(BUMPS, 9)] == ["resolved"]


def test_the_resolution_of_something_never_seen_asks_for_nothing(inbox):
    assert inbox.put([item(1, "resolved")]).resolved == 1
    assert inbox.take(BUMPS, 9) == []


def test_what_resolves_while_it_is_worked_on_is_handed_out_again_as_resolved(inbox):
    inbox.put([item(1)])
    inbox.take(BUMPS, 9)
    inbox.put([item(1, "resolved")])
    assert inbox.done(["test:1"]) == 0
    assert [entry["status"] for entry in inbox.take(BUMPS, 9)] == ["resolved"]
    assert inbox.done(["test:1"]) == 1
    assert inbox.take(BUMPS, 9) == []


def test_what_still_fires_long_after_its_decision_is_handed_out_again(inbox, clock):
    inbox.put([item(1)])
    inbox.done(ids(inbox.take(BUMPS, 9)))
    clock.now += HOUR - 1
    assert inbox.put([item(1)]).duplicate == 1
    clock.now += 1
    assert inbox.put([item(1)]).updated == 1
    assert ids(inbox.take(BUMPS, 9)) == ["test:1"]


def test_later_stands_back_until_its_time_and_keeps_its_reason(inbox, clock):
    inbox.put([item(1), item(2)])
    inbox.take(BUMPS, 9)
    inbox.later(["test:1"], clock.now + 60, "budget")
    inbox.done(["test:2"])
    assert inbox.take(BUMPS, 9) == []
    assert [(entry["why"], entry["attempts"]) for entry in inbox.pending(BUMPS)] == [("budget", 1)]
    assert inbox.due(BUMPS) is None
    clock.now += 61
    assert inbox.due(BUMPS) == 1
    assert ids(inbox.take(BUMPS, 9)) == ["test:1"]


def test_a_resolution_does_not_stand_back(inbox, clock):
    inbox.put([item(1)])
    inbox.take(BUMPS, 9)
    inbox.later(["test:1"], clock.now + 3600, "limited")
    inbox.put([item(1, "resolved")])
    assert [entry["status"] for entry in inbox.take(BUMPS, 9)] == ["resolved"]


def test_what_was_handed_out_and_not_decided_is_released(inbox, clock):
    inbox.put([item(1), item(2)])
    inbox.take(BUMPS, 9)
    inbox.done(["test:1"])
    assert inbox.offered(BUMPS) == 1
    assert inbox.release(BUMPS, clock.now + 300, "no decision") == 1
    assert inbox.take(BUMPS, 9) == []
    clock.now += 300
    assert ids(inbox.take(BUMPS, 9)) == ["test:2"]


def test_a_full_lane_takes_nothing_of_a_delivery_and_says_so(tmp_path):
    inbox = Inbox(tmp_path, max_items=3)
    inbox.put([item(1), item(2)])
    with pytest.raises(InboxFullError) as full:
        inbox.put([item(3), item(4)])
    assert full.value.reason == "inbox_full"
    assert full.value.retry_after
    assert len(inbox.pending(BUMPS)) == 2
    inbox.put([item(1), item(2), item(3)])  # repetitions need no room
    inbox.put([item(number, kind="scale_in") for number in range(3)])
    inbox.done(["test:1"])
    inbox.put([item(5)])


def test_depths_tell_what_waits_and_since_when(inbox, clock):
    inbox.put([item(number) for number in range(4)])
    inbox.take(BUMPS, 2)
    inbox.later(["test:0"], clock.now + 60, "x")
    clock.now += 5
    depth = inbox.depths()[BUMPS]
    assert (depth.waiting, depth.standing_back, depth.offered, depth.oldest_seconds) == (2, 1, 1, 5)


def test_decided_ids_are_forgotten_after_a_day_and_unrepeated_items_after_a_week(inbox, clock):
    inbox.put([item(1), item(2)])
    inbox.take(BUMPS, 1)
    inbox.done(["test:1"])
    clock.now += 25 * HOUR
    assert inbox.purge() == 0
    assert inbox.put([item(1)]).new == 1
    clock.now += 6 * 24 * HOUR + 1
    assert inbox.purge() == 1
    assert [entry["remediation"]["id"] for entry in inbox.pending(BUMPS)] == ["test:1"]


def test_another_process_sees_and_decides(tmp_path, inbox):
    other = Inbox(tmp_path)
    version = inbox.version()
    other.put([item(1)])
    assert inbox.version() != version
    assert ids(inbox.take(BUMPS, 9)) == ["test:1"]
    other.done(["test:1"])
    assert inbox.offered(BUMPS) == 0
    other.close()


def test_many_threads_and_connections_lose_and_double_nothing(tmp_path):
    Inbox(tmp_path).close()
    taken: list[str] = []

    def put(start):
        inbox = Inbox(tmp_path)
        for number in range(start, start + 40):
            inbox.put([item(number), item(number + 20)])
        inbox.close()

    def take():
        inbox = Inbox(tmp_path)
        while len(taken) < 120:
            taken.extend(ids(inbox.take(BUMPS, 7)))
        inbox.close()

    threads = [threading.Thread(target=put, args=(start,)) for start in (0, 30, 60)]
    threads += [threading.Thread(target=take, daemon=True) for _time in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(f"test:{number}" for number in range(120))


WRITER = """
import sys
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation

inbox = Inbox(sys.argv[1])
number = int(sys.argv[2])
while True:
    inbox.put([
        Remediation(kind="bump_limits", id=f"t:{number}/{n}", source="t", status="firing", app="a", resource="cpu")
        for n in range(20)
    ])
    print(number, flush=True)
    number += 1
"""


def test_whenever_the_writer_is_killed_what_it_acknowledged_is_there_whole(tmp_path):
    acknowledged = set()
    for start in range(0, 5000, 1000):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(start)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
            text=True,
        )
        for _time in range(5 + start // 1000):
            acknowledged.add(writer.stdout.readline().strip())
        writer.send_signal(signal.SIGKILL)
        acknowledged |= {line.strip() for line in writer.stdout.readlines() if line.endswith("\n")}
        writer.wait()
    inbox = Inbox(tmp_path)
    stored = [entry["remediation"]["id"].removeprefix("t:").split("/") for entry in inbox.pending(BUMPS)]
    whole = {number: sum(1 for n, _part in stored if n == number) for number, _part in stored}
    assert acknowledged <= set(whole)
    assert set(whole.values()) == {20}
    assert len(whole) - len(acknowledged) <= 5  # a delivery may be stored and its answer lost


def test_a_place_that_cannot_hold_it_is_named(tmp_path):
    (tmp_path / "inbox").write_text("a file")
    with pytest.raises(UnavailableError, match=r"inbox\.sqlite3 cannot be opened"):
        Inbox(tmp_path)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/inbox.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(UnavailableError, match="move it away"):
        Inbox(tmp_path)


def test_only_the_owner_can_read_it(inbox):
    assert inbox.path.parent.stat().st_mode & 0o077 == 0
