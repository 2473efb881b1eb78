# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Senders with a token that their identity provider signed, and the port for probes and Prometheus."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import jwt
import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._jwt import (
    LEAST_SECONDS,
    KeySet,
    TokenVerifier,
    _from_address,
    verifier,
)
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.rulebook import free_port

NEWRELIC = {"app_name": "checkout", "max_memory": 480, "max_cpu": 0.9}
PAYLOAD = {
    "version": "4",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "M",
                "remediation": "bump_limits",
                "resource": "cpu",
                "namespace": "shop",
                "pod": "a-0",
            },
            "startsAt": "2026-08-22T10:00:00Z",
            "fingerprint": "0123456789abcdef",
        }
    ],
}
ISSUER, AUDIENCE = "https://sso.example.org", "remediation"


@pytest.fixture(scope="module")
def private():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks(private, kid="one"):
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    return {"keys": [{**key, "kid": kid, "use": "sig", "alg": "RS256"}]}


@pytest.fixture
def settings(private, tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks(private)))
    return {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks_file": str(path)}


def token(key, algorithm="RS256", kid="one", **changes):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alertmanager", "exp": time.time() + 60, **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm, headers={"kid": kid})


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def test_a_token_of_the_issuer_for_us_is_let_in_and_ours_still_is(start_receiver, settings, private, tmp_path):
    own = tmp_path / "token"
    own.write_text("a-token-0123456789")
    post = start_receiver(host="0.0.0.0", token_file=str(own), **settings)
    assert post("/alertmanager", PAYLOAD, **bearer(token(private)))[0] == 202
    assert post("/newrelic", NEWRELIC, **bearer("a-token-0123456789"))[0] == 202
    assert post("/newrelic", NEWRELIC)[0] == 401


def test_whatever_is_not_signed_by_the_issuer_for_us_and_valid_now_is_refused(start_receiver, settings, private):
    post = start_receiver(host="0.0.0.0", **settings)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    good = token(private)
    head, body, signature = good.split(".")
    # The public key as a shared secret, which careless verifiers accept.
    confused = jwt.api_jws.PyJWS()
    confused._algorithms["HS256"].prepare_key = lambda key: key
    refused = {
        "other key": token(stranger),
        "unknown kid": token(private, kid="two"),
        "other issuer": token(private, iss="https://evil.example.org"),
        "other audience": token(private, aud="somebody"),
        "expired": token(private, exp=time.time() - 120),
        "without end": token(private, exp=None),
        "without audience": token(private, aud=None),
        "not signed": jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}, None, "none"),
        "public key as secret": confused.encode(
            json.dumps({"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}).encode(),
            public,
            "HS256",
            {"kid": "one"},
        ),
        "other algorithm": token(elliptic, "ES256"),
        "cut": f"{head}.{body}.",
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "no token": "a.b.c",
    }
    answers = {name: post("/alertmanager", PAYLOAD, **bearer(text))[0] for name, text in refused.items()}
    assert answers == dict.fromkeys(refused, 401)
    assert post("/alertmanager", PAYLOAD, **bearer(good))[0] == 202


def test_keys_are_read_again_for_an_unknown_one_but_not_for_every_stranger(private):
    now, reads, current = [0.0], [], [jwks(private)]

    def read():
        reads.append(now[0])
        if current[0] is None:
            raise OSError("no answer")
        return json.dumps(current[0]).encode()

    keys = KeySet(read, clock=lambda: now[0])
    assert keys.find("one")
    assert [keys.find(f"stranger-{number}") for number in range(50)] == [None] * 50
    assert len(reads) == 1
    current[0] = jwks(private, "two")
    now[0] += LEAST_SECONDS + 1
    assert keys.find("two")
    assert len(reads) == 2
    current[0] = None  # the issuer is down: what is known stays good
    now[0] += 3600
    assert keys.find("two")


def test_while_the_issuer_hangs_known_keys_are_good_without_a_wait(private):
    now, asked, go_on = [0.0], Event(), Event()

    def read():
        asked.set()
        assert go_on.wait(60)
        return json.dumps(jwks(private)).encode()

    keys = KeySet(read, clock=lambda: now[0])
    with ThreadPoolExecutor() as threads:
        first = [threads.submit(keys.find, "one") for _time in range(2)]
        assert asked.wait(60)
        go_on.set()
        assert all(one.result(timeout=60) for one in first)  # with none known yet all wait
        asked.clear()
        go_on.clear()
        now[0] += 3600
        hanging = threads.submit(keys.find, "stranger")
        assert asked.wait(60)
        assert threads.submit(keys.find, "one").result(timeout=60)
        go_on.set()
        assert hanging.result(timeout=60) is None


@contextmanager
def cut_off():
    """An address whose answer ends before it is whole."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"keys": [')

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()


def opens(private, read):
    return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=KeySet(read)).matches(f"Bearer {token(private)}")


@pytest.mark.parametrize(
    "content", [b"[]", b"7", b"null", b'{"keys": 7}', b'{"keys": [7]}', b'{"keys": {}}', b"{", b""]
)
def test_keys_that_are_none_open_nothing_and_break_nothing(private, content):
    assert opens(private, lambda: json.dumps(jwks(private)).encode())
    assert not opens(private, lambda: content)


def test_keys_that_arrive_in_part_open_nothing_and_break_nothing(private):
    with cut_off() as address:
        assert not opens(private, lambda: _from_address(address))


@pytest.mark.parametrize(
    "given",
    [
        (ISSUER, None, "https://sso.example.org/keys", None),
        (None, AUDIENCE, "https://sso.example.org/keys", None),
        (ISSUER, AUDIENCE, None, None),
        (ISSUER, AUDIENCE, "http://sso.example.org/keys", None),
    ],
)
def test_half_a_configuration_is_an_error_and_not_an_open_door(given):
    with pytest.raises(InputError, match="jwt_"):
        verifier(*given)


def test_the_second_port_answers_probes_and_metrics_and_takes_no_alerts(start_receiver, tmp_path):
    own = tmp_path / "token"
    own.write_text("a-token-0123456789")
    port = free_port()
    start_receiver(token_file=str(own), metrics_port=port)

    def ask(method, path, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, "{}" if method == "POST" else None, headers or {})
        return connection.getresponse().status

    assert ask("GET", "/healthz") == 200
    assert ask("GET", "/readyz") == 200
    assert ask("GET", "/metrics") == 401
    assert ask("GET", "/metrics", bearer("a-token-0123456789")) == 200
    assert ask("POST", "/alertmanager", bearer("a-token-0123456789")) == 404
