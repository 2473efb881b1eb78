# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source platform.ops.receiver: the door through which alerts come in."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[7]))  # ansible-rulebook does not make collections importable

from aiohttp import web
from ansible_collections.platform.ops.plugins.module_utils._errors import InputError, UnavailableError
from ansible_collections.platform.ops.plugins.module_utils.remediation._auth import (
    SecretFile,
    Secrets,
    SecretVariable,
    Signature,
    is_loopback,
    server_tls,
)
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import DecisionLog
from ansible_collections.platform.ops.plugins.module_utils.remediation._inbox import Inbox
from ansible_collections.platform.ops.plugins.module_utils.remediation._intake import Intake
from ansible_collections.platform.ops.plugins.module_utils.remediation._jwt import verifier
from ansible_collections.platform.ops.plugins.module_utils.remediation._metrics import Counts, DecisionTally
from ansible_collections.platform.ops.plugins.module_utils.remediation._options import Options
from ansible_collections.platform.ops.plugins.module_utils.remediation._poll import Alertmanager, Poller
from ansible_collections.platform.ops.plugins.module_utils.remediation._server import Access, Limits, Receiver
from ansible_collections.platform.ops.plugins.module_utils.remediation._settings import Settings
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry

logger = logging.getLogger("platform.ops.receiver")

DOCUMENTATION = r"""
---
short_description: Receives alerts, authenticated, and stores them before it answers.
description:
  - Takes C(POST /alertmanager), C(POST /newrelic) and C(POST /generic/<name>), and answers C(GET /healthz),
    C(GET /readyz) and C(GET /metrics).
  - Reads the alerts that still fire from Alertmanager's API at the start and at intervals.
  - Emits no events. What it accepts goes into the inbox; P(platform.ops.lane#event_source) hands it out.
  - Answers 202 when everything is on the disk, 400 for what is not an alert, 401 without valid credentials, 413 for
    a body that is too large, 429 for too many requests (503 to Alertmanager, which tries again after 5xx only), and
    503 when the inbox cannot take it.
options:
  host:
    description: Address to listen on. One that is not loopback needs a token, a signature or client certificates.
    type: str
    default: 127.0.0.1
  port:
    description: Port to listen on.
    type: int
    default: 5000
  metrics_port:
    description:
      - A second port that answers C(/healthz), C(/readyz) and C(/metrics) alone, for probes and Prometheus where
        O(port) belongs to a mesh. None when not given.
      - It has no TLS. Where O(host) is not loopback and nothing but client certificates is asked for on O(port), it
        needs O(metrics_token_file).
    type: int
  state_dir:
    description: Folder for the inbox and the decision log, on a local disk.
    type: path
    default: ~/.local/state/platform.ops
  token_file:
    description: File with the bearer token; several lines are several valid tokens. Read again when it changes.
    type: path
  token_env:
    description: Environment variable with the bearer token, instead of O(token_file).
    type: str
  metrics_token_file:
    description: File with a bearer token that is good for C(/metrics) only.
    type: path
  hmac_secret_file:
    description: File with the secret that senders sign the body with. Read again when it changes.
    type: path
  hmac_header:
    description: Header that carries the signature.
    type: str
    default: X-Hub-Signature-256
  hmac_algorithm:
    description: Hash of the signature.
    type: str
    default: sha256
  hmac_encoding:
    description: How the signature is written.
    type: str
    choices: [hex, base64]
    default: hex
  jwt_issuer:
    description:
      - Who signs the JSON web tokens of senders, the token's C(iss). A valid one is as good as O(token_file)'s.
      - Goes together with O(jwt_audience) and one of O(jwt_jwks_url) and O(jwt_jwks_file).
    type: str
  jwt_audience:
    description: Whom the token must be for, its C(aud).
    type: str
  jwt_jwks_url:
    description: Address of the issuer's public keys. Read again when a token names a key that is not among them.
    type: str
  jwt_jwks_file:
    description: File with the issuer's public keys instead.
    type: path
  require:
    description: Whether a request must show one of token and signature, or all that are configured.
    type: str
    choices: [any, all]
    default: any
  tls_cert_file:
    description: Certificate chain of the receiver.
    type: path
  tls_key_file:
    description: Key of the certificate.
    type: path
  tls_client_ca_file:
    description: Authority whose client certificates are required (mutual TLS).
    type: path
  max_body_bytes:
    description: Largest body. 10,000 alerts are about 2 MB.
    type: int
    default: 10485760
  max_items:
    description: Undecided remediations per lane; more are answered with 503.
    type: int
    default: 50000
  requests_per_second:
    description: Rate limit of deliveries; signed ones without a token have one of their own, as large.
    type: float
    default: 50
  burst:
    description: Deliveries that may come at once.
    type: int
    default: 500
  request_seconds:
    description: Time in which a body must have arrived; the first byte of a signed one without a token, in 2 seconds.
    type: float
    default: 30
  rearm_seconds:
    description: An alert that still fires so long after its decision is handed out again.
    type: float
    default: 3600
  cluster:
    description: Cluster of alerts without a C(cluster) label.
    type: str
  alerts:
    description:
      - What an alert asks for, by its name, where its labels do not say it.
      - Each value has C(kind) (V(bump_limits), V(scale_out), V(scale_in)) and C(resource) (V(memory), V(cpu),
        V(ephemeral-storage)).
    type: dict
  newrelic:
    description:
      - Units of plain numbers, C(memory_unit) (V(bytes), V(k), V(M), V(G), V(Ki), V(Mi), V(Gi); default V(Mi)) and
        C(cpu_unit) (V(cores), V(millicores); default V(cores)).
    type: dict
  generic:
    description:
      - Other senders by name. C(fields) maps fields of a remediation to dotted paths in the sender's JSON, C(values)
        sets constants, C(items) is the path of a list of alerts, C(firing) and C(resolved) list the sender's words.
    type: dict
  alertmanager_url:
    description: Base address of Alertmanager, whose API is read for alerts that still fire.
    type: str
  alertmanager_interval:
    description: Seconds between two readings.
    type: float
    default: 60
  alertmanager_filter:
    description: Matchers that the alerts read must meet.
    type: list
    elements: str
  alertmanager_token_file:
    description: File with the bearer token for Alertmanager; the last line counts. Read again for each request.
    type: path
  alertmanager_username:
    description: User for Alertmanager.
    type: str
  alertmanager_password_file:
    description: File with that user's password.
    type: path
  alertmanager_ca_file:
    description: Authority of Alertmanager's certificate.
    type: path
  alertmanager_cert_file:
    description: Client certificate for Alertmanager.
    type: path
  alertmanager_key_file:
    description: Key of the client certificate.
    type: path
"""

