"""`POST /api/generate` with an `Idempotency-Key`: one job, however often it is asked for."""

import asyncio
import json
from datetime import timedelta

import pytest

from devtools.fakes.in_memory_store import InMemoryStore
from shared.jobs.ids import JobId, cancellation_blob, job_blob, key_blob, submission_blob, waiting_blob, watch_blob
from shared.jobs.models import JobEnd
from shared.ledger.records import START_SECONDS
from shared.wiring import use_services
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, instance
from tests.unit.api.calling import Answer, post_generate
from tests.unit.api.conftest import NOW, services_over

BODY = b'{"prompt":"a calm lake","duration":5,"width":1280,"height":720}'
OTHER_BODY = b'{"prompt":"a calm lake","duration":6,"width":1280,"height":720}'
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
REUSED = (
    b'{"detail":[{"loc":["header","Idempotency-Key"],"msg":"the key was used with another request",'
    b'"type":"value_error.idempotency_key"}]}'
)
INVALID = b'{"detail":"Invalid Idempotency-Key"}'
NOT_ACCEPTED = b'{"detail":"Azure OpenAI service is currently unavailable"}'


@pytest.fixture
def client() -> FakeDurableClient:
    """A durable backend without instances."""
    return FakeDurableClient()


class ProcessDied(BaseException):
    """Nothing that is written to survive errors gets to run on it."""


def job_of(answer: Answer) -> JobId:
    assert answer.status == 200, answer
    return JobId(json.loads(answer.body)["job_id"])


def is_replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("keys", [("a", "b"), (KEY, KEY), ("", KEY)])
async def test_several_keys_are_none(client: FakeDurableClient, keys: tuple[str, ...]) -> None:
    """Nobody can tell which one was meant, and a proxy may have joined them."""
    answer = await post_generate(client, BODY, key=keys)

    assert (answer.status, answer.body) == (400, INVALID)


@pytest.mark.usefixtures("use_store")
async def test_malformed_key_starts_nothing(client: FakeDurableClient, store: InMemoryStore) -> None:
    """A caller who means to be safe must not get a job that is not."""
    answer = await post_generate(client, BODY, key="two words")

    assert (answer.status, answer.body) == (400, INVALID)
    assert answer.headers["cache-control"] == "no-store"
    assert client.calls == 0
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_first_request_with_a_key_is_a_new_job(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Answered as any other; the key itself is kept as a hash, for it may say something."""
    answer = await post_generate(client, BODY, key=KEY)

    job_id = job_of(answer)
    assert not is_replayed(answer)
    assert answer.headers["location"] == f"/api/status/{job_id}"
    claim = store.record(key_blob(KEY))
    assert claim is not None
    assert claim["job_id"] == job_id
    record = store.record(job_blob(job_id))
    assert record is not None
    assert record["key"] == key_blob(KEY)
    assert store.record(watch_blob(NOW + timedelta(seconds=START_SECONDS), job_id)) == {
        "job_id": job_id,
        "key": key_blob(KEY),
    }
    assert all(KEY not in name for name in store.names())


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY, id="the same bytes"),
        pytest.param(
            b'{ "height":720.0,"width":1280,"seed":7,"duration":5,"prompt":"a calm \\u006cake" }', id="respelled"
        ),
    ],
)
async def test_request_that_is_repeated_gets_the_same_job(
    client: FakeDurableClient, store: InMemoryStore, body: bytes
) -> None:
    """To the byte and marked; nothing is started, counted or put into the line. What counts is what is asked for."""
    first = await post_generate(client, BODY, key=KEY)
    names = store.names()

    again = await post_generate(client, body, key=f'"{KEY}"')

    assert (again.status, again.body) == (200, first.body)
    assert again.headers == {**first.headers, "idempotency-replayed": "true"}
    assert len(client.started) == 1
    assert store.names() == names


@pytest.mark.usefixtures("use_store")
async def test_answer_says_the_same_when_the_job_has_ended(client: FakeDurableClient) -> None:
    """A repeated request is answered as it was, not with news; the status route has those."""
    first = await post_generate(client, BODY, key=KEY)
    client.instances[job_of(first)] = instance("Completed", output={"status": "completed"})

    again = await post_generate(client, BODY, key=KEY)

    assert (again.status, again.body) == (200, first.body)
    assert is_replayed(again)
    assert len(client.started) == 1


@pytest.mark.usefixtures("use_store")
async def test_job_whose_story_was_purged_is_not_started_again(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Its record says that it has ended: a second start would pay a second time."""
    first = await post_generate(client, BODY, key=KEY)
    with use_services(services_over(store)) as held:
        await held.records.close(job_of(first), JobEnd(status="completed"))
    client.instances.clear()

    again = await post_generate(client, BODY, key=KEY)

    assert again.body == first.body
    assert is_replayed(again)
    assert len(client.started) == 1


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    "other",
    [
        OTHER_BODY,
        BODY.replace(b"calm", b"rough"),
        BODY.replace(b"1280", b"1920"),
        BODY.replace(b"720", b"1080"),
        b'{"prompt":"a calm lake"}',
    ],
)
async def test_key_of_another_request_is_refused(client: FakeDurableClient, other: bytes) -> None:
    """Whatever differs: a caller who mixes up its keys must not take one video for another."""
    await post_generate(client, BODY, key=KEY)

    answer = await post_generate(client, other, key=KEY)

    assert (answer.status, answer.body) == (422, REUSED)
    assert len(client.started) == 1


@pytest.mark.usefixtures("use_store")
async def test_invalid_request_does_not_use_up_its_key(client: FakeDurableClient) -> None:
    """What was refused can be corrected and sent with the same key."""
    refused = await post_generate(client, b'{"prompt":"a calm lake","duration":0}', key=KEY)
    corrected = await post_generate(client, BODY, key=KEY)

    assert refused.status == 422
    assert corrected.status == 200
    assert not is_replayed(corrected)


