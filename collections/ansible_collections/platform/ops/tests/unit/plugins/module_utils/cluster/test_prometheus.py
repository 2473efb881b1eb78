# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking Prometheus. What a real one answers is tested in tests/spine/test_usage.py; here it misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import (
    AuthError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from ansible_collections.platform.ops.plugins.module_utils.cluster import _prometheus
from ansible_collections.platform.ops.plugins.module_utils.cluster._access import api_of, prometheus_of
from ansible_collections.platform.ops.plugins.module_utils.cluster._prometheus import Prometheus, Server, selector

stand_in = pytest.mark.stand_in("prometheus-api")


class Api:
    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str | None, dict[str, list[str]]]] = []
        self.url = ""


@contextmanager
def served(*answers: tuple[int, Any]) -> Iterator[Api]:
    """Gives the answers one after the other, the last one for ever."""
    api = Api()
    api.answers = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            api.asked.append((self.path, self.headers.get("Authorization"), form))
            status, body = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Location", f"{api.url}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        api.url = f"http://127.0.0.1:{server.server_port}"
        yield api
    finally:
        server.shutdown()
        server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client(api: Api, **options: Any) -> Prometheus:
    clock = Clock()
    return Prometheus(Server(api.url, **options), clock=clock, sleep=clock.sleep)


def vector(*results: Any) -> tuple[int, Any]:
    return 200, {"status": "success", "data": {"resultType": "vector", "result": list(results)}}


ONE = {"metric": {"pod": "a-0"}, "value": [1000, "64"]}


def test_selectors_are_sorted_and_hold_names_only() -> None:
    assert selector("up", {"pod": "a-0", "namespace": "shop"}) == 'up{namespace="shop",pod="a-0"}'


@pytest.mark.parametrize("value", ['a"} or up{x="', "a\\", "a\nb", "", ".*", "a|b", "{{ 1 }}", "ä", "-a", "x" * 300])
def test_a_label_value_that_is_no_name_never_reaches_a_query(value: str) -> None:
    with pytest.raises(InputError):
        selector("up", {"pod": value})


@pytest.mark.parametrize("metric", ["", "up{}", "1up", "a-b"])
def test_a_metric_that_is_none_is_refused(metric: str) -> None:
    with pytest.raises(InputError):
        selector(metric, {})


@pytest.mark.parametrize("url", ["ftp://x", "http://me:secret@x", "prometheus:9090", "http://"])
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InputError) as refused:
        Server(url)
    assert "secret" not in refused.value.message


def test_matchers_go_over_what_a_selector_says() -> None:
    asking = Prometheus(Server("http://p", matchers={"cluster": "eu"}))
    assert asking.select("up", pod="a", cluster="us") == 'up{cluster="eu",pod="a"}'


@stand_in
def test_the_token_is_read_anew_for_each_question(tmp_path) -> None:
    file = tmp_path / "token"
    with served(vector(ONE)) as api:
        asking = client(api, token_file=str(file))
        for token in ("one", "two"):
            file.write_text(f"{token}\n")
            [series] = asking.query("up", 1000.0)
            assert (dict(series.labels), series.points) == ({"pod": "a-0"}, ((1000.0, 64.0),))
    assert [asked[1] for asked in api.asked] == ["Bearer one", "Bearer two"]
    assert api.asked[0][2] == {"query": ["up"], "time": ["1000.000"]}


@stand_in
def test_a_hiccup_is_asked_again() -> None:
    with served((503, b"busy"), (500, b"<html>"), vector(ONE)) as api:
        assert len(client(api).query("up", 0)) == 1


@stand_in
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((503, b"busy"), UnavailableError),
        ((200, b"<html>a portal</html>"), InputError),
        ((200, {"status": "error", "error": "no"}), InputError),
        ((401, b""), AuthError),
        ((302, b""), NotFoundError),
        ((404, b""), NotFoundError),
        ((400, {"status": "error", "error": "bad query"}), InputError),
    ],
)
def test_a_refusal_is_an_error_that_never_shows_the_token(answer: tuple[int, Any], expected: type[Exception]) -> None:
    with served(answer) as api, pytest.raises(expected) as refused:
        client(api, token="s3cret").query("up", 0)
    assert "s3cret" not in str(refused.value)
    assert all("elsewhere" not in asked[0] for asked in api.asked), "a redirect was followed"


@stand_in
def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prometheus, "LARGEST_ANSWER", 1000)
    with served((200, b" " * 5000)) as api, pytest.raises(InputError, match="more than 1000 bytes"):
        client(api).query("up", 0)


@stand_in
@pytest.mark.parametrize("value", [["x", "1"], [1], None, "text", [1, "NaN"], [1, "+Inf"], [1, {}]])
def test_points_that_are_no_numbers_are_left_out(value: Any) -> None:
    with served(vector({"metric": {"a": 1}, "value": value}, "junk", {"metric": None})) as api:
        [series] = client(api).query("up", 0)
    assert (dict(series.labels), series.points) == ({"a": "1"}, ())


@stand_in
@pytest.mark.parametrize("data", [None, [], {"result": "text"}, {"resultType": "matrix"}])
def test_an_answer_of_another_shape_is_empty(data: Any) -> None:
    with served((200, {"status": "success", "data": data})) as api:
        assert client(api).range("up", 0, 60, 15) == []


def test_a_range_of_too_many_points_is_refused_before_it_is_asked() -> None:
    with pytest.raises(InputError, match="points"):
        Prometheus(Server("http://127.0.0.1:1")).range("up", 0, 1e6, 1)


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    assert prometheus_of({}) is None
    assert prometheus_of({"prometheus": {"timeout": 3.0}}) is None
    assert api_of({"cluster_access": None}) is None
    assert api_of({"cluster_access": {"in_cluster": False, "timeout": 3.0}}) is None


def test_a_service_account_and_a_kubeconfig_exclude_each_other() -> None:
    with pytest.raises(InputError, match="in_cluster"):
        api_of({"cluster_access": {"in_cluster": True, "context": "x"}})
