# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading Alertmanager's API. What a real Alertmanager does is tested in tests/rulebook; here it misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import Intake
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts
from ansible_collections.platform.ops.plugins.module_utils.remediation._poll import Alertmanager, Poller
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry

pytestmark = pytest.mark.stand_in("alertmanager-api")

ALERT = {
    "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "labels": {"remediation": "bump_limits", "resource": "memory", "namespace": "shop", "pod": "a-0"},
    "annotations": {},
    "startsAt": "2026-08-22T10:00:00.123Z",
    "fingerprint": "0123456789abcdef",
}


class Api:
    def __init__(self):
        self.answer, self.requests = (200, [ALERT]), []


@contextmanager
def served():
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            api.requests.append((self.path, self.headers.get("Authorization")))
            status, body = api.answer
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        api.url = f"http://127.0.0.1:{server.server_port}"
        yield api
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def api():
    with served() as api:
        yield api


def stored(tmp_path):
    inbox = Inbox(tmp_path / "state")
    try:
        return [entry["remediation"]["id"] for entry in inbox.pending("bump_limits")]
    finally:
        inbox.close()


def test_what_fires_at_the_start_is_in_the_inbox_without_any_delivery(start_receiver, tmp_path, api):
    receiver = start_receiver(alertmanager_url=api.url + "/", alertmanager_filter=['team="shop"'])
    receiver.source.wait(lambda: stored(tmp_path))
    assert stored(tmp_path) == ["alertmanager:0123456789abcdef:2026-08-22T10:00:00.123Z"]
    path, _authorization = api.requests[0]
    assert urlsplit(path).path == "/api/v2/alerts"
    assert dict(parse_qsl(urlsplit(path).query)) == {
        "active": "true",
        "silenced": "false",
        "inhibited": "false",
        "filter": 'team="shop"',
    }
    metrics = receiver("/metrics")[1]
    assert 'platform_ops_alerts_received_total{source="alertmanager",via="poll"} 1' in metrics
    assert 'platform_ops_alertmanager_polls_total{result="success"} 1' in metrics
    assert "platform_ops_alertmanager_last_success_timestamp_seconds 1" in metrics


@pytest.mark.parametrize(
    "answer", [(500, b""), (401, b""), (302, b""), (200, b"<html>"), (200, {"status": "success"}), (200, b"{")]
)
def test_a_failure_is_visible_stops_nothing_and_is_tried_again(start_receiver, tmp_path, api, answer):
    api.answer = answer
    receiver = start_receiver(alertmanager_url=api.url, alertmanager_interval=1)
    receiver.source.wait(lambda: 'polls_total{result="failure"}' in receiver("/metrics")[1])
    assert receiver("/newrelic", {"app_name": "checkout", "max_cpu": 1})[0] == 202
    assert all(path.startswith("/api/v2/alerts") for path, _authorization in api.requests)  # redirects are not followed
    api.answer = (200, [ALERT])
    receiver.source.wait(lambda: len(stored(tmp_path)) == 2)


def test_an_alertmanager_that_is_not_there_stops_nothing(start_receiver):
    receiver = start_receiver(alertmanager_url="http://127.0.0.1:9")
    receiver.source.wait(lambda: 'polls_total{result="failure"}' in receiver("/metrics")[1])
    assert receiver("/readyz")[0] == 200


def test_credentials_are_read_anew_for_each_request(start_receiver, tmp_path, api):
    (tmp_path / "token").write_text("first\n")
    receiver = start_receiver(
        alertmanager_url=api.url, alertmanager_interval=1, alertmanager_token_file=str(tmp_path / "token")
    )
    receiver.source.wait(lambda: ("Bearer first") in [authorization for _path, authorization in api.requests])
    (tmp_path / "token").write_text("second\n")
    receiver.source.wait(lambda: ("Bearer second") in [authorization for _path, authorization in api.requests])


def once(url, tmp_path, token):
    """What one reading with this token file was counted as."""
    (tmp_path / "token").write_bytes(token)
    inbox, counts = Inbox(tmp_path / "state"), Counts()
    intake = Intake(inbox, DecisionLog(tmp_path / "state"), Settings.parse(), counts, Telemetry())
    asyncio.run(Poller(Alertmanager(url, token_file=tmp_path / "token"), intake, counts).once())
    inbox.close()
    (line,) = [line for line in counts.lines() if line.startswith("platform_ops_alertmanager_polls_total{")]
    return line.partition('"')[2].partition('"')[0]


def test_while_a_token_is_rotated_the_newest_is_shown(tmp_path, api):
    assert once(api.url, tmp_path, b"# rotating\nfirst\nsecond\n\n") == "success"
    assert [authorization for _path, authorization in api.requests] == ["Bearer second"]


@pytest.mark.parametrize("token", [b"\xff\xfe", b"a\x00b", b"\n", b"a\x0bb"])
def test_a_token_that_cannot_be_sent_is_a_failure_that_stops_nothing(tmp_path, api, token):
    assert once(api.url, tmp_path, token) == "failure"
    assert api.requests == []


def test_a_user_and_password_work_too(tmp_path):
    (tmp_path / "password").write_text("pass\n")
    server = Alertmanager("http://a", username="user", password_file=tmp_path / "password")
    assert server.headers() == {"Authorization": "Basic " + base64.b64encode(b"user:pass").decode()}


@pytest.mark.parametrize("url", ["ftp://host", "http://", "alertmanager:9093", "http://user@host"])
def test_an_address_that_cannot_be_used_is_refused_at_the_start(url):
    with pytest.raises(InputError, match="remediation_alertmanager_url"):
        Alertmanager(url)