@pytest.mark.usefixtures("use_store")
async def test_different_keys_are_different_jobs(client: FakeDurableClient) -> None:
    """Keys tell wanting two videos from asking twice; their case counts."""
    first = await post_generate(client, BODY, key="key")
    second = await post_generate(client, BODY, key="Key")

    assert job_of(first) != job_of(second)


@pytest.mark.usefixtures("use_store")
async def test_requests_at_the_same_time_are_one_job(client: FakeDurableClient, store: InMemoryStore) -> None:
    """A proxy that repeats what it is still sending pays once; at most one answer is not marked."""
    answers = await asyncio.gather(*(post_generate(client, BODY, key=KEY) for _ in range(5)))

    assert len({job_of(answer) for answer in answers}) == 1
    assert sum(not is_replayed(answer) for answer in answers) <= 1
    assert len(client.instances) == 1
    assert [name for name in store.names() if name.startswith("waiting/")] == [waiting_blob(job_of(answers[0]))]


@pytest.mark.usefixtures("use_store")
async def test_start_that_was_refused_frees_the_key(client: FakeDurableClient, store: InMemoryStore) -> None:
    """The caller was told that it did not work, and may mean to try again with the key that it has."""
    client.start_error_before = Exception("down")
    failed = await post_generate(client, BODY, key=KEY)
    client.start_error_before = None

    again = await post_generate(client, BODY, key=KEY)

    assert (failed.status, failed.body) == (500, NOT_ACCEPTED)
    assert not is_replayed(again)
    [(_, first, _), (_, second, _)] = client.started
    assert first != second == job_of(again)
    assert list(client.instances) == [second]
    withdrawal = store.record(submission_blob(JobId(str(first))))
    assert withdrawal is not None
    assert withdrawal["caller_was_refused"] is True


@pytest.mark.usefixtures("use_store")
async def test_key_that_could_not_be_freed_is_taken_over(client: FakeDurableClient, store: InMemoryStore) -> None:
    """A withdrawn job is none, whatever its key still says; also for another request, since nobody got an answer."""
    client.start_error_before = Exception("down")
    store.fail_call(12)  # the removal of the key, after the withdrawal
    await post_generate(client, BODY, key=KEY)
    client.start_error_before = None
    left = store.record(key_blob(KEY))
    assert left is not None

    again = await post_generate(client, OTHER_BODY, key=KEY)

    assert job_of(again) != left["job_id"]
    assert not is_replayed(again)
    taken = store.record(key_blob(KEY))
    assert taken is not None
    assert taken["job_id"] == job_of(again)


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("nth", range(4, 8))
async def test_process_that_died_while_accepting_is_made_up_for(
    client: FakeDurableClient, store: InMemoryStore, nth: int
) -> None:
    """Wherever that was, the request that is repeated with its key leads to one story, which has all it needs."""
    store.fail_call(nth, after_effect=True, error=ProcessDied())
    with pytest.raises(ProcessDied):
        await post_generate(client, BODY, key=KEY)
    assert client.started == []

    again = await post_generate(client, BODY, key=KEY)

    job_id = job_of(again)
    [(_, started, _)] = client.started
    assert started == job_id
    assert store.record(job_blob(job_id)) is not None
    assert [name for name in store.names() if name.startswith("waiting/")] == [waiting_blob(job_id)]


@pytest.mark.usefixtures("use_store")
async def test_process_that_died_before_the_start_leaves_the_job_to_the_next_request(
    client: FakeDurableClient,
) -> None:
    """Everything is on record; only the start is made up for, with what was recorded then."""
    client.start_error_before = ProcessDied()
    with pytest.raises(ProcessDied):
        await post_generate(client, BODY, key=KEY)
    client.start_error_before = None

    again = await post_generate(client, BODY, key=KEY)

    [(_, first, story), (_, second, same_story)] = client.started
    assert first == second == job_of(again)
    assert story == same_story
    assert is_replayed(again)


@pytest.mark.usefixtures("use_store")
async def test_backend_that_cannot_be_asked_about_the_job_does_not_replay(
    client: FakeDurableClient, store: InMemoryStore
) -> None:
    """Nobody can say whether the story runs: nothing is promised, and the key still stands for the job."""
    first = await post_generate(client, BODY, key=KEY)
    client.read_answer = BACKEND_ERROR
    names = store.names()

    answer = await post_generate(client, BODY, key=KEY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert store.names() == names
    client.read_answer = None
    assert job_of(await post_generate(client, BODY, key=KEY)) == job_of(first)


@pytest.mark.usefixtures("use_store")
async def test_cancelled_job_keeps_its_key(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Who cancels and wants another video takes another key: the first request was answered."""
    first = await post_generate(client, BODY, key=KEY)
    await store.create_record(cancellation_blob(job_of(first)), {"job_id": job_of(first)})
    client.instances[job_of(first)] = instance("Completed", output={"status": "failed", "code": "cancelled"})

    again = await post_generate(client, BODY, key=KEY)

    assert again.body == first.body
    assert is_replayed(again)


@pytest.mark.usefixtures("use_store")
async def test_log_says_that_a_job_was_asked_for_again_and_not_by_which_key(
    client: FakeDurableClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator can tell a retry from a new job; keys stay out of the log."""
    caplog.set_level("INFO")
    job_id = job_of(await post_generate(client, BODY, key=KEY))

    await post_generate(client, BODY, key=KEY)
    await post_generate(client, OTHER_BODY, key=KEY)

    assert f"[{job_id}] job asked for once more, by its key" in caplog.text
    assert "came with another request" in caplog.text
    assert KEY not in caplog.text
