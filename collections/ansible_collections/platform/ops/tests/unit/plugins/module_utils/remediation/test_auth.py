# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from ansible_collections.platform.ops.plugins.module_utils.remediation._auth import (
    SecretFile,
    SecretVariable,
    Signature,
    bearer_matches,
    is_loopback,
    server_tls,
)
from ansible_collections.platform.ops.plugins.module_utils.remediation._limits import Bucket

OLD, NEW = "old-token-0123456789", "new-token-0123456789"


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(OLD + "\n")
    return SecretFile(path, "token"), path


def test_only_the_token_opens(token):
    secrets, _path = token
    assert bearer_matches(f"Bearer {OLD}", secrets)
    for header in (None, "", "Bearer", f"Basic {OLD}", OLD, f"Bearer {NEW}", f"Bearer {OLD}x", "Bearer \udcff"):
        assert not bearer_matches(header, secrets)


def test_rotation_needs_no_restart(token):
    secrets, path = token
    path.write_text(f"# rotating\n{OLD}\n{NEW}\n")
    assert bearer_matches(f"Bearer {OLD}", secrets)
    assert bearer_matches(f"Bearer {NEW}", secrets)
    path.write_text(NEW)
    assert not bearer_matches(f"Bearer {OLD}", secrets)


def test_a_file_that_is_missing_or_empty_for_a_moment_locks_nobody_out(token):
    secrets, path = token
    path.unlink()
    assert bearer_matches(f"Bearer {OLD}", secrets)
    path.write_text("")
    assert bearer_matches(f"Bearer {OLD}", secrets)
    path.write_text(NEW)
    assert bearer_matches(f"Bearer {NEW}", secrets)


@pytest.mark.parametrize("content", ["", "\n# comment\n", "short", f"{NEW}\nshort"])
def test_a_weak_secret_is_refused_at_the_start_without_repeating_it(tmp_path, content):
    (tmp_path / "token").write_text(content)
    with pytest.raises(InputError, match="at least 16 characters") as error:
        SecretFile(tmp_path / "token", "token")
    assert "short" not in str(error.value)


def test_a_secret_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("ALERT_TOKEN", NEW)
    assert bearer_matches(f"Bearer {NEW}", SecretVariable("ALERT_TOKEN", "token"))
    monkeypatch.delenv("ALERT_TOKEN")
    with pytest.raises(InputError, match="ALERT_TOKEN"):
        SecretVariable("ALERT_TOKEN", "token")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha3_256"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefixed", [True, False])
def test_a_signature_of_the_body_opens(token, algorithm, encoding, prefixed):
    signature = Signature(token[0], header="X-Sign", algorithm=algorithm, encoding=encoding)
    digest = hmac.new(OLD.encode(), b"body", getattr(hashlib, algorithm)).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    header = {"X-Sign": f"{algorithm}={text}" if prefixed else text}
    assert signature.matches(header, b"body")
    assert not signature.matches(header, b"other body")


@pytest.mark.parametrize("value", ["", "sha256=", "zz", "é", "sha256=" + "0" * 64, "sha1=00"])
def test_anything_else_does_not(token, value):
    signature = Signature(token[0], header="X-Sign", algorithm="sha256", encoding="hex")
    assert not signature.matches({"X-Sign": value}, b"body")
    assert not signature.matches({}, b"body")


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "shake_128", "rot13"])
def test_a_weak_hash_is_refused(token, algorithm):
    with pytest.raises(InputError, match="hmac_algorithm"):
        Signature(token[0], header="X", algorithm=algorithm, encoding="hex")


def test_only_loopback_counts_as_loopback():
    assert is_loopback("127.0.0.1")
    assert is_loopback("localhost")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("::")
    with pytest.raises(InputError):
        is_loopback("no such host")


def test_tls_files_that_cannot_be_used_are_named(tmp_path):
    assert server_tls(None, None, None) is None
    with pytest.raises(InputError, match="tls_cert_file"):
        server_tls(None, None, tmp_path / "ca.pem")
    with pytest.raises(InputError, match=r"cert\.pem"):
        server_tls(tmp_path / "cert.pem", None, None)


def test_the_bucket_allows_a_burst_and_then_the_rate():
    now = [0.0]
    bucket = Bucket(rate=2, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _time in range(3)] == [0, 0, 0]
    assert bucket.take() == pytest.approx(0.5)
    now[0] += 0.5
    assert bucket.take() == 0
    assert bucket.take() > 0
