import pytest

from shared.errors import FAILURE_CODES, PUBLIC_MESSAGES, FailureCode
from shared.jobs import client as job_client
from tests.support.builders import JOB_ID
from tests.support.durable_client import BACKEND_ERROR, FakeDurableClient, instance
from tests.unit.api.calling import get_status

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
        pytest.param({"status": "completed"}, QUEUED, id="a state that is not shown while running"),
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


async def test_unknown_job_is_not_found() -> None:
    """An id that could be a job's is looked up, once."""
    client = FakeDurableClient()

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (404, b'{"detail":"Job not found"}')
    assert client.reads == [JOB_ID]


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
    monkeypatch.setattr(job_client, "READ_DEADLINE_SECONDS", 0.01)
    client = FakeDurableClient()
    client.read_hangs = True

    answer = await get_status(client, JOB_ID)

    assert (answer.status, answer.body) == (500, UNAVAILABLE)
