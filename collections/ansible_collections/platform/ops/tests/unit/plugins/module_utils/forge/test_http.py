# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import AuthError, InputError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.forge._http import Calls
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import NoAnswerError, RefusalError


class FakeClock:
    def __init__(self):
        self.time = 1_800_000_000.0
        self.slept = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def calls(clock):
    return Calls("host", secrets=["s3cret"], clock=clock)


class Server:
    """Answers with each outcome in turn; counts what it did."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.asked = 0

    def __call__(self):
        self.asked += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def limit(seconds):
    return RefusalError(429, {"Retry-After": str(seconds)}, None)


BROKEN = RefusalError(502, {}, None)


def test_writes_are_a_second_apart_where_the_host_wants_it(clock):
    calls = Calls("host", clock=clock, write_gap=1.0)
    for _request in range(3):
        calls.write("write", lambda: 1, lambda: None)
        calls.read("read", lambda: 1)
    assert clock.slept == [1.0, 1.0]


def test_a_pause_that_has_passed_by_itself_is_not_made(clock):
    calls = Calls("host", clock=clock, write_gap=1.0)
    calls.write("write", lambda: 1, lambda: None)
    clock.time += 5
    calls.write("write", lambda: 1, lambda: None)
    assert clock.slept == []


@pytest.mark.parametrize("unknown", [NoAnswerError("timed out"), BROKEN])
def test_a_write_of_unknown_outcome_is_looked_up_first(calls, unknown):
    server, look = Server(unknown), Server("found")
    assert calls.write("write", server, look) == "found"
    assert (server.asked, look.asked) == (1, 1)


def test_a_write_is_repeated_once_the_look_up_proves_that_it_did_not_happen(calls):
    server, look = Server(BROKEN, "done"), Server(None)
    assert calls.write("write", server, look) == "done"
    assert (server.asked, look.asked) == (2, 1)


def test_a_write_the_host_turned_away_for_a_limit_needs_no_look_up(calls, clock):
    server, look = Server(limit(5), "done"), Server()
    assert calls.write("write", server, look) == "done"
    assert (look.asked, clock.slept) == (0, [5.0])


def test_a_write_is_not_repeated_when_the_look_up_fails(calls):
    server, look = Server(NoAnswerError("timed out")), Server(AuthError("gone"))
    with pytest.raises(AuthError):
        calls.write("write", server, look)
    assert server.asked == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
def test_a_refusal_that_means_no_is_not_asked_again(calls, clock, status):
    server = Server(RefusalError(status, {}, None))
    with pytest.raises(Exception, match=str(status)):
        calls.read("read", server)
    assert (server.asked, clock.slept) == (1, [])


def test_all_pauses_of_one_call_stay_within_the_budget(calls, clock):
    server = Server(limit(9), limit(9), limit(9))
    with pytest.raises(UnavailableError) as caught:
        calls.read("read", server)
    assert caught.value.retry_after == 9
    assert clock.slept == [9.0, 9.0]


def test_a_host_that_asked_to_be_left_alone_is_not_asked_until_then(calls, clock):
    turned_away, server = Server(limit(60)), Server("done")
    with pytest.raises(UnavailableError):
        calls.write("write", turned_away, Server())
    for _request in range(50):
        clock.time += 0.5
        with pytest.raises(UnavailableError) as caught:
            calls.write("write", server, Server())
    assert (turned_away.asked, server.asked, clock.slept) == (1, 0, [])
    assert caught.value.reason == "rate_limited"
    assert caught.value.retry_after == 35
    clock.time += 20  # what is left is short enough to wait for
    assert calls.read("read", server) == "done"
    assert clock.slept == [15.0]


def test_a_secret_never_stands_in_a_message(calls):
    server = Server(RefusalError(422, {}, {"message": "the header Authorization: s3cret is odd"}))
    with pytest.raises(InputError) as caught:
        calls.read("read", server)
    assert "s3cret" not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_error_of_our_own_goes_through_untouched(calls):
    error = InputError("ours")
    server = Server(error)
    with pytest.raises(InputError) as caught:
        calls.write("write", server, Server())
    assert caught.value is error
