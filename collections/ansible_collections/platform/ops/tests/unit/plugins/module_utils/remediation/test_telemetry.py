# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import decision_record
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import Telemetry
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DECISION = decision_record(
    {
        "id": "t:1",
        "kind": "bump_limits",
        "decision": "failed",
        "reason": "unavailable",
        "message": "The git host did not answer.",
        "seconds": 2.5,
        "at": "2026-01-31T07:00:00Z",
    }
)


@pytest.fixture
def collector(monkeypatch):
    """The receiving end of OTLP over HTTP: bodies by path, parsed with OpenTelemetry's own messages."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield bodies
    server.shutdown()
    server.server_close()


def test_a_decision_becomes_a_span_and_a_log_record_of_the_same_trace(collector):
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    bodies = dict(collector)
    (span,) = ExportTraceServiceRequest.FromString(bodies["/v1/traces"]).resource_spans[0].scope_spans[0].spans
    (log,) = ExportLogsServiceRequest.FromString(bodies["/v1/logs"]).resource_logs[0].scope_logs[0].log_records
    assert span.name == "platform_ops.decision"
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2_500_000_000
    attributes = {attribute.key: attribute.value.string_value for attribute in span.attributes}
    assert attributes["platform_ops.reason"] == "unavailable"
    assert (span.status.code, log.severity_text) == (2, "WARN")
    assert log.body.string_value == "failed: The git host did not answer."
    assert log.trace_id == span.trace_id


def test_a_delivery_becomes_a_span(collector):
    with Telemetry() as telemetry:
        telemetry.delivery("newrelic", time.time(), {"received": 3, "refused": {"invalid_name": 1}})
    (span,) = ExportTraceServiceRequest.FromString(dict(collector)["/v1/traces"]).resource_spans[0].scope_spans[0].spans
    assert span.name == "platform_ops.delivery"


def test_without_an_endpoint_nothing_is_loaded_or_sent(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    assert telemetry._tracer is None


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "no address", "http://"])
def test_a_collector_that_is_not_there_disturbs_nothing_and_holds_nobody_up(monkeypatch, endpoint):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    started = time.monotonic()
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
        telemetry.decision({})
    assert time.monotonic() - started < 15
