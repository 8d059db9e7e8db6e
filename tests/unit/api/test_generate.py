import asyncio
import json
import logging

import pytest

from devtools.fakes.fake_provider import FakeVideoProvider
from devtools.fakes.in_memory_store import InMemoryStore, StoreCall
from shared.api import generate
from shared.jobs.ids import job_blob, parse_job_id
from shared.jobs.models import FlowSettings
from shared.storage.base import Record
from shared.wiring import Services, use_services
from tests.support.builders import FLOW
from tests.support.durable_client import FakeDurableClient
from tests.unit.api.calling import Answer, StalledUpload, Upload, post_generate
from tests.unit.api.conftest import NOW

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


class HangingStore(InMemoryStore):
    """Storage that never answers."""

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
    assert story["flow"] == FLOW


@pytest.mark.usefixtures("use_store")
async def test_accepted_job_is_recorded_before_its_story_starts(
    client: FakeDurableClient, store: InMemoryStore
) -> None:
    """What was accepted, and when, is on record."""
    answer = await post_generate(client, BODY)

    job_id = parse_job_id(json.loads(answer.body)["job_id"])
    assert job_id is not None
    assert await store.read_record(job_blob(job_id)) == {
        "job_id": job_id,
        "accepted_at": NOW.isoformat(),
        "request": {"prompt": "a calm lake", "duration": 5, "width": 1280, "height": 720},
    }


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
async def test_storage_unavailable_is_not_accepted(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Without its record, no job is started."""
    store.fail_call(1)

    answer = await post_generate(client, BODY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert store.calls[0].method == "create_record"
    assert client.calls == 0


async def test_storage_that_hangs_is_not_accepted(client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller gets an answer also where storage gives none."""
    monkeypatch.setattr(generate, "RECORD_DEADLINE_SECONDS", 0.01)

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
async def test_only_the_job_record_is_written(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Accepting a job is one write: everything else is the story's."""
    answer = await post_generate(client, BODY)

    job_id = json.loads(answer.body)["job_id"]
    assert store.calls == [StoreCall("create_record", f"jobs/{job_id}.json")]


async def _post_with(store: InMemoryStore, client: FakeDurableClient) -> Answer:
    with use_services(Services(FakeVideoProvider(), store, FlowSettings.model_validate(FLOW))):
        return await post_generate(client, BODY)
