# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traces and logs for an OpenTelemetry collector, when OTEL_EXPORTER_OTLP_ENDPOINT names one; nothing otherwise.

Telemetry never disturbs the work: whatever fails here is logged at debug level and forgotten.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

logger = logging.getLogger("platform.ops.telemetry")

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
FLUSH_MILLISECONDS = 3000
_BAD = frozenset({"failed", "refused"})


def _harmless[**P](work: Callable[P, None]) -> Callable[P, None]:
    @wraps(work)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception:
            logger.debug("telemetry failed", exc_info=True)

    return guarded


class Telemetry:
    """A context manager: leaving it sends what is left, for at most a few seconds."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._logger: Any = None
        self._providers: list[Any] = []
        if os.environ.get(ENDPOINT):
            self._connect()

    @_harmless
    def _connect(self) -> None:
        # Imported here: they take a second that nobody without a collector should pay.
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "platform.ops")})
        timeout = FLUSH_MILLISECONDS / 1000
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(timeout=timeout)))
        self._providers = [traces, logs]
        self._tracer, self._logger = traces.get_tracer("platform.ops"), logs.get_logger("platform.ops")

    @_harmless
    def decision(self, record: Mapping[str, Any]) -> None:
        """A span as long as the decision took, and a log record with its message."""
        ended = int(datetime.fromisoformat(record["at"]).timestamp() * 1e9)
        started = ended - int(float(record.get("seconds") or 0) * 1e9)
        text = f"{record['decision']}: {record.get('message') or record.get('reason') or ''}"
        self._emit("decision", record, started, ended, text)

    @_harmless
    def delivery(self, sender: str, started: float, outcome: Mapping[str, Any]) -> None:
        """A span for what a sender delivered; `started` in seconds since the epoch."""
        refused = sum(outcome["refused"].values())
        record = {"source": sender, "received": outcome["received"], "refused": refused}
        text = f"{sender} delivered {outcome['received']} alerts, {refused} refused"
        self._emit("delivery", record, int(started * 1e9), time.time_ns(), text)

    def _emit(self, name: str, record: Mapping[str, Any], started: int, ended: int, text: str) -> None:
        if self._tracer is None:
            return
        from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415
        from opentelemetry.trace import Status, StatusCode, set_span_in_context  # noqa: PLC0415

        bad = record.get("decision") in _BAD
        attributes = {
            f"platform_ops.{key}": value for key, value in record.items() if isinstance(value, (str, int, float))
        }
        span = self._tracer.start_span(f"platform_ops.{name}", attributes=attributes, start_time=started)
        if record.get("decision") == "failed":
            span.set_status(Status(StatusCode.ERROR, text))
        self._logger.emit(
            LogRecord(
                timestamp=ended,
                context=set_span_in_context(span),
                severity_text="WARN" if bad else "INFO",
                severity_number=SeverityNumber.WARN if bad else SeverityNumber.INFO,
                body=text,
                attributes=attributes,
            )
        )
        span.end(ended)

    def __enter__(self) -> Telemetry:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        for provider in self._providers:
            self._close_one(provider)

    @staticmethod
    @_harmless
    def _close_one(provider: Any) -> None:
        provider.force_flush(FLUSH_MILLISECONDS)
        provider.shutdown()
