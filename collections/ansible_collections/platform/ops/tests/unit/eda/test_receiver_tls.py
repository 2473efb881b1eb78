# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import ipaddress
import ssl

import pytest
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.rulebook import free_port

PAYLOAD = {
    "alerts": [
        {
            "status": "firing",
            "labels": {"remediation": "bump_limits", "resource": "cpu", "namespace": "shop", "pod": "a-0"},
            "startsAt": "2026-08-22T10:00:00Z",
            "fingerprint": "0123456789abcdef",
        }
    ]
}


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = self._write(name, self._certificate(self.name, self.key, ca=True), self.key)

    def _certificate(self, subject, key, ca):
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(True, False, False, False, False, ca, ca, False, False), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._write(name, self._certificate(subject, key, ca=False), key)

    def _write(self, name, certificate, key):
        path = self.folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return str(path)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


def client(authority, certificate=None):
    context = ssl.create_default_context(cafile=authority.file)
    if certificate:
        context.load_cert_chain(certificate)
    return context


def test_alerts_come_over_tls(start_receiver, authority):
    post = start_receiver(tls=client(authority), tls_cert_file=authority.issue("server"))
    assert post("/alertmanager", PAYLOAD)[0] == 202


def test_mutual_tls_lets_only_clients_of_the_authority_in_and_is_enough_to_listen_for_everybody(
    start_receiver, authority, tmp_path
):
    known = client(authority, authority.issue("client"))
    post = start_receiver(
        tls=known, host="0.0.0.0", tls_cert_file=authority.issue("server"), tls_client_ca_file=authority.file
    )
    assert post("/alertmanager", PAYLOAD)[0] == 202
    assert post("/metrics")[0] == 200
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger").issue("client")
    for context in (client(authority), client(authority, stranger)):
        post.tls = context
        with pytest.raises(OSError):
            post("/alertmanager", PAYLOAD)


def test_a_second_port_without_tls_is_not_open_to_everybody(start_source, start_receiver, authority, tmp_path):
    args = {
        "host": "0.0.0.0",
        "metrics_port": free_port(),
        "tls_cert_file": authority.issue("server"),
        "tls_client_ca_file": authority.file,
    }
    source = start_source("receiver", state_dir=str(tmp_path / "state"), **args)
    source.thread.join(60)
    assert isinstance(source.error, InputError)
    assert "metrics_token_file" in str(source.error)
    (tmp_path / "metrics").write_text("a-token-0123456789")
    known = client(authority, authority.issue("client"))
    post = start_receiver(tls=known, metrics_token_file=str(tmp_path / "metrics"), **args)
    ask = type(post)(f"http://127.0.0.1:{args['metrics_port']}")
    assert ask("/metrics")[0] == 401
    assert ask("/metrics", Authorization="Bearer a-token-0123456789")[0] == 200
