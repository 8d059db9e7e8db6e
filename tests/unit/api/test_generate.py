import asyncio
import json
import logging
from datetime import timedelta

import pytest

from devtools.fakes.in_memory_store import InMemoryStore, StoreCall
from shared.api import generate
from shared.jobs.ids import job_blob, parse_job_id, tally_blob, waiting_blob, watch_blob
from shared.jobs.models import STORY_VERSION, FlowSettings
from shared.ledger import acceptance
from shared.ledger.records import START_SECONDS
from shared.storage.base import Record
from shared.wiring import use_services
from tests.support.builders import FLOW
from tests.support.durable_client import FakeDurableClient
from tests.unit.api.calling import Answer, StalledUpload, Upload, post_generate
from tests.unit.api.conftest import NOW, services_over

BODY = b'{"prompt":"a calm lake","duration":5,"width":1280,"height":720}'
TOO_SHORT = (
    b'{"detail":[{"loc":["body","duration"],"msg":"ensure this value is greater than or equal to 1",'
    b'"type":"value_error.number.not_ge","ctx":{"limit_value":1}}]}'
)
NOT_ACCEPTED = b'{"detail":"Azure OpenAI service is currently unavailable"}'


@pytest.fixture
def client() -> FakeDurableClient:
    """A durable backend without instances."""
    return FakeDurableClient()


class ProcessDied(BaseException):
    """Nothing that is written to survive errors gets to run on it."""


class HangingStore(InMemoryStore):
    """Storage that never answers a write."""

    async def create_record(self, name: str, record: Record) -> bool:
        """Hang."""
        await asyncio.Event().wait()
        return await super().create_record(name, record)


class CrowdedStore(InMemoryStore):
    """Storage in which every record exists already."""

    async def create_record(self, name: str, record: Record) -> bool:  # noqa: ARG002 - nothing is looked at
        """Refuse."""
        return False


@pytest.mark.usefixtures("use_store")
async def test_valid_request_is_answered_with_a_queued_job(client: FakeDurableClient) -> None:
    """The answer is the contract's bytes, names the new job, and says where to look."""
    answer = await post_generate(client, BODY)

    job_id = json.loads(answer.body)["job_id"]
    assert parse_job_id(job_id) == job_id
    assert answer.status == 200
    assert answer.body == b'{"job_id":"%s","status":"queued"}' % job_id.encode()
    assert answer.headers["location"] == f"/api/status/{job_id}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("use_store")
async def test_accepted_job_has_one_story_that_carries_all_it_needs(client: FakeDurableClient) -> None:
    """One orchestration is started, under the job's id, with the request and the settings that steer it."""
    answer = await post_generate(client, BODY)

    job_id = json.loads(answer.body)["job_id"]
    [(name, instance_id, story)] = client.started
    assert (name, instance_id) == ("generate_video", job_id)
    assert json.loads(json.dumps(story)) == story
    assert isinstance(story, dict)
    assert story["job_id"] == job_id
    assert story["request"] == {"prompt": "a calm lake", "duration": 5, "width": 1280, "height": 720}
    assert story["flow"] == FlowSettings.model_validate(FLOW).model_dump(mode="json")
    assert story["version"] == STORY_VERSION


@pytest.mark.usefixtures("use_store")
async def test_accepted_job_is_recorded_before_its_story_starts(
    client: FakeDurableClient, store: InMemoryStore
) -> None:
    """What was accepted, when, and under which settings: all that another start of its story would need."""
    client.start_error_before = ProcessDied()

    with pytest.raises(ProcessDied):
        await post_generate(client, BODY)

    [(_, started, story)] = client.started
    job_id = parse_job_id(str(started))
    assert job_id is not None
    assert isinstance(story, dict)
    assert store.record(job_blob(job_id)) == {
        "job_id": job_id,
        "accepted_at": "2026-03-01T12:30:15.250000Z",
        "request": {"prompt": "a calm lake", "duration": 5, "width": 1280, "height": 720},
        "flow": story["flow"],
        "key": None,
        "end": None,
        "sender_id": None,
        "told": None,
    }
    assert waiting_blob(job_id) in store.names()
    assert watch_blob(NOW + timedelta(seconds=START_SECONDS), job_id) in store.names()


@pytest.mark.usefixtures("use_store")
async def test_equal_requests_are_different_jobs(client: FakeDurableClient) -> None:
    """Asking twice is wanting two videos."""
    first = await post_generate(client, BODY)
    second = await post_generate(client, BODY)

    assert json.loads(first.body)["job_id"] != json.loads(second.body)["job_id"]


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(
            b'{"prompt":""}',
            "application/json",
            (400, b'{"detail":"Invalid prompt: prompt cannot be empty"}'),
            id="empty prompt",
        ),
        pytest.param(
            b'{"prompt":"a","duration":0}',
            "application/json",
            (422, TOO_SHORT),
            id="duration too short",
        ),
        pytest.param(
            b"",
            None,
            (422, b'{"detail":[{"loc":["body"],"msg":"field required","type":"value_error.missing"}]}'),
            id="no body",
        ),
        pytest.param(b"a=b", "text/plain", (415, b'{"detail":"Unsupported media type"}'), id="plain text"),
    ],
)
async def test_invalid_request_touches_nothing(
    client: FakeDurableClient,
    store: InMemoryStore,
    body: bytes,
    content_type: str | None,
    expected: tuple[int, bytes],
) -> None:
    """A refused request leaves neither a record nor a story."""
    answer = await post_generate(client, body, content_type)

    assert (answer.status, answer.body) == expected
    assert answer.headers["cache-control"] == "no-store"
    assert client.calls == 0
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_too_large_body_is_not_read_to_its_end(client: FakeDurableClient) -> None:
    """A body is read as far as shows that it is too large, and no further."""
    upload = Upload([b"x" * 1024] * 1000)

    answer = await post_generate(client, upload)

    assert (answer.status, answer.body) == (413, b'{"detail":"Request body too large"}')
    assert upload.received == 65
    assert client.calls == 0


