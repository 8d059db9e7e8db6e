"""`DELETE /api/jobs/{job_id}`: a job ends before its time, once, however often that is asked for."""

import json
from typing import Any

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.api import jobs
from shared.errors import StorageUnavailable
from shared.jobs.ids import JobId, cancellation_blob, job_blob
from shared.jobs.models import JobEnd
from shared.ledger.records import JobRecord
from tests.support.builders import JOB_ID
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, Trouble, instance
from tests.unit.api.calling import Answer, delete_job, get_job, get_status
from tests.unit.api.conftest import NOW

JOB = JobId(JOB_ID)
NOT_FOUND = b'{"detail":"Job not found"}'
UNAVAILABLE = b'{"detail":"Service is temporarily unavailable"}'

WAITING = {"status": "queued", "stage": "wait"}
RENDERING = {"status": "processing", "stage": "render", "progress": 40}
CANCELLED = {"status": "failed", "code": "cancelled", "times": {"ended": "2026-03-01T12:30:15.000Z"}}


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories end at once here, or not at all."""
    monkeypatch.setattr(jobs, "NOTICE_SECONDS", 0.02)
    monkeypatch.setattr(jobs, "LOOK_AGAIN_SECONDS", 0.001)


class Backend(FakeDurableClient):
    """A durable backend with the job's story, which ends by the look number `looks` after it was told to; 0: never."""

    def __init__(self, runtime_status: str, shown: object = None, output: object = None, *, looks: int = 1) -> None:
        super().__init__({JOB_ID: instance(runtime_status, shown, output)})
        self._looks = looks
        self.on_event = self._heed

    def _heed(self, instance_id: str, event_name: str) -> None:
        assert (instance_id, event_name) == (JOB_ID, "cancel_job")
        if self._looks:
            self.read_answers = [self.instances[JOB_ID]] * (self._looks - 1)
            self.instances[JOB_ID] = instance("Running", {"stage": "close", **CANCELLED})


def described(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = json.loads(answer.body)
    return body


def is_cancelled(answer: Answer) -> bool:
    job = described(answer)
    assert "retry-after" not in answer.headers
    return (job["status"], job["stage"], job["code"], job["error"]) == (
        "failed",
        None,
        "cancelled",
        "Job was cancelled",
    )


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("runtime_status", ["Pending", "Running", "Suspended"])
@pytest.mark.parametrize("shown", [None, WAITING, RENDERING], ids=["not begun", "waiting", "rendering"])
@pytest.mark.parametrize("looks", [1, 3])
async def test_job_that_goes_on_is_told_and_seen_to_end(
    store: InMemoryStore, runtime_status: str, shown: object, looks: int
) -> None:
    """The answer is the job as it has ended; what was asked is on record, should the message be lost."""
    client = Backend(runtime_status, shown, looks=looks)

    answer = await delete_job(client, JOB_ID)

    assert is_cancelled(answer)
    assert described(answer)["times"]["ended"] == "2026-03-01T12:30:15.000Z"
    assert client.events == [(JOB_ID, "cancel_job", None)]
    assert client.terminated == []
    assert store.record(cancellation_blob(JOB)) == {"job_id": JOB_ID, "at": NOW.isoformat()}


@pytest.mark.usefixtures("use_store")
async def test_end_is_told_as_soon_as_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for longer than the story takes."""
    monkeypatch.setattr(jobs, "NOTICE_SECONDS", 60)
    monkeypatch.setattr(jobs, "DEADLINE_SECONDS", 1)

    assert is_cancelled(await delete_job(Backend("Running", RENDERING, looks=2), JOB_ID))


@pytest.mark.usefixtures("use_store")
async def test_answer_is_what_the_other_routes_say_from_then_on(store: InMemoryStore) -> None:
    """The job in full is the same by `GET`, and its status is the contract's."""
    record = JobRecord(job_id=JOB, accepted_at=NOW)
    await store.create_record(job_blob(JOB), record.model_dump(mode="json"))
    client = Backend("Running", RENDERING)

    answer = await delete_job(client, JOB_ID)

    assert (await get_job(client, JOB_ID)).body == answer.body
    assert (await get_status(client, JOB_ID)).body == (
        b'{"job_id":"%s","status":"failed","error":"Job was cancelled"}' % JOB_ID.encode()
    )


@pytest.mark.usefixtures("use_store")
async def test_record_comes_before_the_message(store: InMemoryStore) -> None:
    """A process that dies in between has lost nothing: the sweep reads the record."""
    client = Backend("Running", WAITING)
    heed = client.on_event
    seen: list[bool] = []

    def look_and_heed(instance_id: str, event_name: str) -> None:
        seen.append(cancellation_blob(JOB) in store.names())
        heed(instance_id, event_name)

    client.on_event = look_and_heed

    await delete_job(client, JOB_ID)

    assert seen == [True]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("shown", [WAITING, RENDERING], ids=["waiting", "rendering"])
async def test_job_that_takes_its_time_is_answered_as_it_is(store: InMemoryStore, shown: dict[str, object]) -> None:
    """An activity that runs must end first; the caller looks again, as it is told."""
    client = Backend("Running", shown, looks=0)

    answer = await delete_job(client, JOB_ID)

    assert described(answer)["status"] == shown["status"]
    assert answer.headers["retry-after"] == "2"
    assert cancellation_blob(JOB) in store.names()


@pytest.mark.usefixtures("use_store")
async def test_job_is_cancelled_once_however_often_that_is_asked_for(store: InMemoryStore) -> None:
    """Before it has noticed it is told again; afterwards nothing is done any more."""
    client = Backend("Running", WAITING, looks=0)
    first = await delete_job(client, JOB_ID)
    at_first = store.record(cancellation_blob(JOB))
    second = await delete_job(client, JOB_ID)
    client.instances[JOB_ID] = instance("Completed", None, CANCELLED)
    third, fourth = await delete_job(client, JOB_ID), await delete_job(client, JOB_ID)

    assert first.body == second.body
    assert store.record(cancellation_blob(JOB)) == at_first
    assert is_cancelled(third)
    assert fourth.body == third.body
    assert len(client.events) == 2


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("story", "status", "code"),
    [
        pytest.param(instance("Completed", None, {"status": "completed"}), "completed", None, id="completed"),
        pytest.param(
            instance("Running", {"stage": "close", "status": "completed"}), "completed", None, id="tidying up"
        ),
        pytest.param(
            instance("Completed", None, {"status": "failed", "code": "content_policy"}),
            "failed",
            "content_policy",
            id="failed",
        ),
        pytest.param(instance("Terminated"), "failed", "cancelled", id="terminated"),
    ],
)
async def test_job_that_has_ended_stays_as_it_is(
    store: InMemoryStore, story: dict[str, object], status: str, code: str | None
) -> None:
    """A finished video cannot be cancelled away; 200 all the same, since there is nothing left to be done."""
    client = FakeDurableClient({JOB_ID: story})

    answer = await delete_job(client, JOB_ID)

    job = described(answer)
    assert (job["status"], job["code"]) == (status, code)
    assert "retry-after" not in answer.headers
    assert client.events == []
    assert store.names() == []


