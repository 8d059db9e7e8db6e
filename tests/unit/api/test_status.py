import asyncio
from typing import Any

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.api import status
from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES, FailureCode, StorageUnavailable
from shared.jobs.ids import JobId, job_blob
from shared.jobs.models import JobEnd
from shared.ledger.records import JobRecord
from shared.storage.base import Record
from shared.wiring import use_services
from tests.support.builders import JOB_ID
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, instance
from tests.unit.api.calling import get_status
from tests.unit.api.conftest import NOW, services_over

QUEUED = b'{"job_id":"%s","status":"queued"}' % JOB_ID.encode()
PROCESSING = b'{"job_id":"%s","status":"processing"}' % JOB_ID.encode()
COMPLETED = b'{"job_id":"%s","status":"completed","video_url":"/api/download/gen_%s"}' % (
    JOB_ID.encode(),
    JOB_ID.encode(),
)
UNAVAILABLE = b'{"detail":"Service is temporarily unavailable"}'

WAITING = {"status": "queued", "stage": "submit"}
RENDERING = {"status": "processing", "stage": "render", "progress": 40}


def failed(sentence: str) -> bytes:
    return b'{"job_id":"%s","status":"failed","error":"%s"}' % (JOB_ID.encode(), sentence.encode())


@pytest.mark.parametrize("runtime_status", ["Pending", "Running", "Suspended", "ContinuedAsNew"])
@pytest.mark.parametrize(
    ("custom_status", "body"),
    [
        pytest.param(None, QUEUED, id="nothing shown yet"),
        pytest.param(WAITING, QUEUED, id="submitting"),
        pytest.param(RENDERING, PROCESSING, id="rendering"),
        pytest.param({"status": "failed"}, QUEUED, id="an end without its reason"),
        pytest.param({"status": "done"}, QUEUED, id="a state that there is not"),
        pytest.param("processing", QUEUED, id="a string"),
        pytest.param(["processing"], QUEUED, id="a list"),
    ],
)
async def test_running_job_shows_what_its_story_shows(runtime_status: str, custom_status: object, body: bytes) -> None:
    """Whatever the host does with the instance, the job is queued until its story says that it is accepted."""
    client = FakeDurableClient({JOB_ID: instance(runtime_status, custom_status)})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["cache-control"] == "no-store"


async def test_completed_job_has_the_address_of_its_file() -> None:
    """The contract's completed job, to the byte, and nothing to wait for."""
    client = FakeDurableClient({JOB_ID: instance("Completed", RENDERING, {"status": "completed"})})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, COMPLETED)
    assert "retry-after" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("code", FAILURE_CODES)
async def test_failed_job_has_the_sentence_of_its_code(code: FailureCode) -> None:
    """Failures are data in the story's output; the caller reads their public sentence."""
    client = FakeDurableClient({JOB_ID: instance("Completed", RENDERING, {"status": "failed", "code": code})})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, failed(PUBLIC_MESSAGES[code]))
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    "output",
    [
        None,
        "completed",
        [],
        {},
        {"status": "failed"},
        {"status": "failed", "code": "unheard_of"},
        {"status": "failed", "code": ["internal"]},
        {"status": "done"},
    ],
)
async def test_output_that_no_story_wrote_is_an_internal_error(output: object) -> None:
    """A job whose end cannot be understood is not reported as finished."""
    client = FakeDurableClient({JOB_ID: instance("Completed", RENDERING, output)})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, failed("Internal error"))


@pytest.mark.parametrize(
    ("runtime_status", "sentence"),
    [("Failed", "Internal error"), ("Terminated", "Job was cancelled"), ("Canceled", "Job was cancelled")],
)
async def test_instance_ended_from_outside_is_a_failed_job(runtime_status: str, sentence: str) -> None:
    """What the host or an operator ended is over, and its raw output stays inside."""
    client = FakeDurableClient({JOB_ID: instance(runtime_status, RENDERING, "Traceback: /home/site/wwwroot")})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, failed(sentence))
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("runtime_status", ["Running", "Suspended", "Terminated", "Failed", "Completed"])
@pytest.mark.parametrize(
    ("shown", "body"),
    [
        pytest.param({"status": "completed"}, COMPLETED, id="completed"),
        pytest.param(
            {"status": "failed", "code": "upstream_timeout"}, failed("Video generation timed out"), id="failed"
        ),
    ],
)
async def test_end_that_was_shown_stays_whatever_becomes_of_the_story(
    runtime_status: str, shown: dict[str, object], body: bytes
) -> None:
    """A story tidies up after it has shown its end; to be terminated while it does changes nothing for the caller."""
    client = FakeDurableClient({JOB_ID: instance(runtime_status, {"stage": "close", **shown}, "by an operator")})

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (200, body)
    assert "retry-after" not in answer.headers


@pytest.mark.usefixtures("use_store")
async def test_unknown_job_is_not_found(store: InMemoryStore) -> None:
    """An id that could be a job's is looked up, once in each place."""
    client = FakeDurableClient()

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (404, b'{"detail":"Job not found"}')
    assert client.reads == [JOB_ID]
    assert [call.name for call in store.calls] == [job_blob(JobId(JOB_ID))]


