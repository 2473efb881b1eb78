# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox

TOKEN, OTHER = "a-token-0123456789", "another-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ALERT = {
    "status": "firing",
    "labels": {"alertname": "M", "remediation": "bump_limits", "resource": "memory", "namespace": "shop", "pod": "a-0"},
    "startsAt": "2026-08-22T10:00:00Z",
    "fingerprint": "0123456789abcdef",
}
PAYLOAD = {"version": "4", "alerts": [ALERT]}
NEWRELIC = {"app_name": "checkout", "max_memory": 480, "max_cpu": 0.9}


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


def stored(tmp_path, lane="bump_limits"):
    inbox = Inbox(tmp_path / "state")
    try:
        return [entry["remediation"] for entry in inbox.pending(lane)]
    finally:
        inbox.close()


def test_an_alert_is_in_the_inbox_when_the_answer_comes(start_receiver, tmp_path):
    post = start_receiver()
    status, body, _headers = post("/alertmanager", PAYLOAD)
    assert status == 202
    assert [r["pod"]["name"] for r in stored(tmp_path)] == ["a-0"]
    assert json.loads(body) == {
        "received": 1,
        "stored": {"new": 1, "updated": 0, "resolved": 0, "duplicate": 0, "late": 0},
        "refused": {},
    }


def test_new_relic_and_configured_senders_have_their_own_address(start_receiver, tmp_path):
    generic = {
        "mine": {"fields": {"id": "id", "app": "app"}, "values": {"remediation": "bump_limits", "resource": "cpu"}}
    }
    post = start_receiver(generic=generic, cluster="prod")
    assert post("/newrelic", NEWRELIC)[0] == 202
    assert post("/generic/mine", {"id": 1, "app": "cart"})[0] == 202
    assert post("/generic/other", {"id": 1})[0] == 404
    assert [(r["app"], r["resource"], r["cluster"]) for r in stored(tmp_path)] == [
        ("checkout", "cpu", "prod"),
        ("checkout", "memory", "prod"),
        ("cart", "cpu", "prod"),
    ]


def test_refused_alerts_are_counted_logged_and_do_not_stop_the_others(start_receiver, tmp_path):
    post = start_receiver()
    hostile = {**ALERT, "labels": {**ALERT["labels"], "pod": "{{ lookup('pipe', 'id') }}"}}
    status, body, _headers = post("/alertmanager", {"alerts": [hostile, ALERT, {**ALERT, "labels": {}}]})
    assert (status, json.loads(body)["refused"]) == (202, {"invalid_name": 1, "not_ours": 1})
    assert len(stored(tmp_path)) == 1
    post("/alertmanager", {"alerts": [hostile]})
    (logged,) = DecisionLog(tmp_path / "state").read()  # once, although it came twice
    assert (logged["decision"], logged["reason"], logged["source"]) == ("refused", "invalid_name", "alertmanager")
    assert "lookup" not in json.dumps(logged)
    metrics = post("/metrics")[1]
    assert 'platform_ops_alerts_refused_total{source="alertmanager",reason="invalid_name"} 2' in metrics
    assert 'platform_ops_alerts_received_total{source="alertmanager",via="post"} 4' in metrics
    assert 'platform_ops_decisions_total{kind="none",decision="refused",reason="invalid_name"} 1' in metrics


def test_a_flood_of_refusals_does_not_flood_the_log(start_receiver, tmp_path):
    post = start_receiver()
    flood = [{**ALERT, "labels": {**ALERT["labels"], "alertname": f"A{n}", "pod": "a b"}} for n in range(500)]
    assert post("/alertmanager", {"alerts": flood})[0] == 202
    records = list(DecisionLog(tmp_path / "state").read())
    assert len(records) == 21
    assert sum(record.get("count", 1) for record in records) == 500


@pytest.mark.parametrize("body", [b"", b"{", b"7", b'"text"', b"[" * 50_000, b"\xff\xfe", b'{"alerts": 7}'])
def test_what_is_no_alert_is_400(start_receiver, body):
    post = start_receiver()
    assert post("/alertmanager", body)[0] == 400


def test_only_the_right_token_opens_and_rotation_needs_no_restart(start_receiver, tmp_path, token_file):
    post = start_receiver(token_file=str(token_file))
    assert post("/alertmanager", PAYLOAD)[0] == 401
    assert post("/alertmanager", PAYLOAD, Authorization=f"Bearer {OTHER}")[0] == 401
    assert stored(tmp_path) == []
    assert post("/alertmanager", PAYLOAD, **BEARER)[0] == 202
    token_file.write_text(OTHER)
    assert post("/alertmanager", PAYLOAD, **BEARER)[0] == 401
    assert post("/alertmanager", PAYLOAD, Authorization=f"Bearer {OTHER}")[0] == 202