@pytest.mark.usefixtures("use_store")
async def test_job_whose_story_is_gone_stays_as_it_is_on_record(store: InMemoryStore) -> None:
    """An end for good is no reason for a message to nobody."""
    record = JobRecord(job_id=JOB, accepted_at=NOW, end=JobEnd(status="completed"))
    await store.create_record(job_blob(JOB), record.model_dump(mode="json"))
    client = FakeDurableClient()

    answer = await delete_job(client, JOB_ID)

    assert described(answer)["status"] == "completed"
    assert client.events == []
    assert store.names() == [job_blob(JOB)]


@pytest.mark.usefixtures("use_store")
async def test_job_that_ends_in_that_very_moment_is_answered_as_it_ended(store: InMemoryStore) -> None:
    """The message comes too late; what it finds is the truth."""
    client = FakeDurableClient({JOB_ID: instance("Completed", None, {"status": "completed"})})
    client.read_answers = [instance("Running", RENDERING)]

    answer = await delete_job(client, JOB_ID)

    assert described(answer)["status"] == "completed"
    assert client.events == [(JOB_ID, "cancel_job", None)]
    assert cancellation_blob(JOB) in store.names()  # the sweep removes it


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("job_id", [JOB_ID, JOB_ID.upper(), f"gen_{JOB_ID}", "42", ""])
async def test_unknown_job_is_not_found(store: InMemoryStore, job_id: str) -> None:
    """Nothing is written for it: anybody could name any number of ids."""
    client = FakeDurableClient()

    answer = await delete_job(client, job_id)

    assert (answer.status, answer.body) == (404, NOT_FOUND)
    assert client.events == []
    assert store.names() == []


@pytest.mark.usefixtures("use_store")
async def test_job_that_is_only_on_record_is_not_found(store: InMemoryStore) -> None:
    """Its caller has no answer yet, and so no id to cancel."""
    await store.create_record(job_blob(JOB), JobRecord(job_id=JOB, accepted_at=NOW).model_dump(mode="json"))

    answer = await delete_job(FakeDurableClient(), JOB_ID)

    assert (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.usefixtures("use_store")
async def test_backend_that_cannot_be_asked_cancels_nothing(
    store: InMemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Its caller is told to ask again; the log says what for."""
    client = Backend("Running", WAITING)
    client.read_answer = BACKEND_ERROR

    answer = await delete_job(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert f"[{JOB_ID}] job cannot be cancelled: BackendUnavailable" in caplog.text
    assert store.names() == []


@pytest.mark.usefixtures("use_store")
async def test_message_that_is_not_delivered_is_no_success(store: InMemoryStore) -> None:
    """The record stays, so that the sweep cancels the job even where its caller gives up."""
    client = Backend("Running", WAITING)
    client.event_trouble = Trouble(before=Exception("Webhook returned unrecognized status code 503"))

    answer = await delete_job(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert cancellation_blob(JOB) in store.names()


@pytest.mark.usefixtures("use_store")
async def test_cancellation_that_cannot_be_recorded_is_no_success(store: InMemoryStore) -> None:
    """What could be lost without a trace is not promised."""
    client = Backend("Running", WAITING)
    store.fail_call(2, error=StorageUnavailable("no route to account"))

    answer = await delete_job(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
    assert store.calls[1].method == "create_record"
    assert client.events == []


@pytest.mark.usefixtures("use_store")
async def test_backend_that_hangs_while_the_job_is_watched_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's patience is the limit for all of it together."""
    monkeypatch.setattr(jobs, "DEADLINE_SECONDS", 0.05)
    client = Backend("Running", WAITING)
    client.event_trouble = Trouble(hangs=True)

    answer = await delete_job(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
