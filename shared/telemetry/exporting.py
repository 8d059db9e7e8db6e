"""Where telemetry goes, by threads that nobody waits for: to the console, or to any other exporters."""

import atexit
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)

from shared.logs import log
from shared.telemetry.open_telemetry import OpenTelemetry

SPAN_SECONDS: Final = 2.0
METRIC_SECONDS: Final = 60.0
"""How long telemetry may lie here before it is sent: what a process that is killed loses."""

MOST_QUEUED: Final = 2048
"""Spans that wait for an exporter; while it is away, the oldest are dropped."""

Result = TypeVar("Result")


def exported(spans: SpanExporter, metrics: MetricExporter, version: str) -> OpenTelemetry:
    """Return telemetry that goes to these exporters, and is closed with the process."""
    telemetry = OpenTelemetry(
        BatchSpanProcessor(
            PatientSpanExporter(spans), max_queue_size=MOST_QUEUED, schedule_delay_millis=SPAN_SECONDS * 1000
        ),
        PeriodicExportingMetricReader(PatientMetricExporter(metrics), export_interval_millis=METRIC_SECONDS * 1000),
        version,
    )
    atexit.register(telemetry.close)
    return telemetry


def to_console(version: str) -> OpenTelemetry:
    """Return telemetry that is written to the standard output, a line for each span."""
    spans = ConsoleSpanExporter(out=sys.stdout, formatter=lambda span: f"{span.to_json(indent=None)}\n")
    metrics = ConsoleMetricExporter(out=sys.stdout, formatter=lambda told: f"{told.to_json(indent=None)}\n")
    return exported(spans, metrics, version)


class _Delivery:
    """Says once that an exporter fails, and once that it does not any more."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._fails = False

    def made(self, send: Callable[[], Result], good: Result, bad: Result) -> Result:
        """Send, and return what came of it; never raises."""
        try:
            result, why = send(), "refused"
        except Exception as error:  # noqa: BLE001 - an exporter may raise what it likes
            result, why = bad, type(error).__name__
        if (result != good) != self._fails:
            self._fails = not self._fails
            if self._fails:
                log.warning("%s cannot be delivered for now: %s", self._what, why)
            else:
                log.info("%s are delivered again", self._what)
        return result


class PatientSpanExporter(SpanExporter):
    """Another exporter, whose failures are logged when they begin and when they are over."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._delivery = _Delivery("traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        return self._delivery.made(
            lambda: self._inner.export(spans), SpanExportResult.SUCCESS, SpanExportResult.FAILURE
        )

    def shutdown(self) -> None:
        """See `SpanExporter`."""
        self._inner.shutdown()


class PatientMetricExporter(MetricExporter):
    """The same for metrics."""

    def __init__(self, inner: MetricExporter) -> None:
        super().__init__(
            preferred_temporality=inner._preferred_temporality,  # noqa: SLF001 - as the SDK's own readers ask for it
            preferred_aggregation=inner._preferred_aggregation,  # noqa: SLF001 - as above
        )
        self._inner = inner
        self._delivery = _Delivery("metrics")

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """See `MetricExporter`."""
        return self._delivery.made(
            lambda: self._inner.export(metrics_data, timeout_millis, **kwargs),
            MetricExportResult.SUCCESS,
            MetricExportResult.FAILURE,
        )

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """See `MetricExporter`."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """See `MetricExporter`."""
        self._inner.shutdown(timeout_millis, **kwargs)