def test_who_has_no_token_cannot_make_us_read_a_body(start_receiver, token_file):
    post = start_receiver(token_file=str(token_file))
    connection = http.client.HTTPConnection("127.0.0.1", post.port, timeout=10)
    connection.putrequest("POST", "/alertmanager")
    connection.putheader("Content-Length", str(9 * 2**20))
    connection.endheaders()
    assert connection.getresponse().status == 401


def sign(body, secret=TOKEN):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_signature_opens_and_a_wrong_one_closes_even_with_a_token(start_receiver, token_file):
    body = json.dumps(PAYLOAD).encode()
    post = start_receiver(hmac_secret_file=str(token_file), token_file=str(token_file))
    assert post("/alertmanager", body, X_Hub_Signature_256=sign(body))[0] == 202
    assert post("/alertmanager", body, **BEARER)[0] == 202
    assert post("/alertmanager", body, X_Hub_Signature_256=sign(b"other"))[0] == 401
    assert post("/alertmanager", body, X_Hub_Signature_256=sign(b"other"), **BEARER)[0] == 401
    assert post("/alertmanager", body)[0] == 401


def test_both_can_be_required(start_receiver, token_file):
    body = json.dumps(PAYLOAD).encode()
    post = start_receiver(hmac_secret_file=str(token_file), token_file=str(token_file), require="all")
    assert post("/alertmanager", body, X_Hub_Signature_256=sign(body))[0] == 401
    assert post("/alertmanager", body, **BEARER)[0] == 401
    assert post("/alertmanager", body, X_Hub_Signature_256=sign(body), **BEARER)[0] == 202


@contextmanager
def idle_strangers(port, count=12, first=b""):
    """They name the header of a signature, promise a body, and are silent."""
    header = b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: 100\r\n\r\n"
    with ExitStack() as stack:
        for _time in range(count):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            stranger.sendall(header + first)
        yield


@pytest.mark.parametrize("first", [b"", b"{"])
def test_who_shows_a_token_does_not_wait_for_those_who_only_name_a_signature(start_receiver, token_file, first):
    post = start_receiver(hmac_secret_file=str(token_file), token_file=str(token_file), request_seconds=30)
    with idle_strangers(post.port, first=first):
        started = time.monotonic()
        assert post("/alertmanager", PAYLOAD, **BEARER)[0] == 202
        assert time.monotonic() - started < 15


def test_a_signed_delivery_does_not_wait_long_for_those_who_send_nothing(start_receiver, token_file):
    body = json.dumps(PAYLOAD).encode()
    post = start_receiver(hmac_secret_file=str(token_file), request_seconds=30)
    with idle_strangers(post.port):
        started = time.monotonic()
        assert post("/alertmanager", body, X_Hub_Signature_256=sign(body))[0] == 202
        assert time.monotonic() - started < 15


