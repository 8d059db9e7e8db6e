"""`GET /api/jobs/{job_id}`: a job in full, from what its story shows and what is on record."""

import asyncio
from typing import Any

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.api import jobs
from shared.errors import StorageUnavailable
from shared.jobs.ids import JobId, job_blob, new_job_id, waiting_blob
from shared.storage.base import Record
from shared.wiring import use_services
from tests.support.builders import JOB_ID, REQUEST
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, instance
from tests.unit.api.calling import get_job
from tests.unit.api.conftest import services_over
from tests.unit.api.jobs_in_full import (
    JOB,
    NOTHING,
    RENDERING,
    STEPS,
    WAITING,
    described,
    put_on_record,
    showing,
)

NOT_FOUND = b'{"detail":"Job not found"}'
UNAVAILABLE = b'{"detail":"Service is temporarily unavailable"}'


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("shown", [None, WAITING], ids=["not begun", "begun"])
async def test_waiting_job_has_its_place_in_line(store: InMemoryStore, shown: object) -> None:
    """From 1, behind those that came before it; who came after does not matter."""
    await put_on_record(store)
    for job_id in ("01jyg74z6ee6e9y23ceq2fmwc2", "01jyg74z6ee6e9y23ceq2fmwc3", JOB_ID, new_job_id()):
        await store.create_record(waiting_blob(JobId(job_id)), {"job_id": job_id})

    answer = await get_job(showing("Running", shown), JOB_ID)

    assert described(answer) == {**NOTHING, "position": 3}
    assert answer.headers["retry-after"] == "2"


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(
            {**WAITING, "stage": "submit", "submits": 1, "times": {"placed": STEPS["placed"]}},
            {"stage": "submit", "submits": 1, "times": ("placed",)},
            id="submitting, which is not waiting in line",
        ),
        pytest.param(
            RENDERING,
            {
                "status": "processing",
                "stage": "render",
                "progress": 40,
                "submits": 2,
                "times": ("placed", "submitted"),
            },
            id="rendering",
        ),
        pytest.param(
            {"status": "processing", "stage": "fetch"}, {"status": "processing", "stage": "fetch"}, id="fetching"
        ),
        pytest.param(
            {"status": "processing", "stage": "wait", "progress": 90},
            {"status": "processing", "stage": "wait", "progress": 90},
            id="waiting anew, for a render that the service has lost: never back to queued",
        ),
    ],
)
async def test_job_under_way_shows_what_its_story_shows(
    store: InMemoryStore, shown: object, expected: dict[str, Any]
) -> None:
    """Its stage, how far it is, and when it did what; the line is not looked at."""
    await put_on_record(store)
    store.calls.clear()
    done = expected.get("times", ())
    times = {"accepted": "2026-03-01T12:15:15.250Z", **{step: STEPS[step] if step in done else None for step in STEPS}}

    answer = await get_job(showing("Running", shown), JOB_ID)

    assert described(answer) == {**NOTHING, **expected, "times": times}
    assert answer.headers["retry-after"] == "2"
    assert [call.method for call in store.calls] == ["read_record"]


@pytest.mark.usefixtures("use_store")
async def test_job_of_the_first_release_is_described_as_far_as_it_can_be(store: InMemoryStore) -> None:
    """Its story shows less, and its record has three fields."""
    record: Record = {"job_id": JOB_ID, "accepted_at": "2026-03-01T12:15:15.250000+00:00", "request": REQUEST}
    await store.create_record(job_blob(JOB), record)

    job = described(await get_job(showing("Running", {"status": "processing", "stage": "render"}), JOB_ID))

    assert job == {**NOTHING, "status": "processing", "stage": "render"}


@pytest.mark.usefixtures("use_store")
async def test_job_without_a_record_is_described_by_its_story() -> None:
    """An operator may have removed it; the story is what is true."""
    job = described(await get_job(showing("Running", RENDERING), JOB_ID))

    assert job["request"] is None
    assert job["times"]["accepted"] is None
    assert job["status"] == "processing"


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("recorded", [True, False])
async def test_unknown_job_is_not_found(store: InMemoryStore, *, recorded: bool) -> None:
    """Neither a story nor an end: one that is only on record was not accepted, or not yet."""
    if recorded:
        await put_on_record(store)

    answer = await get_job(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (404, NOT_FOUND)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("job_id", [JOB_ID.upper(), f"gen_{JOB_ID}", JOB_ID + "0", f"../{JOB_ID}", JOB_ID + "\n", ""])
async def test_id_that_can_be_no_jobs_is_not_found_without_asking(store: InMemoryStore, job_id: str) -> None:
    """Nothing but a well-formed id reaches the durable backend or storage."""
    client = FakeDurableClient({job_id: instance("Running")})

    answer = await get_job(client, job_id)

    assert (answer.status, answer.body) == (404, NOT_FOUND)
    assert client.calls == 0
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_backend_that_cannot_be_asked_is_not_an_unknown_job(
    store: InMemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is the record asked instead: the job may have gone on since."""
    await put_on_record(store)
    client = showing("Running", RENDERING)
    client.read_answer = BACKEND_ERROR

    answer = await get_job(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert f"[{JOB_ID}] job cannot be read: BackendUnavailable" in caplog.text


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("nth", [1, 2])
async def test_storage_that_cannot_be_read_is_said_in_the_log(
    store: InMemoryStore, nth: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The record, or the line: half a description could be taken for a whole one."""
    await put_on_record(store)
    store.fail_call(nth, error=StorageUnavailable("no route to account"))

    answer = await get_job(showing("Running", WAITING), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert "no route to account" in caplog.text


class HangingStore(InMemoryStore):
    """Storage that never answers."""

    async def read_record(self, name: str) -> Record | None:
        """Hang."""
        await asyncio.Event().wait()
        return await super().read_record(name)


async def test_storage_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that says why comes before the caller's own patience ends."""
    monkeypatch.setattr(jobs, "DEADLINE_SECONDS", 0.01)

    with use_services(services_over(HangingStore())):
        answer = await get_job(showing("Running", RENDERING), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)


async def test_missing_setting_is_named_in_the_log_and_nowhere_else(
    no_settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads which setting is missing; the caller reads the usual sentence; nobody reads a secret."""
    answer = await get_job(showing("Running", RENDERING), JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert "OPENAI_BASE_URL" in caplog.text
    assert no_settings not in caplog.text