EXAMPLES = r"""
- platform.ops.receiver:
    host: 0.0.0.0
    port: 5000
    token_file: /run/secrets/alerts/token
    alertmanager_url: http://alertmanager.monitoring:9093
    alerts:
      ContainerMemoryNearLimit: {kind: bump_limits, resource: memory}
"""


def _secrets(options: Options, file_option: str, purpose: str, env_option: str | None = None) -> Secrets | None:
    if path := options.path(file_option):
        return SecretFile(path, purpose)
    if env_option and (name := options.optional(env_option)):
        return SecretVariable(name, purpose)
    return None


def _access(options: Options) -> Access:
    signing = _secrets(options, "hmac_secret_file", "signing secret")
    header = options.text("hmac_header", "X-Hub-Signature-256")
    algorithm = options.text("hmac_algorithm", "sha256")
    encoding = options.choice("hmac_encoding", "hex", "hex", "base64")
    return Access(
        tokens=_secrets(options, "token_file", "token", "token_env"),
        signature=Signature(signing, header=header, algorithm=algorithm, encoding=encoding) if signing else None,
        metrics_tokens=_secrets(options, "metrics_token_file", "metrics token"),
        require_all=options.choice("require", "any", "any", "all") == "all",
        issued=verifier(
            options.optional("jwt_issuer"),
            options.optional("jwt_audience"),
            options.optional("jwt_jwks_url"),
            options.path("jwt_jwks_file"),
        ),
    )


