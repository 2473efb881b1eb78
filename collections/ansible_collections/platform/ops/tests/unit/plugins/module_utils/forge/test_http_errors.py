# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import requests
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    ConflictError,
    InputError,
    NotFoundError,
    OpsError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.forge._http_errors import (
    NoAnswerError,
    RefusalError,
    asked_to_wait,
    explain,
    no_answer,
    said,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_800_000_000.0
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["message", "error", "errors", "code", "x"]), inner)
    ),
)


@pytest.mark.parametrize(
    ("status", "headers", "data", "seconds"),
    [
        (429, {"Retry-After": "7"}, None, 7),
        (403, {"retry-after": "120"}, None, 120),
        (503, {"Retry-After": "3"}, None, 3),
        (503, {}, None, None),
        (429, {"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, None, 60),
        (429, {"Retry-After": "soon"}, None, 60),
        (429, {"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, None, 0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000300"}, None, 300),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1800000030"}, None, 30),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"}, None, 1),
        (403, {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "1800000300"}, None, None),
        (403, {}, {"documentation_url": "https://docs.github.com/…#about-secondary-rate-limits"}, 60),
        (403, {}, {"message": "You have exceeded a secondary rate limit."}, 60),
        (403, {}, {"message": "Resource not accessible"}, None),
        (429, {}, None, 60),
        (422, {"Retry-After": "7"}, None, None),
        (200, {"Retry-After": "7"}, None, None),
    ],
)
def test_how_long_a_host_wants_us_to_stay_away(status, headers, data, seconds):
    assert asked_to_wait(RefusalError(status, headers, data), NOW) == seconds


@pytest.mark.parametrize(
    ("failure", "kind", "reason"),
    [
        (RefusalError(401, {}, {"message": "Bad credentials"}), AuthError, "token_rejected"),
        (RefusalError(403, {}, {"message": "no"}), AuthError, "forbidden"),
        (RefusalError(404, {}, None), NotFoundError, "not_found"),
        (RefusalError(405, {}, None), ConflictError, "conflict"),
        (RefusalError(409, {}, None), ConflictError, "conflict"),
        (RefusalError(422, {}, None), InputError, "rejected"),
        (RefusalError(429, {}, None), UnavailableError, "rate_limited"),
        (RefusalError(500, {}, None), UnavailableError, "host_error"),
        (RefusalError(502, {}, "<html>bad gateway</html>"), UnavailableError, "host_error"),
        (RefusalError(418, {}, None), OpsError, "failed"),
        (NoAnswerError("timed out"), UnavailableError, "no_answer"),
    ],
)
def test_a_failure_becomes_the_error_that_says_what_to_do(failure, kind, reason):
    error = explain("GitHub (github.com)", "read pull request 7 of acme/fleet", failure, NOW)
    assert error.__class__ is kind
    assert error.reason == reason
    assert error.message.startswith("Could not read pull request 7 of acme/fleet on GitHub (github.com)")
    assert "<html>" not in error.message
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("headers", "data", "scope"),
    [
        ({"X-Accepted-GitHub-Permissions": "pull_requests=write"}, {}, "pull_requests=write"),
        ({"X-OAuth-Scopes": "public_repo", "X-Accepted-OAuth-Scopes": "repo"}, {}, "repo"),
        ({"X-OAuth-Scopes": "repo, gist", "X-Accepted-OAuth-Scopes": "repo"}, {}, None),
        ({}, {"error": "insufficient_scope", "scope": "api"}, "api"),
        (
            {},
            {"message": "token does not have at least one of required scope(s), required=[write:issue], token scope=x"},
            "write:issue",
        ),
        ({}, {"message": "token does not have at least one of required scope(s): [write:issue]"}, "write:issue"),
        ({}, {"message": "forbidden"}, None),
        ({}, "forbidden", None),
    ],
)
def test_a_missing_right_is_named(headers, data, scope):
    error = explain("host", "open", RefusalError(403, headers, data), NOW)
    assert error.reason == ("missing_scope" if scope else "forbidden")
    assert not scope or f"right {scope}." in error.message


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]},
            "Validation Failed; head invalid",
        ),
        ({"message": "No", "errors": [{"code": "custom", "message": "Already there"}]}, "No; Already there"),
        ({"message": {"title": ["can't be blank", "is short"]}}, "title: can't be blank, is short"),
        ({"message": ["Another open merge request"]}, "Another open merge request"),
        ({"error": "invalid_token", "error_description": "Token is expired."}, "Token is expired.; invalid_token"),
        ("plain\ntext\x1b[31m", "plain text [31m"),
        (b"bytes", "bytes"),
        ("<html>proxy</html>", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_hosts_own_words_are_found_in_every_shape(data, text):
    assert said(data) == text


@given(JSON)
def test_whatever_a_host_says_becomes_one_bounded_line(data):
    words = said(data)
    assert len(words) <= 400
    assert words.isprintable()


@given(st.integers(400, 599), st.dictionaries(st.sampled_from(["Retry-After", "X-RateLimit-Reset"]), st.text()), JSON)
def test_no_answer_of_a_host_breaks_the_explanation(status, headers, data):
    error = explain("host", "read", RefusalError(status, headers, data), NOW)
    assert isinstance(error, OpsError)
    assert getattr(error, "retry_after", None) is None or error.retry_after >= 0


@pytest.mark.parametrize(
    ("raised", "word"),
    [
        (requests.exceptions.SSLError("x"), "certificate"),
        (requests.exceptions.ProxyError("x"), "proxy"),
        (requests.exceptions.ReadTimeout("x"), "timed out"),
        (requests.exceptions.ConnectTimeout("x"), "timed out"),
        (requests.exceptions.ConnectionError("x"), "refused"),
        (requests.exceptions.ChunkedEncodingError("x"), "cut"),
    ],
)
def test_silence_is_told_in_words_of_our_own(raised, word):
    failure = no_answer(raised)
    assert failure is not None
    assert word in str(failure)


def test_what_is_no_matter_of_the_network_is_left_alone():
    assert no_answer(KeyError("x")) is None
