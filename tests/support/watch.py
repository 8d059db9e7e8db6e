"""Somebody who watches the app by OpenTelemetry's own exporters in memory."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry.open_telemetry import OpenTelemetry


class Watch:
    """What was told, as spans and metrics; `telemetry` is what the app tells it to."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.telemetry = OpenTelemetry(SimpleSpanProcessor(self._exporter), self._reader, "0")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Every span so far, in the order in which they ended."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    @property
    def names(self) -> Counter[str]:
        """How many spans there are of each name."""
        return Counter(span.name for span in self.spans)

    def metrics(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        """Return the points of each metric: attributes and value. What was only true then is read once."""
        read = self._reader.get_metrics_data()
        return {
            metric.name: [(dict(point.attributes or {}), point.value) for point in metric.data.data_points]  # type: ignore[union-attr]  # no histogram here
            for resource in (read.resource_metrics if read else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def everything(self) -> str:
        """Return all that was told, as one text."""
        return "\n".join(span.to_json() for span in self.spans) + json.dumps(self.metrics())