def _alertmanager(options: Options) -> Alertmanager | None:
    filters = options.any("alertmanager_filter", [])
    if not isinstance(filters, list) or not all(isinstance(item, str) for item in filters):
        raise InputError("platform.ops.receiver: alertmanager_filter must be a list of matchers.")
    server = partial(
        Alertmanager,
        interval=options.number("alertmanager_interval", 60, least=1),
        filters=tuple(filters),
        token_file=options.path("alertmanager_token_file"),
        username=options.optional("alertmanager_username"),
        password_file=options.path("alertmanager_password_file"),
        ca_file=options.path("alertmanager_ca_file"),
        cert_file=options.path("alertmanager_cert_file"),
        key_file=options.path("alertmanager_key_file"),
    )
    url = options.optional("alertmanager_url")
    return server(url) if url else None


async def main(_queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    options = Options("platform.ops.receiver", args)
    host, port = options.text("host", "127.0.0.1"), int(options.number("port", 5000))
    metrics_port = int(options.number("metrics_port", 0))
    access = _access(options)
    client_ca = options.path("tls_client_ca_file")
    tls = server_tls(options.path("tls_cert_file"), options.path("tls_key_file"), client_ca)
    if not (access.tokens or access.signature or access.issued or client_ca) and not is_loopback(host):
        raise InputError(
            f"platform.ops.receiver would listen on {host} for everybody: set token_file, hmac_secret_file, jwt_issuer "
            "or tls_client_ca_file, or listen on 127.0.0.1."
        )
    if metrics_port and access.metrics_for_all and not is_loopback(host):
        raise InputError(
            f"platform.ops.receiver would show metrics on {host} port {metrics_port} to everybody, client certificates "
            "are asked for on the other port only: set metrics_token_file or token_file."
        )
    limits = Limits(
        body_bytes=int(options.number("max_body_bytes", 10 * 2**20, least=1024)),
        requests_per_second=options.number("requests_per_second", 50, least=0.01),
        burst=int(options.number("burst", 500, least=1)),
        request_seconds=options.number("request_seconds", 30, least=0.1),
    )
    settings = Settings.parse(
        cluster=options.optional("cluster"),
        alerts=options.any("alerts"),
        newrelic=options.any("newrelic"),
        generic=options.any("generic"),
    )
    server = _alertmanager(options)
    state_dir = options.state_dir()
    inbox = Inbox(
        state_dir,
        max_items=int(options.number("max_items", 50_000, least=1)),
        rearm_seconds=options.number("rearm_seconds", 3600),
    )
    options.finish()

    log, counts = DecisionLog(state_dir), Counts()
    telemetry = Telemetry()
    intake = Intake(inbox, log, settings, counts, telemetry)
    receiver = Receiver(intake, inbox, DecisionTally(log), counts=counts, access=access, limits=limits)
    runner = web.AppRunner(receiver.application(["alertmanager", "newrelic", *settings.generic]), access_log=None)
    watched = web.AppRunner(receiver.watched(), access_log=None)
    try:
        await _listen(runner, host, port, "remediation_listen_port", tls)
        if metrics_port:
            await _listen(watched, host, metrics_port, "remediation_metrics_port")
        logger.info("Receiving alerts on %s", ", ".join(map(str, runner.addresses)))
        tasks = [_housekeeping(inbox)]
        if server:
            tasks.append(Poller(server, intake, counts).run())
        await asyncio.gather(*tasks)
    finally:
        await runner.cleanup()
        await watched.cleanup()
        telemetry.close()
        inbox.close()


async def _listen(runner: web.AppRunner, host: str, port: int, setting: str, tls: ssl.SSLContext | None = None) -> None:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        raise UnavailableError(
            f"platform.ops.receiver cannot listen on {host} port {port}: {error.strerror or error}. "
            f"Another process may use the port; {setting} sets another."
        ) from error


async def _housekeeping(inbox: Inbox) -> None:
    while True:
        if dropped := await asyncio.to_thread(inbox.purge):
            logger.warning("Dropped %d undecided remediations that no sender repeated for a week.", dropped)
        await asyncio.sleep(600)
