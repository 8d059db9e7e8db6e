"""Exporters that fail, hang, or work: the app goes on, and says so once."""

import atexit
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

from shared.logs import quiet_libraries
from shared.telemetry import exporting, open_telemetry
from shared.telemetry.azure_monitor import to_azure_monitor
from shared.telemetry.base import Period
from shared.telemetry.exporting import PatientMetricExporter, PatientSpanExporter, exported, to_console
from shared.telemetry.open_telemetry import OpenTelemetry
from tests.support.builders import JOB_ID
from tests.support.exporters import Metrics, Spans

START = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
DURING = Period(START, START + timedelta(seconds=2))
INSIGHTS = "InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sora_video")


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What would be done at the end of the process; done here at the end of the test."""
    registered: list[object] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    yield registered
    for close in registered:
        assert callable(close)
        close()


def told(telemetry: OpenTelemetry) -> None:
    telemetry.activity(JOB_ID, "check_render", DURING, "ok")


def test_failing_traces_are_reported_when_that_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Not with every batch, and without what the exporter's error says: it may name addresses."""
    failure = ConnectionError("https://example.invalid")
    exporter = PatientSpanExporter(
        Spans(failure, SpanExportResult.FAILURE, failure, SpanExportResult.SUCCESS, SpanExportResult.SUCCESS)
    )

    results = [exporter.export([]) for _ in range(5)]

    assert [result.name for result in results] == ["FAILURE", "FAILURE", "FAILURE", "SUCCESS", "SUCCESS"]
    assert caplog.messages == ["traces cannot be delivered for now: ConnectionError", "traces are delivered again"]


def test_failing_metrics_are_reported_in_the_same_way(caplog: pytest.LogCaptureFixture) -> None:
    """And asked for as their exporter prefers."""
    inner = Metrics(MetricExportResult.FAILURE, OSError("any"), MetricExportResult.SUCCESS)
    exporter = PatientMetricExporter(inner)

    results = [exporter.export(MetricsData([])) for _ in range(3)]
    exporter.shutdown()

    assert [result.name for result in results] == ["FAILURE", "FAILURE", "SUCCESS"]
    assert caplog.messages == ["metrics cannot be delivered for now: refused", "metrics are delivered again"]
    assert exporter._preferred_temporality == inner._preferred_temporality
    assert exporter.force_flush()
    assert inner.closed


def test_what_is_told_goes_out_at_the_end_of_the_process_at_the_latest(at_exit: list[object]) -> None:
    """Nothing is lost by an orderly end."""
    spans = Spans()
    telemetry = exported(spans, Metrics(), "0")
    told(telemetry)
    [close] = at_exit

    assert callable(close)
    close()

    assert spans.taken == ["check_render"]
    at_exit.clear()


def test_exporter_that_hangs_holds_up_nobody(at_exit: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who tells something, however much, nor the end of the process."""
    monkeypatch.setattr(open_telemetry, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(exporting, "SPAN_SECONDS", 0.01)
    spans = Spans()
    spans.hangs = True
    telemetry = exported(spans, Metrics(), "0")
    told(telemetry)
    assert spans.exporting.wait(30)

    started = monotonic()
    for _ in range(3 * exporting.MOST_QUEUED):
        told(telemetry)
    telemetry.close()

    assert monotonic() - started < 20
    assert spans.taken == []
    spans.may_go_on.set()
    at_exit.clear()


class Broken(SpanProcessor):
    """Raises whatever it is asked."""

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError(span.name)


def test_what_breaks_while_something_is_told_is_not_the_tellers_trouble(caplog: pytest.LogCaptureFixture) -> None:
    """The job goes on; a line says what kind of trouble it was."""
    telemetry = OpenTelemetry(Broken(), InMemoryMetricReader(), "0")

    told(telemetry)
    telemetry.job_ended(JOB_ID, DURING, "completed", None, 5)
    telemetry.taken_in(JOB_ID, DURING, "accepted", None)

    assert caplog.messages == ["telemetry lost: RuntimeError"] * 3


def test_console_has_a_line_for_each_span(at_exit: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """To be read, or searched by a program."""
    output = io.StringIO()
    monkeypatch.setattr("sys.stdout", output)
    telemetry = to_console("1.2.3")
    told(telemetry)

    telemetry.close()

    spans = [json.loads(line) for line in output.getvalue().splitlines() if "check_render" in line]
    assert [span["name"] for span in spans] == ["check_render"]
    assert spans[0]["resource"]["attributes"]["service.version"] == "1.2.3"
    at_exit.clear()


def test_application_insights_that_cannot_be_reached_disturbs_nobody(
    at_exit: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at that address; the process ends in time all the same, and nothing was written to disk."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    quiet_libraries()
    telemetry = to_azure_monitor(INSIGHTS, None, "0")
    told(telemetry)

    started = monotonic()
    telemetry.close()

    assert monotonic() - started < 10
    at_exit.clear()
