# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import time

from ansible_collections.platform.ops.plugins.module_utils._errors import UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._lane import Lane, run
from ansible_collections.platform.ops.plugins.module_utils.remediation._types import Remediation


def item(number, status="firing"):
    return Remediation(kind="bump_limits", id=f"t:{number}", source="t", status=status, app="a", resource="cpu")


class Harness:
    """A lane over a real inbox, with a second connection in the part of receiver and playbook."""

    def __init__(self, path, **options):
        self.lane = Lane(**{"name": "bump_limits", "ruleset": "bumps", "gather_seconds": 0.05, **options})
        self.inbox, self.other = Inbox(path), Inbox(path)
        self.events = asyncio.Queue()
        self.running = False

    async def __aenter__(self):
        self.task = asyncio.create_task(
            run(self.inbox, self.lane, self.events.put, busy=lambda ruleset: self.running and ruleset == "bumps")
        )
        return self

    async def __aexit__(self, *_exception):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.inbox.close()
        self.other.close()

    async def next(self, timeout=5):
        event = await asyncio.wait_for(self.events.get(), timeout)
        assert event["lane"] == "bump_limits"
        return [entry["id"] for entry in event["remediations"]]

    async def nothing_for(self, seconds):
        try:
            found = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"an event came: {found}")


def test_alerts_of_a_moment_come_as_one_event_soon(tmp_path):
    async def scenario():
        async with Harness(tmp_path, gather_seconds=0.25) as harness:
            started = time.monotonic()
            harness.other.put([item(1)])
            await asyncio.sleep(0.1)
            harness.other.put([item(2)])
            assert await harness.next() == ["t:1", "t:2"]
            assert 0.2 < time.monotonic() - started < 0.6

    asyncio.run(scenario())


def test_there_is_no_second_event_before_the_first_is_decided(tmp_path):
    async def scenario():
        async with Harness(tmp_path) as harness:
            harness.other.put([item(1), item(2)])
            assert await harness.next() == ["t:1", "t:2"]
            harness.other.put([item(3)])
            harness.other.done(["t:1"])
            await harness.nothing_for(0.4)
            harness.other.done(["t:2"])
            assert await harness.next() == ["t:3"]

    asyncio.run(scenario())


def test_a_batch_is_never_larger_than_allowed(tmp_path):
    async def scenario():
        async with Harness(tmp_path, max_batch=2) as harness:
            harness.other.put([item(number) for number in range(3)])
            assert await harness.next() == ["t:0", "t:1"]
            harness.other.done(["t:0", "t:1"])
            assert await harness.next() == ["t:2"]

    asyncio.run(scenario())


def test_a_run_that_ended_undecided_blocks_no_newer_alert_and_is_offered_again(tmp_path):
    async def scenario():
        async with Harness(tmp_path, retry_after=1.5) as harness:
            harness.other.put([item(1)])
            assert await harness.next() == ["t:1"]
            harness.running = True
            harness.other.put([item(2)])
            await harness.nothing_for(0.8)
            harness.running = False
            assert await harness.next(1.2) == ["t:2"]
            harness.other.done(["t:2"])
            assert await harness.next(5) == ["t:1"]

    asyncio.run(scenario())


def test_a_run_that_takes_long_is_not_repeated_meanwhile(tmp_path):
    async def scenario():
        async with Harness(tmp_path, retry_after=0.3) as harness:
            harness.other.put([item(1)])
            assert await harness.next() == ["t:1"]
            harness.running = True
            await harness.nothing_for(1.0)

    asyncio.run(scenario())


def test_an_event_that_no_run_answers_is_repeated_after_the_time_out(tmp_path):
    async def scenario():
        async with Harness(tmp_path, retry_after=0.3) as harness:
            harness.other.put([item(1)])
            assert await harness.next() == ["t:1"]
            assert await harness.next() == ["t:1"]

    asyncio.run(scenario())


class Moody:
    """Lets one call of a method of an inbox fail, as with a full disk, once it is armed."""

    def __init__(self, inbox, method):
        self.armed, self.failed = False, asyncio.Event()
        loop, real = asyncio.get_running_loop(), getattr(inbox, method)

        def call(*args, **options):
            if self.armed:
                self.armed = False
                loop.call_soon_threadsafe(self.failed.set)
                raise UnavailableError("database or disk is full", reason="inbox_unavailable")
            return real(*args, **options)

        setattr(inbox, method, call)


def test_a_batch_that_could_not_be_released_at_once_is_not_lost(tmp_path):
    async def scenario():
        async with Harness(tmp_path, retry_after=0.3) as harness:
            moody = Moody(harness.inbox, "release")
            harness.other.put([item(1)])
            assert await harness.next() == ["t:1"]
            moody.armed = True
            await asyncio.wait_for(moody.failed.wait(), 60)
            assert await harness.next(60) == ["t:1"]

    asyncio.run(scenario())


def test_an_inbox_that_does_not_answer_lets_no_second_event_out_beside_a_run(tmp_path):
    async def scenario():
        async with Harness(tmp_path, retry_after=60) as harness:
            moody = Moody(harness.inbox, "offered")
            harness.other.put([item(1)])
            assert await harness.next() == ["t:1"]
            harness.running = True
            moody.armed = True
            await asyncio.wait_for(moody.failed.wait(), 60)
            harness.other.put([item(2)])
            await harness.nothing_for(2)
            harness.other.done(["t:1"])
            assert await harness.next(60) == ["t:2"]

    asyncio.run(scenario())


def test_what_an_earlier_process_handed_out_comes_again_first(tmp_path):
    async def scenario():
        earlier = Inbox(tmp_path)
        earlier.put([item(1)])
        earlier.take("bump_limits", 9)
        earlier.close()
        async with Harness(tmp_path) as harness:
            assert await harness.next() == ["t:1"]

    asyncio.run(scenario())


def test_a_second_process_stands_by_until_the_first_is_gone(tmp_path):
    async def scenario():
        async with Harness(tmp_path) as first:
            first.other.put([item(1)])
            assert await first.next() == ["t:1"]
            async with Harness(tmp_path) as second:
                await second.nothing_for(0.5)
                first.task.cancel()
                assert await second.next() == ["t:1"]

    asyncio.run(scenario())
