import asyncio
import json
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationClient

from devtools.host.binding import ClientBinding
from shared.errors import BackendUnavailable
from shared.jobs import client as job_client
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId
from shared.jobs.lifecycle import JobView
from tests.support.builders import JOB_ID
from tests.support.durable_client import BACKEND_ERROR, UNKNOWN, FakeDurableClient, instance

JOB = JobId(JOB_ID)
STORY: dict[str, object] = {"job_id": JOB_ID}


async def test_start_starts_the_story_under_the_jobs_id() -> None:
    """Instance id and job id are one."""
    durable = FakeDurableClient()

    await JobClient(durable).start(JOB, STORY)

    assert durable.started == [("generate_video", JOB_ID, STORY)]
    assert durable.reads == []


async def test_start_that_fails_without_an_instance_is_refused() -> None:
    """What certainly does not run is reported, with the id and the reason."""
    durable = FakeDurableClient()
    durable.start_error_before = Exception("no such orchestrator")

    with pytest.raises(BackendUnavailable, match=rf"{JOB_ID}.*no such orchestrator"):
        await JobClient(durable).start(JOB, STORY)


async def test_start_that_fails_after_the_instance_exists_is_accepted() -> None:
    """What runs is not reported as refused: its caller would ask, and pay, again."""
    durable = FakeDurableClient()
    durable.start_error_after = Exception("the connection was lost")

    await JobClient(durable).start(JOB, STORY)

    assert durable.reads == [JOB_ID]


async def test_start_is_tried_once() -> None:
    """A start is never repeated: the SDK would replace the instance that the first one made."""
    durable = FakeDurableClient()
    durable.start_error_before = Exception("down")

    with pytest.raises(BackendUnavailable):
        await JobClient(durable).start(JOB, STORY)

    assert len(durable.started) == 1


async def test_start_of_which_nothing_is_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither started nor readable: the caller is told that it did not work."""
    monkeypatch.setattr(job_client, "READ_AGAIN_DEADLINE_SECONDS", 0.05)
    durable = FakeDurableClient()
    durable.start_error_before = Exception("down")
    durable.read_answer = BACKEND_ERROR

    with pytest.raises(BackendUnavailable):
        await JobClient(durable).start(JOB, STORY)


async def test_start_that_hangs_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that does not answer in time may have accepted all the same."""
    monkeypatch.setattr(job_client, "START_DEADLINE_SECONDS", 0.01)
    durable = FakeDurableClient()
    durable.start_hangs = True

    await JobClient(durable).start(JOB, STORY)

    assert durable.reads == [JOB_ID]


async def test_view_reads_the_instance_as_a_job() -> None:
    """A known instance is the job in its state."""
    durable = FakeDurableClient({JOB_ID: instance("Completed", output={"status": "completed"})})

    assert await JobClient(durable).view(JOB) == JobView("completed")


async def test_unknown_instance_is_no_job() -> None:
    """The backend's empty answer, and only that, means that there is no such job."""
    assert await JobClient(FakeDurableClient()).view(JOB) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(BACKEND_ERROR, id="text"),
        pytest.param({"Message": "down"}, id="object"),
        pytest.param({"message": ["down"]}, id="object with a message"),
        pytest.param({}, id="empty object"),
    ],
)
async def test_backends_error_is_not_an_unknown_job(answer: str | dict[str, object]) -> None:
    """The SDK makes a falsy status of HTTP 500 too; a job must not vanish because its backend has hiccups."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.read_answer = answer

    with pytest.raises(BackendUnavailable, match=JOB_ID):
        await JobClient(durable).view(JOB)


@pytest.mark.parametrize(
    "error",
    [
        Exception("The operation failed with an unexpected status code 503"),
        ConnectionError("refused"),
        TimeoutError(),
        json.JSONDecodeError("Expecting value", "<html>", 0),
    ],
)
async def test_read_that_raises_is_an_unavailable_backend(error: Exception) -> None:
    """Whatever the SDK raises while reading, nothing is known about the job."""
    durable = FakeDurableClient()
    durable.read_error = error

    with pytest.raises(BackendUnavailable, match=JOB_ID):
        await JobClient(durable).view(JOB)


def sdk_client(status: int, body: object) -> DurableOrchestrationClient:
    """The SDK's own client, whose every read is answered with this."""
    client = DurableOrchestrationClient(ClientBinding("Hub", "http://public", "http://rpc").text())

    async def read(url: str, function_invocation_id: str = "") -> list[Any]:
        assert url.startswith(f"http://rpc/durabletask/instances/{JOB_ID}")
        assert not function_invocation_id
        return [status, body]

    client._get_async_request = read
    return client


@pytest.mark.parametrize("status", [200, 202, 400, 500])
async def test_empty_answer_that_is_no_404_is_not_an_unknown_job(status: int) -> None:
    """The SDK makes the same of an empty 500 as of a 404, and the backend's listener does answer empty 500s."""
    with pytest.raises(BackendUnavailable, match=rf"{JOB_ID}.*HTTP {status}"):
        await JobClient(sdk_client(status, "")).view(JOB)


async def test_the_sdks_404_is_an_unknown_job() -> None:
    """The backend has answered that there is no such instance."""
    assert await JobClient(sdk_client(404, "")).view(JOB) is None


async def test_the_sdks_answer_is_read_as_a_job() -> None:
    """Listening to the SDK's reads changes nothing about them."""
    assert await JobClient(sdk_client(202, instance("Running"))).view(JOB) == JobView("queued")


