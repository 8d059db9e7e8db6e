"""`JobClient` telling stories something: events, terminations, purges, and what the SDK's errors about them mean."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationClient

from devtools.host.binding import ClientBinding
from shared.errors import BackendUnavailable
from shared.jobs import client as job_client
from shared.jobs.client import JobClient
from shared.jobs.ids import JobId
from shared.names import CANCEL_JOB
from tests.support.builders import JOB_ID
from tests.support.durable_client import BACKEND_ERROR, ENDED, FakeDurableClient, Trouble, instance

JOB = JobId(JOB_ID)

Telling = Callable[[FakeDurableClient], Awaitable[object]]

RUNNING = ("Pending", "Running", "Suspended", "ContinuedAsNew")


async def signal(durable: FakeDurableClient) -> bool:
    return await JobClient(durable).signal(JOB, CANCEL_JOB)


async def terminate(durable: FakeDurableClient) -> None:
    await JobClient(durable).terminate(JOB, "stuck")


async def purge(durable: FakeDurableClient) -> None:
    await JobClient(durable).purge(JOB)


TELLING: list[Any] = [
    pytest.param(signal, "event_trouble", id="signal"),
    pytest.param(terminate, "termination_trouble", id="terminate"),
]
EVERYTHING: list[Any] = [*TELLING, pytest.param(purge, "purge_trouble", id="purge")]


@pytest.mark.parametrize("runtime_status", RUNNING)
async def test_signal_reaches_a_story_that_goes_on(runtime_status: str) -> None:
    """The event carries its name and nothing else; who waits is told nothing by it but to look."""
    durable = FakeDurableClient({JOB_ID: instance(runtime_status)})

    assert await signal(durable)

    assert durable.events == [(JOB_ID, "cancel_job", None)]
    assert durable.reads == []


@pytest.mark.parametrize("runtime_status", ENDED)
async def test_signal_says_that_the_story_has_ended(runtime_status: str) -> None:
    """The SDK's bare exception for an instance that is gone is no failure, but the answer."""
    durable = FakeDurableClient({JOB_ID: instance(runtime_status)})

    assert not await signal(durable)


async def test_signal_to_a_story_that_is_not_there_yet_is_no_ended_one() -> None:
    """A job whose start is on its way must not be taken for one that is over: its place would go to another."""
    durable = FakeDurableClient()

    assert await signal(durable)

    assert len(durable.events) == 1


@pytest.mark.parametrize("trouble", [Exception("status code 503"), ConnectionError("reset"), TimeoutError()])
async def test_signal_that_fails_while_the_story_goes_on_is_an_unavailable_backend(trouble: Exception) -> None:
    """The same bare exception as for an ended story; only a look tells them apart."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.event_trouble = Trouble(before=trouble)

    with pytest.raises(
        BackendUnavailable, match=rf"cancel_job did not reach '{JOB_ID}': {str(trouble) or 'TimeoutError'}"
    ):
        await signal(durable)


async def test_story_that_shows_its_end_but_still_tidies_up_has_not_ended() -> None:
    """An event that is lost on such a one is an error like any other: it may be waiting for it."""
    durable = FakeDurableClient({JOB_ID: instance("Running", {"status": "failed", "code": "cancelled"})})
    durable.event_trouble = Trouble(before=ConnectionError("reset"))

    with pytest.raises(BackendUnavailable):
        await signal(durable)


async def test_termination_ends_the_story_and_says_why() -> None:
    """An operator reads the reason at the instance."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})

    await terminate(durable)

    assert durable.terminated == [(JOB_ID, "stuck")]
    assert durable.instances[JOB_ID]["runtimeStatus"] == "Terminated"
    assert durable.reads == []


@pytest.mark.parametrize("runtime_status", [*ENDED, None])
async def test_termination_of_what_does_not_run_does_nothing(runtime_status: str | None) -> None:
    """Ended or never there: the SDK raises for the latter, and there is nothing to be done about either."""
    durable = FakeDurableClient({} if runtime_status is None else {JOB_ID: instance(runtime_status)})

    await terminate(durable)

    assert durable.instances == ({} if runtime_status is None else {JOB_ID: instance(runtime_status)})


@pytest.mark.parametrize("trouble", [ConnectionError("reset"), Exception("status code 500")])
async def test_termination_whose_answer_was_lost_is_one(trouble: Exception) -> None:
    """What has been done is seen by looking, and not reported as a failure."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.termination_trouble = Trouble(after=trouble)

    await terminate(durable)

    assert durable.reads == [JOB_ID]


async def test_termination_that_did_not_happen_is_an_unavailable_backend() -> None:
    """Whoever ends a stuck job must know that it goes on."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    durable.termination_trouble = Trouble(before=Exception("status code 500"))

    with pytest.raises(BackendUnavailable, match=rf"termination did not reach '{JOB_ID}'.*status code 500"):
        await terminate(durable)


