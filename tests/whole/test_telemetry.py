"""One job is one trace, however long it takes and in however many processes; and watching changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode

from devtools.fakes.in_memory_store import InMemoryStore
from shared.errors import ProviderRejected, ProviderUnavailable
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import timestamp
from shared.names import ACTIVITIES
from shared.telemetry.exporting import PatientSpanExporter
from shared.telemetry.open_telemetry import OpenTelemetry
from shared.telemetry.trace_ids import root_of
from shared.wiring import Limits
from tests.support.exporters import Spans
from tests.support.watch import Watch
from tests.support.whole_app import SIZE, WholeApp, whole_app

COMPLETED = {
    "take in job": 1,
    "request_place": 1,
    "submit_render": 1,
    "check_render": 2,
    "release_place": 1,
    "fetch_render": 1,
    "verify_video": 1,
    "close_job": 1,
    "video job": 1,
}
"""The spans of a job whose render is finished at the second look."""

TOLD = {"job.id", "activity", "outcome", "reason", "retryable", "status", "code"}


@asynccontextmanager
async def watched_app(folder: Path, **options: Any) -> AsyncIterator[tuple[WholeApp, Watch]]:
    """The whole app, and somebody who watches it."""
    watch = Watch()
    async with whole_app(folder, **options) as town:
        town.services = replace(town.services, telemetry=watch.telemetry)
        await town.stop()
        await town.start()
        yield town, watch


def of(job_id: str, spans: list[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in spans if (span.attributes or {}).get("job.id") == job_id]


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def moment(nanoseconds: int | None) -> datetime:
    assert nanoseconds is not None
    return datetime.fromtimestamp(nanoseconds / 1e9).astimezone()


async def test_job_is_one_trace_from_its_request_to_its_end(tmp_path: Path) -> None:
    """Every span is in it, below the one that is the whole job."""
    async with watched_app(tmp_path) as (town, watch):
        job_id = await town.submit("a calm lake")
        assert await town.until_ended(job_id) == {job_id: "completed"}
        details = await town.job(job_id)

    assert watch.names == COMPLETED
    assert {(span.attributes or {})["job.id"] for span in watch.spans} == {job_id}
    root_ids = root_of(job_id)
    assert {span.context.trace_id for span in watch.spans if span.context} == {root_ids.trace}
    [root] = [span for span in watch.spans if span.parent is None]
    assert root.name == "video job"
    assert root.context is not None
    assert root.context.span_id == root_ids.span
    assert {parent(span) for span in watch.spans if span is not root} == {root_ids}
    assert timestamp(moment(root.start_time)) == details["times"]["accepted"]
    assert timestamp(moment(root.end_time)) == details["times"]["ended"]
    assert {span.status.status_code for span in watch.spans} == {StatusCode.OK}


async def test_replays_and_restarts_add_nothing(tmp_path: Path) -> None:
    """The story is told again with every episode, and after every death of the process; its spans are not."""
    episodes: list[object] = []
    async with watched_app(tmp_path, on_episode=lambda *told: episodes.append(told)) as (town, watch):
        job_id = await town.submit("a calm lake")
        for _ in range(3):
            await town.settle()
            await town.restart()
            await town.pass_time(seconds=3)
        await town.until_ended(job_id)
        await town.pass_time(minutes=5)

    assert len(episodes) > len(COMPLETED)
    assert town.deaths == 3
    assert watch.names == COMPLETED
    assert len({span.context.trace_id for span in watch.spans if span.context}) == 1


async def test_activity_that_is_tried_again_is_another_span(tmp_path: Path) -> None:
    """With what it failed with, and whether that was the end of it."""
    async with watched_app(tmp_path) as (town, watch):
        town.provider.script("look", ProviderUnavailable("https://upstream.example is down"))  # type: ignore[attr-defined]  # the fake
        job_id = await town.submit("a calm lake")
        await town.until_ended(job_id)

    first, *others = watch.named("check_render")
    assert first.attributes == {
        "job.id": job_id,
        "activity": "check_render",
        "outcome": "upstream_unavailable",
        "reason": "provider_unavailable",
        "retryable": True,
    }
    assert first.status.status_code is StatusCode.ERROR
    assert [(span.attributes or {})["outcome"] for span in others] == ["ok", "ok"]


async def test_ended_jobs_are_counted_by_status_and_code(tmp_path: Path) -> None:
    """And the seconds of those that were delivered."""
    async with watched_app(tmp_path) as (town, watch):
        good, other = await town.submit("a calm lake"), await town.submit("another lake")
        await town.until_ended(good, other)
        town.provider.script("submit", ProviderRejected("content_policy", "no"))  # type: ignore[attr-defined]  # the fake
        bad = await town.submit("refused")
        await town.until_ended(bad)
        metrics = watch.metrics()

    [root] = of(bad, watch.named("video job"))
    assert root.status.status_code is StatusCode.ERROR
    assert root.attributes == {"job.id": bad, "status": "failed", "code": "content_policy"}
    ended = {(told["status"], told["code"]): number for told, number in metrics["video.jobs.ended"]}
    assert ended == {("completed", "none"): 2, ("failed", "content_policy"): 1}
    assert metrics["video.seconds"] == [({}, 2 * SIZE["duration"])]


async def test_job_that_the_sweep_closes_has_its_trace_as_well(tmp_path: Path) -> None:
    """Its story was terminated by hand, so that it could not close the job itself."""
    async with watched_app(tmp_path) as (town, watch):
        job_id = await town.submit("a calm lake")
        await town.settle()
        await town.host.client.terminate(JobId(job_id), "by hand")
        await town.pass_time(hours=25)
        words = await town.until_ended(job_id)

    assert words == {job_id: "failed"}
    assert [(span.attributes or {})["code"] for span in watch.named("video job")] == ["cancelled"]


async def test_sweep_tells_how_many_wait(tmp_path: Path) -> None:
    """From the listing that everybody shares."""
    async with watched_app(tmp_path, limits=Limits(renders=1)) as (town, watch):
        town.provider.looks_needed = 10_000  # type: ignore[attr-defined]  # the fake
        for number in range(4):
            await town.submit(f"request {number}")
        await town.settle()
        await town.restart()  # what this process has let in by itself is no longer counted on top
        await town.pass_time(minutes=1)

        assert watch.metrics()["video.jobs.waiting"] == [({}, 3)]


async def test_callers_trace_is_linked_from_the_request(tmp_path: Path) -> None:
    """Whoever has it finds the job's; a header that makes no sense is ignored."""
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    async with watched_app(tmp_path) as (town, watch):
        for traceparent in (f"00-{trace}-{span}-01", "nonsense"):
            headers = {"Content-Type": "application/json", "traceparent": traceparent}
            answer = await town.call("generate", "POST", "/api/generate", body={"prompt": "a", **SIZE}, headers=headers)
            assert answer.status == 200

    linked, not_linked = watch.named("take in job")
    [link] = linked.links
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (trace, span)
    assert list(not_linked.links) == []
    assert linked.context is not None
    assert linked.context.trace_id != int(trace, 16)