def test_strangers_do_not_use_up_the_rate_of_those_who_are_known(start_receiver, token_file):
    post = start_receiver(
        hmac_secret_file=str(token_file), token_file=str(token_file), requests_per_second=0.01, burst=3
    )
    codes = [post("/newrelic", NEWRELIC, X_Hub_Signature_256="sha256=00")[0] for _time in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    assert post("/newrelic", NEWRELIC, **BEARER)[0] == 202


def test_metrics_need_the_token_or_one_of_their_own(start_receiver, tmp_path, token_file):
    (tmp_path / "metrics").write_text(OTHER)
    post = start_receiver(token_file=str(token_file), metrics_token_file=str(tmp_path / "metrics"))
    assert post("/metrics")[0] == 401
    assert post("/metrics", **BEARER)[0] == 200
    assert post("/metrics", Authorization=f"Bearer {OTHER}")[0] == 200
    assert post("/alertmanager", PAYLOAD, Authorization=f"Bearer {OTHER}")[0] == 401
    assert post("/healthz")[0] == 200


def test_the_token_is_kept_nowhere(start_receiver, tmp_path, token_file):
    post = start_receiver(token_file=str(token_file))
    post("/alertmanager", PAYLOAD, **BEARER)
    post("/alertmanager", {"alerts": [{}]}, **BEARER)
    for path in (tmp_path / "state").rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes()


def test_a_body_that_is_too_large_is_413(start_receiver):
    post = start_receiver(max_body_bytes=2000)
    assert post("/alertmanager", {"alerts": [ALERT] * 100})[0] == 413
    assert post("/alertmanager", PAYLOAD)[0] == 202


def test_ten_thousand_alerts_fit_in_one_body_and_are_all_stored(start_receiver, tmp_path):
    post = start_receiver()
    payload = {
        "alerts": [
            {**ALERT, "fingerprint": f"{n:016x}", "labels": {**ALERT["labels"], "pod": f"a-{n}"}} for n in range(10_000)
        ]
    }
    status, body, _headers = post("/alertmanager", payload)
    assert (status, json.loads(body)["stored"]["new"]) == (202, 10_000)


def test_too_many_requests_are_told_when_to_come_again(start_receiver):
    post = start_receiver(requests_per_second=0.1, burst=2)
    assert [post("/newrelic", NEWRELIC)[0] for _time in range(2)] == [202, 202]
    status, _body, headers = post("/newrelic", NEWRELIC)
    assert status == 429
    assert int(headers["Retry-After"]) >= 1
    assert post("/alertmanager", PAYLOAD)[0] == 503  # Alertmanager drops a notification that is answered 429


def test_a_full_inbox_is_503_and_nothing_of_the_delivery_is_kept(start_receiver, tmp_path):
    post = start_receiver(max_items=2)
    more = [{**ALERT, "fingerprint": f"{n:016x}"} for n in range(3)]
    status, body, headers = post("/alertmanager", {"alerts": more})
    assert (status, json.loads(body)["reason"], headers["Retry-After"]) == (503, "inbox_full", "30")
    assert stored(tmp_path) == []
    assert post("/alertmanager", {"alerts": more[:2]})[0] == 202


def test_an_inbox_that_cannot_be_written_is_503(start_receiver, tmp_path):
    post = start_receiver()
    inbox = Inbox(tmp_path / "state")
    inbox._db.execute("DROP TABLE items")
    inbox.close()
    assert post("/alertmanager", PAYLOAD)[0] == 503
    assert post("/readyz")[0] == 503
    assert post("/healthz")[0] == 200


def test_a_sender_that_falls_silent_is_cut_off(start_receiver):
    post = start_receiver(request_seconds=0.3)
    with socket.create_connection(("127.0.0.1", post.port), timeout=10) as connection:
        connection.sendall(b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in connection.recv(1000).splitlines()[0] + b" "


@pytest.mark.parametrize("path", ["/", "/alertmanager/x", "/generic/", "/../etc/passwd", "/newrelic%2f"])
def test_other_addresses_are_404(start_receiver, path):
    assert start_receiver()(path, PAYLOAD)[0] == 404


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"host": "0.0.0.0"}, "for everybody"),
        ({"host": "0.0.0.0", "metrics_token_file": "TOKEN"}, "for everybody"),
        ({"port": "many"}, "port must be a number"),
        ({"token_fil": "x"}, "token_fil is not an option"),
        ({"token_file": "/nowhere/token"}, "/nowhere/token cannot be read"),
        ({"token_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
        ({"tls_client_ca_file": "/nowhere"}, "tls_cert_file"),
        ({"host": "{{ remediation_listen_host }}"}, "plain YAML"),
        ({"alertmanager_url": "http://user:hunter2@host"}, "without credentials"),
        ({"alerts": {"A": {"kind": "reboot"}}}, r"remediation_alerts\.A\.kind"),
        ({"require": "some"}, "require must be one of"),
    ],
)
def test_what_is_configured_wrongly_stops_it_with_a_reason(start_source, tmp_path, token_file, args, named):
    args = {key: str(token_file) if value == "TOKEN" else value for key, value in args.items()}
    source = start_source("receiver", state_dir=str(tmp_path), **args)
    source.thread.join(10)
    assert isinstance(source.error, InputError)
    with pytest.raises(InputError, match=named):
        raise source.error
    assert "hunter2" not in str(source.error)


def test_what_nobody_set_has_its_default(start_receiver):
    post = start_receiver(token_file="", max_items="", cluster=None, alerts={}, eda_feedback_queue=object())
    assert post("/alertmanager", PAYLOAD)[0] == 202


def test_a_port_in_use_is_named(start_receiver, start_source, tmp_path):
    port = start_receiver().port
    source = start_source("receiver", port=port, state_dir=str(tmp_path))
    source.thread.join(10)
    assert f"cannot listen on 127.0.0.1 port {port}" in str(source.error)


def test_the_pause_switch_and_the_depth_of_the_inbox_are_visible(start_receiver, tmp_path):
    post = start_receiver()
    post("/alertmanager", PAYLOAD)
    assert "platform_ops_paused 0\n" in post("/metrics")[1]
    (tmp_path / "state/paused").touch()
    metrics = post("/metrics")[1]
    assert "platform_ops_paused 1\n" in metrics
    assert 'platform_ops_inbox_items{lane="bump_limits",state="waiting"} 1\n' in metrics
