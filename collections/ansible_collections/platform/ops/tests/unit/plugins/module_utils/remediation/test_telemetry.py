# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.platform.ops.plugins.module_utils.remediation._decisions import decision_record
from ansible_collections.platform.ops.plugins.module_utils.remediation._telemetry import QUIET, Telemetry
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KEY = "11111111-2222-3333-4444-555555555555"
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
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "APPLICATIONINSIGHTS_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    assert telemetry._tracer is None


@pytest.fixture
def ingestion(monkeypatch):
    """The documented endpoint of Application Insights: POST /v2.1/track takes envelopes and says how many it took."""
    envelopes, others = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v2.1/track":
                envelopes.extend(json.loads(body))
            else:
                others.append(self.path)
            count = len(json.loads(body))
            answer = json.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in QUIET:
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv(
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{server.server_port}/",
    )
    yield envelopes
    server.shutdown()
    server.server_close()
    assert others == []


@pytest.mark.stand_in("application-insights-receiver")
def test_application_insights_gets_traces_logs_and_exceptions(ingestion, monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "remediation")
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    assert {envelope["iKey"] for envelope in ingestion} == {KEY}
    assert {envelope["tags"]["ai.cloud.role"] for envelope in ingestion} == {"remediation"}
    data = {envelope["data"]["baseType"]: envelope["data"]["baseData"] for envelope in ingestion}
    assert set(data) == {"RemoteDependencyData", "MessageData", "ExceptionData"}
    span = data["RemoteDependencyData"]
    assert (span["name"], span["success"]) == ("platform_ops.decision", False)
    assert span["properties"]["platform_ops.reason"] == "unavailable"
    assert data["MessageData"]["message"] == "failed: The git host did not answer."
    (exception,) = data["ExceptionData"]["exceptions"]
    assert (exception["typeName"], exception["message"]) == ("unavailable", "failed: The git host did not answer.")


@pytest.mark.stand_in("application-insights-receiver")
def test_a_collector_and_application_insights_both_get_all(collector, ingestion):
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    assert {path for path, _body in collector} == {"/v1/traces", "/v1/logs"}
    assert len(ingestion) == 3


@pytest.mark.parametrize("wrong", ["InstrumentationKey=secret-and-no-key", "nonsense"])
def test_a_wrong_connection_string_is_said_without_repeating_it_and_the_collector_goes_on(
    collector, monkeypatch, caplog, wrong
):
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", wrong)
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
    assert {path for path, _body in collector} == {"/v1/traces", "/v1/logs"}
    assert "application insights: its connection string is not accepted" in caplog.text
    assert wrong not in caplog.text


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "no address", "http://"])
def test_a_collector_that_is_not_there_disturbs_nothing_and_holds_nobody_up(monkeypatch, endpoint):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    started = time.monotonic()
    with Telemetry() as telemetry:
        telemetry.decision(DECISION)
        telemetry.decision({})
    assert time.monotonic() - started < 15