async def test_request_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    """There is no such job, but whoever was answered with a 500 finds why in the trace that it would have had."""
    store = InMemoryStore()
    async with watched_app(tmp_path, store=store) as (town, watch):
        store.fail_call()
        answer = await town.post("a calm lake")

    assert answer.status == 500
    [span] = watch.spans
    assert (span.name, span.status.status_code) == ("take in job", StatusCode.ERROR)
    assert (span.attributes or {})["outcome"] == "storage_unavailable"


async def test_request_that_is_repeated_with_its_key_is_in_the_trace_of_its_job(tmp_path: Path) -> None:
    """There is no other job."""
    async with watched_app(tmp_path) as (town, watch):
        job_id = await town.submit("a calm lake", "a-key")
        assert await town.submit("a calm lake", "a-key") == job_id

    assert [span.attributes for span in watch.named("take in job")] == [
        {"job.id": job_id, "outcome": "accepted"},
        {"job.id": job_id, "outcome": "replayed"},
    ]


async def test_job_by_queue_is_one_trace_as_well(tmp_path: Path) -> None:
    """From its message, which may be delivered twice, to its end."""
    async with watched_app(tmp_path) as (town, watch):
        for _ in range(2):
            await town.deliver("message-1", {"prompt": "a calm lake", "id": "order-1", **SIZE})
        job_id = str((watch.spans[0].attributes or {})["job.id"])
        assert await town.until_ended(job_id) == {job_id: "completed"}

    assert watch.names == {**COMPLETED, "take in job": 2}
    assert [(span.attributes or {})["outcome"] for span in watch.named("take in job")] == ["accepted", "replayed"]
    assert {span.context.trace_id for span in watch.spans if span.context} == {root_of(job_id).trace}


async def test_jobs_do_not_notice_an_exporter_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They end as they would without; one line says that telemetry is lost, whatever is lost after that."""
    failing = [ConnectionError("refused")] * 1000
    telemetry = OpenTelemetry(SimpleSpanProcessor(PatientSpanExporter(Spans(*failing))), InMemoryMetricReader(), "0")
    async with whole_app(tmp_path) as town:
        town.services = replace(town.services, telemetry=telemetry)
        await town.restart()
        jobs = [await town.submit(f"request {number}") for number in range(3)]
        assert set((await town.until_ended(*jobs)).values()) == {"completed"}

    lost = [message for message in caplog.messages if "traces" in message or "telemetry" in message]
    assert lost == ["traces cannot be delivered for now: ConnectionError"]


async def test_nothing_that_is_told_is_a_secret_or_anybodys_words(tmp_path: Path) -> None:
    """Neither prompts, keys nor upstreams; whatever goes wrong."""
    async with watched_app(tmp_path) as (town, watch):
        town.services = replace(town.services, secrets=("sk-a-secret",))
        await town.restart()
        errors = [
            ProviderUnavailable("https://upstream.example with sk-a-secret"),
            RuntimeError("zebra at https://upstream.example with sk-a-secret"),
            ProviderRejected("content_policy", "zebra"),
        ]
        for error in errors:
            town.provider.script("submit", error)  # type: ignore[attr-defined]  # the fake
        job_id = await town.submit("a zebra", "key-of-a-zebra")
        assert await town.until_ended(job_id) == {job_id: "failed"}

        everything = watch.everything()

    assert job_id in everything
    for word in ("zebra", "sk-a-secret", "upstream.example", "https:"):
        assert word not in everything
    assert {key for span in watch.spans for key in span.attributes or {}} <= TOLD
    assert {span.name for span in watch.spans} <= {*ACTIVITIES, "take in job", "video job"}