@pytest.mark.parametrize("runtime_status", [*ENDED, None])
async def test_purged_story_is_forgotten(runtime_status: str | None) -> None:
    """One that was never there, or is gone already, is forgotten too."""
    durable = FakeDurableClient({} if runtime_status is None else {JOB_ID: instance(runtime_status)})

    await purge(durable)

    assert durable.instances == {}
    assert durable.purged == [JOB_ID]


async def test_story_that_goes_on_is_not_purged() -> None:
    """The backend refuses; nobody may believe that the history is gone."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})

    with pytest.raises(BackendUnavailable, match=rf"the history of '{JOB_ID}' could not be purged: .*412"):
        await purge(durable)

    assert JOB_ID in durable.instances


@pytest.mark.parametrize(("telling", "attribute"), EVERYTHING)
async def test_call_that_hangs_is_given_up(telling: Telling, attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep has a minute for everything, and a caller 5 s."""
    monkeypatch.setattr(job_client, "READ_DEADLINE_SECONDS", 0.01)
    runtime_status = "Completed" if telling is purge else "Suspended"
    durable = FakeDurableClient({JOB_ID: instance(runtime_status)})
    setattr(durable, attribute, Trouble(hangs=True))
    durable.read_answers = [instance("Running")]

    with pytest.raises(BackendUnavailable, match="TimeoutError"):
        await telling(durable)


@pytest.mark.parametrize(("telling", "attribute"), EVERYTHING)
async def test_connections_that_the_sdk_closes_are_an_unavailable_backend(telling: Telling, attribute: str) -> None:
    """It cancels the calls that wait for one; a function that took it for its own cancellation would not answer."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    setattr(durable, attribute, Trouble(before=asyncio.CancelledError()))

    with pytest.raises(BackendUnavailable, match="closed its connections"):
        await telling(durable)


@pytest.mark.parametrize(("telling", "attribute"), TELLING)
async def test_failure_that_cannot_be_looked_into_is_an_unavailable_backend(telling: Telling, attribute: str) -> None:
    """Neither told nor seen: nothing is known about the story."""
    durable = FakeDurableClient({JOB_ID: instance("Running")})
    setattr(durable, attribute, Trouble(before=ConnectionError("reset")))
    durable.read_answer = BACKEND_ERROR

    with pytest.raises(BackendUnavailable, match="could not be read"):
        await telling(durable)


class Posts:
    """The SDK's own client, whose posts and deletions are answered with a status and noted."""

    def __init__(self, status: int, known: object = "") -> None:
        self.asked: list[str] = []
        self.client = DurableOrchestrationClient(ClientBinding("Hub", "http://public", "http://rpc").text())

        async def tell(url: str, *_: object, **__: object) -> list[Any]:
            self.asked.append(url)
            return [status, None]

        async def read(url: str, function_invocation_id: str = "") -> list[Any]:
            del url, function_invocation_id
            return [200 if known else 404, known]

        self.client._post_async_request = tell
        self.client._delete_async_request = tell
        self.client._get_async_request = read


@pytest.mark.parametrize(
    ("status", "known", "told"),
    [
        pytest.param(202, instance("Running"), True, id="taken"),
        pytest.param(410, instance("Completed"), False, id="ended"),
        pytest.param(404, "", True, id="unknown"),
        pytest.param(404, instance("Completed"), False, id="unknown by an old view, ended by the newer"),
    ],
)
async def test_signal_reads_the_sdks_answers(status: int, known: object, told: bool) -> None:
    """By its real client, at the address of the event."""
    posts = Posts(status, known)

    assert await JobClient(posts.client).signal(JOB, CANCEL_JOB) is told

    assert posts.asked == [f"http://rpc/durabletask/instances/{JOB_ID}/raiseEvent/cancel_job"]


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_signal_that_the_backend_does_not_take_is_an_unavailable_one(status: int) -> None:
    """Whatever else the SDK is answered."""
    with pytest.raises(BackendUnavailable):
        await JobClient(Posts(status, instance("Running")).client).signal(JOB, CANCEL_JOB)


@pytest.mark.parametrize("status", [202, 410])
async def test_termination_reads_the_sdks_answers(status: int) -> None:
    """By its real client; the reason is in the address."""
    posts = Posts(status)

    await JobClient(posts.client).terminate(JOB, "too late")

    assert posts.asked == [f"http://rpc/durabletask/instances/{JOB_ID}/terminate?reason=too%20late"]


async def test_purge_reads_the_sdks_answers() -> None:
    """An unknown instance is a count of none; everything else that is no success raises."""
    posts = Posts(404)

    await JobClient(posts.client).purge(JOB)

    assert posts.asked == [f"http://rpc/durabletask/instances/{JOB_ID}"]
    with pytest.raises(BackendUnavailable, match="500"):
        await JobClient(Posts(500).client).purge(JOB)
