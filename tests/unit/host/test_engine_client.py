"""The durable client without a port: every answer is held against the SDK's own client over HTTP."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult
from azure.durable_functions.models.utils import http_utils

from devtools.host.binding import RPC_PATH, ClientBinding
from devtools.host.inprocess import InProcessHost, in_process_host
from devtools.host.management_api import ManagementApi
from devtools.host.server import listen, origin, serving
from tests.unit.host import stories


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[InProcessHost]:
    async with in_process_host(stories.app, tmp_path) as running:
        yield running


@pytest.fixture(params=["engine", "sdk"])
async def client(request: pytest.FixtureRequest, host: InProcessHost) -> AsyncIterator[Any]:
    """The client in process, and the SDK's."""
    if request.param == "engine":
        yield host.client
        return
    listener = listen(0)
    binding = ClientBinding("Hub", public="http://app", rpc=origin(listener))
    async with serving(ManagementApi(host.engine, binding).app(RPC_PATH), listener):
        yield df.DurableOrchestrationClient(binding.text())
        await http_utils._close_session()  # the SDK keeps one session for the process


@contextlib.contextmanager
def refused(sentence: str) -> Any:
    """Expect a bare Exception that says exactly this."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the type is looked at below
        yield
    assert type(caught.value) is Exception
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", [None, {"ü": [1, None]}, "text", False])
async def test_orchestration_is_started_with_its_input(client: Any, host: InProcessHost, value: object) -> None:
    """The id is the caller's, the input a JSON text as the SDK sends it."""
    started = await client.start_new("chain", "j1", value)

    expected = host.start("chain", value)
    assert started == "j1"
    assert (await host.end_of("j1"))["output"] == (await host.end_of(expected))["output"]
    assert host.status("j1")["input"] == host.status(expected)["input"]


async def test_orchestration_without_an_id_gets_one(client: Any, host: InProcessHost) -> None:
    """A fresh one each time."""
    first, second = await client.start_new("chain", client_input=1), await client.start_new("chain", client_input=1)

    assert first != second
    assert (await host.end_of(first))["runtimeStatus"] == "Completed"


async def test_id_that_is_at_work_is_refused(client: Any, host: InProcessHost) -> None:
    """The extension's answer, as the text of the exception."""
    await client.start_new("patient", "j1")
    await host.idle()

    with refused("{'Message': \"An orchestration with id 'j1' already exists. It is in state Running\"}"):
        await client.start_new("patient", "j1")


async def test_status_follows_the_instance(client: Any, host: InProcessHost) -> None:
    """Running, with what it shows, then completed with its output; the input is there whether asked for or not."""
    await client.start_new("approval", "j1", True)
    await host.idle()
    running = await client.get_status("j1")
    await client.raise_event("j1", "Approve", {"by": "me"})
    await host.idle()
    ended = await client.get_status("j1", show_input=True)

    assert running
    assert (running.name, running.instance_id) == ("approval", "j1")
    assert (running.runtime_status, running.custom_status) == (df.OrchestrationRuntimeStatus.Running, "waiting")
    assert running.input_ == ended.input_ == "true"
    assert (ended.runtime_status, ended.output) == (df.OrchestrationRuntimeStatus.Completed, '{"by": "me"}')
    assert ended.created_time == host.clock.now()


@pytest.mark.parametrize("with_output", [True, False])
async def test_status_has_the_history_on_request(client: Any, host: InProcessHost, with_output: bool) -> None:
    """Under the name that the SDK leaves it with, outputs only if asked for."""
    await client.start_new("chain", "j1", 1)
    await host.idle()

    plain = await client.get_status("j1")
    status = await client.get_status("j1", show_history=True, show_history_output=with_output)

    events = status.historyEvents
    assert [event["EventType"] for event in events] == [
        "ExecutionStarted",
        "TaskCompleted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert ("Result" in events[1]) is with_output
    assert not hasattr(plain, "historyEvents")


async def test_unknown_instance_is_a_false_status_with_an_empty_message(client: Any) -> None:
    """What the SDK makes of an empty 404."""
    status = await client.get_status("nobody")

    assert not status
    assert status.message == ""
    assert status.runtime_status is None


@pytest.mark.parametrize("value", [None, 0, {"ü": 1}, "text"])
async def test_event_data_arrives_as_text(client: Any, host: InProcessHost, value: object) -> None:
    """As with the host's own way to raise events."""
    jobs = [host.start("patient"), host.start("patient")]
    await host.idle()

    await client.raise_event(jobs[0], "Go", value)
    host.raise_event(jobs[1], "Go", value)

    first, second = [(await host.end_of(job))["output"] for job in jobs]
    assert first == second


async def test_event_without_a_name_is_refused(client: Any) -> None:
    """Before anything is asked of the backend."""
    with pytest.raises(ValueError, match="event_name must be a non-empty string"):
        await client.raise_event("nobody", "")


async def test_event_for_an_unknown_or_ended_instance_is_refused(client: Any, host: InProcessHost) -> None:
    """With a sentence for each."""
    await host.end_of(host.start("chain", 1, "j1"))

    with refused("No instance with ID nobody found."):
        await client.raise_event("nobody", "Go")
    with refused("Instance with ID j1 is gone: either completed or failed"):
        await client.raise_event("j1", "Go")


async def test_instance_is_terminated_once_and_again(client: Any, host: InProcessHost) -> None:
    """The second time nothing happens; an unknown one is refused."""
    await client.start_new("patient", "j1")
    await host.idle()

    await client.terminate("j1", "enough, ü & all")
    await host.idle()
    await client.terminate("j1", "again")

    assert host.status("j1")["output"] == "enough, ü & all"
    with refused("No instance with ID 'nobody' found."):
        await client.terminate("nobody", "why not")


async def test_only_what_has_ended_is_purged(client: Any, host: InProcessHost) -> None:
    """A running instance is refused, an unknown one counts for nothing."""
    await client.start_new("patient", "j1")
    await host.idle()
    with refused("The operation failed with an unexpected status code 412"):
        await client.purge_instance_history("j1")
    await client.terminate("j1", "enough")
    await host.idle()

    deleted = await client.purge_instance_history("j1")
    again = await client.purge_instance_history("j1")

    assert isinstance(deleted, PurgeHistoryResult)
    assert (deleted.instances_deleted, again.instances_deleted) == (1, 0)


async def test_client_in_process_has_nothing_to_listen_to(host: InProcessHost) -> None:
    """Who looks at the HTTP answers behind the SDK's back finds none, and trusts an empty answer."""
    assert not hasattr(host.client, "_get_async_request")