@pytest.mark.usefixtures("use_store")
async def test_body_in_many_pieces_is_read_whole(client: FakeDurableClient) -> None:
    """How a body was cut on its way does not matter."""
    answer = await post_generate(client, Upload([bytes([byte]) for byte in BODY]))

    assert answer.status == 200


@pytest.mark.usefixtures("use_store")
async def test_client_that_goes_away_while_sending_starts_nothing(
    client: FakeDurableClient, store: InMemoryStore
) -> None:
    """Half a request is no request, even where the half that came is valid by itself."""
    answer = await post_generate(client, Upload([BODY], breaks_off=True))

    assert answer.status == 422
    assert client.calls == 0
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
async def test_body_that_never_ends_is_given_up(
    client: FakeDurableClient, store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that stops in the middle of its request holds nothing for ever, and starts nothing."""
    monkeypatch.setattr(generate, "BODY_DEADLINE_SECONDS", 0.01)

    answer = await post_generate(client, StalledUpload([BODY]))

    assert (answer.status, answer.body) == (408, b'{"detail":"Request timed out"}')
    assert client.calls == 0
    assert store.calls == []


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("after_effect", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize(
    ("nth", "method", "blob"),
    [
        (1, "list_names", "waiting/"),
        (2, "count_up", "tallies/2026-03-01"),
        (3, "create_record", "watch/"),
        (4, "create_record", "jobs/"),
        (5, "create_record", "waiting/"),
    ],
)
async def test_storage_that_fails_at_any_call_does_not_accept(
    client: FakeDurableClient, store: InMemoryStore, nth: int, method: str, blob: str, *, after_effect: bool
) -> None:
    """Without everything that protects it, no job is started."""
    store.fail_call(nth, after_effect=after_effect)

    answer = await post_generate(client, BODY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert store.calls[nth - 1].method == method
    assert store.calls[nth - 1].name.startswith(blob)
    assert client.calls == 0


async def test_storage_that_hangs_is_not_accepted(client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller gets an answer also where storage gives none."""
    monkeypatch.setattr(acceptance, "RECORD_DEADLINE_SECONDS", 0.01)

    answer = await _post_with(HangingStore(), client)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert client.calls == 0


async def test_record_that_exists_is_not_accepted(client: FakeDurableClient) -> None:
    """A job id that is taken, against all odds, must not replace the story that runs under it."""
    answer = await _post_with(CrowdedStore(), client)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert client.calls == 0


async def test_missing_setting_is_named_in_the_log_and_nowhere_else(
    client: FakeDurableClient, no_settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads which setting is missing; the caller reads the usual sentence; nobody reads a secret."""
    answer = await post_generate(client, BODY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert "OPENAI_BASE_URL" in caplog.text
    assert no_settings not in caplog.text
    assert client.calls == 0


@pytest.mark.usefixtures("use_store")
async def test_log_of_an_accepted_job_has_its_id_and_not_its_prompt(
    client: FakeDurableClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator can follow the job; what was asked for stays out of the log."""
    caplog.set_level(logging.INFO)

    answer = await post_generate(client, BODY)

    assert json.loads(answer.body)["job_id"] in caplog.text
    assert "a calm lake" not in caplog.text


@pytest.mark.usefixtures("use_store")
async def test_accepting_a_job_costs_five_calls(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Whether it may wait, its number of the day, its appointment, its record and its turn; the rest is the story's."""
    answer = await post_generate(client, BODY)

    job_id = parse_job_id(json.loads(answer.body)["job_id"])
    assert job_id is not None
    assert store.calls == [
        StoreCall("list_names", "waiting/"),
        StoreCall("count_up", tally_blob(NOW)),
        StoreCall("create_record", watch_blob(NOW + timedelta(seconds=START_SECONDS), job_id)),
        StoreCall("create_record", job_blob(job_id)),
        StoreCall("create_record", waiting_blob(job_id)),
    ]
    assert client.calls == 1


@pytest.mark.usefixtures("use_store")
async def test_jobs_stand_in_line_as_they_came(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Also those of one millisecond: the order of their ids is the order of the line."""
    accepted = [json.loads((await post_generate(client, BODY)).body)["job_id"] for _ in range(20)]

    assert await store.list_names("waiting/", limit=100) == [waiting_blob(job_id) for job_id in accepted]


async def _post_with(store: InMemoryStore, client: FakeDurableClient) -> Answer:
    with use_services(services_over(store)):
        return await post_generate(client, BODY)
