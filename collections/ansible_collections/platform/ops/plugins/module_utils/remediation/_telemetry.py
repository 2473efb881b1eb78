# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traces and logs for an OpenTelemetry collector, when OTEL_EXPORTER_OTLP_ENDPOINT names one, and for Azure Application
Insights, when there is its APPLICATIONINSIGHTS_CONNECTION_STRING; nothing otherwise.

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
APPLICATION_INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
# What Azure's exporter would send to, and ask of, others than the resource that is named.
QUIET = ("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED")
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


def _made(exporters: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any] | None:
    """One that cannot be made, for a package or a wrong address, does not keep the other from being used."""
    try:
        return exporters()
    except Exception as error:
        # A connection string is a credential: of what its exporter says about it only the kind is repeated.
        secret = exporters is _application_insights and not isinstance(error, ImportError)
        why = f"its connection string is not accepted ({type(error).__name__})" if secret else error
        logger.warning("Telemetry goes without %s: %s", exporters.__name__.strip("_").replace("_", " "), why)
        return None


def _collector() -> tuple[Any, Any]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    timeout = FLUSH_MILLISECONDS / 1000
    return OTLPSpanExporter(timeout=timeout), OTLPLogExporter(timeout=timeout)


def _application_insights() -> tuple[Any, Any]:
    for name in QUIET:
        os.environ.setdefault(name, "true")
    from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter, AzureMonitorTraceExporter  # noqa: PLC0415

    # Without its storage: what cannot be delivered is not worth a disk, and the service has a collector for more.
    options = {"connection_string": os.environ[APPLICATION_INSIGHTS], "disable_offline_storage": True}
    options |= {"timeout": FLUSH_MILLISECONDS / 1000}
    return AzureMonitorTraceExporter(**options), AzureMonitorLogExporter(**options)


class Telemetry:
    """A context manager: leaving it sends what is left, for at most a few seconds."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._logger: Any = None
        self._providers: list[Any] = []
        if os.environ.get(ENDPOINT) or os.environ.get(APPLICATION_INSIGHTS):
            self._connect()

    @_harmless
    def _connect(self) -> None:
        # Imported here: they take a second that nobody without a collector should pay.
        from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "platform.ops")})
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        for name, exporters in ((ENDPOINT, _collector), (APPLICATION_INSIGHTS, _application_insights)):
            if os.environ.get(name) and (made := _made(exporters)):
                traces.add_span_processor(BatchSpanProcessor(made[0]))
                logs.add_log_record_processor(BatchLogRecordProcessor(made[1]))
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
            problem = {"exception.type": str(record.get("reason") or "failed"), "exception.message": text}
            span.add_event("exception", problem, ended)
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
