"""Exporters of telemetry that do as they are told."""

import threading
from collections.abc import Sequence

from opentelemetry.sdk.metrics import Counter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class Spans(SpanExporter):
    """Takes spans, refuses them, or does worse, as it is told to; `exporting` is set as soon as it is asked."""

    def __init__(self, *outcomes: SpanExportResult | Exception) -> None:
        self.outcomes = list(outcomes)
        self.taken: list[str] = []
        self.exporting = threading.Event()
        self.may_go_on = threading.Event()
        self.hangs = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        self.exporting.set()
        if self.hangs:
            self.may_go_on.wait(30)
        outcome = self.outcomes.pop(0) if self.outcomes else SpanExportResult.SUCCESS
        if isinstance(outcome, Exception):
            raise outcome
        self.taken += [span.name for span in spans]
        return outcome


class Metrics(MetricExporter):
    """The same for metrics; prefers differences, as Azure Monitor does."""

    def __init__(self, *outcomes: MetricExportResult | Exception) -> None:
        super().__init__(preferred_temporality={Counter: AggregationTemporality.DELTA})
        self.outcomes = list(outcomes)
        self.closed = False

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: object) -> MetricExportResult:
        """See `MetricExporter`."""
        del metrics_data, timeout_millis, kwargs
        outcome = self.outcomes.pop(0) if self.outcomes else MetricExportResult.SUCCESS
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def force_flush(self, timeout_millis: float = 0) -> bool:
        """See `MetricExporter`."""
        del timeout_millis
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: object) -> None:
        """See `MetricExporter`."""
        del timeout_millis, kwargs
        self.closed = True