async def put_on_record(store: InMemoryStore, **end: Any) -> None:
    """Put the job on record, ended where something is said about that."""
    record = JobRecord(job_id=JobId(JOB_ID), accepted_at=NOW, end=JobEnd(**end) if end else None)
    await store.create_record(job_blob(JobId(JOB_ID)), record.model_dump(mode="json"))
    store.calls.clear()


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("end", "body"),
    [
        pytest.param({"status": "completed"}, COMPLETED, id="completed"),
        pytest.param({"status": "completed", "expires_at": NOW}, COMPLETED, id="expired"),
        pytest.param({"status": "failed", "code": "cancelled"}, failed("Job was cancelled"), id="failed"),
    ],
)
async def test_job_whose_story_is_gone_is_answered_from_its_record(
    store: InMemoryStore, end: dict[str, Any], body: bytes
) -> None:
    """Histories are purged after some days; what a caller once read of the end, it reads for good."""
    await put_on_record(store, **end)

    answer = await get_status(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (200, body)
    assert "retry-after" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("use_store")
async def test_job_that_was_recorded_and_never_started_is_not_found(store: InMemoryStore) -> None:
    """Its caller was told that it was not accepted, or will be: nobody has its id."""
    await put_on_record(store)

    answer = await get_status(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (404, b'{"detail":"Job not found"}')


@pytest.mark.usefixtures("use_store")
async def test_job_with_a_story_is_read_from_that_alone(store: InMemoryStore) -> None:
    """A status costs one read, and is there while storage is not."""
    await put_on_record(store, status="failed", code="internal")

    answer = await get_status(FakeDurableClient({JOB_ID: instance("Running", RENDERING)}), JOB_ID)

    assert (answer.status, answer.body) == (200, PROCESSING)
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_record_that_cannot_be_read_is_not_an_unknown_job(
    store: InMemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller must not give up a job because storage has hiccups."""
    store.fail_call(1, error=StorageUnavailable("no route to account"))

    answer = await get_status(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert JOB_ID in caplog.text
    assert "no route to account" in caplog.text


async def test_missing_setting_is_named_in_the_log_and_nowhere_else(
    no_settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A story that is gone needs storage, and so the settings; nobody reads a secret."""
    answer = await get_status(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert "OPENAI_BASE_URL" in caplog.text
    assert no_settings not in caplog.text


class HangingStore(InMemoryStore):
    """Storage that never answers."""

    async def read_record(self, name: str) -> Record | None:
        """Hang."""
        await asyncio.Event().wait()
        return await super().read_record(name)


async def test_storage_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both reads together have less time than a caller's patience."""
    monkeypatch.setattr(status, "DEADLINE_SECONDS", 0.01)

    with use_services(services_over(HangingStore())):
        answer = await get_status(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)


@pytest.mark.parametrize(
    "job_id",
    [
        pytest.param(JOB_ID.upper(), id="upper case"),
        pytest.param(JOB_ID[:-1], id="too short"),
        pytest.param(JOB_ID + "0", id="too long"),
        pytest.param(f"gen_{JOB_ID}", id="a file's id"),
        pytest.param("8" + JOB_ID[1:], id="beyond the largest ULID"),
        pytest.param(JOB_ID[:-1] + "l", id="a letter that ULIDs do not have"),
        pytest.param(JOB_ID[:-1] + "\u0663", id="a digit of another script"),
        pytest.param(JOB_ID + "\n", id="line end"),
        pytest.param(f"../{JOB_ID}", id="a path"),
        pytest.param("", id="empty"),
    ],
)
async def test_id_that_can_be_no_jobs_is_not_found_without_asking(job_id: str) -> None:
    """Nothing but a well-formed id reaches the durable backend."""
    client = FakeDurableClient({job_id: instance("Running")})

    answer = await get_status(client, job_id)

    assert (answer.status, answer.body) == (404, b'{"detail":"Job not found"}')
    assert client.calls == 0


@pytest.mark.parametrize(
    "read_answer",
    [
        pytest.param(BACKEND_ERROR, id="text"),
        pytest.param({"Message": "down", "ExceptionMessage": "/secret/path"}, id="object"),
    ],
)
async def test_backend_that_answers_with_an_error_is_not_an_unknown_job(read_answer: str | dict[str, object]) -> None:
    """The SDK takes a backend's HTTP 500 for a status; callers must not read it as 404 and give the job up."""
    client = FakeDurableClient({JOB_ID: instance("Running")})
    client.read_answer = read_answer

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)


async def test_backend_that_cannot_be_reached_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The caller reads a fixed sentence, the operator the job and the reason."""
    client = FakeDurableClient()
    client.read_error = ConnectionError("cannot connect to 127.0.0.1:17071")

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert JOB_ID in caplog.text
    assert "cannot connect" in caplog.text


async def test_backend_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that says why comes before the caller's own patience ends."""
    monkeypatch.setattr(status, "DEADLINE_SECONDS", 0.01)
    client = FakeDurableClient()
    client.read_hangs = True

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
