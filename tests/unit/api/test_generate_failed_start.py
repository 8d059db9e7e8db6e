"""`POST /api/generate` where the durable backend does not say that the job was started."""

import json
from datetime import timedelta

import pytest

from devtools.fakes.in_memory_store import InMemoryStore, StoreCall
from shared.jobs import client as job_client
from shared.jobs.ids import CAPACITY, JobId, submission_blob, tally_blob, watch_blob
from shared.ledger.records import START_SECONDS
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient
from tests.unit.api.calling import post_generate
from tests.unit.api.conftest import NOW

BODY = b'{"prompt":"a calm lake","duration":5,"width":1280,"height":720}'
NOT_ACCEPTED = b'{"detail":"Azure OpenAI service is currently unavailable"}'


@pytest.fixture
def client() -> FakeDurableClient:
    """A durable backend without instances."""
    return FakeDurableClient()


class LateClient(FakeDurableClient):
    """A backend of which nobody can tell whether it has started the job; it has, and the story is at work."""

    def __init__(self, store: InMemoryStore) -> None:
        super().__init__()
        self._store = store
        self.read_error = ConnectionError("down")

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: object = None
    ) -> str:
        """Start it, let it write its intent, and fail."""
        await super().start_new(orchestration_function_name, instance_id, client_input)
        await self._store.create_record(submission_blob(JobId(str(instance_id))), {"intended_at": "just now"})
        raise ConnectionError("down")


@pytest.mark.usefixtures("use_store")
async def test_start_refused_and_instance_unknown_is_not_accepted(client: FakeDurableClient) -> None:
    """A story that certainly does not run is not accepted."""
    client.start_error_before = Exception("no such orchestrator")

    answer = await post_generate(client, BODY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert len(client.reads) == 1


@pytest.mark.usefixtures("use_store")
async def test_job_that_is_not_accepted_is_withdrawn(client: FakeDurableClient, store: InMemoryStore) -> None:
    """Where its start arrives after all, it finds that nothing may be submitted; of the job itself nothing is left."""
    client.start_error_before = Exception("down")

    await post_generate(client, BODY)

    [(_, started, _)] = client.started
    job_id = JobId(str(started))
    assert store.record(submission_blob(job_id)) == {
        "job_id": job_id,
        "withdrawn_at": NOW.isoformat(),
        "caller_was_refused": True,
    }
    appointment = watch_blob(NOW + timedelta(seconds=START_SECONDS), job_id)
    assert set(store.names()) == {submission_blob(job_id), appointment, tally_blob(NOW), CAPACITY}


@pytest.mark.usefixtures("use_store")
async def test_job_whose_story_is_at_work_already_is_accepted(store: InMemoryStore) -> None:
    """It may be paid for by now, so its caller is told its id, though the backend cannot be asked."""
    client = LateClient(store)

    answer = await post_generate(client, BODY)

    assert answer.status == 200
    assert json.loads(answer.body)["job_id"] in client.instances


@pytest.mark.usefixtures("use_store")
async def test_job_that_cannot_be_withdrawn_is_not_accepted_either(
    client: FakeDurableClient, store: InMemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can say that it runs; the log says what is missing, and the sweep finds the job by its appointment."""
    client.start_error_before = Exception("down")
    store.fail_call(6)

    answer = await post_generate(client, BODY)

    [(_, started, _)] = client.started
    job_id = JobId(str(started))
    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
    assert store.calls[-1] == StoreCall("create_record", submission_blob(job_id))
    assert f"[{job_id}] not withdrawn" in caplog.text
    assert watch_blob(NOW + timedelta(seconds=START_SECONDS), job_id) in store.names()


@pytest.mark.usefixtures("use_store")
async def test_start_that_fails_after_the_instance_exists_is_accepted(client: FakeDurableClient) -> None:
    """The job runs and will be paid for, so its caller is told its id."""
    client.start_error_after = Exception("lost connection")

    answer = await post_generate(client, BODY)

    assert answer.status == 200
    assert json.loads(answer.body)["job_id"] in client.instances


@pytest.mark.usefixtures("use_store")
async def test_start_that_hangs_after_the_instance_exists_is_accepted(
    client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing answer is no refusal: the instance is looked for."""
    monkeypatch.setattr(job_client, "START_DEADLINE_SECONDS", 0.01)
    client.start_hangs = True

    answer = await post_generate(client, BODY)

    assert answer.status == 200


@pytest.mark.usefixtures("use_store")
@pytest.mark.parametrize("trouble", ["error status", "exception"])
async def test_start_of_which_nothing_can_be_known_is_not_accepted(client: FakeDurableClient, trouble: str) -> None:
    """Where the backend refuses and cannot be asked either, the caller is told that it did not work."""
    client.start_error_before = Exception("down")
    client.read_answer = BACKEND_ERROR if trouble == "error status" else None
    client.read_error = ConnectionError("down") if trouble == "exception" else None

    answer = await post_generate(client, BODY)

    assert (answer.status, answer.body) == (500, NOT_ACCEPTED)