async def test_start_that_is_known_to_have_failed_only_at_the_third_look_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look that fails is repeated for as long as the caller's patience allows: nobody else can tell."""
    durable = FakeDurableClient()
    durable.start_error_before = Exception("down")
    durable.read_answers = [BACKEND_ERROR, BACKEND_ERROR]
    monkeypatch.setattr(job_client, "READ_AGAIN_PAUSE_SECONDS", 0.001)

    with pytest.raises(BackendUnavailable, match="down"):
        await JobClient(durable).start(JOB, STORY)

    assert len(durable.reads) == 3


async def test_start_that_is_seen_only_at_the_second_look_is_accepted() -> None:
    """One failed look does not make a running job a refused one, which its caller would order again."""
    durable = FakeDurableClient()
    durable.start_error_after = Exception("down")
    durable.read_answers = [BACKEND_ERROR]

    await JobClient(durable).start(JOB, STORY)

    assert len(durable.reads) == 2


async def test_start_that_broke_off_and_arrives_late_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody refused it: what is not there at the first look may be there at the next."""
    monkeypatch.setattr(job_client, "READ_AGAIN_PAUSE_SECONDS", 0.001)
    durable = FakeDurableClient()
    durable.start_error_after = ConnectionError("reset")
    durable.read_answers = [UNKNOWN, UNKNOWN]

    await JobClient(durable).start(JOB, STORY)

    assert len(durable.reads) == 3


async def test_start_that_broke_off_and_left_nothing_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking ends with the caller's patience."""
    monkeypatch.setattr(job_client, "READ_AGAIN_DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(job_client, "READ_AGAIN_PAUSE_SECONDS", 0.02)
    durable = FakeDurableClient()
    durable.start_error_before = ConnectionError("reset")

    with pytest.raises(BackendUnavailable, match="reset"):
        await JobClient(durable).start(JOB, STORY)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once."""
    monkeypatch.setattr(job_client, "READ_AGAIN_PAUSE_SECONDS", 0)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "trouble", [ConnectionError("Connector is closed."), asyncio.CancelledError()], ids=["broken", "cancelled"]
)
async def test_read_that_breaks_is_repeated(trouble: BaseException) -> None:
    """Another call's broken connection must not become this job's error, nor end its request without an answer."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.read_errors = [trouble, trouble, trouble]

    assert await JobClient(durable).view(JOB) == JobView("queued")


async def test_read_that_its_own_caller_cancels_ends() -> None:
    """A cancellation that somebody asked for is one."""
    durable = FakeDurableClient()
    durable.read_hangs = True
    reading = asyncio.create_task(JobClient(durable).view(JOB))
    await asyncio.sleep(0)

    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(("error", "reads"), [(Exception("status code 503"), 1), (ConnectionError("refused"), 4)])
async def test_read_is_repeated_a_few_times_and_never_after_an_answer(error: Exception, reads: int) -> None:
    """Whoever asked asks again in a moment anyway."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.read_error = error

    with pytest.raises(BackendUnavailable):
        await JobClient(durable).view(JOB)

    assert len(durable.reads) == reads


async def test_time_out_is_named() -> None:
    """An error without a text of its own is told by its kind."""
    durable = FakeDurableClient()
    durable.read_error = TimeoutError()

    with pytest.raises(BackendUnavailable, match="TimeoutError"):
        await JobClient(durable).view(JOB)


async def test_read_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller's patience ends after 5 s, ours before."""
    monkeypatch.setattr(job_client, "READ_DEADLINE_SECONDS", 0.01)
    durable = FakeDurableClient()
    durable.read_hangs = True

    with pytest.raises(BackendUnavailable):
        await JobClient(durable).view(JOB)


@pytest.mark.parametrize(
    ("runtime_status", "told"),
    [("Pending", False), ("Running", False), ("Suspended", False), ("Completed", True), ("Failed", True)],
)
async def test_sight_says_all_that_a_story_shows(runtime_status: str, told: bool) -> None:
    """More than a view: the stage, how far it is, its times, and whether anything is still going on."""
    shown = {
        "status": "processing",
        "stage": "render",
        "progress": 40,
        "submits": 2,
        "times": {"placed": "2026-03-01T12:30:56.450Z"},
        "expires_at": "2026-03-31T12:30:15.250Z",
    }
    durable = FakeDurableClient({JOB_ID: instance(runtime_status, shown, {"status": "completed"} if told else None)})

    sight = await JobClient(durable).sight(JOB)

    assert sight is not None
    assert (sight.told, sight.stage, sight.progress, sight.submits) == (told, "render", 40, 2)
    assert sight.times == {"placed": "2026-03-01T12:30:56.450Z"}
    assert sight.expires_at == "2026-03-31T12:30:15.250Z"
    assert sight.view == await JobClient(durable).view(JOB)


async def test_sight_of_a_story_that_is_not_there_is_none() -> None:
    """As for a view: the backend's empty 404, and only that."""
    assert await JobClient(FakeDurableClient()).sight(JOB) is None


async def test_sight_ends_with_the_time_that_its_caller_has() -> None:
    """Who looks whether a start arrived has less time than who asks for a status."""
    durable = FakeDurableClient()
    durable.read_hangs = True

    with pytest.raises(BackendUnavailable, match="TimeoutError"):
        await JobClient(durable).sight(JOB, seconds=0.01)
