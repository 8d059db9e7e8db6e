"""What is told, as spans and metrics of OpenTelemetry: see docs/decisions/0010-telemetry.md.

Where they go is for exporters (`exporting.py`). Nothing global is touched: libraries that trace by themselves find no
provider here.
"""

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from threading import Thread
from typing import Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.logs import log
from shared.telemetry.base import Period
from shared.telemetry.trace_ids import SpanIds, parse_traceparent, root_of

SCOPE: Final = "sora_video"
CLOSE_SECONDS: Final = 2.0
"""How long the end of a process may take for what nobody has taken yet. Azure gives a worker a few seconds."""

Attributes = Mapping[str, str | bool | int]

_root: ContextVar[SpanIds | None] = ContextVar("_root", default=None)
"""The ids of the span that is being started, where they are not to be drawn by chance."""


class _JobIds(RandomIdGenerator):
    """Ids by chance, but for the span that is a whole job."""

    def generate_trace_id(self) -> int:
        ids = _root.get()
        return super().generate_trace_id() if ids is None else ids.trace

    def generate_span_id(self) -> int:
        ids = _root.get()
        return super().generate_span_id() if ids is None else ids.span


class OpenTelemetry:
    """See `Telemetry`; spans go to `spans`, metrics to `metrics`."""

    listens = True

    def __init__(self, spans: SpanProcessor, metrics: MetricReader, version: str) -> None:
        resource = Resource.create({"service.name": "sora-video", "service.version": version})
        self._traces = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=_JobIds(), shutdown_on_exit=False
        )
        self._traces.add_span_processor(spans)
        self._tracer = self._traces.get_tracer(SCOPE, version)
        self._metrics = MeterProvider([metrics], resource=resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter(SCOPE, version)
        self._ended = meter.create_counter("video.jobs.ended", "{job}", "Jobs that have ended, by status and code")
        self._seconds = meter.create_counter("video.seconds", "s", "Length of the videos that were delivered")
        self._waiting = meter.create_gauge("video.jobs.waiting", "{job}", "Jobs that wait for a place")
        self._oldest = meter.create_gauge("video.jobs.oldest_wait", "s", "Since when the first in line has waited")

    def taken_in(self, job_id: str, during: Period, outcome: str, caller: str | None) -> None:
        """See `Telemetry`."""
        told = {"job.id": job_id, "outcome": outcome}
        with _never_in_the_way():
            ids = parse_traceparent(caller)
            links = [] if ids is None else [Link(_context(ids))]
            failed = outcome not in ("accepted", "replayed")
            self._span("take in job", during, told, failed=failed, parent=root_of(job_id), links=links)

    def activity(
        self,
        job_id: str,
        name: str,
        during: Period,
        outcome: str,
        *,
        reason: str | None = None,
        retryable: bool = False,
    ) -> None:
        """See `Telemetry`."""
        told: dict[str, str | bool] = {"job.id": job_id, "activity": name, "outcome": outcome}
        if reason is not None:
            told |= {"reason": reason, "retryable": retryable}
        with _never_in_the_way():
            self._span(name, during, told, failed=outcome != "ok", parent=root_of(job_id))

    def job_ended(self, job_id: str, during: Period, status: str, code: str | None, video_seconds: int) -> None:
        """See `Telemetry`."""
        how = {"status": status, "code": code or "none"}
        with _never_in_the_way():
            self._ended.add(1, how)
            if video_seconds:
                self._seconds.add(video_seconds)
            chosen = _root.set(root_of(job_id))
            try:
                self._span("video job", during, {"job.id": job_id, **how}, failed=status != "completed")
            finally:
                _root.reset(chosen)

    def line_seen(self, waiting: int, oldest: timedelta) -> None:
        """See `Telemetry`."""
        with _never_in_the_way():
            self._waiting.set(waiting)
            self._oldest.set(oldest.total_seconds())

    def close(self) -> None:
        """See `Telemetry`."""
        # Neither shutdown can be told how long to wait for an exporter that hangs.
        closing = Thread(target=self._shut_down, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _shut_down(self) -> None:
        for provider in (self._traces, self._metrics):
            with _never_in_the_way():
                provider.shutdown()

    def _span(
        self,
        name: str,
        during: Period,
        told: Attributes,
        *,
        failed: bool,
        parent: SpanIds | None = None,
        links: list[Link] | None = None,
    ) -> None:
        """Tell of a span below `parent`, or of one that is a whole job."""
        above = INVALID_SPAN_CONTEXT if parent is None else _context(parent)
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(NonRecordingSpan(above)),
            # A job is work that was taken on: Azure Monitor keeps those as requests, and what belongs to them as
            # dependencies.
            kind=SpanKind.CONSUMER if parent is None else SpanKind.INTERNAL,
            attributes=dict(told),
            links=links,
            start_time=_nanoseconds(during.start),
        )
        span.set_status(Status(StatusCode.ERROR if failed else StatusCode.OK))
        span.end(_nanoseconds(during.end))


def _context(ids: SpanIds) -> SpanContext:
    return SpanContext(ids.trace, ids.span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


@contextlib.contextmanager
def _never_in_the_way() -> Iterator[None]:
    """Let nothing that goes wrong with telemetry reach the job that it is about."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is
        log.warning("telemetry lost: %s", type(error).__name__)
